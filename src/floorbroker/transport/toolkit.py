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
from collections.abc import Awaitable, Callable, Coroutine, Mapping
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

_LANE = Lane.QUERY  # there are no others here
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
        self._limiter = Limiter(Limits(budgets=budgets, routes={name: (name,) for name in limits}), clock=self._clock)
        self._turns = {
            name: Turn(self._limiter, name, max_wait_s=max_wait, now=self._clock.monotonic) for name in limits
        }

    def limit(self, endpoint: str, *, weight: int = 1) -> Turn:
        """One request's turn, for `async with`."""
        turn = self._turns[endpoint]
        return turn if weight == 1 else turn.of_weight(weight)

    async def acquire(self, endpoint: str, *, weight: int = 1) -> None:
        """The same without a block."""
        async with self.limit(endpoint, weight=weight):
            pass

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
        if endpoint not in self._turns:
            raise KeyError(endpoint)


class Turn:
    """A block that begins when its endpoint has tokens.  It keeps nothing about the block, so one serves many at once."""

    __slots__ = ("_limiter", "_max_wait_s", "_name", "_weight", "now", "spend", "waiting")

    def __init__(
        self, limiter: Limiter, name: str, *, max_wait_s: float, now: Callable[[], float], weight: int = 1
    ) -> None:
        self._limiter = limiter
        self._name = name
        self._max_wait_s = max_wait_s
        self._weight = weight
        (bucket,) = limiter.buckets(name)
        self.now = now
        self.spend = bucket.spend
        self.waiting = limiter.waiting

    def of_weight(self, weight: int) -> Turn:
        """The same for a request that costs more."""
        return Turn(self._limiter, self._name, max_wait_s=self._max_wait_s, now=self.now, weight=weight)

    async def come(self) -> None:
        """Wait for it."""
        await self._limiter.acquire(self._name, lane=_LANE, weight=self._weight, max_wait_s=self._max_wait_s)

    async def __aenter__(self) -> None:
        if self.waiting or not self.spend(self._weight, _LANE, self.now()):
            await self.come()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        return None


class AdaptiveRateLimiter:
    """At most `max_requests` in any `time_window` seconds; slower after a throttle, and recovering.

    `async with limiter:` waits for its turn.
    """

    __slots__ = ("_inner", "_now", "_spend", "_turn", "_waiting")

    def __init__(
        self, max_requests: int, time_window: float, *, max_wait: float = float("inf"), clock: Clock | None = None
    ) -> None:
        self._inner = MultiEndpointRateLimiter({"all": (max_requests, time_window)}, max_wait=max_wait, clock=clock)
        self._turn = turn = self._inner.limit("all")
        self._now, self._spend, self._waiting = turn.now, turn.spend, turn.waiting

    async def __aenter__(self) -> Self:
        if self._waiting or not self._spend(1.0, _LANE, self._now()):
            await self._turn.come()
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

    Which leave a block has matters once the circuit has changed its state while blocks were running.  Until then they all
    have the same one, so they are only counted; the blocks that begin after such a change are kept by task.
    """

    __slots__ = ("_circuit", "_clock", "_counted", "_failures", "_kept", "_leave")

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
        self._counted = 0  # running blocks that all have `_leave`
        self._leave = self._circuit.admit(0.0)
        self._kept: dict[asyncio.Task[object] | None, list[Pass]] = {}  # blocks may be nested within a task

    @property
    def state(self) -> CircuitState:
        """Closed, open or half-open."""
        return self._circuit.state(self._clock.monotonic())

    async def __aenter__(self) -> Self:
        if self._leave is not self._circuit.free_leave or self._kept:
            self._begin()
        else:
            self._counted += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        circuit = self._circuit
        if self._kept:
            leave = self._left_by_task()
        else:
            leave = self._leave
            self._counted -= 1
        if error is None:
            if circuit.failures or leave is not circuit.free_leave:
                circuit.succeeded(leave)
        elif isinstance(error, self._failures):
            circuit.failed(leave, self._clock.monotonic())
        else:
            circuit.returned(leave)

    def _begin(self) -> None:
        """A block that is not like those that are counted: the first one of its kind when none of them runs, else kept."""
        leave = self._circuit.admit(self._clock.monotonic())
        if self._counted or self._kept or leave is not self._circuit.free_leave:
            self._kept.setdefault(asyncio.current_task(), []).append(leave)
        else:
            self._leave = leave
            self._counted = 1

    def _left_by_task(self) -> Pass:
        """The leave of this task's innermost kept block, or the one that all counted blocks have."""
        task = asyncio.current_task()
        leaves = self._kept.get(task)
        if leaves is None:
            self._counted -= 1
            return self._leave
        leave = leaves.pop()
        if not leaves:
            del self._kept[task]
        return leave


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
            try:
                return await call(*args, **kwargs)
            except retry_on as error:
                if max_retries < 1:
                    raise
                asked_s = _asked_s(error)
            for failures in range(1, max_retries):
                await time.sleep(max(backoff.delay_s(failures - 1, dice), asked_s))
                try:
                    return await call(*args, **kwargs)
                except retry_on as error:
                    asked_s = _asked_s(error)
            await time.sleep(max(backoff.delay_s(max_retries - 1, dice), asked_s))
            return await call(*args, **kwargs)

        return repeated

    return decorate


def _asked_s(error: Exception) -> float:
    hint = getattr(error, "hint", None)
    return getattr(hint, "retry_after_s", None) or 0.0
