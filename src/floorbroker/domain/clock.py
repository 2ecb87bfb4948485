"""Time has one door.  Wall time is UTC-aware and for records and signing; monotonic time is for every wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the program may ask of time."""

    def now(self) -> datetime:
        """Wall time, UTC-aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; meaningful as differences."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s` seconds of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)  # asked several times an order: without a call of ours around it

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


class LoopClock:
    """Wall time derived from the running event loop's own time, plus a skew.

    On a simulated loop, whose time is virtual, this makes the whole program run in virtual time.
    """

    def __init__(self, *, epoch: datetime, skew_s: float = 0.0) -> None:
        self._epoch = epoch
        self.skew_s = skew_s

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic() + self.skew_s)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


class ManualClock:
    """A clock that moves only when told to; sleepers wake in order of their deadlines.

    `advance` lets every task that becomes ready run before it returns.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        self._count += 1
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed_s + delay_s, self._count, waiter))
        await waiter

    def set(self, moment: datetime) -> None:
        """Jump forward to `moment` without waking anybody; for code that asks only `now`."""
        elapsed_s = (moment - self._start).total_seconds()
        self._elapsed_s = max(self._elapsed_s, elapsed_s)

    async def advance(self, by_s: float) -> None:
        """Move time forward by `by_s` seconds, waking sleepers on the way."""
        target_s = self._elapsed_s + by_s
        await self._settle()
        while due := self._next_due(target_s):
            self._elapsed_s = max(self._elapsed_s, due[0])
            self._sleepers.remove(due)
            if not due[2].done():
                due[2].set_result(None)
            await self._settle()
        self._elapsed_s = max(self._elapsed_s, target_s)

    def _next_due(self, target_s: float) -> tuple[float, int, asyncio.Future[None]] | None:
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= target_s]
        return min(due, key=lambda sleeper: sleeper[:2]) if due else None

    @staticmethod
    async def _settle() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
