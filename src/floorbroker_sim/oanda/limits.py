"""Requests a second and streams at once.  https://developer.oanda.com/rest-live-v20/best-practices/"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker_sim.oanda import info

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(slots=True)
class Counter:
    """`per_minute` replaces the documented 120 a second; zero counts nothing.  A window starts with its first request."""

    clock: Clock
    per_minute: int | None
    _began: datetime | None = field(default=None)
    _used: int = 0

    def take(self) -> bool:
        """Whether one more request may pass now."""
        if self.per_minute == 0:
            return True
        allowed, window = (info.PER_SECOND, _SECOND) if self.per_minute is None else (self.per_minute, _MINUTE)
        now = self.clock.now()
        if self._began is None or now - self._began >= window:
            self._began, self._used = now, 0
        self._used += 1
        return self._used <= allowed

    def reset(self) -> None:
        """Forget what was counted."""
        self._began, self._used = None, 0
