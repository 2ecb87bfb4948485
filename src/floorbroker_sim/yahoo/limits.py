"""Requests a minute.  The service publishes no number; without a rate nothing is counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker_sim.yahoo import info

_WINDOW = timedelta(seconds=info.A_MINUTE)


@dataclass(slots=True)
class Counter:
    """At most `per_minute` in any minute; zero counts nothing."""

    clock: Clock
    per_minute: int
    _taken: deque[datetime] = field(default_factory=deque[datetime])

    def take(self) -> bool:
        """Whether the request may pass."""
        now = self.clock.now()
        while self._taken and now - self._taken[0] >= _WINDOW:
            self._taken.popleft()
        if self.per_minute and len(self._taken) >= self.per_minute:
            return False
        self._taken.append(now)
        return True

    def reset(self) -> None:
        self._taken.clear()
