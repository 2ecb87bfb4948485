"""What one account is exposed to beyond its holdings: what orders may still do, what they cost, what things are worth.

Kept by looking at what changed since the last look and at nothing else, so that a wish is measured as fast beside
thousands of open orders as beside none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.facts import ReplaceAsked
from floorbroker.domain.options import OptionContract
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.records import Position, Quote
from floorbroker.domain.values import WIDE, ZERO, IntentId, OrderClass, Side, total_of
from floorbroker.oms.book import OrderBook
from floorbroker.oms.scales import Scales, asked_about
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.options import free_shares
from floorbroker.risk.situation import tied_by_legs
from floorbroker.risk.workload import Part, Workload, part_of

PRESUMED_COUNTS = timedelta(hours=24)
MARK_S = 60.0
_TICK = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ENTRIES = frozenset({OrderClass.BRACKET, OrderClass.OTO})
_NEVER_PLACED = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED})


@dataclass(slots=True)
class Marks:
    """What a unit of each symbol is worth: a price heard lately, else what the venue says, else what an order of ours asks.

    What the venue says of a holding takes the place of a price that was heard `MARK_S` (monotonic) before or earlier: nobody
    may be listening any more.
    """

    by_symbol: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    moved: set[str] = field(default_factory=set[str])  # symbols worth something else since whoever counts looked
    _heard_s: dict[str, float] = field(default_factory=dict[str, float])  # when a price was heard last
    _told: set[str] = field(default_factory=set[str])

    def hear(self, quote: Quote, now_s: float) -> None:
        """A price from a stream or an answer."""
        if (mark := quote.mark) is not None:
            self._set(quote.symbol, mark)
            self._heard_s[quote.symbol] = now_s

    def worth(self, position: Position, now_s: float) -> None:
        """What the venue thinks a holding is worth; what it was bought for says less than any price."""
        symbol, heard_s = position.symbol, self._heard_s.get(position.symbol)
        if position.market_px is not None:
            mark = position.market_px if heard_s is None or now_s - heard_s >= MARK_S else None
        else:
            mark = position.avg_px if heard_s is None else None
        if mark is not None:
            self._set(symbol, mark)
            self._told.add(symbol)

    def asked(self, order: Order) -> None:
        """What an open order asks, where nobody says better."""
        symbol = order.terms.symbol
        if (
            order.price is not None
            and not order.terms.legs
            and symbol not in self._heard_s
            and symbol not in self._told
        ):
            self._set(symbol, order.price)

    def _set(self, symbol: str, mark: Decimal) -> None:
        self.by_symbol[symbol] = mark
        self.moved.add(symbol)


@dataclass(slots=True)
class Costs:
    """Buying power that orders take and the venue's own figure may not show yet."""

    find: Callable[[IntentId], Order | None]
    is_pending: Callable[[IntentId], bool]
    may_yet_arrive: Callable[[Order], bool]
    total: Decimal = ZERO
    unpriced: set[IntentId] = field(default_factory=set[IntentId])  # may yet arrive, and nobody said what they cost
    _by_intent: dict[IntentId, Decimal] = field(default_factory=dict[IntentId, Decimal])

    def put(self, intent_id: IntentId, cost: Decimal) -> None:
        """Count an intent at this cost; a change of an order counts at the larger of its two sizes (I5)."""
        cost = max(cost, self._by_intent.get(intent_id, ZERO))
        self._drop(intent_id)
        self.unpriced.discard(intent_id)
        self._by_intent[intent_id] = cost
        self.total = WIDE.add(self.total, cost)

    def look_at(self, intent_id: IntentId) -> None:
        """Count it no more when its order takes nothing any more."""
        order = self.find(intent_id)
        if intent_id in self._by_intent and not self._is_reserved(intent_id, order):
            self._drop(intent_id)
        if order is not None and intent_id not in self._by_intent and self.may_yet_arrive(order):
            self.unpriced.add(intent_id)
        else:
            self.unpriced.discard(intent_id)

    def settled_before(self, asked_at: datetime) -> None:
        """The venue was asked at `asked_at`: its figure holds what was settled by then, and only that."""
        kept = {i: cost for i, cost in self._by_intent.items() if self._still_counts(self.find(i), asked_at)}
        self._by_intent, self.total = kept, total_of(kept.values())

    def without(self, intent_id: IntentId) -> Decimal:
        """The total but for one intent."""
        return WIDE.subtract(self.total, self._by_intent.get(intent_id, ZERO))

    def _drop(self, intent_id: IntentId) -> None:
        cost = self._by_intent.pop(intent_id, None)
        if cost is not None:
            self.total = WIDE.subtract(self.total, cost) if self._by_intent else ZERO

    def _is_reserved(self, intent_id: IntentId, order: Order | None) -> bool:
        if order is None:
            return self.is_pending(intent_id)
        unfilled = not order.is_open and order.cum_qty == 0 and not self.may_yet_arrive(order)
        return order.state not in _NEVER_PLACED and not unfilled

    def _still_counts(self, order: Order | None, asked_at: datetime) -> bool:
        if order is None:
            return True
        if order.state in _NEVER_PLACED:
            return False
        return self.may_yet_arrive(order) or order.pending_replace or order.updated_at >= asked_at


