"""A question that is asked again and again: its pace, its budget, and the shape of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError
from floorbroker.transport.polling import Pace, PollBudget, Poller, read_polled
from floorbroker.transport.types import SocketTarget

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOWHERE = SocketTarget(url="")


class Desk:
    """A poller on a clock of its own, read in the background; `asked_s` is when each question was asked."""

    def __init__(self, *, requests: int = 1000, pages: int = 1) -> None:
        self.clock = ManualClock(NOON)
        self.busy = False
        self.pages = pages
        self.asked_s: list[float] = []
        self.frames: list[bytes] = []
        self.poller = Poller(
            self.ask,
            clock=self.clock,
            pace=Pace(busy_s=2.0, calm_s=10.0, soon_s=(0.5, 1.0)),
            budget=PollBudget(requests=requests, per_s=60.0),
            is_busy=lambda: self.busy,
        )
        self._began_s = self.clock.monotonic()

    async def ask(self) -> Sequence[bytes]:
        self.asked_s.append(round(self.clock.monotonic() - self._began_s, 3))
        return [b"{}"] * self.pages

    async def read(self) -> None:
        async for frame in await self.poller.connect(NOWHERE):
            self.frames.append(frame.data)

    async def run(self, seconds: float, *, stir_at: int | None = None) -> None:
        """Half a second at a time, so that each wait ends where it should."""
        task = asyncio.ensure_future(self.read())
        for step in range(int(seconds * 2)):
            await self.clock.advance(0.5)
            if step == stir_at:
                self.poller.stir()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.asyncio
async def test_a_calm_account_is_asked_seldom_and_a_busy_one_often() -> None:
    calm, busy = Desk(), Desk()
    busy.busy = True
    await calm.run(25)
    await busy.run(25)
    assert calm.asked_s == [0.0, 10.0, 20.0]
    assert len(busy.asked_s) == 13


@pytest.mark.asyncio
async def test_a_stir_is_answered_soon_and_then_it_is_calm_again() -> None:
    desk = Desk()
    await desk.run(20, stir_at=5)
    first, *after = desk.asked_s
    assert first == 0.0
    assert after[0] <= 4.0
    assert 0.5 <= after[1] - after[0] <= 1.5
    assert after[2] - after[1] >= 9.0


@pytest.mark.asyncio
async def test_no_window_sees_more_requests_than_the_budget() -> None:
    desk = Desk(requests=10, pages=2)
    desk.busy = True
    await desk.run(130)
    for start in desk.asked_s:
        assert 2 * sum(1 for at in desk.asked_s if start <= at < start + 60) <= 10


@pytest.mark.asyncio
async def test_a_frame_tells_when_it_was_asked_for() -> None:
    desk = Desk()
    await desk.run(1)
    assert read_polled(desk.frames[0]) == (NOON, b"{}")
    with pytest.raises(ValueError, match="begins with the time"):
        read_polled(b"{}")


@pytest.mark.asyncio
async def test_a_question_that_fails_is_a_lost_connection() -> None:
    async def broken() -> Sequence[bytes]:
        raise ApiError("the venue answered 500")

    clock = ManualClock(NOON)
    budget = PollBudget(requests=1, per_s=60.0)
    poller = Poller(broken, clock=clock, pace=Pace(busy_s=1, calm_s=1), budget=budget)
    frames = aiter(await poller.connect(NOWHERE))
    with pytest.raises(ApiError):
        await anext(frames)


def test_a_budget_has_room_and_a_window() -> None:
    for requests, per_s in ((0, 60.0), (1, 0.0)):
        with pytest.raises(ValueError, match="at least one request"):
            PollBudget(requests=requests, per_s=per_s)
