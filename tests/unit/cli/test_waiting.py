"""`--wait` follows an order that moves to another broker: told as dead, it would be placed once more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.cli.orders import awaited
from floorbroker.cli.settings import Settings


class Desk:
    """Answers what is next for an order, and its last word again."""

    def __init__(self, settings: Settings, **told: list[dict[str, Any]]) -> None:
        self.settings = settings
        self.told = told

    async def get(self, path: str) -> dict[str, Any]:
        answers = self.told[path.rpartition("/")[2]]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def order(
    id: str, status: str, *, is_open: bool = False, moving: bool = False, to: str | None = None
) -> dict[str, Any]:
    return {
        "id": id, "profile": f"at-{id}", "ord_status": status, "is_open": is_open, "moving": moving, "moved_to": to,
    }  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("wait", ["filled", "accepted"])
async def test_an_order_that_moves_is_waited_for_where_it_went(wait: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = order("a", "unknown", is_open=True)
    on_its_way, gone = order("a", "not_placed", moving=True), order("a", "not_placed", to="b")
    desk = Desk(Settings(), a=[on_its_way, gone], b=[order("b", "filled")])
    found = await awaited(cast("Any", desk), first, wait)
    assert (found["id"], found["ord_status"]) == ("b", "filled")
    assert "it came to nothing at at-a, and is order b now" in capsys.readouterr().err


@pytest.mark.asyncio
async def test_one_that_stays_dead_ends_the_wait() -> None:
    desk = SimpleNamespace(settings=Settings())
    dead = order("a", "not_placed")
    assert await awaited(cast("Any", desk), dead, "filled") == dead
