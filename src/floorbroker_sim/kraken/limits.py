"""How often one may ask: the call counter of a key, the engine's counter of each pair, and the lockout.  All decay with time.

https://docs.kraken.com/exchange/guides/rest/ratelimits, https://docs.kraken.com/exchange/guides/general/ratelimits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused

_MICRO = Decimal(1_000_000)
DEAR = frozenset({"Ledgers", "QueryLedgers", "TradesHistory", "QueryTrades"})
FREE = frozenset(
    {
        "AddOrder", "AddOrderBatch", "AmendOrder", "EditOrder", "CancelOrder", "CancelOrderBatch", "CancelAll",
        "CancelAllOrdersAfter",
    }
)  # fmt: skip


def _seconds(since: datetime, until: datetime) -> Decimal:
    span = until - since
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / _MICRO


@dataclass(slots=True)
class Counter:
    """A count that falls by `decay_s` a second, to zero."""

    decay_s: Decimal
    _value: Decimal = ZERO
    _at: datetime | None = None

    def value(self, at: datetime) -> Decimal:
        if self._at is not None:
            self._value = max(ZERO, self._value - self.decay_s * max(ZERO, _seconds(self._at, at)))
        self._at = at
        return self._value

    def add(self, points: Decimal, at: datetime) -> Decimal:
        self._value = self.value(at) + points
        return self._value


def call_cost(method: str) -> Decimal:
    """Points of one private REST call."""
    if method in FREE:
        return ZERO
    return Decimal(2) if method in DEAR else Decimal(1)


def age_penalty(action: str, age_s: Decimal) -> Decimal:
    """Extra points for an order that is `age_s` old."""
    for below_s, points in info.AGE_PENALTIES[action]:
        if age_s < below_s:
            return Decimal(points)
    return ZERO


@dataclass(slots=True)
class Limits:
    """Everything that is counted for one account.  With `counts` off nothing is refused."""

    tier: info.Tier
    counts: bool = True
    calls_decay_s: Decimal | None = None
    _calls: Counter = field(init=False)
    _pairs: dict[str, Counter] = field(init=False)
    _failures: Counter = field(init=False)
    _locked_until: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self._calls = Counter(self.calls_decay_s if self.calls_decay_s is not None else self.tier.calls_decay_s)
        self._pairs = {}
        self._failures = Counter(Decimal(info.LOCKOUT_AFTER) / 60)
        self._locked_until = None

    def call(self, method: str, at: datetime) -> None:
        """Count a private REST call.  Raises `Refused` above the maximum."""
        cost = call_cost(method)
        if self.counts and cost and self._calls.value(at) + cost > self.tier.calls_max:
            raise Refused(errors.CALLS_EXCEEDED)
        self._calls.add(cost, at)

    def engine(self, symbol: str, action: str, at: datetime, *, fixed: Decimal, since: datetime | None = None) -> None:
        """Count a transaction of the matching engine on one pair; `since` is when the order was made or last amended.

        Raises `Refused` above the threshold; a cancel is counted and never refused, so that risk can always be taken off.
        """
        points = fixed if since is None else fixed + age_penalty(action, _seconds(since, at))
        counter = self._pairs.setdefault(symbol, Counter(self.tier.engine_decay_s))
        if self.counts and action != "cancel" and counter.value(at) + points > self.tier.engine_max:
            raise Refused(errors.ENGINE_EXCEEDED)
        counter.add(points, at)

    def engine_count(self, symbol: str, at: datetime) -> Decimal:
        """Where the counter of a pair stands."""
        return self._pairs.setdefault(symbol, Counter(self.tier.engine_decay_s)).value(at)

    def check_lockout(self, at: datetime) -> None:
        """Raises `Refused` while the account is locked."""
        if self._locked_until is not None and at < self._locked_until:
            raise Refused(errors.LOCKOUT)

    def failed(self, at: datetime) -> None:
        """A key, signature or nonce was refused; many of them lock the account for a quarter of an hour."""
        if self.counts and self._failures.add(Decimal(1), at) >= info.LOCKOUT_AFTER:
            self._locked_until = at + timedelta(seconds=info.LOCKOUT_S)
