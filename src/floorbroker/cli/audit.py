"""The audit: who did what, through which door, and what became of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import say, show_json, show_text

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

PAGE = 1000
POLL_S = 0.5
audit = typer.Typer(help="Who did what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of the audit."""
    app.add_typer(audit, name="audit")


@audit.command("tail")
def tail(
    ctx: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many of the last rows first.")] = 20,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this journal sequence instead.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Do not follow; without a server there is nothing to.")] = False,
) -> None:
    """The last rows, then what comes; --json prints JSON Lines."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def work(desk: Reached) -> None:
        from floorbroker.domain.clock import SystemClock

        seen, rows = await _last(desk, lines if after is None else None, after or 0)
        for row in rows:
            _show(settings, row)
        if not rows:
            say(settings, "no audit rows yet")
        clock = SystemClock()
        while desk.by_server and not once:
            await clock.sleep(POLL_S)
            for row in await _page(desk, seen):
                _show(settings, row)
                seen = row["seq"]

    on_desk(settings, work)


async def _last(desk: Reached, keep: int | None, after: int) -> tuple[int, list[dict[str, Any]]]:
    """The sequence of the newest row, and the last `keep` rows; all of them when None."""
    kept: deque[dict[str, Any]] = deque(maxlen=keep)
    while rows := await _page(desk, after):
        kept.extend(rows)
        after = rows[-1]["seq"]
    return after, list(kept)


async def _page(desk: Reached, after: int) -> list[dict[str, Any]]:
    from floorbroker.client.desk import API

    params = {"environment": desk.client.environment, "after": after, "limit": PAGE}
    return (await desk.client.door.call("GET", f"{API}/audit", params=params)).json()["items"]


def _show(settings: Settings, row: dict[str, Any]) -> None:
    if settings.json:
        show_json(row)
        return
    from floorbroker.cli.failures import plain

    words = [
        row["seq"],
        row["at"],
        row["profile"],
        row["actor"],
        row["via"],
        row["action"],
        row["object"],
        row["outcome"],
    ]
    show_text(plain("  ".join(str(word) for word in [*words, row["reason"]] if word != "")))
