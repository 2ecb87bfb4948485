"""The connection monitor: every half minute it looks at each profile, and tells who asked of what changed.

    look at a profile ──▶ Connection ──▶ troubles_of ──▶ other troubles than last time: the channel, and every callback

A callback is told in a task of its own, and in a thread when it is a plain function: one that raises is logged, one that is slow
holds up nobody, and is told the newest state of each profile when it comes back, not every one it missed.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Log, Meter
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.health import PERFECT, USED_FROM, Health

EVERY_S = 30.0
QUIET_S = 60.0  # sessions ask before that, and hang up when nobody answers: what is quieter is dead
CLOCK_WARN_S = 1.0
FAIR, POOR = 80, 50  # a score below is fair, or poor


@frozen
class Connection:
    """One profile's connection as it was looked at.  Silences and ages in seconds; None where there is no such thing.

    `heartbeat_s` is how long ago the venue last answered anything, `reconnects` counts lost connections since the start.
    `budgets` is the part in use of each rate budget, by name.
    """

    profile: ProfileName
    state: str
    is_connected: bool = False
    stream_up: bool = False
    has_stream: bool = True
    stream_silence_s: float | None = None
    data_silence_s: float | None = None
    heartbeat_s: float | None = None
    clock_offset_s: float | None = None
    budget_used: float | None = None
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])
    reconnects: int = 0
    health: Health = PERFECT

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with it, as words in a fixed order; empty when nothing is."""
        return troubles_of(self)


def troubles_of(seen: Connection) -> tuple[str, ...]:
    """Whoever wants to know why reads the members."""
    score = seen.health.score
    told = (
        ("disconnected", not seen.is_connected),
        ("stream_down", seen.has_stream and not seen.stream_up),
        ("stream_silent", (seen.stream_silence_s or 0.0) > QUIET_S),
        ("data_stale", (seen.data_silence_s or 0.0) > QUIET_S),
        ("clock", abs(seen.clock_offset_s or 0.0) > CLOCK_WARN_S),
        ("budget", (seen.budget_used or 0.0) > USED_FROM),
        ("poor_health" if score < POOR else "fair_health", score < FAIR),
    )
    return tuple(word for word, holds in told if holds)


StatusCallback = Callable[[Connection], Awaitable[None] | None]
InThread = Callable[[Callable[[], object]], Awaitable[object]]


class StatusSubscription:
    """One callback's part of the monitor; it holds the newest state of each profile until the callback takes it."""

    def __init__(
        self, callback: StatusCallback, *, log: Log, in_thread: InThread, leave: Callable[[StatusSubscription], None]
    ) -> None:
        self._callback = callback
        self._log = log
        self._in_thread = in_thread
        self._leave = leave
        self._pending: dict[ProfileName, Connection] = {}
        self._is_closed = False
        self._rings = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="connection callback")

    def offer(self, seen: Connection) -> None:
        """Take a change; what was not told yet of the same profile is overtaken by it."""
        self._pending[seen.profile] = seen
        self._rings.set()

    async def close(self) -> None:
        """Unsubscribe; closing twice is harmless, and so is it for the callback itself, which goes on to its own end."""
        self._leave(self)
        self._is_closed = True
        if self._task is asyncio.current_task():
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._is_closed:
            await self._rings.wait()
            self._rings.clear()
            while self._pending and not self._is_closed:
                await self._told(self._pending.pop(next(iter(self._pending))))

    async def _told(self, seen: Connection) -> None:
        callback = self._callback
        try:
            if inspect.iscoroutinefunction(callback):
                await callback(seen)
            else:
                await self._in_thread(lambda: callback(seen))
        except Exception as error:  # noqa: BLE001 - a listener's bug is its own: the monitor and the others go on
            self._log.error("monitor.callback", error=type(error).__name__)


@dataclass(slots=True)
class ConnectionMonitor:
    """Looks at every profile of a desk.  `announce` hears of changes first, for the `health` channel."""

    clock: Clock
    log: Log
    meters: Callable[[ProfileName], Meter]
    look: Callable[[], list[Connection]]
    announce: Callable[[Connection], None]
    every_s: float = EVERY_S
    in_thread: InThread = asyncio.to_thread
    _last: dict[ProfileName, tuple[str, ...]] = field(default_factory=dict[ProfileName, tuple[str, ...]])
    _subscriptions: list[StatusSubscription] = field(default_factory=list[StatusSubscription])

    def subscribe(self, callback: StatusCallback) -> StatusSubscription:
        """Have a function called with each change; close what is returned to end that."""
        subscription = StatusSubscription(callback, log=self.log, in_thread=self.in_thread, leave=self._left)
        self._subscriptions.append(subscription)
        return subscription

    def _left(self, subscription: StatusSubscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            await self.clock.sleep(self.every_s)
            self.look_now()

    def look_now(self) -> None:
        """One look at every profile."""
        for seen in self.look():
            self._measure(seen)
            troubles = seen.troubles
            if self._last.get(seen.profile, ()) != troubles:
                self._last[seen.profile] = troubles
                self.log.info("connection.status", profile=seen.profile, troubles=" ".join(troubles) or "none")
                self.announce(seen)
                for subscription in tuple(self._subscriptions):
                    subscription.offer(seen)

    def _measure(self, seen: Connection) -> None:
        meter = self.meters(seen.profile)
        meter.gauge("health_score", float(seen.health.score))
        for ingredient in seen.health.ingredients:
            meter.gauge("health_mark", ingredient.mark, ingredient=ingredient.name)
        meter.gauge("api_failures_in_a_row", float(seen.health.failures_in_a_row))
        if seen.stream_silence_s is not None:
            meter.gauge("stream_silence_seconds", seen.stream_silence_s)
        if seen.data_silence_s is not None:
            meter.gauge("data_silence_seconds", seen.data_silence_s)
        if seen.heartbeat_s is not None:
            meter.gauge("heartbeat_age_seconds", seen.heartbeat_s)

    def forget(self, profile: ProfileName) -> None:
        """A profile was let go."""
        self._last.pop(profile, None)

    async def close(self) -> None:
        """Let go of every callback."""
        for subscription in tuple(self._subscriptions):
            await subscription.close()
