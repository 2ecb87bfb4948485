"""Rate limits: the REST counter as budgets, and the matching engine's counter of each pair as a model of our own.

The engine counts each order by itself, in a counter for each pair that falls with time, and charges more for changing or
cancelling young orders.  `PairCounters` follows that count from what we send, so that a new order is held back before the venue
refuses it.  A cancel is counted and never held back (RELIABILITY I15).
Document: docs.kraken.com/exchange/guides/general/ratelimits.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from floorbroker.brokers.kraken.info import INFO
from floorbroker.domain.capability import USED_SHARE
from floorbroker.domain.clock import Clock
from floorbroker.transport.bucket import ORDER_SHARES, Budget, LimitNews
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

KEPT_MAX = 20_000  # orders whose age is remembered; an older one costs nothing extra anyway
_DUST = 1e-6
_LOCKOUT_S = 900.0
READ_WAIT_S = 120.0
"""How long a read waits for room: longer than the longest window of any tier, so that a list of many pages is complete in the
end.  A desk that gave up in between would begin again at the first page, and never be ready."""
_SCAN_MAX = 400  # errors stand at the beginning of a reply
_THROTTLED = re.compile(rb"EService: ?Throttled: ?([0-9]{9,11})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What a verification level allows: how much the counter of calls holds, and that of orders, and how fast they fall."""

    calls: int
    calls_per_s: float
    orders: int
    orders_per_s: float


TIERS = {
    "starter": Tier(calls=15, calls_per_s=1 / 3, orders=60, orders_per_s=1.0),
    "intermediate": Tier(calls=20, calls_per_s=0.5, orders=125, orders_per_s=2.34),
    "pro": Tier(calls=20, calls_per_s=1.0, orders=180, orders_per_s=3.75),
}

# Points by the age of the order, in seconds: younger than the first number costs the second on top.
AMEND_EXTRA = ((5, 3), (10, 2), (15, 1))
CANCEL_EXTRA = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))


def limits_for(tier: str, calls: int = 0) -> Limits:
    """The budgets of an account; `calls` is what the counter of its key holds where that is not its tier's.

    In w seconds a counter that holds n and loses d a second takes n + d * w calls.  Each window here is twice as long as the one
    before and lets through what the counter takes in that one, the longest exactly what it loses: so no way to use them up
    overflows it.  A part stays for finding out about orders in doubt, though no order draws on the counter.
    """
    wanted = TIERS[tier]
    held, falls_per_s = calls or wanted.calls, wanted.calls_per_s * (calls / wanted.calls if calls else 1)
    first_s = held / falls_per_s / 4
    told = [allowance for allowance in INFO.etiquette.allowances if allowance.endpoints == ("private",)]
    private = {
        allowance.name: Budget(
            name=allowance.name,
            capacity=held + (falls_per_s * first_s * 2 ** (step - 1) if step else 0),
            per_s=first_s * 2**step,
            shares=ORDER_SHARES,
        )
        for step, allowance in enumerate(told)
    }
    plain = limits_of(INFO.etiquette)
    return replace(plain, budgets=tuple(private.get(budget.name, budget) for budget in plain.budgets))


def read_limits(clock: Clock) -> Callable[[Response], LimitNews | None]:
    """What the errors of a reply say about limits; there are no headers for it."""

    def read(response: Response) -> LimitNews | None:
        return limit_news(response, clock.now())

    return read


def limit_news(response: Response, now: datetime) -> LimitNews | None:
    """A spent counter, a pause until a time, or the lock-out that follows repeated mistakes with keys and nonces."""
    if not response.body.startswith(b'{"error":["E'):
        return None
    head = response.body[:_SCAN_MAX]
    if b'"EGeneral:Temporary lockout' in head:
        return LimitNews(ban_s=_LOCKOUT_S)
    if (found := _THROTTLED.search(head)) is not None:
        return LimitNews(retry_after_s=max(1.0, int(found[1]) - now.timestamp()))
    if b'"EAPI:Rate limit exceeded' in head or b'"EGeneral:Too many requests' in head:
        return LimitNews(retry_after_s=5.0)
    return None


class PairCounters:
    """The engine's counter of each pair, as far as our own sending fills it.  `now_s` is monotonic.

    A counter is kept as the moment at which it will have fallen to zero: it falls at a steady pace, so that says it all.
    """

    def __init__(self, tier: str) -> None:
        self._tier = TIERS[tier]
        self._empty_at_s: dict[str, float] = {}
        self._placed_s: OrderedDict[str, float] = OrderedDict()
        self._symbols: dict[str, str] = {}

    def points(self, symbol: str, now_s: float) -> int:
        """Where the counter of a pair stands, rounded up."""
        return ceil(max(0.0, self._empty_at_s.get(symbol, now_s) - now_s) * self._tier.orders_per_s - _DUST)

    def wait_s(self, symbol: str, points: int, now_s: float) -> float:
        """How long until so many points more leave a fifth of the threshold free for cancels; 0 when they do now."""
        ordinary_s = (self._tier.orders * USED_SHARE - points) / self._tier.orders_per_s
        return max(0.0, self._empty_at_s.get(symbol, now_s) - now_s - ordinary_s)

    def count(self, symbol: str, points: int, now_s: float) -> None:
        """So many points were spent."""
        empty_at_s = max(self._empty_at_s.get(symbol, now_s), now_s)
        self._empty_at_s[symbol] = empty_at_s + points / self._tier.orders_per_s

    def filled(self, symbol: str, now_s: float) -> None:
        """The venue said that the counter is full: it knows of more than we sent."""
        full_s = self._tier.orders / self._tier.orders_per_s
        self._empty_at_s[symbol] = max(self._empty_at_s.get(symbol, now_s), now_s + full_s)

    def placed(self, name: str, symbol: str, now_s: float) -> None:
        """An order, by our own id, was sent or changed."""
        self._placed_s[name], self._symbols[name] = now_s, symbol
        self._placed_s.move_to_end(name)
        if len(self._placed_s) > KEPT_MAX:
            self._symbols.pop(self._placed_s.popitem(last=False)[0], None)

    def amend_points(self, name: str, now_s: float) -> int:
        """What changing the order costs at its age."""
        return 1 + self._extra(name, AMEND_EXTRA, now_s)

    def cancelled(self, name: str, symbol: str, now_s: float) -> None:
        """A cancel of the order was sent: it is charged by its age."""
        if points := self._extra(name, CANCEL_EXTRA, now_s):
            self.count(symbol, points, now_s)

    def cancelled_all(self, now_s: float) -> None:
        """A cancel of everything was sent."""
        for name, symbol in tuple(self._symbols.items()):
            self.cancelled(name, symbol, now_s)
        self._placed_s.clear()
        self._symbols.clear()

    def _extra(self, name: str, table: tuple[tuple[int, int], ...], now_s: float) -> int:
        placed_s = self._placed_s.get(name)
        if placed_s is None:
            return 0
        return next((points for younger, points in table if now_s - placed_s < younger), 0)


def batch_points(size: int) -> int:
    """What a batch of new orders costs: half a point each, rounded up."""
    return ceil(size / 2)
