"""The clocks of a simulated world: virtual time from its loop, and a wall clock that may be wrong, drift and jump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulation.loop import SimulatedLoop


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s` of virtual time somebody, or a time service, moves the wall clock by `by_s`."""

    at_s: float
    by_s: float

    def __str__(self) -> str:
        return f"{self.at_s:6.2f}s the desk's clock is moved by {self.by_s:+.3f}s"


@dataclass(frozen=True, slots=True)
class Error:
    """How wrong a wall clock is: `skew_s` from the start, `drift` seconds a second, and its steps so far."""

    skew_s: float = 0.0
    drift: float = 0.0
    steps: tuple[Step, ...] = ()

    def at(self, at_s: float) -> float:
        """Seconds beyond the true time, at a moment of virtual time."""
        moved_s = sum([step.by_s for step in self.steps if step.at_s <= at_s]) if self.steps else 0.0
        return at_s * self.drift + self.skew_s + moved_s

    def least(self, since_s: float, until_s: float) -> float:
        """The smallest error of a stretch of time, without sign."""
        moments = [since_s, until_s, *(step.at_s for step in self.steps if since_s <= step.at_s <= until_s)]
        return min(abs(self.at(moment)) for moment in moments)


RIGHT = Error()


class SimulatedClock:
    """`Clock` on a simulated loop.  Wall time has an `error`; monotonic time has none: it is the loop's own."""

    def __init__(self, loop: SimulatedLoop, *, epoch: datetime, error: Error = RIGHT) -> None:
        self._loop = loop
        self._epoch = epoch
        self._error = error
        self._read_at_s = -1.0
        self._read = epoch

    def now(self) -> datetime:
        at_s = self._loop.now_s
        if at_s != self._read_at_s:  # time stands still between two timers, and is asked for many times
            self._read_at_s = at_s
            self._read = self._epoch + timedelta(seconds=at_s + self._error.at(at_s))
        return self._read

    def monotonic(self) -> float:
        return self._loop.now_s

    async def sleep(self, delay_s: float) -> None:
        await self._loop.nap(delay_s)
