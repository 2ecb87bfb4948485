"""The public limiters, breaker and back-off decorator."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import CircuitBreakerError, ConnectionFailed, Hint, OrderRejected, RateLimitExceeded
from floorbroker.transport.circuit import CircuitState
from floorbroker.transport.toolkit import (
    AdaptiveRateLimiter,
    CircuitBreaker,
    MultiEndpointRateLimiter,
    with_exponential_backoff,
)
from tests.unit.transport.fakes import clock

pytestmark = pytest.mark.asyncio


async def stamps(limiter: AdaptiveRateLimiter, time: ManualClock, count: int, within_s: float) -> list[float]:
    seen: list[float] = []

    async def one() -> None:
        async with limiter:
            seen.append(time.monotonic())

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await time.advance(within_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def test_no_more_than_the_limit_passes_in_any_window() -> None:
    time = clock()
    seen = await stamps(AdaptiveRateLimiter(max_requests=3, time_window=10, clock=time), time, 8, 25)
    assert [round(at) for at in seen] == [0, 0, 0, 10, 10, 10, 20, 20]


async def test_after_a_throttle_it_pauses_goes_slower_and_recovers() -> None:
    time = clock()
    limiter = AdaptiveRateLimiter(10, 10, clock=time)
    limiter.on_throttled(retry_after=5)
    seen = await stamps(limiter, time, 7, 9)
    assert [round(at) for at in seen] == [5] * 5
    await time.advance(60)
    assert len(await stamps(limiter, time, 20, 1)) == 10


async def test_half_the_pace_on_request() -> None:
    time = clock()
    limiter = AdaptiveRateLimiter(10, 10, clock=time)
    limiter.slow_down()
    assert len(await stamps(limiter, time, 20, 1)) == 5


async def test_the_servers_own_count_is_followed() -> None:
    time = clock()
    limiter = AdaptiveRateLimiter(10, 10, clock=time)
    limiter.on_limits(remaining=2)
    assert len(await stamps(limiter, time, 20, 1)) == 2


async def test_a_bounded_wait_ends_in_an_error() -> None:
    limiter = AdaptiveRateLimiter(1, 10, max_wait=3, clock=clock())
    await limiter.acquire()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire()


async def test_each_endpoint_has_a_limit_of_its_own() -> None:
    limiter = MultiEndpointRateLimiter({"orders": (1, 60), "quotes": (2, 60)}, max_wait=1, clock=clock())
    async with limiter.limit("orders"), limiter.limit("quotes"), limiter.limit("quotes"):
        with pytest.raises(RateLimitExceeded):
            await limiter.acquire("orders")
        with pytest.raises(RateLimitExceeded):
            await limiter.acquire("quotes")
    with pytest.raises(KeyError):
        await limiter.acquire("bars")


@pytest.mark.parametrize("limits", [{"a": (0, 1)}, {"a": (1, 0)}, {"a": (-1, 1)}])
async def test_limits_that_make_no_sense_are_refused(limits: dict[str, tuple[int, float]]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MultiEndpointRateLimiter(limits)


async def fail(breaker: CircuitBreaker, error: Exception) -> None:
    async with breaker:
        raise error


async def test_the_breaker_opens_probes_and_closes() -> None:
    time = clock()
    breaker = CircuitBreaker(failure_threshold=2, recovery_time=10, clock=time)
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            await fail(breaker, ConnectionFailed("x"))
    with pytest.raises(CircuitBreakerError):
        await breaker.__aenter__()
    await time.advance(10)
    assert breaker.state is CircuitState.HALF_OPEN
    async with breaker:
        pass
    assert breaker.state is CircuitState.CLOSED


async def test_errors_that_say_nothing_about_the_service_are_not_counted() -> None:
    breaker = CircuitBreaker(failure_threshold=1, failures=(ConnectionFailed,), clock=clock())
    with pytest.raises(OrderRejected):
        await fail(breaker, OrderRejected("x"))
    assert breaker.state is CircuitState.CLOSED


async def test_blocks_of_several_tasks_do_not_mix() -> None:
    time = clock()
    breaker = CircuitBreaker(failure_threshold=1, recovery_time=10, clock=time)
    release = asyncio.Event()

    async def old() -> None:
        async with breaker:
            await release.wait()
            raise ConnectionFailed("late")

    task = asyncio.create_task(old())
    await asyncio.sleep(0)
    with pytest.raises(ConnectionFailed):
        await fail(breaker, ConnectionFailed("x"))
    await time.advance(10)
    async with breaker:  # the probe
        release.set()
        with pytest.raises(ConnectionFailed):
            await task
    assert breaker.state is CircuitState.CLOSED


async def test_blocks_from_before_an_outage_say_nothing_however_late_they_end() -> None:
    """Three eras at once: blocks that began before it opened, a probe that closed it, and new blocks beside the old."""
    time = clock()
    breaker = CircuitBreaker(failure_threshold=2, recovery_time=10, clock=time)
    releases = [asyncio.Event() for _ in range(3)]

    async def block(release: asyncio.Event, error: Exception | None) -> None:
        async with breaker:
            await release.wait()
            if error is not None:
                raise error

    old = [asyncio.create_task(block(releases[0], ConnectionFailed("old"))) for _ in range(3)]
    await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            await fail(breaker, ConnectionFailed("x"))
    assert breaker.state is CircuitState.OPEN
    await time.advance(10)
    async with breaker:
        pass  # the probe
    assert breaker.state is CircuitState.CLOSED
    new = [asyncio.create_task(block(releases[1], ConnectionFailed("new")))]
    fine = asyncio.create_task(block(releases[2], None))
    await asyncio.sleep(0)
    releases[0].set()
    await asyncio.gather(*old, return_exceptions=True)
    assert breaker.state is CircuitState.CLOSED  # three failures of an era that is over
    releases[1].set()
    await asyncio.gather(*new, return_exceptions=True)
    with pytest.raises(ConnectionFailed):
        await fail(breaker, ConnectionFailed("second of this era"))
    assert breaker.state is CircuitState.OPEN
    releases[2].set()
    await fine  # a success from before it opened does not close it
    assert breaker.state is CircuitState.OPEN


async def test_nested_blocks_of_one_task_count_each_by_itself() -> None:
    time = clock()
    breaker = CircuitBreaker(failure_threshold=2, recovery_time=10, clock=time)
    with pytest.raises(ConnectionFailed):
        async with breaker, breaker:
            raise ConnectionFailed("both fail by it")
    assert breaker.state is CircuitState.OPEN
    await time.advance(10)
    async with breaker:  # the probe
        with pytest.raises(CircuitBreakerError):
            await breaker.__aenter__()
    assert breaker.state is CircuitState.CLOSED
    async with breaker, breaker, breaker:
        assert breaker.state is CircuitState.CLOSED


async def test_a_block_that_is_cancelled_says_nothing() -> None:
    time = clock()
    breaker = CircuitBreaker(failure_threshold=1, recovery_time=10, clock=time)

    async def hang() -> None:
        async with breaker:
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert breaker.state is CircuitState.CLOSED
    with pytest.raises(ConnectionFailed):
        await fail(breaker, ConnectionFailed("x"))
    await time.advance(10)
    probe = asyncio.create_task(hang())
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert breaker.state is CircuitState.HALF_OPEN
    async with breaker:  # the next probe: the one that was cancelled is out of the way
        pass
    assert breaker.state is CircuitState.CLOSED


async def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = CircuitBreaker(failure_threshold=2, clock=clock())
    for _ in range(3):
        with pytest.raises(ConnectionFailed):
            await fail(breaker, ConnectionFailed("x"))
        async with breaker:
            pass
    assert breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize("kind", ["adaptive", "by endpoint"])
async def test_whoever_waits_at_a_limiter_goes_before_whoever_comes_later(kind: str) -> None:
    time, log = clock(), list[str]()
    limiter = AdaptiveRateLimiter(1, 10, clock=time)
    limiters = MultiEndpointRateLimiter({"orders": (1, 10)}, clock=time)

    async def one(name: str) -> None:
        async with limiter if kind == "adaptive" else limiters.limit("orders"):
            log.append(name)

    await one("first")
    waiting = asyncio.create_task(one("second"))
    await time.advance(9)
    time.set(time.now().replace(second=10, microsecond=500_000))  # a token is back, and the second has not woken yet
    late = asyncio.create_task(one("third"))
    await time.advance(0.6)
    assert log == ["first", "second"]
    await time.advance(20)
    await asyncio.gather(waiting, late)
    assert log == ["first", "second", "third"]


async def test_a_wait_at_a_limiter_that_is_cancelled_takes_no_token() -> None:
    time = clock()
    limiter = MultiEndpointRateLimiter({"orders": (1, 10)}, clock=time)
    await limiter.acquire("orders")

    async def one() -> None:
        async with limiter.limit("orders"):
            raise AssertionError("its turn never came")

    task = asyncio.create_task(one())
    await time.advance(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await time.advance(5)
    await asyncio.wait_for(limiter.acquire("orders"), 1)


async def test_a_heavier_request_costs_more() -> None:
    limiter = MultiEndpointRateLimiter({"orders": (5, 60)}, max_wait=1, clock=clock())
    async with limiter.limit("orders", weight=3), limiter.limit("orders", weight=2):
        with pytest.raises(RateLimitExceeded):
            await limiter.acquire("orders")


async def test_without_repeats_the_first_error_is_raised_at_once() -> None:
    calls: list[int] = []

    @with_exponential_backoff(max_retries=0, clock=clock(), random=Random(1))
    async def broken() -> None:
        calls.append(1)
        raise ConnectionFailed("x")

    with pytest.raises(ConnectionFailed):
        await broken()
    assert calls == [1]


async def test_a_function_is_repeated_after_passing_errors_only() -> None:
    time, calls = clock(), list[int]()

    @with_exponential_backoff(max_retries=3, clock=time, random=Random(1))
    async def flaky(value: int) -> int:
        calls.append(value)
        if len(calls) < 3:
            raise ConnectionFailed("x")
        return value * 2

    task = asyncio.create_task(flaky(21))
    await time.advance(5)
    assert await task == 42
    assert calls == [21, 21, 21]


async def test_tries_are_capped_and_other_errors_pass_at_once() -> None:
    time, calls = clock(), list[Exception]()

    @with_exponential_backoff(max_retries=2, clock=time, random=Random(1))
    async def broken(error: Exception) -> None:
        calls.append(error)
        raise error

    lost = ConnectionFailed("x")
    task = asyncio.create_task(broken(lost))
    await time.advance(10)
    assert task.exception() is lost
    assert len(calls) == 3
    with pytest.raises(OrderRejected):
        await broken(OrderRejected("no"))
    assert len(calls) == 4


async def test_a_wait_that_the_error_asks_for_is_kept() -> None:
    time, calls = clock(), list[float]()

    @with_exponential_backoff(max_retries=1, base_delay=0.1, clock=time, random=Random(1))
    async def limited() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise RateLimitExceeded("slow", hint=Hint(retry_after_s=7))

    task = asyncio.create_task(limited())
    await time.advance(8)
    await task
    assert calls == [0, 7]
