"""Requests that carry a number go one after the other, and a cancel waits for nobody long."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import Outcome, RateLimitExceeded
from floorbroker.transport.layers.turns import PATIENCE_S, InTurn, Turns
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.transport.fakes import clock, read

pytestmark = pytest.mark.asyncio


class Slow:
    """Answers when told to; keeps what is under way and in which order it came."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.answers: dict[str, asyncio.Future[Response]] = {}

    async def send(self, request: Request) -> Response:
        self.came.append(request.endpoint)
        self.answers[request.endpoint] = answer = asyncio.get_running_loop().create_future()
        return await answer

    def answer(self, endpoint: str) -> None:
        self.answers[endpoint].set_result(Response(status=200))


def layers(time: ManualClock) -> tuple[InTurn, Slow, Turns]:
    inner = Slow()
    turns = Turns(clock=time, applies=lambda request: request.path.startswith("/private"))
    return InTurn(inner, turns=turns), inner, turns


def private(name: str, lane: Lane = Lane.RECONCILE) -> Request:
    return read(path=f"/private/{name}", endpoint=name, lane=lane)


async def _started(time: ManualClock, layer: InTurn, *requests: Request) -> list[asyncio.Task[Response]]:
    tasks = []
    for request in requests:
        tasks.append(asyncio.create_task(layer.send(request)))
        await time.advance(0)
    return tasks


async def test_a_second_request_leaves_after_the_first_is_answered() -> None:
    time = clock()
    layer, inner, _ = layers(time)
    tasks = await _started(time, layer, private("one"), private("two"))
    assert inner.came == ["one"]
    inner.answer("one")
    await time.advance(0)
    assert inner.came == ["one", "two"]
    inner.answer("two")
    await asyncio.gather(*tasks)


async def test_the_next_turn_goes_by_lane() -> None:
    time = clock()
    layer, inner, _ = layers(time)
    tasks = await _started(
        time, layer, private("one"), private("read"), private("new", Lane.NEW), private("cancel", Lane.CANCEL)
    )
    for name in ("one", "cancel", "new", "read"):
        inner.answer(name)
        await time.advance(0)
    await asyncio.gather(*tasks)
    assert inner.came == ["one", "cancel", "new", "read"]


async def test_a_cancel_goes_along_when_the_answer_is_slow_and_the_next_waits_for_both() -> None:
    time = clock()
    layer, inner, turns = layers(time)
    tasks = await _started(time, layer, private("one"), private("cancel", Lane.CANCEL), private("two"))
    await time.advance(PATIENCE_S[Lane.CANCEL])
    assert inner.came == ["one", "cancel"]
    inner.answer("cancel")
    await time.advance(0)
    assert inner.came == ["one", "cancel"]
    inner.answer("one")
    await time.advance(0)
    inner.answer("two")
    await asyncio.gather(*tasks)
    assert turns.under_way == 0


async def test_cancels_that_waited_together_leave_one_after_the_other() -> None:
    time = clock()
    layer, inner, turns = layers(time)
    names = [f"cancel {number}" for number in range(4)]
    tasks = await _started(time, layer, private("one"), *(private(name, Lane.CANCEL) for name in names))
    for gone in range(1, 5):
        await time.advance(PATIENCE_S[Lane.CANCEL] * 0.9)
        assert len(inner.came) == gone
        await time.advance(PATIENCE_S[Lane.CANCEL] * 0.1)
        assert len(inner.came) == gone + 1
    assert inner.came == ["one", *names]
    for name in inner.came:
        inner.answer(name)
    await asyncio.gather(*tasks)
    assert turns.under_way == 0


async def test_a_burst_of_cancels_that_is_answered_never_has_two_under_way() -> None:
    time = clock()
    layer, inner, turns = layers(time)
    names = [f"cancel {number}" for number in range(20)]
    tasks = await _started(time, layer, *(private(name, Lane.CANCEL) for name in names))
    for name in names:
        await time.advance(0.1)
        assert (inner.came[-1], turns.under_way) == (name, 1)
        inner.answer(name)
        await time.advance(0)
    await asyncio.gather(*tasks)
    assert inner.came == names


async def test_a_cancel_waits_longer_than_any_read() -> None:
    time = clock()
    inner = Slow()
    layer = InTurn(inner, turns=Turns(clock=time, applies=lambda _: True, patience_s={}))
    first, read_, cancel = await _started(time, layer, private("one"), private("two"), private("cancel", Lane.CANCEL))
    await time.advance(60)
    with pytest.raises(RateLimitExceeded):
        await read_
    inner.answer("one")
    await time.advance(0)
    inner.answer("cancel")
    await asyncio.gather(first, cancel)


async def test_a_read_whose_turn_does_not_come_was_not_sent() -> None:
    time = clock()
    layer, inner, _ = layers(time)
    first, second = await _started(time, layer, private("one"), private("two"))
    await time.advance(30)
    with pytest.raises(RateLimitExceeded) as caught:
        await second
    assert (caught.value.outcome, inner.came) == (Outcome.NOT_SENT, ["one"])
    inner.answer("one")
    await first


async def test_who_leaves_the_queue_or_fails_holds_nobody_back() -> None:
    time = clock()
    layer, inner, turns = layers(time)
    first, second, third = await _started(time, layer, private("one"), private("two"), private("three"))
    second.cancel()
    inner.answers["one"].set_exception(ConnectionError("broke"))
    await time.advance(0)
    assert inner.came == ["one", "three"]
    inner.answer("three")
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert turns.under_way == 0


async def test_a_turn_that_comes_as_its_waiter_is_cancelled_is_passed_on() -> None:
    time = clock()
    layer, inner, _ = layers(time)
    _, second, third = await _started(time, layer, private("one"), private("two"), private("three"))
    inner.answer("one")
    second.cancel()
    await time.advance(0)
    inner.answer(inner.came[-1])
    await time.advance(0)
    assert inner.came[-1] == "three"
    if not third.done():
        inner.answer("three")
    await third


async def test_what_carries_no_number_waits_for_nobody() -> None:
    time = clock()
    layer, inner, _ = layers(time)
    tasks = await _started(time, layer, private("one"), read(path="/public", endpoint="public"))
    assert inner.came == ["one", "public"]
    inner.answer("one")
    inner.answer("public")
    await asyncio.gather(*tasks)
