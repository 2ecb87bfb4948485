"""Requests a second for each group of endpoints; requests in five seconds and sockets in five minutes from one address.

https://bybit-exchange.github.io/docs/v5/rate-limit
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock

_FLOOD, _FLOOD_MS, _BANNED_MS = 600, 5_000, 600_000
_CONNECTS, _CONNECTS_MS = 500, 300_000

# Requests a second: (spot, everything else).
_ORDER = {
    "/v5/order/create": (20, 10), "/v5/order/amend": (10, 10), "/v5/order/cancel": (20, 10),
    "/v5/order/cancel-all": (20, 10), "/v5/order/create-batch": (20, 10), "/v5/order/amend-batch": (20, 10),
    "/v5/order/cancel-batch": (20, 10), "/v5/order/pre-check": (20, 10), "/v5/order/disconnected-cancel-all": (5, 5),
}  # fmt: skip
_OTHER: Mapping[str, tuple[int, int]] = {
    "/v5/order/realtime": (50, 50), "/v5/order/history": (50, 50), "/v5/execution/list": (50, 50),
    "/v5/position/list": (50, 50), "/v5/position/closed-pnl": (50, 50), "/v5/position/set-leverage": (10, 10),
    "/v5/position/trading-stop": (10, 10), "/v5/position/switch-mode": (10, 10), "/v5/account/wallet-balance": (50, 50),
    "/v5/account/info": (50, 50), "/v5/account/fee-rate": (5, 5), "/v5/account/transaction-log": (25, 25),
}  # fmt: skip
PER_SECOND: Mapping[str, tuple[int, int]] = {**_ORDER, **_OTHER}
_ELSE = (10, 10)


@dataclass(slots=True)
class Counter:
    """What was asked lately.  `rate` None counts as documented; zero counts nothing; another number is requests a minute."""

    clock: Clock
    rate: int | None
    _groups: dict[tuple[str, str], deque[int]] = field(default_factory=dict[tuple[str, str], deque[int]])
    _all: deque[int] = field(default_factory=deque[int])
    _connects: deque[int] = field(default_factory=deque[int])
    _banned_until: int = 0

    def take(self, path: str, category: str, *, count: int = 1) -> tuple[int, dict[str, str]]:
        """How many of `count` may pass (a batch counts its orders), and the `X-Bapi-Limit*` headers of the answer."""
        now = _ms(self.clock)
        most, span = self._limit(path, category)
        if most == 0:
            return count, _untouched(path, category, now)
        used = self._groups.setdefault((path, category), deque())
        while used and used[0] <= now - span:
            used.popleft()
        passed = min(count, most - len(used))
        used.extend([now] * passed)
        reset = now if passed == count else used[0] + span
        left = str(most - len(used))
        return passed, {
            "X-Bapi-Limit": str(most), "X-Bapi-Limit-Status": left, "X-Bapi-Limit-Reset-Timestamp": str(reset)
        }  # fmt: skip

    def _limit(self, path: str, category: str) -> tuple[int, int]:
        if self.rate is not None:
            return self.rate, 60_000
        spot, other = PER_SECOND.get(path, _ELSE)
        return (spot if category == "spot" else other), 1_000

    def is_flood(self) -> bool:
        """Whether this address asks too often: 600 requests in five seconds, then ten minutes of silence."""
        if self.rate == 0:
            return False
        now = _ms(self.clock)
        if now < self._banned_until:
            return True
        while self._all and self._all[0] <= now - _FLOOD_MS:
            self._all.popleft()
        self._all.append(now)
        if len(self._all) > _FLOOD:
            self._banned_until = now + _BANNED_MS
        return now < self._banned_until

    def may_connect(self) -> bool:
        """Whether this address may open another socket: 500 in five minutes."""
        if self.rate == 0:
            return True
        now = _ms(self.clock)
        while self._connects and self._connects[0] <= now - _CONNECTS_MS:
            self._connects.popleft()
        if len(self._connects) >= _CONNECTS:
            return False
        self._connects.append(now)
        return True

    def reset(self) -> None:
        """Forget what was counted."""
        self._groups.clear()
        self._all.clear()
        self._connects.clear()
        self._banned_until = 0


def _ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)


def _untouched(path: str, category: str, now: int) -> dict[str, str]:
    """What a client is told that nobody counts: all that is published is left to it."""
    spot, other = PER_SECOND.get(path, _ELSE)
    most = str(spot if category == "spot" else other)
    return {"X-Bapi-Limit": most, "X-Bapi-Limit-Status": most, "X-Bapi-Limit-Reset-Timestamp": str(now)}
