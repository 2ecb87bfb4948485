"""A clock that runs faster than the machine's, for venues whose own pace would be most of a test."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from floorbroker.domain.clock import Clock, SystemClock


class HurriedClock:
    """The machine's time from now on, passing so many times as fast.  The venue and the desk share one, or they disagree."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._began_s = time.monotonic()
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic() - self._began_s)

    def monotonic(self) -> float:
        return self._began_s + (time.monotonic() - self._began_s) * self._times

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s / self._times)


def clock_of(times: int) -> Clock:
    """The machine's own clock where nothing needs hurry."""
    return SystemClock() if times == 1 else HurriedClock(times)
