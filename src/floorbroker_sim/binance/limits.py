"""Request weight a minute, unfilled orders of an account, and the ban of who does not listen.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from floorbroker.domain.clock import Clock
from floorbroker_sim.binance import errors, info

_MINUTE_S = 60
ORDER_WINDOWS = (("SECOND", 10, 10, info.ORDERS_PER_10_S), ("DAY", 1, 86_400, info.ORDERS_PER_DAY))


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


@dataclass(slots=True)
class Meter:
    """Counts by the clock's own windows.  `per_minute` zero counts no weight and no orders."""

    clock: Clock
    per_minute: int
    used: int = 0
    banned_until_s: int = 0
    _minute: int = 0
    _refused: int = 0
    _ban_s: int = info.BAN_S
    _orders: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def reset(self) -> None:
        """Forget what was counted, and every ban."""
        self.used = self.banned_until_s = self._refused = 0
        self._ban_s = info.BAN_S
        self._orders.clear()

    # --- Weight ---------------------------------------------------------------------------------------------------------

    def take(self, weight: int) -> None:
        """Charge a request.  Raises `Refused` when the minute is used up, and while a ban lasts."""
        now_ms = epoch_ms(self.clock.now())
        now = now_ms // 1000
        if now < self.banned_until_s:
            raise errors.banned(self.banned_until_s * 1000, self.banned_until_s - now, now_ms=now_ms)
        if now // _MINUTE_S != self._minute:
            self._minute, self.used, self._refused = now // _MINUTE_S, 0, 0
        self.used += weight
        if self.per_minute == 0 or self.used <= self.per_minute:
            return
        self._refused += 1
        if self._refused > info.REFUSALS_TO_BAN:
            self.ban(self._ban_s)
            self._ban_s = min(self._ban_s * 2, info.BAN_MAX_S)
            raise errors.banned(self.banned_until_s * 1000, self.banned_until_s - now, now_ms=now_ms)
        raise errors.too_heavy(self.per_minute, _MINUTE_S - now % _MINUTE_S, now_ms=now_ms)

    def give_back(self, weight: int) -> None:
        """Commands that succeed weigh nothing."""
        self.used = max(0, self.used - weight)

    def ban(self, seconds: int) -> None:
        """Shut the address out."""
        self.banned_until_s = epoch_ms(self.clock.now()) // 1000 + seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"X-MBX-USED-WEIGHT": str(self.used), "X-MBX-USED-WEIGHT-1M": str(self.used)}

    # --- Orders ---------------------------------------------------------------------------------------------------------

    def check_orders(self, more: int) -> None:
        """Raises `Refused` when so many more orders do not fit."""
        if self.per_minute == 0:
            return
        now_ms = epoch_ms(self.clock.now())
        for interval, number, seconds, limit in ORDER_WINDOWS:
            if self.orders_in(seconds) + more > limit:
                left_s = seconds - now_ms // 1000 % seconds
                raise errors.too_many_orders(limit, f"{number} {interval}", left_s, now_ms=now_ms)

    def count_orders(self, more: int) -> None:
        """Orders that were placed."""
        for _, _, seconds, _ in ORDER_WINDOWS:
            self._orders[seconds] = (self._window(seconds), max(0, self.orders_in(seconds) + more))

    def order_filled(self) -> None:
        """The first fill of an order gives its count back."""
        self.count_orders(-1)

    def orders_in(self, seconds: int) -> int:
        """Unfilled orders of the window that runs."""
        window, count = self._orders.get(seconds, (0, 0))
        return count if window == self._window(seconds) else 0

    def _window(self, seconds: int) -> int:
        return epoch_ms(self.clock.now()) // 1000 // seconds

    @property
    def order_headers(self) -> dict[str, str]:
        return {
            "X-MBX-ORDER-COUNT-10S": str(self.orders_in(10)),
            "X-MBX-ORDER-COUNT-1D": str(self.orders_in(86_400)),
        }

    # --- What answers show ------------------------------------------------------------------------------------------------

    def order_limits(self) -> list[dict[str, object]]:
        """The order limits with their counts."""
        return [
            {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit,
             "count": self.orders_in(seconds)}
            for interval, number, seconds, limit in ORDER_WINDOWS
        ]  # fmt: skip

    def weight_limit(self) -> dict[str, object]:
        """The weight limit with its count."""
        return {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
                "limit": self.per_minute or info.WEIGHT_PER_MINUTE, "count": self.used}  # fmt: skip

    def rules(self) -> list[dict[str, object]]:
        """The limits as `exchangeInfo` shows them."""
        shown = [self.weight_limit(), *self.order_limits()]
        return [
            *({name: value for name, value in line.items() if name != "count"} for line in shown),
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": info.RAW_MINUTES,
             "limit": info.RAW_REQUESTS},
        ]  # fmt: skip
