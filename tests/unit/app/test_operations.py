"""Long work: one at a time, a bounded queue, cancelled at once."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.app.operations import WAITING_MAX, Operations, Told
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import InvalidRequest, NotFound, RateLimitExceeded

pytestmark = pytest.mark.asyncio


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_runs_and_the_next_waits_for_it() -> None:
    here, gate, running = Operations(SystemClock()), asyncio.Event(), list[str]()

    async def slow(told: Told) -> str:
        running.append("slow")
        told(1, 2)
        await gate.wait()
        return "/there"

    async def wrong(told: Told) -> str:
        del told
        running.append("wrong")
        raise InvalidRequest("SPY: no such thing")

    async def broken(told: Told) -> str:
        raise LookupError(told)

    first, second, third = (here.start("work", work) for work in (slow, wrong, broken))
    await settled()
    assert (running, first.state.value, first.percent, second.state.value) == (["slow"], "running", 50, "waiting")
    gate.set()
    await settled()
    assert (first.state.value, first.percent, first.result) == ("done", 100, "/there")
    assert (second.state.value, second.detail) == ("failed", "SPY: no such thing")
    assert (third.state.value, third.detail) == ("failed", "a bug in us: LookupError")


async def test_what_runs_and_what_waits_is_cancelled_and_the_rest_goes_on() -> None:
    here, ended = Operations(SystemClock()), list[str]()

    async def forever(told: Told) -> str:
        del told
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")
        return ""

    first, second, third = (here.start("work", forever) for _ in range(3))
    await settled()
    assert here.cancel(second.id).state.value == "cancelled"
    assert here.cancel(first.id).state.value == "cancelled"
    await settled()
    assert (ended, third.state.value) == (["ended"], "running")
    assert here.cancel(first.id).state.value == "cancelled"
    await here.close()
    assert (len(ended), third.state.value) == (2, "cancelled")
    with pytest.raises(NotFound, match="forgotten"):
        here.get("nobody")


async def test_a_full_queue_takes_no_more() -> None:
    here = Operations(SystemClock())

    async def forever(told: Told) -> str:
        del told
        await asyncio.Event().wait()
        return ""

    here.start("work", forever)
    await settled()
    for _ in range(WAITING_MAX):
        here.start("work", forever)
    with pytest.raises(RateLimitExceeded):
        here.start("work", forever)
    await here.close()


async def test_what_is_called_off_twice_is_tidied_up_all_the_same() -> None:
    here, tidied = Operations(SystemClock()), list[str]()

    async def forever(told: Told) -> str:
        del told
        try:
            await asyncio.Event().wait()
        finally:
            await settled()  # a process is waited for
            tidied.append("tidied")
        return ""

    work = here.start("work", forever)
    await settled()
    here.cancel(work.id)
    await asyncio.sleep(0)
    here.cancel(work.id)
    await here.close()
    assert tidied == ["tidied"]
