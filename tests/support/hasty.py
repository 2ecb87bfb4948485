"""A clock for what really goes over a socket but shall not depend on how long that took: only sleeping moves it on."""

from __future__ import annotations

import asyncio

from floorbroker.domain.clock import ManualClock


class HastyClock(ManualClock):
    """Nobody waits here: a sleep moves the time on, and nothing else does."""

    passed_s = 0.0

    async def sleep(self, delay_s: float) -> None:
        self.passed_s += delay_s
        await asyncio.sleep(0)

    def monotonic(self) -> float:
        return self.passed_s
