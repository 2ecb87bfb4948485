"""Requests in a second, in a minute and in half an hour: orders together, everything else path by path.

https://upstox.com/developer/api-documentation/rate-limiting
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker_sim.upstox import info

_GROUPS = {"order": info.ORDER_LIMITS, "algo": info.ALGO_LIMITS}
_NAMED = 3  # parts of a path that name an API; what follows names a thing


def is_order(method: str, path: str) -> bool:
    """Whether something is placed, changed, canceled or closed."""
    return method != "GET" and "/order/" in path


def group_of(method: str, path: str, *, is_algo: bool = False) -> str:
    """What is counted together: `order`, `algo`, or one API."""
    if is_order(method, path):
        return "algo" if is_algo else "order"
    return f"{method} {'/'.join(path.strip('/').split('/')[:_NAMED])}"


@dataclass(slots=True)
class Counter:
    """`per_minute` replaces the documented numbers; zero counts nothing.  A refused request does not count."""

    clock: Clock
    per_minute: int | None
    _taken: dict[str, deque[datetime]] = field(default_factory=dict[str, deque[datetime]])

    def take(self, group: str) -> bool:
        """Whether one more request of a group may pass now."""
        if self.per_minute == 0:
            return True
        limits = _GROUPS.get(group, info.OTHER_LIMITS) if self.per_minute is None else ((self.per_minute, 60),)
        now, taken = self.clock.now(), self._taken.setdefault(group, deque())
        longest = timedelta(seconds=limits[-1][1])
        while taken and now - taken[0] >= longest:
            taken.popleft()
        for allowed, window_s in limits:
            if len(taken) >= allowed and now - taken[-allowed] < timedelta(seconds=window_s):
                return False
        taken.append(now)
        return True

    def reset(self) -> None:
        """Forget what was counted."""
        self._taken.clear()
