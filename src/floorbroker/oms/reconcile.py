"""Reconciliation as a pure diff (RELIABILITY 4): what the venue has, what we think, and what explains the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.facts import Ack, Cancelled, Cum, Expired, Filled, Held, Unrecognised, Working
from floorbroker.domain.instrument import asset_class_of, quote_of
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.records import ExecutionReport, Position
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import WIDE, ZERO, AssetClass, IntentId, OrderId, Price, text_of

MIN_OVERLAP = timedelta(minutes=5)
FIRST_LOOK_BACK = timedelta(days=1)
FILLS_PATIENCE_S = 20.0
_UNDERSTOOD = (Ack, Working, Held, Filled, Cancelled, Expired, Cum)


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
    *,
    watermark: datetime | None,
    now: datetime,
    down_since: datetime | None,
    oldest_open: datetime | None,
    is_new: bool = False,
) -> datetime:
    """From when to list orders and fills: the last good round less an overlap of 5 minutes or twice the outage.

    Without a round to go by, at least a day, and back to the oldest open order; a round in the future was noted by a clock
    that has been moved back since, and when it really was, nobody knows.  A desk that `is_new` has no order and no round: what
    its account did before is in the opening position.  After a round, an order that has been open for a month does not make
    each round list a month: it is in the list of open orders, or asked for by name, and fills that its total implies are
    fetched from where it began.
    """
    if watermark is not None and watermark <= now:
        outage = now - (down_since or watermark)
        return watermark - max(MIN_OVERLAP, 2 * outage)
    if watermark is None and is_new:
        return now - MIN_OVERLAP
    start = now - FIRST_LOOK_BACK
    return start if oldest_open is None else min(start, oldest_open - MIN_OVERLAP)


def unlisted(open_orders: Iterable[Order], listed: Iterable[ExecutionReport]) -> list[Order]:
    """Orders we think the venue works on that its list of open orders lacks: each is asked for by name (I9)."""
    seen = set[OrderId | str | None]()
    for report in listed:
        seen |= {report.order_id, report.cl_ord_id}
    return [order for order in open_orders if order.order_id not in seen and order.cl_ord_id not in seen]


def position_gaps(
    venue: Iterable[Position], ours: Mapping[str, Decimal], *, whole_coins: bool = False
) -> tuple[PositionGap, ...]:
    """Symbols whose quantities differ, by symbol; with `whole_coins` one symbol at most of each coin (`BrokerInfo`)."""
    theirs = {position.symbol: position.qty for position in venue if position.qty != 0}
    if whole_coins:
        theirs = shares(theirs, ours)
    symbols = sorted(set(theirs) | set(ours))
    gaps = (PositionGap(symbol=s, venue=theirs.get(s, ZERO), ours=ours.get(s, ZERO)) for s in symbols)
    return tuple(gap for gap in gaps if gap.missing != 0)


def shares(venue: Mapping[str, Decimal], ours: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What the venue's total of each coin leaves for each of its pairs: what ours say, and the rest for the pair it was told in.

    Of a coin that it does not hold nothing says which pair is wrong: the one that holds most of what is too much.
    """
    pairs: dict[str, list[str]] = {}
    for symbol in sorted(set(venue) | set(ours)):
        pairs.setdefault(thing_of(symbol), []).append(symbol)
    found: dict[str, Decimal] = {}
    for symbols in pairs.values():
        found |= {symbol: ours.get(symbol, ZERO) for symbol in symbols}
        too_much = ZERO
        for symbol in symbols:
            too_much = WIDE.add(too_much, WIDE.subtract(ours.get(symbol, ZERO), venue.get(symbol, ZERO)))
        rest = _told_in(symbols, venue) or max(
            symbols, key=lambda symbol: ours[symbol].copy_sign(ours[symbol] * too_much)
        )
        found[rest] = WIDE.subtract(found[rest], too_much)
    return found


def in_other_pairs(
    told: Sequence[Position], ours: Iterable[str], between: Callable[[str, str], Decimal | None]
) -> Iterator[Position]:
    """Coins that we hold in another pair than they are told in, at that price in the quote of ours, where a rate is known."""
    named = {position.symbol for position in told}
    by_coin = {thing_of(position.symbol): position for position in told if position.market_px is not None}
    for symbol in set(ours) - named:
        found = by_coin.get(thing_of(symbol))
        rate = None if found is None else between(quote_of(found.symbol), quote_of(symbol))
        if found is not None and found.market_px is not None and rate is not None:
            yield replace(found, symbol=symbol, market_px=Price(found.market_px * rate))


def _told_in(symbols: Iterable[str], venue: Mapping[str, Decimal]) -> str | None:
    return max((symbol for symbol in symbols if symbol in venue), key=lambda symbol: abs(venue[symbol]), default=None)


def thing_of(symbol: str) -> str:
    """What is held with a symbol where a coin is one thing in all its pairs; everything else is a thing of its own."""
    return symbol.partition("/")[0] + "/" if asset_class_of(symbol) is AssetClass.CRYPTO else symbol


def apart(
    gaps: Iterable[PositionGap], waiting: Iterable[str], *, whole_coins: bool = False
) -> tuple[tuple[PositionGap, ...], tuple[PositionGap, ...]]:
    """Gaps that stand, and gaps of what may change yet; with `whole_coins` all pairs of a coin wait together."""
    name = thing_of if whole_coins else str
    things, found = {name(symbol) for symbol in waiting}, tuple(gaps)
    still = tuple(gap for gap in found if name(gap.symbol) not in things)
    return still, tuple(gap for gap in found if name(gap.symbol) in things)


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
