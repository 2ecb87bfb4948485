"""What one account is exposed to beyond its holdings: what orders may still do, what they cost, what things are worth.

Kept by looking at what changed since the last look and at nothing else, so that a wish is measured as fast beside
thousands of open orders as beside none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.facts import ReplaceAsked
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.records import Position, Quote
from floorbroker.domain.values import WIDE, ZERO, IntentId
from floorbroker.oms.book import OrderBook
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.workload import Part, Workload, part_of

PRESUMED_COUNTS = timedelta(hours=24)
_NEVER_PLACED = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED})


@dataclass(slots=True)
class Marks:
    """What a unit of each symbol is worth: a price heard, else what the venue says, else what an order of ours asks."""

    by_symbol: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    _heard: set[str] = field(default_factory=set[str])
    _told: set[str] = field(default_factory=set[str])

    def hear(self, quote: Quote) -> None:
        """A price from a stream or an answer."""
        mark = quote.mid or quote.last or quote.bid or quote.ask
        if mark is not None:
            self.by_symbol[quote.symbol] = mark
            self._heard.add(quote.symbol)

    def worth(self, position: Position) -> None:
        """What the venue thinks a holding is worth."""
        mark = position.market_px if position.market_px is not None else position.avg_px
        if mark is not None and position.symbol not in self._heard:
            self.by_symbol[position.symbol] = mark
            self._told.add(position.symbol)

    def asked(self, order: Order) -> None:
        """What an open order asks, where nobody says better."""
        symbol = order.terms.symbol
        if order.price is not None and symbol not in self._heard and symbol not in self._told:
            self.by_symbol[symbol] = order.price


@dataclass(slots=True)
class Costs:
    """Buying power that orders take and the venue's own figure may not show yet."""

    find: Callable[[IntentId], Order | None]
    is_pending: Callable[[IntentId], bool]
    total: Decimal = ZERO
    _by_intent: dict[IntentId, Decimal] = field(default_factory=dict[IntentId, Decimal])

    def put(self, intent_id: IntentId, cost: Decimal) -> None:
        """Count an intent at this cost."""
        self._drop(intent_id)
        self._by_intent[intent_id] = cost
        self.total = WIDE.add(self.total, cost)

    def look_at(self, intent_id: IntentId) -> None:
        """Count it no more when its order takes nothing any more."""
        if intent_id in self._by_intent and not self._is_reserved(intent_id):
            self._drop(intent_id)

    def settled_before(self, asked_at: datetime) -> None:
        """The venue was asked at `asked_at`: its figure holds what was settled by then, and only that."""
        kept = {i: cost for i, cost in self._by_intent.items() if _still_counts(self.find(i), asked_at)}
        self._by_intent, self.total = kept, sum(kept.values(), ZERO)

    def without(self, intent_id: IntentId) -> Decimal:
        """The total but for one intent."""
        return WIDE.subtract(self.total, self._by_intent.get(intent_id, ZERO))

    def _drop(self, intent_id: IntentId) -> None:
        cost = self._by_intent.pop(intent_id, None)
        if cost is not None:
            self.total = WIDE.subtract(self.total, cost) if self._by_intent else ZERO

    def _is_reserved(self, intent_id: IntentId) -> bool:
        order = self.find(intent_id)
        if order is None:
            return self.is_pending(intent_id)
        unfilled = not order.is_open and order.cum_qty == 0 and not order.presumed
        return order.state not in _NEVER_PLACED and not unfilled


def _still_counts(order: Order | None, asked_at: datetime) -> bool:
    if order is None:
        return True
    if order.state in _NEVER_PLACED:
        return False
    return order.in_doubt or order.presumed or order.pending_replace or order.updated_at >= asked_at


class Exposed:
    """The exposure of one account.  `catch_up` brings it to the present; it takes what `book` and `gate` saw change."""

    def __init__(self, book: OrderBook, gate: RiskGate, clock: Clock) -> None:
        self.work = Workload()
        self.marks = Marks()
        self.costs = Costs(find=book.get, is_pending=gate.pending.__contains__)
        self._book = book
        self._gate = gate
        self._clock = clock

    def catch_up(self) -> None:
        """Count what changed since the last call."""
        for moved in (self._book.touched, self._gate.moved):
            for intent_id in moved:
                self.work.put(intent_id, self._part(intent_id))
                self.costs.look_at(intent_id)
            moved.clear()
        for order in self._book.presumed_orders():
            self.work.put(order.intent_id, self._part(order.intent_id))  # a day after it was placed it counts no more

    def _part(self, intent_id: IntentId) -> Part | None:
        order = self._book.at_hand(intent_id)
        if order is None:
            wish = self._gate.pending.get(intent_id)
            return None if wish is None else part_of(wish)
        if not (order.is_open or self._is_fresh_doubt(order)):
            return None
        self.marks.asked(order)
        return part_of(order.terms, self._leaves(order))

    def _is_fresh_doubt(self, order: Order) -> bool:
        """Orders presumed not placed count for a day; after that only a sign of them does."""
        return order.presumed and order.created_at >= self._clock.now() - PRESUMED_COUNTS

    def _leaves(self, order: Order) -> Decimal | None:
        """Units still open; an order with a change in flight counts at the larger of its two sizes (I5)."""
        if not order.pending_replace or order.order_qty is None:
            return order.leaves_qty
        asked = [fact for fact in self._book.facts(order.intent_id) if isinstance(fact, ReplaceAsked)]
        wanted = max(asked, key=lambda fact: fact.replace_id).changes.order_qty or order.order_qty
        return max(wanted, order.order_qty) - order.cum_qty
