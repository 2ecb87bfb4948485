"""The venue behind its counter: one method for each thing it can be asked, answered at once and without waiting.

It owns the engine, the ledger and the books on disk.  Whatever changes is in the books before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from floorbroker.brokers.paper import errors
from floorbroker.brokers.paper.info import Options, instrument_for
from floorbroker.brokers.paper.rest.money import Purse, symbols_of
from floorbroker.brokers.paper.rest.tills import Tills
from floorbroker.brokers.paper.wire import Deed, Row, StateFile
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, DuplicateOrderId, FieldError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.options import NEW_YORK
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import ZERO, ClOrdId, ExecId, OrderClass, OrderId, Price, Quantity
from floorbroker.matching import (
    BadOrder,
    Busted,
    Calendar,
    Engine,
    Event,
    Fill,
    Liquidity,
    MatchOrder,
    Moved,
    NoFees,
    NoSlippage,
    NotOpen,
    PerShare,
    Replaced,
    Ticks,
    by_name,
    last_moment,
    settled,
)
from floorbroker.matching.orders import check_terms


class PriceSource(Protocol):
    """Where prices come from when nobody feeds them.  Each raises `KeyError` for a symbol it does not know."""

    def quote(self, symbol: str, at: datetime) -> Quote: ...

    def trade(self, symbol: str, at: datetime) -> Trade: ...

    def has_trade(self, symbol: str, at: datetime) -> bool: ...

    def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> BarSeries: ...


class PaperVenue:
    """One account at one venue.  `told` hears of every event after it is in the books.

    After a fault of the disk the venue answers nothing but `ApiError`: what it did is not known to be kept.
    """

    def __init__(self, *, options: Options, state: StateFile, source: PriceSource | None, start: datetime) -> None:
        self.options = options
        self.told: Callable[[list[Event]], None] = _nobody
        self.tills = Tills(cash=options.cash, instrument=self.instrument, mark=self._mark_of)
        self._state = state
        self._source = source
        self._listed: dict[str, Instrument] = {}
        self._fed: set[str] = set()
        self._client_ids: dict[OrderId, ClOrdId] = {}
        self._by_client: dict[str, OrderId] = {}
        self._busted: dict[OrderId, tuple[Fill, ...]] = {}
        self._orders_made = 0
        self._fills_made = 0
        self._fault = ""
        self.engine = Engine(
            instrument=self.instrument,
            exec_id=self._next_exec_id,
            child_id=self._next_order_id,
            start=start,
            calendar=_calendar_of if options.hours == "real" else None,
            fees=PerShare(rate=options.fee_per_share) if options.fee_per_share else NoFees(),
            slippage=Ticks(options.slippage_ticks) if options.slippage_ticks else NoSlippage(),
            liquidity=Liquidity.DISPLAYED if options.liquidity == "displayed" else Liquidity.UNLIMITED,
        )
        self.purse = Purse(self)
        self._remember()

    def _remember(self) -> None:
        """Go on where the books stand."""
        rows = self._state.load()
        for row in rows.values():
            # It was listed once, even if the source does not know it any more.
            self._listed.setdefault(row.order.symbol, instrument_for(row.order.symbol))
        for row in rows.values():
            self.engine.restore(row.order)
            self._busted[row.order.order_id] = row.busted
            if row.cl_ord_id is not None:
                self._bind(row.cl_ord_id, row.order.order_id)
        settled = [fill for deed in self._state.deeds() for fill in deed.fills]
        for fill in settled:
            self._listed.setdefault(fill.symbol, instrument_for(fill.symbol))
        fills = [*settled, *(fill for row in rows.values() for fill in (*row.order.fills, *row.busted))]
        self._orders_made = max((int(order_id[1:]) for order_id in rows), default=0)
        self._fills_made = max((int(fill.exec_id[1:]) for fill in fills), default=0)
        busted = {fill.exec_id for row in rows.values() for fill in row.busted}
        for fill in sorted(fills, key=lambda fill: int(fill.exec_id[1:])):
            if fill.exec_id not in busted:
                self.tills.apply(fill)

    def _next_order_id(self) -> OrderId:
        self._orders_made += 1
        return OrderId(f"P{self._orders_made:08d}")

    def _next_exec_id(self) -> ExecId:
        self._fills_made += 1
        return ExecId(f"X{self._fills_made:08d}")

    def _bind(self, cl_ord_id: ClOrdId, order_id: OrderId) -> None:
        self._client_ids[order_id] = cl_ord_id
        self._by_client[cl_ord_id] = order_id

    # -- orders --------------------------------------------------------------------------------------------------------

    def submit(self, cl_ord_id: ClOrdId, order: NewOrder, *, at: datetime) -> MatchOrder:
        """Take an order.  Raises `DuplicateOrderId` and the refusals of `errors.py`."""
        self._must_work()
        if cl_ord_id in self._by_client:
            raise DuplicateOrderId(
                "this client id was used before", broker=errors.BROKER, venue_text="client id must be unique"
            )
        symbols = symbols_of(order)
        instruments = [self.instrument(symbol) for symbol in symbols]
        if order.order_class is not OrderClass.MULTILEG:
            broken = next(errors.broken_rules(order, instruments[0], now=at), None)
            if broken is not None:
                raise errors.rejected(f"{broken.pointer}: {broken.detail}")
        self.pull(symbols, at)
        self.purse.check(order)
        self._must_not_take(order)
        order_id = self._next_order_id()
        try:
            events = self.engine.submit(order_id, order, at=at)
        except BadOrder as error:
            raise errors.rejected(str(error)) from error
        self._bind(cl_ord_id, order_id)
        self._settle(events)
        return self.engine.order(order_id)

    def _must_not_take(self, order: NewOrder) -> None:
        """A post-only order that would trade at once is refused; one with a trigger is asked when that is touched."""
        if not order.post_only or order.stop_px is not None or order.price is None:
            return
        if self.engine.would_take(order.symbol, order.side, order.price):
            raise errors.rejected("a post-only order would have traded at once")

    def broken_rules(self, order: NewOrder, *, now: datetime) -> tuple[FieldError, ...]:
        """What the venue would refuse, money aside; nothing is sent."""
        try:
            check_terms(order)
            instruments = [self.instrument(symbol) for symbol in symbols_of(order)]
        except BadOrder as error:
            return (FieldError(pointer="", code="invalid", detail=str(error)),)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        if order.order_class is OrderClass.MULTILEG:
            return ()
        return tuple(errors.broken_rules(order, instruments[0], now=now))

    def cancel(self, ref: OrderRef, *, at: datetime) -> list[MatchOrder]:
        """Take an order out with its group.  Raises `OrderNotFound`, and `OrderRejected` when it is not open."""
        self._must_work()
        order = self.newest(ref)
        try:
            events = self.engine.cancel(order.order_id, at=at)
        except NotOpen as error:
            raise errors.not_open(order) from error
        self._settle(events)
        return [self.engine.order(event.order_id) for event in events]

    def cancel_all(self, *, at: datetime) -> list[MatchOrder]:
        """Take out everything that is open."""
        self._must_work()
        done: list[MatchOrder] = []
        while is_open := self.engine.open_orders():
            events = self.engine.cancel(is_open[0].order_id, at=at)
            self._settle(events)
            done += [self.engine.order(event.order_id) for event in events]
        return done

    def replace(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, at: datetime) -> MatchOrder:
        """New terms under a new venue id and client id; the old order ends as replaced."""
        self._must_work()
        if cl_ord_id in self._by_client:
            raise DuplicateOrderId(
                "this client id was used before", broker=errors.BROKER, venue_text="client id must be unique"
            )
        order = self.newest(ref)
        instrument = self.instrument(symbols_of(order.order)[0])
        for price in (changes.price, changes.stop_px):
            if price is not None and not (price > 0 and instrument.is_on_tick(price)):
                raise errors.rejected(f"{price} is no price of {instrument.symbol}")
        if changes.order_qty is not None and not instrument.is_on_lot(changes.order_qty):
            raise errors.rejected(f"{changes.order_qty} is no quantity of {instrument.symbol}")
        self.purse.check_change(order, changes)
        new_id = self._next_order_id()
        try:
            events = self.engine.replace(order.order_id, changes, new_order_id=new_id, at=at)
        except NotOpen as error:
            raise errors.not_open(order) from error
        except BadOrder as error:
            raise errors.rejected(str(error)) from error
        self._bind(cl_ord_id, new_id)
        self._settle(events)
        return self.engine.order(new_id)

    def newest(self, ref: OrderRef) -> MatchOrder:
        """The order that a reference means now, at the end of its chain of replaces."""
        order_id = ref.order_id or self._by_client.get(ref.cl_ord_id) or OrderId("")
        try:
            order = self.engine.order(order_id)
        except KeyError:
            raise errors.no_order(ref.order_id or ref.cl_ord_id) from None
        while order.replaced_by is not None:
            order = self.engine.order(order.replaced_by)
        return order

    def chain(self, ref: OrderRef) -> list[MatchOrder]:
        """Every venue order behind a reference, oldest first, each with its children."""
        order = self.newest(ref)
        found = [order]
        while order.replaces is not None:
            order = self.engine.order(order.replaces)
            found.insert(0, order)
        return [*found, *(self.engine.order(child) for child in found[-1].children)]

    def bust(self, exec_id: ExecId, *, at: datetime) -> None:
        """Take an execution back, as a venue may.  Raises `KeyError` when there is none."""
        self._settle(self.engine.bust(exec_id, at=at))

    def force_fill(self, order_id: OrderId, *, qty: Quantity, price: Price, at: datetime) -> None:
        """Fill an order whatever the market says, as a control door may.  Raises `KeyError`, `NotOpen` and `BadOrder`."""
        self._settle(self.engine.force_fill(order_id, qty=qty, price=price, at=at))

    def client_id(self, order_id: OrderId) -> ClOrdId | None:
        return self._client_ids.get(order_id)

    def busted(self, order_id: OrderId) -> tuple[Fill, ...]:
        return self._busted.get(order_id, ())

    # -- the market ----------------------------------------------------------------------------------------------------

    def instrument(self, symbol: str) -> Instrument:
        """Raises `SymbolNotFound` for a symbol that has no price here."""
        found = self._listed.get(symbol)
        if found is None:
            if not self._has_price(symbol):
                raise errors.no_symbol(symbol)
            found = self._listed[symbol] = instrument_for(symbol)
        return found

    def _has_price(self, symbol: str) -> bool:
        if symbol in self._fed:
            return True
        contract = OptionContract.parse(symbol)
        underlying = symbol if contract is None else contract.root
        return underlying in self._fed or self.sourced(underlying, self.engine.now) is not None

    def sourced(self, symbol: str, at: datetime) -> Quote | None:
        """What the source quotes; None for symbols that are fed and for those it does not know."""
        if self._source is None or symbol in self._fed:
            return None
        try:
            return self._source.quote(symbol, at)
        except KeyError:
            return None

    def feed(self, event: MarketEvent) -> None:
        """A market event from outside.  From then on its symbol has no other source."""
        self._fed.add(event.symbol)
        self.on_market(event)

    def on_market(self, event: MarketEvent) -> None:
        """Let the engine see the market, and tell what came of it."""
        match event:
            case Quote():
                events = self.engine.on_quote(event)
            case Trade():
                events = self.engine.on_trade(event)
            case Bar():
                events = self.engine.on_bar(event)
            case _:
                events = self.engine.on_book(event)
        self._settle(events)

    def pull(self, symbols: Sequence[str], at: datetime) -> None:
        """Bring symbols that nobody feeds up to date from the source."""
        for symbol in symbols:
            quote = self.sourced(symbol, at)
            if quote is not None:
                self.on_market(quote)

    @property
    def fed(self) -> frozenset[str]:
        """Symbols whose prices come from outside."""
        return frozenset(self._fed)

    def is_fed(self, symbol: str) -> bool:
        return symbol in self._fed

    def advance(self, at: datetime) -> None:
        """Let time pass: orders meet their bells, and options their last day."""
        if self.engine.has_orders:
            self._settle(self.engine.advance(at))
            for order in self.engine.open_orders():
                if order.is_open and any(_is_over(symbol, at) for symbol in symbols_of(order.order)):
                    self._settle(self.engine.cancel(order.order_id, at=at))
        for held in self.tills.positions():
            if _is_over(held.symbol, at):
                self._end_option(held.symbol, held.qty, at)

    def _end_option(self, symbol: str, qty: Decimal, at: datetime) -> None:
        """Contracts leave the account at the close of their last day; without a price of the share, once there is one."""
        contract = OptionContract.read(symbol)
        closed = last_moment(contract)
        try:
            underlying = self.instrument(contract.root).symbol
        except SymbolNotFound:
            return
        quote = self.sourced(underlying, closed)
        spot = self.mark(underlying) if quote is None else quote.mid
        if spot is None:
            return
        ending, moves = settled(contract, qty, spot=spot, underlying=underlying)
        self._keep(
            Deed(symbol=symbol, ending=ending, qty=qty, at=closed, fills=tuple(self._moved(one, at) for one in moves))
        )

    def _moved(self, moved: Moved, at: datetime) -> Fill:
        """What the ledger books; it is nobody's order."""
        return Fill(
            order_id=OrderId(""), at=at, exec_id=self._next_exec_id(), symbol=moved.symbol, side=moved.side, qty=moved.qty,
            price=moved.price, fee=ZERO, cum_qty=moved.qty, leaves_qty=Quantity(ZERO), is_last=True, maker=False,
        )  # fmt: skip

    def _keep(self, deed: Deed) -> None:
        for fill in deed.fills:
            self.tills.apply(fill)
        self._write((), (deed,))

    def deeds(self, since: date) -> list[Deed]:
        """How options ended from a day on, New York time, oldest first."""
        return [deed for deed in self._state.deeds() if deed.at.astimezone(NEW_YORK).date() >= since]

    def quote(self, symbol: str, at: datetime) -> Quote:
        """The newest quote.  Raises `SymbolNotFound`."""
        instrument = self.instrument(symbol)
        sourced = self.sourced(symbol, at)
        if sourced is not None:
            return sourced
        quote = self.engine.quote(instrument.symbol)
        return quote if quote is not None else Quote(symbol=symbol, bid=None, ask=None, time=at, source="paper")

    def mark(self, symbol: str) -> Decimal | None:
        """What a position is worth a unit: the mid, else the last price."""
        quote = self.quote(symbol, self.engine.now)
        return quote.mid if quote.mid is not None else (quote.last or quote.bid or quote.ask)

    def _mark_of(self, symbol: str) -> Decimal | None:
        """The same, where it has a price at all."""
        try:
            return self.mark(symbol)
        except SymbolNotFound:
            return None

    # -- books ---------------------------------------------------------------------------------------------------------

    def _settle(self, events: list[Event]) -> None:
        """Book what happened, make it durable, then tell."""
        if not events:
            return
        for event in events:
            if isinstance(event, Fill):
                self.tills.apply(event)
            elif isinstance(event, Busted):
                self.tills.undo(event.fill)
                self._busted[event.order_id] = (*self.busted(event.order_id), event.fill)
        self._write(self._rows(events))
        self.told(events)

    def _write(self, rows: Iterable[Row], deeds: Iterable[Deed] = ()) -> None:
        try:
            self._state.append(rows, deeds)
        except OSError as error:
            self._fault = f"the paper venue's books cannot be written: {error.strerror or error}"
            self._must_work()

    def _rows(self, events: list[Event]) -> Iterator[Row]:
        touched: dict[OrderId, None] = {}
        for event in events:
            order = self.engine.order(event.order_id)
            named = [order.parent_id, order.order_id, *order.children]
            if isinstance(event, Replaced):
                successor = self.engine.order(event.new_order_id)
                named += [successor.order_id, *successor.children]
            touched |= {order_id: None for order_id in named if order_id is not None}
        for order_id in touched:
            order = self.engine.order(order_id)
            yield Row(order=order, cl_ord_id=self.client_id(order_id), busted=self.busted(order_id))

    def _must_work(self) -> None:
        if self._fault:
            raise ApiError(self._fault, broker=errors.BROKER)

    def close(self) -> None:
        self._state.close()


def _is_over(symbol: str, at: datetime) -> bool:
    """Whether this is an option whose last moment has come."""
    contract = OptionContract.parse(symbol)
    return contract is not None and last_moment(contract) <= at


def _calendar_of(instrument: Instrument) -> Calendar:
    return by_name(instrument.calendar)


def _nobody(events: list[Event]) -> None:
    """Heard by nobody yet."""
    del events
