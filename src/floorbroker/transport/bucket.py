"""Rate budgets as arithmetic, without waiting: tokens that come back exactly one window after they were taken.

A bucket that refills smoothly lets a full burst and a full refill through in one window, twice what a venue allows.
Here a token returns `per_s` seconds after it was taken, so no window of that length, wherever it starts, ever sees more
than the budget.  Tokens taken within a thousandth of the window come back together, with the last of them: one small record
holds them all, so a bucket never keeps more than a thousand records, whatever the rate.

Lanes share one bucket, each up to its own part (`shares`): ordinary work stays at 80 % of what the venue allows, and
what lies above is for cancels and for finding out about orders in doubt (RELIABILITY 11).  A cancel is counted, never
refused (RELIABILITY I15).
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from floorbroker.domain.capability import USED_SHARE
from floorbroker.transport.types import Lane

# For budgets that orders draw on: questions leave room for orders, orders leave room for cancels and resolution.
ORDER_SHARES: Mapping[Lane, float] = MappingProxyType(
    {
        Lane.CANCEL: 1.0,
        Lane.RESOLVE: 1.0,
        Lane.REDUCE: USED_SHARE,
        Lane.NEW: USED_SHARE,
        Lane.RECONCILE: USED_SHARE * 0.875,
        Lane.QUERY: USED_SHARE * 0.75,
    }
)
# For budgets that only reads draw on.
READ_SHARES: Mapping[Lane, float] = MappingProxyType(dict.fromkeys(Lane, USED_SHARE))
FULL_SHARES: Mapping[Lane, float] = MappingProxyType(dict.fromkeys(Lane, 1.0))

_PAUSE_MAX_S = 3600.0  # what a header may ask of us at most
_LIMIT_GROWTH_MAX = 100.0
_SLOWEST = 0.1
_RECOVERY_STEP = 0.1
_DUST = 1e-9
_LOTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`capacity` tokens in any `per_s` seconds: the venue's whole allowance, of which each lane uses its share.

    One that `paces` says how often a question may be asked, and is used up by asking it: no sign of trouble.
    """

    name: str
    capacity: float
    per_s: float
    shares: Mapping[Lane, float] = field(default_factory=lambda: ORDER_SHARES)
    flat: bool = False  # every request costs one token, whatever its weight
    paces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitNews:
    """What a reply tells about the venue's limits; times are seconds from now.

    `budget` names the budget meant (None: the first one of the request).  `retry_after_s` is the venue's word that this
    budget is spent; `ban_s` that nothing at all may be sent for so long.
    """

    budget: str | None = None
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    retry_after_s: float | None = None
    ban_s: float | None = None


@dataclass(slots=True, eq=False)
class Lot:
    """Tokens that come back together.  Until `closes_at` more may join them, and then all come back later."""

    returns_at: float
    closes_at: float
    cost: float


@dataclass(slots=True, eq=False)
class Taken:
    """The tokens of one request, and the lot they are in."""

    lot: Lot
    cost: float


