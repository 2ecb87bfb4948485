"""Rate limits: the etiquette of `info.py` as budgets, two counts beside it, and the venue's own word in its headers.

The venue's windows begin on the clock (a minute at :00, ten seconds at :00, :10, a day at midnight UTC); ours slide, which is
never looser.  `X-MBX-USED-WEIGHT-1M` and `X-MBX-ORDER-COUNT-10S`, `-1D` say what it has counted; 429 pauses a budget and 418 is
a ban from this address: nothing at all is sent until it ends.
Document: developers.binance.com/docs/binance-spot-api-docs/rest-api/limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.info import INFO
from floorbroker.transport.bucket import Budget, LimitNews
from floorbroker.transport.layers.ratelimit import number, retry_after_s
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

BANNED = 418
WEIGHT, ORDERS, ORDERS_DAY, RAW = "weight", "orders", "orders-day", "raw"
_ORDERS_A_DAY = 160_000
_RAW_IN_5_MIN = 300_000
_DAY_S, _MINUTE_S, _TEN_S = 86_400, 60, 10
_BAN_S = 120.0  # the shortest one the venue speaks of, where it does not say how long

_DRAWN = limits_of(INFO.etiquette)
LIMITS = Limits(
    budgets=(
        *_DRAWN.budgets,
        Budget(name=ORDERS_DAY, capacity=_ORDERS_A_DAY, per_s=_DAY_S),
        Budget(name=RAW, capacity=_RAW_IN_5_MIN, per_s=300.0, flat=True),
    ),
    routes={
        endpoint: (*names, *((ORDERS_DAY,) if ORDERS in names else ()), RAW)
        for endpoint, names in _DRAWN.routes.items()
    },
)
_COUNTS = (
    ("x-mbx-used-weight-1m", WEIGHT, _MINUTE_S, "weight"),
    ("x-mbx-order-count-10s", ORDERS, _TEN_S, "orders"),
    ("x-mbx-order-count-1d", ORDERS_DAY, _DAY_S, "orders-day"),
)
_CAPACITY = {budget.name: budget.capacity for budget in LIMITS.budgets}


class Allowances:
    """What the venue says it allows, and what its headers make of that.  `now` is the venue's time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._capacity = dict(_CAPACITY)

    def read(self, response: Response) -> tuple[LimitNews, ...]:
        """`ReadLimits` of this venue."""
        headers, now = response.headers, self._now()
        news = [
            LimitNews(budget=budget, remaining=max(0.0, self._capacity[budget] - used), reset_s=left_s(now, per_s))
            for name, budget, per_s, _ in _COUNTS
            if (used := number(headers.get(name))) is not None
        ]
        wait_s = retry_after_s(headers.get("retry-after"), now)
        if response.status == BANNED:
            news.append(LimitNews(ban_s=_BAN_S if wait_s is None else wait_s))
        elif wait_s is not None:
            news.append(LimitNews(retry_after_s=wait_s))
        return tuple(news)

    def told(self, rules: Iterable[wire.RateRule]) -> tuple[LimitNews, ...]:
        """What exchangeInfo says is allowed, for the windows we count by."""
        found: list[LimitNews] = []
        for rule in rules:
            budget = _BUDGETS.get((rule.rate_limit_type, rule.interval, rule.interval_num))
            if budget is not None and rule.limit > 0:
                self._capacity[budget] = rule.limit
                found.append(LimitNews(budget=budget, limit=rule.limit))
        return tuple(found)


_BUDGETS = {
    ("REQUEST_WEIGHT", "MINUTE", 1): WEIGHT,
    ("ORDERS", "SECOND", 10): ORDERS,
    ("ORDERS", "DAY", 1): ORDERS_DAY,
    ("RAW_REQUESTS", "MINUTE", 5): RAW,
}


def left_s(now: datetime, per_s: int) -> float:
    """Seconds until a window that begins on the clock begins anew."""
    return per_s - now.timestamp() % per_s
