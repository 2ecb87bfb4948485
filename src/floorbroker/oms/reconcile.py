"""Reconciliation as a pure diff (RELIABILITY 4): what the venue has, what we think, and what explains the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.facts import Ack, Cancelled, Cum, Expired, Filled, Held, Unrecognised, Working
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.records import ExecutionReport, Position
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import ZERO, IntentId, OrderId, text_of

MIN_OVERLAP = timedelta(minutes=5)
FIRST_LOOK_BACK = timedelta(days=1)
FILLS_PATIENCE = timedelta(seconds=20)
_UNDERSTOOD = (Ack, Working, Held, Filled, Cancelled, Expired, Cum)
FILLS_PATIENCE_S = FILLS_PATIENCE.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionGap:
    """One symbol whose two sides disagree, in signed units."""

    symbol: str
    venue: Decimal
    ours: Decimal

    @property
    def missing(self) -> Decimal:
        """What must be added to ours."""
        return self.venue - self.ours

    def __str__(self) -> str:
        return f"{self.symbol}: the venue holds {text_of(self.venue)}, our fills say {text_of(self.ours)}"


def look_back(
    *, watermark: datetime | None, now: datetime, down_since: datetime | None, oldest_open: datetime | None
) -> datetime:
    """From when to list orders and fills: the last good round less an overlap of 5 minutes or twice the outage.

    Without a round to go by, at least a day, and back to the oldest open order; a round in the future was noted by a clock
    that has been moved back since, and when it really was, nobody knows.  After a round, an order that has been open for a
    month does not make each round list a month: it is in the list of open orders, or asked for by name, and fills that its
    total implies are fetched from where it began.
    """
    if watermark is not None and watermark <= now:
        outage = now - (down_since or watermark)
        return watermark - max(MIN_OVERLAP, 2 * outage)
    start = now - FIRST_LOOK_BACK
    return start if oldest_open is None else min(start, oldest_open - MIN_OVERLAP)


def unlisted(open_orders: Iterable[Order], listed: Iterable[ExecutionReport]) -> list[Order]:
    """Orders we think the venue works on that its list of open orders lacks: each is asked for by name (I9)."""
    seen = set[OrderId | str | None]()
    for report in listed:
        seen |= {report.order_id, report.cl_ord_id}
    return [order for order in open_orders if order.order_id not in seen and order.cl_ord_id not in seen]


def position_gaps(venue: Iterable[Position], ours: Mapping[str, Decimal]) -> tuple[PositionGap, ...]:
    """Symbols whose quantities differ, by symbol."""
    theirs = {position.symbol: position.qty for position in venue if position.qty != 0}
    symbols = sorted(set(theirs) | set(ours))
    gaps = (PositionGap(symbol=s, venue=theirs.get(s, ZERO), ours=ours.get(s, ZERO)) for s in symbols)
    return tuple(gap for gap in gaps if gap.missing != 0)


def unsettled_symbols(orders: Iterable[Order], *, waits: Callable[[Order], bool]) -> frozenset[str]:
    """Symbols whose position may change by what is known already: an order in doubt, or one that `waits` for more."""
    waiting = [order for order in orders if order.in_doubt or waits(order)]
    return frozenset(symbol for order in waiting for symbol in _symbols(order))


def is_not_understood(evidence: Evidence) -> bool:
    """Whether the newest word about an order is one that stands in no table: what it has filled may be part of that."""
    odd = evidence.own.get(Unrecognised.kind)
    if not odd:
        return False
    newest = max(fact.at for fact in odd)
    return all(fact.at <= newest for fact in evidence.seen if isinstance(fact, _UNDERSTOOD))


def _symbols(order: Order) -> tuple[str, ...]:
    return (order.terms.symbol, *(leg.symbol for leg in order.terms.legs))


def interrupted(orders: Iterable[Order]) -> tuple[list[IntentId], list[IntentId]]:
    """After a restart: intents that were never sent, and intents that may have been (RELIABILITY 2.7)."""
    found = list(orders)
    prepared = [order.intent_id for order in found if order.state is OrderState.PREPARED]
    sending = [order.intent_id for order in found if order.state is OrderState.SENDING]
    return prepared, sending
