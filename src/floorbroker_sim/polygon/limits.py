"""Requests a minute, for plans that count them.  https://massive.com/knowledge-base (request limit of REST)

The free plan allows five a minute; paid plans count nothing, and so does this service unless a rate is given.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Counter:
    """At most `per_minute` in any minute; zero counts nothing."""

    clock: Clock
    per_minute: int
    _taken: deque[datetime] = field(default_factory=deque[datetime])

    def take(self) -> bool:
        """Whether the request may pass."""
        if not self.per_minute:
            return True
        now = self.clock.now()
        while self._taken and now - self._taken[0] >= _MINUTE:
            self._taken.popleft()
        if len(self._taken) >= self.per_minute:
            return False
        self._taken.append(now)
        return True

    def reset(self) -> None:
        self._taken.clear()
