"""Waiting for tokens: order of lanes, deadlines, bans, and nothing leaked by those who leave."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import Outcome, RateLimitExceeded
from floorbroker.transport.bucket import FULL_SHARES, Budget, LimitNews
from floorbroker.transport.limiter import Grant, Limiter, Limits
from floorbroker.transport.types import Lane
from tests.unit.transport.fakes import clock

pytestmark = pytest.mark.asyncio


def limiter(time: ManualClock, capacity: int = 1, per_s: float = 10) -> Limiter:
    budgets = (
        Budget(name="trading", capacity=capacity, per_s=per_s, shares=FULL_SHARES),
        Budget(name="data", capacity=capacity, per_s=per_s, shares=FULL_SHARES),
    )
    return Limiter(Limits(budgets=budgets, routes={"orders": ("trading",), "bars": ("data",)}), clock=time)


async def served(limits: Limiter, log: list[str], name: str, lane: Lane, endpoint: str = "orders.submit") -> Grant:
    grant = await limits.acquire(endpoint, lane=lane, max_wait_s=100)
    log.append(name)
    return grant


async def test_those_who_wait_are_served_by_lane_and_then_in_order() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "first", Lane.NEW)
    names = [("query", Lane.QUERY), ("new", Lane.NEW), ("resolve", Lane.RESOLVE), ("new too", Lane.NEW)]
    tasks = [asyncio.create_task(served(limits, log, name, lane)) for name, lane in names]
    await time.advance(45)
    await asyncio.gather(*tasks)
    assert log == ["first", "resolve", "new", "new too", "query"]


async def test_i15_a_cancel_passes_everybody_who_waits() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "first", Lane.NEW)
    waiting = asyncio.create_task(served(limits, log, "resolve", Lane.RESOLVE))
    await time.advance(1)
    await served(limits, log, "cancel", Lane.CANCEL)
    assert log == ["first", "cancel"]
    await time.advance(30)
    await waiting


async def test_a_light_request_does_not_overtake_a_heavy_one_of_a_better_lane() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time, capacity=2)
    await served(limits, log, "first", Lane.NEW)
    await time.advance(5)
    await served(limits, log, "second", Lane.NEW)

    async def heavy() -> None:
        await limits.acquire("orders", lane=Lane.REDUCE, weight=2, max_wait_s=100)
        log.append("heavy")

    tasks = [asyncio.create_task(heavy()), asyncio.create_task(served(limits, log, "light", Lane.NEW))]
    await time.advance(9)  # one token is back: enough for the light one alone
    assert log == ["first", "second"]
    await time.advance(20)
    await asyncio.gather(*tasks)
    assert log == ["first", "second", "heavy", "light"]


async def test_one_full_budget_does_not_hold_up_another() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "order", Lane.NEW)
    waiting = asyncio.create_task(served(limits, log, "order too", Lane.NEW))
    await time.advance(1)
    await asyncio.wait_for(served(limits, log, "bars", Lane.QUERY, "bars"), 1)
    assert log == ["order", "bars"]
    await time.advance(10)
    await waiting


async def test_an_endpoint_without_a_route_is_not_limited() -> None:
    limits = limiter(clock())
    for _ in range(100):
        assert (await limits.acquire("clock", lane=Lane.QUERY, max_wait_s=0)).taken == ()


async def test_a_wait_beyond_the_deadline_is_refused_at_once_as_not_sent() -> None:
    time = clock()
    limits = limiter(time)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)
    with pytest.raises(RateLimitExceeded) as caught:
        await limits.acquire("orders", lane=Lane.NEW, max_wait_s=9)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert caught.value.hint.retry_after_s == pytest.approx(10)
    assert time.monotonic() == 0


async def test_a_turn_that_does_not_come_is_refused_at_the_deadline() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "first", Lane.NEW)
    before = [asyncio.create_task(served(limits, log, "resolve", Lane.RESOLVE)) for _ in range(3)]
    late = asyncio.create_task(limits.acquire("orders", lane=Lane.NEW, max_wait_s=15))
    await time.advance(16)
    with pytest.raises(RateLimitExceeded):
        await late
    await time.advance(30)
    await asyncio.gather(*before)


async def test_a_wait_that_is_cancelled_takes_no_tokens() -> None:
    time = clock()
    limits = limiter(time)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)
    leaving = asyncio.create_task(limits.acquire("orders", lane=Lane.NEW, max_wait_s=100))
    await time.advance(9.5)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await time.advance(0.6)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)


async def test_a_grant_that_its_waiter_did_not_live_to_use_is_given_back() -> None:
    time = clock()
    limits = limiter(time)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)
    first = asyncio.create_task(limits.acquire("orders", lane=Lane.RESOLVE, max_wait_s=100))
    await time.advance(9.7)
    second = asyncio.create_task(limits.acquire("orders", lane=Lane.NEW, max_wait_s=100))
    await time.advance(0.0)
    time.set(time.now().replace(second=10, microsecond=500_000))
    third = asyncio.create_task(limits.acquire("orders", lane=Lane.NEW, max_wait_s=100))
    await asyncio.sleep(0)  # the third's look serves the first, which has not woken yet
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await time.advance(1)
    assert second.done()
    await time.advance(12)
    await third


async def test_tokens_of_a_request_that_was_not_sent_serve_the_next() -> None:
    time = clock()
    limits = limiter(time)
    grant = await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)
    limits.give_back(grant)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)


async def test_a_ban_stops_all_traffic_cancels_included_until_it_ends() -> None:
    time = clock()
    limits = limiter(time, capacity=10)
    limits.learn("orders", LimitNews(ban_s=120))
    for endpoint, lane in [("orders", Lane.CANCEL), ("bars", Lane.QUERY), ("clock", Lane.QUERY)]:
        with pytest.raises(RateLimitExceeded) as caught:
            await limits.acquire(endpoint, lane=lane, max_wait_s=100)
        assert caught.value.hint.retry_after_s == pytest.approx(120)
    await time.advance(121)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)


async def test_a_ban_reaches_those_who_already_wait() -> None:
    time = clock()
    limits = limiter(time)
    await limits.acquire("orders", lane=Lane.NEW, max_wait_s=0)
    waiting = asyncio.create_task(limits.acquire("orders", lane=Lane.NEW, max_wait_s=100))
    await time.advance(1)
    limits.learn("bars", LimitNews(ban_s=600))
    await time.advance(2)
    with pytest.raises(RateLimitExceeded):
        await waiting


async def test_a_throttle_pauses_what_the_endpoint_draws_on() -> None:
    time = clock()
    limits = limiter(time, capacity=10)
    limits.throttled("orders", 30)
    with pytest.raises(RateLimitExceeded):
        await limits.acquire("orders", lane=Lane.RESOLVE, max_wait_s=29)
    await limits.acquire("bars", lane=Lane.QUERY, max_wait_s=0)
    await time.advance(30)
    await limits.acquire("orders", lane=Lane.RESOLVE, max_wait_s=0)


async def test_nobody_is_served_at_once_while_somebody_waits() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "first", Lane.NEW)
    waiting = asyncio.create_task(served(limits, log, "second", Lane.NEW))
    await time.advance(9)
    time.set(time.now().replace(second=10, microsecond=100_000))  # a token is back, and the second has not woken yet
    assert limits.at_once("orders", lane=Lane.NEW) is None
    late = asyncio.create_task(served(limits, log, "third", Lane.NEW))
    await time.advance(20)
    await asyncio.gather(waiting, late)
    assert log == ["first", "second", "third"]


async def test_a_cancel_is_granted_at_once_while_somebody_waits() -> None:
    time, log = clock(), list[str]()
    limits = limiter(time)
    await served(limits, log, "first", Lane.NEW)
    waiting = asyncio.create_task(served(limits, log, "second", Lane.NEW))
    await time.advance(1)
    grant = limits.at_once("orders", lane=Lane.CANCEL)
    assert grant is not None
    assert limits.used_share("orders") == {"trading": 2.0}
    limits.give_back(grant)
    assert limits.used_share("orders") == {"trading": 1.0}
    await time.advance(20)
    await waiting


async def test_a_request_that_draws_on_two_budgets_takes_of_both_or_of_neither() -> None:
    time = clock()
    budgets = tuple(
        Budget(name=name, capacity=most, per_s=10, shares=FULL_SHARES) for name, most in (("a", 1), ("b", 2))
    )
    limits = Limiter(Limits(budgets=budgets, routes={"both": ("a", "b"), "b": ("b",)}), clock=time)
    grant = limits.at_once("both", lane=Lane.NEW)
    assert grant is not None
    assert limits.at_once("both", lane=Lane.NEW) is None
    assert limits.used_share("both") == {"a": 1.0, "b": 0.5}
    limits.give_back(grant)
    assert limits.used_share("both") == {"a": 0.0, "b": 0.0}


async def test_the_fullest_budget_tells_how_near_its_end_is() -> None:
    time = clock()
    limits = limiter(time, capacity=10)
    assert limits.fullest == 0.0
    await limits.acquire("orders.submit", lane=Lane.NEW, weight=2, max_wait_s=1)
    await limits.acquire("bars.get", lane=Lane.QUERY, weight=5, max_wait_s=1)
    assert limits.fullest == 0.5


async def test_the_part_of_every_budget_in_use_is_told_by_name() -> None:
    limits = limiter(clock(), capacity=4)
    await limits.acquire("orders.submit", lane=Lane.NEW, max_wait_s=1)
    assert limits.shares == {"trading": 0.25, "data": 0.0}
