"""The clocks of a simulated world: virtual time from its loop, and a wall clock that may be wrong, drift and jump."""

from __future__ import annotations

from collections.abc import Sequence
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


class SimulatedClock:
    """`Clock` on a simulated loop.  Wall time is `skew_s` off, gains `drift` seconds a second, and takes `steps`.

    Monotonic time does none of that: it is the loop's own.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        *,
        epoch: datetime,
        skew_s: float = 0.0,
        drift: float = 0.0,
        steps: Sequence[Step] = (),
    ) -> None:
        self._loop = loop
        self._epoch = epoch
        self._skew_s = skew_s
        self._drift = drift
        self._steps = tuple(steps)
        self._read_at_s = -1.0
        self._read = epoch

    def now(self) -> datetime:
        at_s = self._loop.now_s
        if at_s != self._read_at_s:  # time stands still between two timers, and is asked for many times
            moved_s = sum([step.by_s for step in self._steps if step.at_s <= at_s]) if self._steps else 0.0
            self._read_at_s = at_s
            self._read = self._epoch + timedelta(seconds=at_s * (1 + self._drift) + self._skew_s + moved_s)
        return self._read

    def monotonic(self) -> float:
        return self._loop.now_s

    async def sleep(self, delay_s: float) -> None:
        await self._loop.nap(delay_s)
