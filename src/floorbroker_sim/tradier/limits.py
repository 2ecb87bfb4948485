"""Requests a minute for each group of paths, and the headers that tell.

The minute starts with the first request of the group.  https://documentation.tradier.com/brokerage-api/overview/rate-limiting
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker_sim.tradier import info

_WINDOW = timedelta(minutes=1)
ALLOWED = {
    "standard": info.STANDARD_PER_MINUTE,
    "market": info.MARKET_PER_MINUTE,
    "trading": info.TRADING_PER_MINUTE,
}


def group_of(method: str, path: str) -> str:
    """`market`, `trading` (an order is placed, changed or canceled) or `standard`."""
    if path.startswith("/v1/markets/"):
        return "market"
    return "trading" if method != "GET" and "/orders" in path else "standard"


@dataclass(slots=True)
class Counter:
    """`per_minute` replaces the documented numbers; zero counts nothing."""

    clock: Clock
    per_minute: int | None
    _windows: dict[str, tuple[datetime, int]] = field(default_factory=dict[str, tuple[datetime, int]])

    def take(self, group: str) -> tuple[bool, dict[str, str]]:
        """Whether the request may pass, and the `X-Ratelimit-*` headers of its answer; expiry in milliseconds."""
        if self.per_minute == 0:
            return True, {}
        allowed, now = self.per_minute or ALLOWED[group], self.clock.now()
        began, used = self._windows.get(group, (now, 0))
        if now - began >= _WINDOW:
            began, used = now, 0
        self._windows[group] = (began, used + 1)
        shown = min(used + 1, allowed)
        return used < allowed, {
            "X-Ratelimit-Allowed": str(allowed),
            "X-Ratelimit-Used": str(shown),
            "X-Ratelimit-Available": str(allowed - shown),
            "X-Ratelimit-Expiry": str(int((began + _WINDOW).timestamp() * 1000)),
        }

    def reset(self) -> None:
        """Forget what was counted."""
        self._windows.clear()
