"""Looks at venues are shared for a second, and not beyond."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.domain.errors import ConnectionFailed
from floorbroker.web.looks import Looks
from tests.unit.transport.fakes import clock

pytestmark = pytest.mark.asyncio


async def test_one_question_serves_all_who_ask_within_a_second() -> None:
    time, asked = clock(), 0
    looks, going = Looks(time), asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await going.wait()
        return asked

    both = asyncio.gather(looks.share("a", ask), looks.share("a", ask), looks.share("b", ask))
    await asyncio.sleep(0)
    going.set()
    one, other, another = await both
    assert (one == other, asked) == (True, 2)
    assert another == 2
    await time.advance(0.9)
    await looks.share("a", ask)
    assert asked == 2
    await time.advance(0.2)
    await looks.share("a", ask)
    assert asked == 3


async def test_one_who_leaves_takes_nothing_from_the_others_and_errors_are_told_to_all() -> None:
    looks, going = Looks(clock()), asyncio.Event()

    async def fail() -> int:
        await going.wait()
        raise ConnectionFailed("no answer")

    leaving = asyncio.create_task(looks.share("a", fail))
    staying = asyncio.create_task(looks.share("a", fail))
    await asyncio.sleep(0)
    leaving.cancel()
    going.set()
    with pytest.raises(ConnectionFailed):
        await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
