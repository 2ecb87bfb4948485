"""Order life: what each step does to an order, its list and the balances, and which event tells it.

The matching engine works what is on the book; orders that wait for a price, and orders that wait for another, are kept here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import BookDelta, BookLevel, Quote, Trade
from floorbroker.domain.values import ZERO, ExecId, OrderId, Price, Quantity, Side
from floorbroker.matching import Canceled, Engine, Event, Expired, Fill, Liquidity, MatchOrder
from floorbroker_sim.binance import errors
from floorbroker_sim.binance.mapping import assets_of, matched
from floorbroker_sim.binance.rest import groups, intake, money, prevention
from floorbroker_sim.binance.rest.records import Amendment, Execution, Record
from floorbroker_sim.binance.rest.state import State
from floorbroker_sim.binance.stream import events

_EXPIRY = {"ioc": "UNFILLED_IOC_QUANTITY_EXPIRED", "fok": "UNFILLED_FOK_ORDER_EXPIRED"}


class Desk:
    """Takes orders in and out, and lets them meet the market.  `flush` sends what happened to those who listen."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.waiting: dict[int, Record] = {}  # orders that wait for the last price to come their way
        self._outbox: list[object] = []
        self._touched: set[str] = set()
        self._forced_maker: bool | None = None
        self._closing: int | None = None
        self._fed: dict[str, Quote] = {}
        self.engine = self._new_engine()

    def reset(self) -> None:
        """An empty desk; the state is reset beside it."""
        self.waiting.clear()
        self._outbox.clear()
        self._touched.clear()
        self._fed.clear()
        self.engine = self._new_engine()

    def _new_engine(self) -> Engine:
        state = self.state
        return Engine(
            instrument=state.market.instrument,
            exec_id=lambda: ExecId(str(state.next_execution())),
            child_id=lambda: OrderId(str(state.next_order())),
            start=state.opened_at,
            liquidity=Liquidity.DISPLAYED if state.settings.displayed else Liquidity.UNLIMITED,
        )

    # --- What is told -------------------------------------------------------------------------------------------------

    def tell(self, event: object) -> None:
        """Queue a user data event."""
        self._outbox.append(event)

    def report(
        self,
        record: Record,
        what: str,
        *,
        cancel_id: str | None = None,
        former_id: str = "",
        fill: Execution | None = None,
    ) -> int:
        """Queue an `executionReport` about the order as it stands; returns its execution id."""
        number = self.state.next_execution()
        made = events.report(
            record, what, at=record.updated_at, execution_id=number, cancel_id=cancel_id, former_id=former_id, fill=fill
        )  # fmt: skip
        self.tell(made)
        self._touched.update(assets_of(record.symbol))
        return number

    def tell_rejected(self, record: Record, text: str) -> None:
        """Queue the report of an order that the engine did not take; nobody remembers it."""
        record.status, record.reason = "REJECTED", errors.REASONS.get(text, "NONE")
        self.report(record, "REJECTED")

    def tell_prevented(self, event: object, record: Record) -> None:
        """Queue the report of a prevented match, and what it means for the order's list."""
        self.tell(event)
        self._touched.update(assets_of(record.symbol))
        if not record.is_open:
            groups.on_end(self, record)

    def flush(self) -> None:
        """Send what is queued, and the balances that it changed."""
        outbox, self._outbox = self._outbox, []
        touched, self._touched = sorted(self._touched), set[str]()
        if touched:
            self.state.updated_at = self.state.clock.now()
        if not self.state.listeners.events:
            return
        if touched:
            held = self.state.locked()
            lines = [(a, self.state.balances.total(a) - held.get(a, ZERO), held.get(a, ZERO)) for a in touched]
            outbox.append(events.position(lines, at=self.state.updated_at))
        for event in outbox:
            for listener in tuple(self.state.listeners.events):
                listener(event)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Money that comes in, or goes out, without a trade."""
        self.state.balances.move(asset, amount)
        self._touched.add(asset)
        self.tell(events.balance_update(asset, amount, at=self.state.clock.now()))

    # --- Coming in ------------------------------------------------------------------------------------------------------

    def admit(self, record: Record) -> None:
        """Remember an order and say so."""
        if record.ticket.is_contingent and not record.ticket.stop_price:
            self.state.marks[record.id] = intake.trail_mark(self.state, record)
        self.state.add(record)
        if not record.ticket.is_contingent and not record.is_pending:
            record.working_at = record.updated_at
        self.report(record, "NEW")

    def start(self, record: Record) -> None:
        """Let an order wait for its price, or work."""
        if record.ticket.is_contingent:
            self.waiting[record.id] = record
        else:
            self.work(record)

    def work(self, record: Record) -> None:
        """The order meets the market."""
        record.working_at = record.working_at or record.updated_at
        prevention.prevent(self, record)
        if not record.is_open:
            return
        self.absorb(self.engine.submit(OrderId(str(record.id)), matched(record), at=self.state.clock.now()))

    # --- What the engine says --------------------------------------------------------------------------------------------

    def absorb(self, happened: Iterable[Event]) -> None:
        """The engine's events, in order."""
        for event in happened:
            record = self.state.orders[int(event.order_id)]
            match event:
                case Fill():
                    maker = event.maker if self._forced_maker is None else self._forced_maker
                    self.filled(record, qty=event.qty, price=event.price, maker=maker, is_last=event.is_last)
                case Canceled() | Expired() if record.is_open and self._closing != record.id:
                    reason = event.reason if isinstance(event, Canceled) else ""
                    known = _EXPIRY.get(reason, "EXCHANGE_CANCELED")
                    self.expire(record, "INSUFFICIENT_LIQUIDITY" if record.ticket.is_market else known)
                case _:
                    pass

    def filled(self, record: Record, *, qty: Decimal, price: Decimal, maker: bool, is_last: bool) -> None:
        """One execution of an order."""
        at = self.state.clock.stamp()
        quote_qty = money.exact(qty * price)
        base, quote = assets_of(record.symbol)
        is_buy = record.side is Side.BUY
        commission = money.exact((qty if is_buy else quote_qty) * self.state.settings.commission)
        made = self.state.tape(record.symbol).add(price=price, qty=qty, at=at, buyer_is_maker=is_buy == maker)
        fill = Execution(
            symbol=record.symbol, trade_id=made.id, order_id=record.id, list_id=record.list_id, side=record.side,
            price=price, qty=qty, quote_qty=quote_qty, commission=commission, commission_asset=base if is_buy else quote,
            maker=maker, at=at,
        )  # fmt: skip
        if not record.fills:
            self.state.meter.order_filled()
        record.executed, record.spent, record.updated_at = record.executed + qty, record.spent + quote_qty, at
        record.fills.append(fill)
        self.state.trades.append(fill)
        self.state.balances.trade(record, qty=qty, quote_qty=quote_qty, commission=commission)
        is_done = is_last if record.ticket.quote_qty else record.leaves <= 0
        record.status = "FILLED" if is_done else "PARTIALLY_FILLED"
        if is_done:
            self._forget(record)
        self.report(record, "TRADE", fill=fill)
        self.state.printed(record.symbol, made)
        groups.on_fill(self, record)

    # --- Going out -------------------------------------------------------------------------------------------------------

    def cancel(self, record: Record, *, cancel_id: str) -> list[Record]:
        """Take an order out, with the whole list it belongs to; returns what was canceled."""
        orders = self.state.lists.get(record.list_id)
        family = [record] if orders is None else [m for m in self.state.members(orders) if m.is_open]
        for member in family:
            self._take_out(member)
            self._end(member, "CANCELED")
            self.report(member, "CANCELED", cancel_id=cancel_id)
        if orders is not None:
            groups.close_if_done(self, orders)
        return family

    def expire(self, record: Record, reason: str, *, rejection: str = "NONE", follows: bool = False) -> None:
        """The venue ends an order.  One that `follows` another of its list to the end has no followers of its own."""
        self._take_out(record)
        record.expiry, record.reason = reason, rejection
        self._end(record, "EXPIRED")
        self.report(record, "EXPIRED")
        if not follows:
            groups.on_end(self, record)

    def end_prevented(self, record: Record) -> None:
        """Nothing is left of an order after a prevented match; who calls tells it."""
        self._take_out(record)
        self._end(record, "FILLED" if record.leaves <= 0 and not record.prevented else "EXPIRED_IN_MATCH")

    def _end(self, record: Record, status: str) -> None:
        record.status, record.updated_at = status, self.state.clock.stamp()
        self._forget(record)

    def _forget(self, record: Record) -> None:
        self.state.open.pop(record.id, None)
        self.state.marks.pop(record.id, None)
        self.waiting.pop(record.id, None)

    def is_at_engine(self, record: Record) -> bool:
        """Whether the matching engine works it."""
        return self._worked(record) is not None

    def _worked(self, record: Record) -> MatchOrder | None:
        """The engine's side of an order; None for one that waits, or is over, or never reached it."""
        if record.working_at is None or record.id in self.waiting:
            return None
        try:
            known = self.engine.order(OrderId(str(record.id)))
        except KeyError:
            return None
        return known if known.is_open else None

    def _take_out(self, record: Record) -> None:
        known = self._worked(record)
        if known is not None:
            self._closing = record.id
            self.absorb(self.engine.cancel(known.order_id, at=self.state.clock.now()))
            self._closing = None

    # --- Smaller ---------------------------------------------------------------------------------------------------------

    def amend(self, record: Record, qty: Decimal, *, client_id: str) -> int:
        """Give an order a smaller quantity; it keeps its place.  Returns the execution id."""
        before_id, before = record.client_id, record.qty
        self.shrink(record, before - qty)
        record.qty, record.client_id, record.amendments = qty, client_id, record.amendments + 1
        record.updated_at = self.state.clock.stamp()
        self.state.named(record)
        number = self.report(record, "REPLACED", former_id=before_id)
        self.state.amendments.append(
            Amendment(
                symbol=record.symbol, order_id=record.id, execution_id=number, before_id=before_id, after_id=client_id,
                before=before, after=qty, at=record.updated_at,
            )
        )  # fmt: skip
        return number

    def shrink(self, record: Record, by: Decimal) -> None:
        """Tell the engine that an order wants less."""
        known = self._worked(record)
        if known is not None:
            changes = OrderChanges(order_qty=Quantity((known.order.order_qty or ZERO) - by))
            self.absorb(self.engine.replace(known.order_id, changes, at=self.state.clock.now()))

    # --- Prices ----------------------------------------------------------------------------------------------------------

    def look(self, symbol: str) -> None:
        """Bring a symbol up to now: its quote, its book, the trades since the last look, and what they set off."""
        state, now = self.state, self.state.clock.now()
        if not state.clock.stands:
            for _ in state.market.advance(now, ()):
                pass  # the seeded market has every moment; it only learns what time it is
        quote = state.quote(symbol)
        if quote is not None:
            self.feed_quote(symbol, quote, now)
        for made in state.tape(symbol).catch_up(now):
            state.printed(symbol, made)
            self.last(symbol, made.price)

    def feed_quote(self, symbol: str, quote: Quote, at: datetime) -> None:
        """A quote: the book first, then the orders that rest."""
        self.state.restep(symbol, quote, at)
        if self._fed.get(symbol) == quote:
            return
        self._fed[symbol] = quote
        if self.state.settings.displayed:
            self.absorb(self.engine.on_book(self._whole_book(symbol, at)))
        else:
            self.absorb(self.engine.on_quote(replace(quote, time=at, last=None)))

    def _whole_book(self, symbol: str, at: datetime) -> BookDelta:
        book = self.state.book(symbol)
        bids, asks = ([BookLevel(price=Price(p), size=s) for p, s in side] for side in book.top(len(book.bids) or 1))
        return BookDelta(symbol=symbol, bids=tuple(bids), asks=tuple(asks), time=at, reset=True)

    def feed_trade(self, trade: Trade, at: datetime) -> None:
        """A trade of others."""
        self.state.printed(trade.symbol, self.state.tape(trade.symbol).add_market(trade, at=at))
        self.last(trade.symbol, trade.price)

    def last(self, symbol: str, price: Decimal) -> None:
        """A last price: it sets off the orders that wait for it."""
        self.state.last[symbol] = price
        for record in tuple(self.waiting.values()):
            if record.symbol == symbol and record.id in self.waiting:
                self._watch(record, price)

    def _watch(self, record: Record, price: Decimal) -> None:
        if record.ticket.delta is None:
            if intake.is_met(record, price):
                self.trigger(record)
            return
        if record.trailing_at is None:
            if not record.ticket.stop_price or intake.is_met(record, price):
                record.trailing_at, record.mark = self.state.clock.now(), price
            return
        assert record.mark is not None
        is_buy = record.side is Side.BUY
        record.mark = min(record.mark, price) if is_buy else max(record.mark, price)
        turn = record.mark * (1 + record.side.sign * Decimal(record.ticket.delta) / intake.DELTA_UNIT)
        if price >= turn if is_buy else price <= turn:
            self.trigger(record)

    def trigger(self, record: Record) -> None:
        """Its price came: it is a market or limit order from now on."""
        del self.waiting[record.id]
        groups.on_trigger(self, record)
        if not record.is_open:
            return
        asset, amount = intake.needs_now(self.state, record)
        if amount > self.state.free(asset, without=(record.id,)):
            self.expire(record, "REJECTED", rejection=errors.REASONS[errors.INSUFFICIENT])
            return
        record.updated_at = record.working_at = self.state.clock.stamp()
        self.report(record, "NEW")
        self.work(record)

    # --- Hands -----------------------------------------------------------------------------------------------------------

    def force(self, record: Record, *, qty: Decimal, price: Decimal, maker: bool = True) -> None:
        """Fill an order whatever the market says.  Raises `KeyError`, `NotOpen` and `BadOrder`."""
        self._forced_maker = maker
        try:
            happened = self.engine.force_fill(
                OrderId(str(record.id)), qty=Quantity(qty), price=Price(price), at=self.state.clock.now()
            )
            self.absorb(happened)
        finally:
            self._forced_maker = None
