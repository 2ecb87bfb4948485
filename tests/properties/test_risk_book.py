"""Limits under pressure, as a machine: whoever asks together, whatever stays undecided, no send passes a limit (I5, I12).

The measure is the venue's truth and not the desk's book: at each send, what the venue holds and works and what is on its way
must fit under every limit.  In the end nothing stays reserved: exactly the free room can be used, and one unit more cannot.

It bites: an `await` between check and reservation, and orders in doubt left out of what counts, fail within forty runs.  What it
found in the desk itself has tests of its own in `tests/unit/oms/test_exposure.py` and `test_replace.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from floorbroker.domain.errors import FloorbrokerError, InsufficientFunds, PositionSizeExceeded
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.records import Account
from floorbroker.domain.values import ZERO, OrdStatus, Quantity, Side
from tests.properties.living import AMPLE, LivingDesk
from tests.support.fake_broker import OPEN, FakeBroker, VenueOrder, buy
from tests.support.house import CALLER

POSITION_MAX, ORDERS_MAX, FUNDS, PX = 20, 6, 3_000, 100
SYMBOLS = ("AAPL", "MSFT")
SCRIPTS = ("accept", "accept", "accept", "accept_then_fill", "refuse", "not_sent", "drop", "lose", "lose_and_hide")
numbers = st.integers(0, 1_000)
wishes = st.tuples(st.sampled_from(SYMBOLS), st.integers(1, 12), st.sampled_from(SCRIPTS))


class FundedBroker(FakeBroker):
    """A venue whose buying power is what its orders and positions have left."""

    async def get_account_info(self) -> Account:
        account = await FakeBroker.get_account_info(self)
        return replace(account, buying_power=FUNDS - PX * (self.held() + sum(map(self.bought, SYMBOLS))))

    def held(self) -> Decimal:
        return sum(self.positions.values(), ZERO)

    def bought(self, symbol: str) -> Decimal:
        """Units that working buys of a symbol can still bring."""
        return sum(
            (o.qty - o.cum for o in self.working() if o.terms.symbol == symbol and o.terms.side is Side.BUY), ZERO
        )

    def working(self) -> list[VenueOrder]:
        return [order for order in self.orders.values() if order.status in OPEN]


class RiskBook(LivingDesk):
    limits = AMPLE.model_copy(
        update={
            "max_position_qty": Decimal(POSITION_MAX), "max_open_orders": ORDERS_MAX, "allow_short": False, "max_leverage": None,
            "max_order_notional": None, "max_position_notional": None, "max_gross_exposure": None, "max_net_exposure": None,
        }
    )  # fmt: skip
    venue = FundedBroker

    def __init__(self) -> None:
        super().__init__()
        self.broken: AssertionError | None = None
        self.broker.on_sent = self.looked_at

    @property
    def funded(self) -> FundedBroker:
        assert isinstance(self.broker, FundedBroker)
        return self.broker

    # -- the model ----------------------------------------------------------------------------------------------------

    def looked_at(self, what: str) -> None:
        """What is wrong at a send is told after the step: the desk takes whatever its broker raises for an answer."""
        try:
            self.fits(what)
        except AssertionError as error:
            self.broken = self.broken or error

    def fits(self, what: str = "submit") -> None:
        """The worst case of this moment, by the venue's truth and by what it may not have seen yet."""
        undecided = self.undecided()
        total = self.funded.held()
        for symbol in SYMBOLS:
            coming = self.funded.bought(symbol) + sum((qty for name, qty in undecided if name == symbol), ZERO)
            worst = self.broker.positions.get(symbol, ZERO) + coming
            assert worst <= POSITION_MAX, f"{worst} of {symbol} at {what}"
            total += coming
        assert total * PX <= FUNDS, f"{total * PX} at {what}"
        assert len(self.funded.working()) + len(undecided) <= ORDERS_MAX, f"too many orders at {what}"

    def undecided(self) -> list[tuple[str, Decimal]]:
        """Buys on their way, or lost on it: sent, not at the venue, and open as far as the desk can know."""
        there = {order.cl_ord_id for order in self.broker.orders.values()}
        sent = {cl_ord_id for kind, cl_ord_id in self.broker.requests if kind == "submit"} - there
        orders = [order for order in self.desk.gateway.orders() if order.cl_ord_id in sent]
        return [(o.terms.symbol, o.terms.order_qty or ZERO) for o in orders if o.is_open and o.terms.side is Side.BUY]

    # -- the pressure -------------------------------------------------------------------------------------------------

    @rule(asked=st.lists(wishes, min_size=2, max_size=6))
    def place_together(self, asked: list[tuple[str, int, str]]) -> None:
        """Several callers at once; the venue answers in whatever order they arrive."""
        self.broker.next_submit.extend(script for _, _, script in asked)

        async def all_at_once() -> list[object]:
            calls = [self.desk.place(buy(str(qty), str(PX), symbol=symbol)) for symbol, qty, _ in asked]
            return await asyncio.gather(*calls, return_exceptions=True)

        for outcome in self.do(all_at_once()):
            assert isinstance(outcome, Order | FloorbrokerError), outcome
        self.broker.next_submit.clear()

    @rule(symbol=st.sampled_from(SYMBOLS), qty=st.integers(1, 8))
    def sell(self, symbol: str, qty: int) -> None:
        self.tried(self.desk.place(buy(str(qty), str(PX), side=Side.SELL, symbol=symbol)))

    @precondition(lambda self: self.desk.ctx.book.open_orders())
    @rule(
        which=numbers,
        more=st.integers(-4, 9),
        beside=st.integers(1, 9),
        script=st.sampled_from(["accept", "drop", "lose"]),
    )
    def grow(self, which: int, more: int, beside: int, script: str) -> None:
        """A change of size beside a new order that wants the same room."""
        working = self.desk.ctx.book.open_orders()
        order = working[which % len(working)]
        wanted = OrderChanges(order_qty=Quantity(max((order.order_qty or ZERO) + more, Decimal(1))))
        self.broker.next_modify.append(script)

        async def both() -> list[object]:
            change = self.desk.gateway.modify(order.intent_id, wanted, caller=CALLER)
            other = self.desk.place(buy(str(beside), str(PX), symbol=order.terms.symbol))
            return list(await asyncio.gather(change, other, return_exceptions=True))

        for outcome in self.do(both()):
            assert isinstance(outcome, Order | FloorbrokerError), outcome
        self.broker.next_modify.clear()

    @precondition(lambda self: self.desk.ctx.book.open_orders())
    @rule(which=numbers)
    def cancel(self, which: int) -> None:
        working = self.desk.ctx.book.open_orders()
        self.tried(self.desk.gateway.cancel(working[which % len(working)].intent_id, caller=CALLER))

    @precondition(lambda self: self.funded.working())
    @rule(which=numbers, qty=st.integers(1, 6))
    def fill(self, which: int, qty: int) -> None:
        working = [order for order in self.funded.working() if order.cum < order.qty]
        if working:
            order = working[which % len(working)]
            self.broker.fill(order, min(Decimal(qty), order.qty - order.cum), str(PX))

    @rule(muted=st.booleans())
    def mute(self, muted: bool) -> None:
        self.broker.muted = muted

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.desk.wait(seconds))

    @rule(killed=st.booleans())
    def start_again(self, killed: bool) -> None:
        if killed:
            self.crash()
        else:
            self.restart()

    # -- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_passes_a_limit(self) -> None:
        if self.broken is not None:
            raise self.broken
        self.fits("rest")

    @invariant()
    def nothing_is_reserved_for_nobody(self) -> None:
        assert self.desk.ctx.gate.pending == {}, "a reservation outlived its intent"

    def at_the_end(self) -> None:
        """When all is over the free room is the whole room, to the unit."""
        self.settle(self.is_decided)
        for order in self.funded.working():
            self.broker.end(order, OrdStatus.CANCELED)
        self.settle(lambda: not self.desk.ctx.book.open_orders())
        self.desk.clock.set(self.desk.clock.now() + timedelta(hours=25))  # what is presumed not placed counts for a day
        self.do(self.desk.wait(2))
        for symbol in SYMBOLS:
            self.has_room(symbol)

    def is_decided(self) -> bool:
        orders = self.desk.gateway.orders()
        return self.desk.session.state.value == "ready" and not any(o.in_doubt or o.pending_replace for o in orders)

    def has_room(self, symbol: str) -> None:
        by_position = POSITION_MAX - self.broker.positions.get(symbol, ZERO)
        by_funds = FUNDS // PX - self.funded.held()
        free = min(by_position, by_funds)
        refused = self.tried(self.desk.place(buy(str(free + 1), str(PX), symbol=symbol)))
        assert isinstance(refused, PositionSizeExceeded | InsufficientFunds), refused
        if free > 0:
            order = self.do(self.desk.place(buy(str(free), str(PX), symbol=symbol)))
            self.broker.end(self.broker.of(order.cl_ord_id), OrdStatus.CANCELED)
            self.do(self.desk.wait(2))


TestRiskBook = RiskBook.TestCase
TestRiskBook.settings = settings(max_examples=12, stateful_step_count=18, deadline=None)
