"""Rate limiting and resilience for programs of your own, on the same buckets and breaker that the brokers use.

```python
limiter = AdaptiveRateLimiter(max_requests=100, time_window=60)
async with limiter:
    reply = await fetch()
if reply.status == 429:
    limiter.on_throttled(retry_after=reply.retry_after)
```
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.errors import ConnectionFailed, RateLimitExceeded, Timeout
from floorbroker.transport.backoff import Backoff
from floorbroker.transport.bucket import FULL_SHARES, Budget, LimitNews
from floorbroker.transport.circuit import Circuit, CircuitState, Pass
from floorbroker.transport.limiter import Limiter, Limits
from floorbroker.transport.types import Lane

P = ParamSpec("P")
T = TypeVar("T")

TRANSIENT: tuple[type[Exception], ...] = (ConnectionFailed, Timeout, RateLimitExceeded, OSError, TimeoutError)


class MultiEndpointRateLimiter:
    """At most so many requests in any time window, for each endpoint by itself.

    `limits` maps an endpoint to `(max_requests, time_window)`, the window in seconds.  `async with limiter.limit("orders")`
    waits for its turn, `max_wait` seconds at most, and then raises `RateLimitExceeded`.  Unknown endpoints are a `KeyError`.
    """

    def __init__(
        self, limits: Mapping[str, tuple[int, float]], *, max_wait: float = float("inf"), clock: Clock | None = None
    ) -> None:
        budgets = tuple(
            Budget(name=name, capacity=most, per_s=window, shares=FULL_SHARES)
            for name, (most, window) in limits.items()
        )
        if any(budget.capacity < 1 or budget.per_s <= 0 for budget in budgets):
            raise ValueError("max_requests is at least 1 and time_window more than 0 seconds")
        self._clock = SystemClock() if clock is None else clock
        self._max_wait = max_wait
        self._limiter = Limiter(Limits(budgets=budgets, routes={name: (name,) for name in limits}), clock=self._clock)
        self._endpoints = frozenset(limits)

    @asynccontextmanager
    async def limit(self, endpoint: str, *, weight: int = 1) -> AsyncGenerator[None, None]:
        """One request's turn."""
        await self.acquire(endpoint, weight=weight)
        yield

    async def acquire(self, endpoint: str, *, weight: int = 1) -> None:
        """The same without a block."""
        self._check(endpoint)
        await self._limiter.acquire(endpoint, lane=Lane.QUERY, weight=weight, max_wait_s=self._max_wait)

    def on_throttled(self, endpoint: str, retry_after: float | None = None) -> None:
        """The server said too many: pause for `retry_after` seconds (or a guess that doubles), then go at half pace."""
        self._check(endpoint)
        self._limiter.throttled(endpoint, retry_after)

    def slow_down(self, endpoint: str) -> None:
        """Half the pace from now on; it recovers by a tenth of the full pace each window."""
        self._check(endpoint)
        for bucket in self._limiter.buckets(endpoint):
            bucket.slow_down(self._clock.monotonic())

    def on_limits(self, endpoint: str, *, limit: float | None = None, remaining: float | None = None) -> None:
        """What the server's headers say about its own count."""
        self._check(endpoint)
        self._limiter.learn(endpoint, LimitNews(limit=limit, remaining=remaining))

    def _check(self, endpoint: str) -> None:
        if endpoint not in self._endpoints:
            raise KeyError(endpoint)


class AdaptiveRateLimiter:
    """At most `max_requests` in any `time_window` seconds; slower after a throttle, and recovering.

    `async with limiter:` waits for its turn.
    """

    def __init__(
        self, max_requests: int, time_window: float, *, max_wait: float = float("inf"), clock: Clock | None = None
    ) -> None:
        self._inner = MultiEndpointRateLimiter({"all": (max_requests, time_window)}, max_wait=max_wait, clock=clock)

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        return None

    async def acquire(self, weight: int = 1) -> None:
        """The same without a block."""
        await self._inner.acquire("all", weight=weight)

    def on_throttled(self, retry_after: float | None = None) -> None:
        """The server said too many: pause for `retry_after` seconds (or a guess that doubles), then go at half pace."""
        self._inner.on_throttled("all", retry_after)

    def slow_down(self) -> None:
        """Half the pace from now on; it recovers by a tenth of the full pace each window."""
        self._inner.slow_down("all")

    def on_limits(self, *, limit: float | None = None, remaining: float | None = None) -> None:
        """What the server's headers say about its own count."""
        self._inner.on_limits("all", limit=limit, remaining=remaining)


class CircuitBreaker:
    """`async with breaker:` around calls to one service; raises `CircuitBreakerError` while it is open.

    It opens after `failure_threshold` failures in a row and lets one probe through after `recovery_time` seconds.  A
    failure is any exception of `failures`; others say nothing about the service and pass through uncounted.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        *,
        recovery_time: float = 30.0,
        failures: tuple[type[Exception], ...] = (Exception,),
        clock: Clock | None = None,
    ) -> None:
        self._clock = SystemClock() if clock is None else clock
        self._circuit = Circuit(failure_threshold=failure_threshold, recovery_s=recovery_time)
        self._failures = failures
        self._passes: dict[asyncio.Task[object] | None, list[Pass]] = {}  # blocks may be nested within a task

    @property
    def state(self) -> CircuitState:
        """Closed, open or half-open."""
        return self._circuit.state(self._clock.monotonic())

    async def __aenter__(self) -> Self:
        leave = self._circuit.admit(self._clock.monotonic())
        self._passes.setdefault(asyncio.current_task(), []).append(leave)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        leave = self._passes[task].pop()
        if not self._passes[task]:
            del self._passes[task]
        if error is None:
            self._circuit.succeeded(leave)
        elif isinstance(error, self._failures):
            self._circuit.failed(leave, self._clock.monotonic())
        else:
            self._circuit.returned(leave)


def with_exponential_backoff(
    max_retries: int = 3,
    *,
    base_delay: float = 0.5,
    max_delay: float = 60.0,
    retry_on: tuple[type[Exception], ...] = TRANSIENT,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Repeat an async function up to `max_retries` times after errors of `retry_on`, with full jitter between tries.

    For reads.  Never put it around something that sends an order: an order whose outcome is unknown must not be repeated.
    """
    time = SystemClock() if clock is None else clock
    dice = SystemRandom() if random is None else random
    backoff = Backoff(base_s=base_delay, cap_s=max_delay)

    def decorate(call: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(call)
        async def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
            for failures in range(max_retries):
                try:
                    return await call(*args, **kwargs)
                except retry_on as error:
                    asked_s = _asked_s(error)
                await time.sleep(max(backoff.delay_s(failures, dice), asked_s))
            return await call(*args, **kwargs)

        return repeated

    return decorate


def _asked_s(error: Exception) -> float:
    hint = getattr(error, "hint", None)
    return getattr(hint, "retry_after_s", None) or 0.0