class Listener(Protocol):
    """Who else counts what changes in an account: the desk's risk book."""

    def on_part(self, intent_id: IntentId, order: Order | None, part: Part | None) -> None: ...

    def on_holdings(self, symbols: set[str]) -> None: ...

    def on_marks(self, symbols: set[str]) -> None: ...


class Exposed:
    """The exposure of one account.  `catch_up` brings it to the present; it takes what `book` and `gate` saw change."""

    def __init__(
        self,
        book: OrderBook,
        gate: RiskGate,
        clock: Clock,
        scales: Scales,
        *,
        whole_successors: bool = False,
    ) -> None:
        self.work = Workload()
        self.listener: Listener | None = None
        self._exits: dict[IntentId, set[IntentId]] = {}  # open exits by entry
        self._expires = _NEVER
        self.marks = Marks()
        self.costs = Costs(find=book.get, is_pending=gate.pending.__contains__, may_yet_arrive=self._may_yet_arrive)
        self._scales = scales
        self._book = book
        self._gate = gate
        self._clock = clock
        self._whole_successors = whole_successors

    def catch_up(self) -> None:
        """Count what changed since the last call."""
        for moved in (self._book.touched, self._gate.moved):
            if moved:
                for intent_id in moved:
                    self._look_at(intent_id)
                moved.clear()
        if (
            self._expires is not _NEVER and self._clock.now() >= self._expires
        ):  # a day after it was placed one presumed not placed counts no more
            self._expires = _NEVER
            for order in self._book.presumed_orders():
                self._look_at(order.intent_id)
        stirred, marked = self._book.holdings.stirred, self.marks.moved
        if not stirred and not marked:  # as nearly always: each wish asks this of every account of the desk
            return
        if self.listener is not None:
            self.listener.on_holdings(stirred)
            self.listener.on_marks(marked)
        stirred.clear()
        marked.clear()

    def _look_at(self, intent_id: IntentId) -> None:
        self._look_at_one(intent_id)
        for exit_id in tuple(self._exits.get(intent_id, ())):  # how much of them counts is for their entry to say
            self._look_at_one(exit_id)

    def _look_at_one(self, intent_id: IntentId) -> None:
        order = self._book.at_hand(intent_id)
        part = self._part(intent_id)
        self._keep_exit(intent_id, order, part)
        self.work.put(intent_id, part)
        self.costs.look_at(intent_id)
        if order is not None and order.presumed and self._may_yet_arrive(order):
            self._expires = min(self._expires, order.created_at + PRESUMED_COUNTS + _TICK)
        if order is not None and order.needs_executions:
            self._book.holdings.stirred.add(order.terms.symbol)  # its total counts before its executions are told
        if self.listener is not None:
            self.listener.on_part(intent_id, order, part)

    def _keep_exit(self, intent_id: IntentId, order: Order | None, part: Part | None) -> None:
        """Remember whose exit an open order is."""
        if order is None or order.parent_id is None:
            return
        if part is not None:
            self._exits.setdefault(order.parent_id, set()).add(intent_id)
        elif (exits := self._exits.get(order.parent_id)) is not None:
            exits.discard(intent_id)
            if not exits:
                del self._exits[order.parent_id]

    def positions(self) -> Mapping[str, Decimal]:
        """What is held, with what a venue told only as a total: its fills are on their way, its order may be closed already."""
        units, lacking = self._book.holdings.units, self._book.lacking_executions()
        if not lacking:
            return units
        held = dict(units)
        for order in lacking:
            untold = WIDE.subtract(order.cum_qty, total_of(execution.last_qty for execution in order.executions))
            was, signed = held.get(order.terms.symbol, ZERO), WIDE.multiply(order.terms.side.sign, untold)
            held[order.terms.symbol] = WIDE.add(was, signed)
        return held

    def reserved(self, leave_out: IntentId | None = None) -> Decimal | None:
        """Buying power that is taken, orders in doubt whose reservation ended with an earlier process included (I5).

        None where one of those is in a currency of which nobody said what it is worth.
        """
        total = self.costs.total if leave_out is None else self.costs.without(leave_out)
        for intent_id in self.costs.unpriced:
            cost = ZERO if intent_id == leave_out else self._cost_of_doubt(intent_id)
            if cost is None:
                return None
            total += cost
        return total

    def _cost_of_doubt(self, intent_id: IntentId) -> Decimal | None:
        order = self._book.get(intent_id)
        if order is None:
            return ZERO
        terms = order.terms
        scale = self._scales.rate(terms.symbol) if terms.notional else self._scales(asked_about(terms))
        amount = terms.notional or self._units_of_doubt(order) * self._price_of_doubt(order)
        return ZERO if not amount else None if scale is None else amount * scale

    def _units_of_doubt(self, order: Order) -> Decimal:
        """What an order in doubt may open."""
        terms, units = order.terms, order.order_qty or ZERO
        if terms.legs:
            return units
        return max(units - max(self._book.holdings.qty(terms.symbol) * -terms.side.sign, ZERO), ZERO)

    def _price_of_doubt(self, order: Order) -> Decimal:
        """What a unit that it opens ties up.  Where nothing but the venue's word bounded that, as much as the share itself."""
        terms, marks = order.terms, self.marks.by_symbol
        if terms.legs:
            bound = tied_by_legs(terms, order.price, marks)
            return marks.get(terms.symbol, ZERO) if bound is None else bound
        price = abs(order.price or order.stop_px or marks.get(terms.symbol, ZERO))
        return price if terms.side is Side.BUY else max(price, self._owed_of_doubt(order))

    def _owed_of_doubt(self, order: Order) -> Decimal:
        """What a unit of an option that is written in doubt may owe, a share; nothing where shares stand behind it."""
        contract = OptionContract.parse(order.terms.symbol)
        if contract is None or contract.is_put:
            return ZERO if contract is None else contract.strike
        multiplier, opened = self._scales.multiplier(contract.symbol), self._units_of_doubt(order)
        shares = free_shares(contract.root, self.positions().items(), multiplier)
        return ZERO if opened * multiplier <= shares else self.marks.by_symbol.get(contract.root, ZERO)

    def _part(self, intent_id: IntentId) -> Part | None:
        order = self._book.at_hand(intent_id)
        if order is None:
            wish = self._gate.pending.get(intent_id)
            return None if wish is None else part_of(wish)
        if not (order.is_open or self._may_yet_arrive(order)):
            return None
        self.marks.asked(order)
        return part_of(order.terms, self._leaves(order), group=_group_of(order), entered=self._entered(order))

    def _entered(self, order: Order) -> Decimal | None:
        """What the entry of an exit filled; None where it is not at hand, in doubt, or no entry."""
        entry = None if order.parent_id is None else self._book.at_hand(order.parent_id)
        if entry is None or entry.in_doubt or entry.terms.order_class not in _ENTRIES:
            return None
        return entry.cum_qty

    def _may_yet_arrive(self, order: Order) -> bool:
        """Whether the venue may have the order, or get it, without its own figures telling.  One presumed not placed counts
        for a day; after that only a sign of it does.
        """
        return order.in_doubt or (order.presumed and order.created_at >= self._clock.now() - PRESUMED_COUNTS)

    def _leaves(self, order: Order) -> Decimal | None:
        """Units still open; an order with a change in flight counts at the larger of its two sizes (I5).

        Where its successor may be whole, it may fill until the change is there, and then as much again as the change says.
        """
        if not order.pending_replace or order.order_qty is None:
            return order.leaves_qty
        asked = [fact for fact in self._book.facts(order.intent_id) if isinstance(fact, ReplaceAsked)]
        wanted = max(asked, key=lambda fact: fact.replace_id).changes.order_qty or order.order_qty
        if self._whole_successors:
            return WIDE.subtract(WIDE.add(wanted, order.order_qty), order.cum_qty)
        return WIDE.subtract(max(wanted, order.order_qty), order.cum_qty)


def _group_of(order: Order) -> IntentId | None:
    """Whose exits an order is one of: those of its parent, and of an OCO its own."""
    return order.intent_id if order.terms.order_class is OrderClass.OCO else order.parent_id
