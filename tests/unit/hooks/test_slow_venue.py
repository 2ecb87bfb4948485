"""A sender gives up after three seconds: it is answered once the order is durable, whatever the venue takes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, NotReady, RateLimitExceeded
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.values import Environment, IntentId, ProfileName
from floorbroker.gateway.desk import Desk, Submitted
from floorbroker.hooks.inbox import Inbox, digest_of
from floorbroker.hooks.records import Hook
from floorbroker.hooks.rows import Rows
from floorbroker.hooks.template import DEFAULT
from floorbroker.store.desk import DeskDatabase

HOOK = Hook(
    id="h1", name="slow", environment=Environment.PAPER, profile=ProfileName("paper"), strategy="slow", template=DEFAULT,
    digest=digest_of("s"), created_at=datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip
BODY = b"secret=s symbol=AAPL side=buy quantity=1"


class Venue:
    """A desk whose venue does not answer until it is told to."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        self.asked = 0
        self.is_asked = asyncio.Event()

    async def submit(self, *given: object, **named: object) -> Submitted:
        del given, named
        self.asked += 1
        self.is_asked.set()
        return await self.answer


async def inbox_over(folder: Path, venue: Venue, placed: dict[str, IntentId]) -> Inbox:
    rows, numbers = Rows(DeskDatabase(folder / "desk.db")), count()
    await rows.add_hook(HOOK)
    return Inbox(
        rows=rows,
        desks={Environment.PAPER: cast("Desk", venue)},
        clock=SystemClock(),
        log=NoLog(),
        meter=NoMeter(),
        placed=lambda env, who, profile, key: placed.get(who),
        new_id=lambda: str(next(numbers)),
    )


@pytest.mark.asyncio
async def test_a_signal_is_answered_as_soon_as_its_order_is_durable(tmp_path: Path) -> None:
    venue, placed = Venue(), dict[str, IntentId]()
    inbox = await inbox_over(tmp_path, venue, placed)
    given: dict[str, Any] = {"signature": "", "address": "", "request_id": ""}
    asking = asyncio.ensure_future(inbox.receive("h1", BODY, **given))
    await asyncio.sleep(0.35)
    assert not asking.done()  # nothing is durable yet: an answer would promise too much
    placed["hook:slow"] = IntentId("i1")
    received = await asyncio.wait_for(asking, 1)
    assert (received.intent_id, received.submitted, venue.asked) == ("i1", None, 1)
    assert (await inbox.rows.signals("h1"))[0].intent_id == "i1"
    venue.answer.set_exception(NotReady("the venue is gone"))
    await inbox.close()
    await inbox.rows.cold.close()


@pytest.mark.asyncio
async def test_a_sender_that_hangs_up_does_not_take_its_order_back(tmp_path: Path) -> None:
    venue = Venue()
    inbox = await inbox_over(tmp_path, venue, {})
    asking = asyncio.ensure_future(inbox.receive("h1", BODY, signature="", address="", request_id=""))
    await venue.is_asked.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert not venue.answer.cancelled()
    venue.answer.set_exception(NotReady("later"))
    await inbox.close()
    await inbox.rows.cold.close()


@pytest.mark.asyncio
async def test_guesses_from_everywhere_do_not_set_a_hooks_own_pace_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorbroker.hooks.inbox.BRAKES_MAX", 20)
    venue = Venue()
    venue.answer.set_exception(NotReady("no venue"))
    inbox = await inbox_over(tmp_path, venue, {})
    for number in range(HOOK.per_minute):
        with pytest.raises(NotReady):
            await inbox.receive("h1", BODY + str(number).encode(), signature="", address="a", request_id="")
    for number in range(50):
        with pytest.raises(FloorbrokerError, match="this address and this secret"):
            await inbox.receive("none", b"secret=x", signature="", address=f"10.0.0.{number}", request_id="")
    with pytest.raises(RateLimitExceeded):
        await inbox.receive("h1", BODY, signature="", address="a", request_id="")
    await inbox.rows.cold.close()
