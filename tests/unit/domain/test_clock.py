"""Time has one door, and the simulated one wakes sleepers in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from floorbroker.domain.clock import ManualClock, SystemClock

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.asyncio
async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock, woken = ManualClock(START), list[str]()

    async def sleeper(name: str, delay_s: float) -> None:
        await clock.sleep(delay_s)
        woken.append(f"{name} at {clock.monotonic():g}")

    tasks = [
        asyncio.ensure_future(sleeper(name, delay)) for name, delay in (("late", 3.0), ("soon", 1.0), ("never", 9.0))
    ]
    await clock.advance(5.0)
    assert woken == ["soon at 1", "late at 3"]
    assert clock.now() == START + timedelta(seconds=5)
    tasks[-1].cancel()


@pytest.mark.asyncio
async def test_a_sleeper_that_sleeps_again_is_woken_again_on_the_way() -> None:
    clock, ticks = ManualClock(START), list[float]()

    async def ticker() -> None:
        while True:
            await clock.sleep(1.0)
            ticks.append(clock.monotonic())

    task = asyncio.ensure_future(ticker())
    await clock.advance(3.5)
    assert ticks == [1.0, 2.0, 3.0]
    task.cancel()


def test_the_system_clock_is_utc_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
