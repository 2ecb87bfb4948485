"""The life of orders at one desk, as a machine: whatever people ask, venues answer and crashes cut, the promises hold.

It bites: a bust that is not heeded fails within thirty runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from floorbroker.domain.facts import Source, Void
from floorbroker.domain.orders import Order, OrderChanges, OrderState
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ZERO, ExecType, IntentId, OrdStatus, Price, Quantity, Side
from tests.properties.living import LivingDesk
from tests.support.fake_broker import OPEN, FakeBroker, VenueOrder, buy
from tests.support.house import CALLER

SUBMITS = (
    "accept",
    "accept",
    "accept",
    "accept_then_fill",
    "refuse",
    "not_sent",
    "drop",
    "lose",
    "lose_and_hide",
    "empty",
)
ANSWERS = ("accept", "accept", "refuse", "ignore", "lose")
CHANGES = ("accept", "accept", "drop", "lose")
ENDED = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED})
DENIED = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED, OrderState.PRESUMED_NOT_PLACED})
SIDES = st.sampled_from([Side.BUY, Side.BUY, Side.SELL])
numbers = st.integers(0, 1_000)
T = TypeVar("T")


class OrderLife(LivingDesk):
    """`seen` is each order as the last step left it, `busts` how many busts it had heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[IntentId, Order] = {}
        self.busts: dict[IntentId, int] = {}
        self.told: list[ExecutionReport] = []

    # -- what people do -----------------------------------------------------------------------------------------------

    @rule(script=st.sampled_from(SUBMITS), qty=st.integers(1, 9), side=SIDES)
    def submit(self, script: str, qty: int, side: Side) -> None:
        self.broker.next_submit.append(script)
        self.tried(self.desk.place(buy(str(qty), side=side)))
        self.broker.next_submit.clear()  # a refusal of ours never asked for it

    @precondition(lambda self: self.seen)
    @rule(which=numbers, script=st.sampled_from(ANSWERS))
    def cancel(self, which: int, script: str) -> None:
        self.broker.next_cancel.append(script)
        self.tried(self.desk.gateway.cancel(self.one(which).intent_id, caller=CALLER))
        self.broker.next_cancel.clear()

    @precondition(lambda self: self.seen)
    @rule(which=numbers, script=st.sampled_from(CHANGES), qty=st.integers(1, 12), price=st.integers(95, 105))
    def change(self, which: int, script: str, qty: int, price: int) -> None:
        self.broker.next_modify.append(script)
        wanted = OrderChanges(order_qty=Quantity(Decimal(qty)), price=Price(Decimal(price)))
        self.tried(self.desk.gateway.modify(self.one(which).intent_id, wanted, caller=CALLER))
        self.broker.next_modify.clear()

    # -- what the venue does ------------------------------------------------------------------------------------------

    @precondition(lambda self: bool(working(self.broker)))
    @rule(which=numbers, qty=st.integers(1, 4))
    def fill(self, which: int, qty: int) -> None:
        order = pick(working(self.broker), which)
        self.told.append(self.broker.fill(order, min(Decimal(qty), order.qty - order.cum)))

    @precondition(lambda self: bool(working(self.broker)))
    @rule(which=numbers, status=st.sampled_from([OrdStatus.CANCELED, OrdStatus.EXPIRED]))
    def end(self, which: int, status: OrdStatus) -> None:
        order = pick(working(self.broker), which)
        order.status = status
        self.tell(self.broker.report(order, ExecType.ORDER_STATUS, Source.STREAM))

    @precondition(lambda self: bool(standing(self.broker)))
    @rule(which=numbers)
    def bust(self, which: int) -> None:
        """A trade is taken back, which the history tells as well; an order that was done or open goes on."""
        trade = pick(standing(self.broker), which)
        assert trade.order_id is not None
        assert trade.last_qty is not None
        assert trade.side is not None
        order = self.broker.orders[trade.order_id]
        order.cum -= trade.last_qty
        order.cost -= trade.last_qty * (trade.last_px or ZERO)
        if order.status in (OrdStatus.FILLED, OrdStatus.PARTIALLY_FILLED):
            order.status = OrdStatus.PARTIALLY_FILLED if order.cum else OrdStatus.NEW
        self.broker.positions[trade.symbol] -= trade.side.sign * trade.last_qty
        told = replace(self.broker.report(order, ExecType.TRADE_CANCEL, Source.STREAM), exec_ref_id=trade.exec_id)
        told = replace(told, last_qty=trade.last_qty, last_px=trade.last_px)
        self.broker.executions.append(told)
        self.tell(told)

    @precondition(lambda self: self.broker.orders)
    @rule(which=numbers)
    def note_where_it_stands(self, which: int) -> None:
        """A report that is made now and may be heard much later."""
        order = pick(list(self.broker.orders.values()), which)
        self.told.append(self.broker.report(order, ExecType.ORDER_STATUS, Source.SNAPSHOT))

    @precondition(lambda self: self.told)
    @rule(which=numbers, source=st.sampled_from([Source.STREAM, Source.QUERY, Source.HISTORY]))
    def say_again(self, which: int, source: Source) -> None:
        """An old report, late, out of order, or twice."""
        self.tell(replace(pick(self.told, which), source=source))

    @precondition(lambda self: self.broker.orders)
    @rule(which=numbers)
    def say_something_odd(self, which: int) -> None:
        order = pick(list(self.broker.orders.values()), which)
        report = self.broker.report(order, ExecType.ORDER_STATUS, Source.STREAM)
        self.tell(replace(report, ord_status=None, unrecognised="<b>tilted</b>"))

    @rule(muted=st.booleans())
    def mute(self, muted: bool) -> None:
        self.broker.muted = muted

    @rule()
    def stream_breaks_and_comes_back(self) -> None:
        self.broker.stream(False)
        self.do(self.desk.wait(1))
        self.broker.stream(True)

    # -- time, death, and looking -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 15.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.desk.wait(seconds))

    @rule(killed=st.booleans())
    def start_again(self, killed: bool) -> None:
        if killed:
            self.crash()
        else:
            self.restart()

    @rule()
    def reconcile(self) -> None:
        self.do(self.desk.session.reconcile_now())

    # -- helpers ------------------------------------------------------------------------------------------------------

    def one(self, which: int) -> Order:
        return pick(list(self.seen.values()), which)

    def tell(self, report: ExecutionReport) -> None:
        self.told.append(report)
        self.broker.tell(report)

    # -- what holds, always -------------------------------------------------------------------------------------------

    @invariant()
    def the_book_is_what_a_start_would_make_of_the_journal_i26(self) -> None:
        self.do(self.desk.wait())
        book, live = self.replayed(), self.desk.ctx.book
        assert [repr(order) for order in book] == [repr(order) for order in live]
        assert book.holdings.all() == live.holdings.all()

    @invariant()
    def every_intent_is_at_most_one_order_i1(self) -> None:
        sent = [cl_ord_id for kind, cl_ord_id in self.broker.requests if kind == "submit"]
        assert len(sent) == len(set(sent))

    @invariant()
    def orders_add_up_and_end_for_good(self) -> None:
        now = {order.intent_id: order for order in self.desk.gateway.orders()}
        assert self.seen.keys() <= now.keys(), "an order was forgotten"
        for order in now.values():
            check(order)
            if order.intent_id in self.seen:
                self.follows(self.seen[order.intent_id], order)
        self.seen, self.busts = now, {intent_id: self.busts_of(intent_id) for intent_id in now}

    def busts_of(self, intent_id: IntentId) -> int:
        return sum(1 for fact in self.desk.ctx.book.facts(intent_id) if isinstance(fact, Void))

    def follows(self, before: Order, after: Order) -> None:
        """What may not happen between two looks at an order."""
        taken_back = self.busts_of(before.intent_id) > self.busts[before.intent_id]
        assert taken_back or after.cum_qty >= before.cum_qty, "I10: filled quantity fell without a bust"
        assert set(before.alerts) <= set(after.alerts) or taken_back, "an alert went away"
        if before.state in ENDED and after.order_ids == before.order_ids and not taken_back:
            assert after.state in ENDED, f"{before.state} became {after.state}"
        if before.state in DENIED and after.state not in DENIED:
            assert after.alerts, "an order that was denied appears without an alert"

    def at_the_end(self) -> None:
        """In the end both sides agree, and nothing is undecided."""
        self.settle(self.agreed)
        self.orders_add_up_and_end_for_good()

    def agreed(self) -> bool:
        return self.desk.session.state.value == "ready" and all(map(self.agrees, self.desk.gateway.orders()))

    def agrees(self, order: Order) -> bool:
        there = [self.broker.orders[order_id] for order_id in order.order_ids]
        is_open = any(venue.status in OPEN for venue in there)
        return order.state is not OrderState.UNKNOWN and (sum((v.cum for v in there), ZERO), is_open) == (
            order.cum_qty,
            order.is_open,
        )


def check(order: Order) -> None:
    """What holds of every order at every moment."""
    if order.is_open and order.order_qty is not None:
        assert order.order_qty == order.cum_qty + (order.leaves_qty or ZERO)
    assert sum((e.last_qty for e in order.executions), ZERO) <= order.cum_qty


def working(broker: FakeBroker) -> list[VenueOrder]:
    return [order for order in broker.orders.values() if order.status in OPEN and order.cum < order.qty]


def standing(broker: FakeBroker) -> list[ExecutionReport]:
    """Trades that nobody took back."""
    gone = {report.exec_ref_id for report in broker.executions}
    return [r for r in broker.executions if r.exec_type is ExecType.TRADE and r.exec_id not in gone]


def pick(items: Sequence[T], which: int) -> T:
    return items[which % len(items)]


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