class Bucket:
    """One budget in use.  `now` is always monotonic seconds of one clock."""

    __slots__ = (
        "_calm", "_ceilings", "_elsewhere", "_lot", "_lot_s", "_out", "_pace", "_pace_set_at", "_per_s", "_settle_at",
        "_throttles", "_used", "budget", "capacity", "paused_until",
    )  # fmt: skip

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.capacity = budget.capacity
        self.paused_until = -math.inf
        self._per_s = budget.per_s
        self._lot_s = budget.per_s / _LOTS
        self._lot = Lot(-math.inf, -math.inf, 0.0)
        self._out: deque[Lot] = deque()
        self._settle_at = math.inf  # before this moment no token comes back
        self._used = 0.0
        self._elsewhere = Lot(-math.inf, -math.inf, 0.0)  # what the venue counts beyond what we sent
        self._pace = 1.0
        self._pace_set_at = -math.inf
        self._throttles = 0
        self._calm = True  # full pace, no pause, nothing spent elsewhere: then `_ceilings` is all there is to ask
        self._ceilings = self._ceilings_at_full_pace()

    def used(self, now: float) -> float:
        """Tokens not yet back, those spent elsewhere included."""
        self._settle(now)
        return self._used + self._elsewhere.cost

    def cost(self, weight: float) -> float:
        """What a request of this weight costs here."""
        return 1.0 if self.budget.flat else float(weight)

    def wait_s(self, cost: float, lane: Lane, now: float) -> float:
        """Seconds until `cost` tokens are free for this lane: 0 for now, infinity for never."""
        if lane is Lane.CANCEL:
            return 0.0
        if now >= self._settle_at:
            self._settle(now)
        if self._calm and self._used + cost <= self._ceilings[lane] and cost <= self.capacity:
            return 0.0
        if cost > self.capacity:
            return math.inf
        pause_s = max(0.0, self.paused_until - now)
        used, allowed = self.used(now), self.allowance(lane, now)
        if used + cost <= allowed + _DUST or used <= _DUST:  # a request above its share passes alone
            return pause_s
        return max(pause_s, self._free_at(used + cost - allowed, now) - now)

    def spend(self, cost: float, lane: Lane, now: float) -> bool:
        """Use the tokens if no wait is needed; what `wait_s` and `take` come to, in one step for the usual case."""
        if now >= self._settle_at:
            self._settle(now)
        used = self._used + cost
        if not (self._calm and used <= self._ceilings[lane]):
            return self._spend_anyway(cost, lane, now)
        self._used = used
        lot = self._lot
        if now < lot.closes_at:
            lot.cost += cost
            lot.returns_at = now + self._per_s
        else:
            self._open_lot(cost, now)
        return True

    def take(self, cost: float, now: float) -> Taken:
        """Use the tokens; the caller has asked `wait_s`, or is a cancel."""
        self._settle(now)
        self._used += cost
        self._join(cost, now)
        return Taken(self._lot, cost)

    def taken_at_once(self, cost: float, lane: Lane, now: float) -> Taken | None:
        """`spend`, with a receipt for `give_back`."""
        return Taken(self._lot, cost) if self.spend(cost, lane, now) else None

    def give_back(self, taken: Taken) -> None:
        """The request was not sent after all.  Tokens that are back already are not given back again."""
        cost = min(taken.cost, taken.lot.cost)
        taken.cost = 0.0
        taken.lot.cost -= cost
        self._used -= cost

    def allowance(self, lane: Lane, now: float) -> float:
        """Tokens this lane may have in use at once, at the present pace."""
        return self.capacity * self.budget.shares[lane] * self.pace(now)

    def pace(self, now: float) -> float:
        """1.0 normally; less after a throttle, recovering a tenth each window."""
        if self._pace >= 1.0:
            return 1.0
        windows = math.floor((now - self._pace_set_at) / self.budget.per_s + _DUST)
        pace = min(1.0, self._pace + _RECOVERY_STEP * windows)
        if pace >= 1.0:
            self._pace, self._throttles = 1.0, 0
        return pace

    def slow_down(self, now: float) -> None:
        """Halve the pace."""
        self._calm = False
        self._pace = max(_SLOWEST, self.pace(now) / 2)
        self._pace_set_at = now

    def throttled(self, retry_after_s: float | None, now: float) -> None:
        """The venue said too many: pause as long as it says, or longer each time it says nothing; then go slower."""
        self._throttles += 1
        guess_s = min(self.budget.per_s, 60.0, 2.0 ** min(self._throttles - 1, 6))
        pause_s = guess_s if retry_after_s is None else _within(retry_after_s, 0.0, _PAUSE_MAX_S)
        self.paused_until = max(self.paused_until, now + pause_s)
        self.slow_down(now)  # and with it: not calm

    def learn(self, news: LimitNews, now: float) -> None:
        """Follow the venue's own count where it is stricter, and its limit whatever it is (within reason)."""
        if news.limit is not None and news.limit != self.capacity:
            self.capacity = _within(news.limit, 1.0, self.budget.capacity * _LIMIT_GROWTH_MAX)
            self._ceilings = self._ceilings_at_full_pace()
        if news.remaining is None:
            return
        self._settle(now)
        reset_s = self.budget.per_s if news.reset_s is None else _within(news.reset_s, 0.0, self.budget.per_s)
        free = _within(news.remaining, 0.0, self.capacity)
        self._elsewhere = Lot(now + reset_s, now, max(0.0, self.capacity - self._used - free))
        self._calm = self._calm and self._elsewhere.cost == 0.0

    def _ceilings_at_full_pace(self) -> tuple[float, ...]:
        """By lane: up to where tokens may be in use when nothing else has to be asked."""
        shares = self.budget.shares
        return tuple(math.inf if lane is Lane.CANCEL else self.capacity * shares[lane] + _DUST for lane in sorted(Lane))

    def _spend_anyway(self, cost: float, lane: Lane, now: float) -> bool:
        """The whole question, where a glance did not answer it."""
        if self.wait_s(cost, lane, now) > 0.0:
            return False
        self._calm = self.pace(now) >= 1.0 and self.paused_until <= now and self._elsewhere.cost == 0.0
        self._used += cost
        self._join(cost, now)
        return True

    def _join(self, cost: float, now: float) -> None:
        if now < self._lot.closes_at:
            self._lot.cost += cost
            self._lot.returns_at = now + self._per_s
        else:
            self._open_lot(cost, now)

    def _open_lot(self, cost: float, now: float) -> None:
        self._lot = lot = Lot(now + self._per_s, now + self._lot_s, cost)
        self._out.append(lot)
        self._settle_at = min(self._settle_at, lot.returns_at)

    def _settle(self, now: float) -> None:
        while self._out and self._out[0].returns_at <= now:
            lot = self._out.popleft()
            self._used -= lot.cost
            lot.cost = 0.0
        self._settle_at = self._out[0].returns_at if self._out else math.inf
        if not self._out:
            self._used = 0.0
        if self._elsewhere.returns_at <= now:
            self._elsewhere.cost = 0.0

    def _free_at(self, needed: float, now: float) -> float:
        """When at least `needed` tokens will have come back, or all of them."""
        last, elsewhere = now, self._elsewhere
        lots = iter(self._out)
        if elsewhere.cost > 0.0:
            lots = heapq.merge(lots, [elsewhere], key=lambda lot: lot.returns_at)
        for lot in lots:
            if lot.cost > 0.0:
                needed -= lot.cost
                last = lot.returns_at
                if needed <= _DUST:
                    break
        return last


def _within(value: float, low: float, high: float) -> float:
    return low if math.isnan(value) else min(max(value, low), high)
