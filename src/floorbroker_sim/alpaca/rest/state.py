"""The venue's memory and its clockwork: orders, executions, account, and what the matching engine says about them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId, Price, Quantity, Side, TimeInForce, text_of, time_text
from floorbroker.matching import XNYS, Calendar, Engine, Event, Fill, Ledger, by_name
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.alpaca.mapping import class_of, order_object
from floorbroker_sim.alpaca.rest import life
from floorbroker_sim.alpaca.rest.money import Holding, Standing, standing
from floorbroker_sim.alpaca.rest.openbook import OpenBook
from floorbroker_sim.alpaca.rest.records import Activity, ActivityEvent, Record, ulid
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import Candle, History
from floorbroker_sim.market import Market, Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  Without `calendar` markets never close and days do not end.

    The quantity of an order that replaces another is the total, as the document says; with `whole_successors` it begins anew
    after a partial fill, as users report (github.com/alpacahq/Alpaca-API/issues/165).
    """

    seed: int = 0
    cash: Decimal = info.START_CASH
    calendar: bool = False
    crypto_fee_bps: Decimal = info.CRYPTO_FEE_BPS
    whole_successors: bool = False


EventListener = Callable[[ActivityEvent], None]
Listener = Callable[[wire.TradeUpdate], None]
PriceListener = Callable[[Tick], None]
BarListener = Callable[[str, Candle, Candle | None], None]  # a symbol, its last minute, its day so far


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    updates: list[Listener] = field(default_factory=list[Listener])
    events: list[EventListener] = field(default_factory=list[EventListener])
    prices: list[PriceListener] = field(default_factory=list[PriceListener])
    bars: list[BarListener] = field(default_factory=list[BarListener])


CONFIGURATIONS: dict[str, object] = {
    "disable_overnight_trading": False, "fractional_trading": True, "max_margin_multiplier": "4",
    "max_options_trading_level": info.OPTIONS_LEVEL, "no_shorting": False, "ptp_no_exception_entry": False,
    "suspend_trade": False, "trade_confirm_email": "all", "dtbp_check": "entry", "pdt_check": "entry",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Watchlist:
    """A named list of symbols (venue spelling)."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    symbols: list[str]


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, history: History) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.listeners = Listeners()
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected."""
        self.random = Random(f"alpaca {self.settings.seed}")
        self.account_id = self.uuid()
        self.account_number = f"PA3{self.random.randrange(36**8):09X}"
        self.orders: dict[str, Record] = {}
        self.client_ids: dict[str, str] = {}
        self.open = OpenBook()
        self.activities: list[Activity] = []
        self.events: list[ActivityEvent] = []
        self.configurations: dict[str, object] = dict(CONFIGURATIONS)
        self.watchlists: dict[str, Watchlist] = {}
        self.kept_from_exercise: set[str] = set()
        self.opened_at = self.clock.now()
        self.equity_points: list[tuple[datetime, Decimal]] = [(self.opened_at, self.settings.cash)]
        self._count = 0
        self._fed: dict[str, Quote] = {}
        self.engine = Engine(
            instrument=self.market.instrument,
            calendar=self._calendar,
            exec_id=lambda: ExecId(self.uuid()),
            child_id=lambda: OrderId(self.uuid()),
            start=self.opened_at,
        )
        self.ledger = Ledger(currency="USD", cash=self.settings.cash, multiplier=self._multiplier)

    def uuid(self) -> str:
        """The next id; the same seed gives the same ids in the same order."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _calendar(self, instrument: Instrument) -> Calendar | None:
        return by_name(instrument.calendar) if self.settings.calendar else None

    def _multiplier(self, symbol: str) -> Decimal:
        return self.market.instrument(symbol).multiplier

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol`, known to the engine as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self.absorb(self.engine.on_quote(replace(quote, time=self.clock.now())))
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine first, then the data streams."""
        quote, trade = tick.quote, tick.trade
        if quote is not None:
            self._fed[quote.symbol] = quote
            self.absorb(self.engine.on_quote(quote))
        if trade is not None:
            self.absorb(self.engine.on_trade(trade))
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def advance(self, at: datetime) -> None:
        """Sessions open and close, days end."""
        self.absorb(self.engine.advance(at))

    def mark(self, symbol: str) -> Decimal:
        """What a unit is worth: the last trade, else the middle of the book."""
        quote = self.market.quote(symbol)
        if quote is None:
            return self.ledger.position(symbol).avg_px
        return quote.last or quote.mid or ZERO

    # --- Account ------------------------------------------------------------------------------------------------------

    def position(self, symbol: str) -> Decimal:
        """Signed units."""
        return self.ledger.position(symbol).qty

    def holdings(self) -> list[Holding]:
        return [
            Holding(instrument=self.market.instrument(p.symbol), qty=p.qty, avg_px=p.avg_px, mark=self.mark(p.symbol))
            for p in self.ledger.positions()
        ]

    def standing(self) -> Standing:
        multiplier = min(Decimal(str(self.configurations["max_margin_multiplier"])), info.MULTIPLIER)
        return standing(self.ledger.cash, self.holdings(), self.open, multiplier)

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Remember an order; its client id is taken for good."""
        self.orders[record.id] = record
        self.client_ids[record.client_order_id] = record.id
        self.open.touch(record)

    def record(
        self, order_id: str, order: NewOrder, instrument: Instrument, *, client_order_id: str, at: datetime
    ) -> Record:
        """A fresh order, not yet remembered."""
        self._count += 1
        return Record(
            id=order_id,
            client_order_id=client_order_id,
            order=order,
            asset_class=class_of(instrument),
            created_at=at,
            updated_at=at,
            number=self._count,
            order_class=order.order_class.value,
            qty=order.order_qty,
            expires_at=self._expires(order, at),
        )

    def _expires(self, order: NewOrder, at: datetime) -> datetime:
        if order.tif is TimeInForce.GTC:
            at += timedelta(days=info.GTC_DAYS)
        return XNYS.day_end(at, extended=order.extended_hours)

    def object_of(self, record: Record, *, nested: bool) -> wire.Order:
        """The Order object, with its legs below it where asked for."""
        legs = [order_object(self.orders[leg]) for leg in record.legs] if nested and record.legs else None
        return order_object(record, legs)

    def find(self, name: str) -> Record | None:
        """An order by the venue's id or the client's."""
        return self.orders.get(name) or self.orders.get(self.client_ids.get(name, ""))

    # --- What the engine says -----------------------------------------------------------------------------------------

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order."""
        for event in events:
            record = self.orders.get(event.order_id) or self._child(event)
            record.updated_at = event.at
            life.told(self, record, event)
            self.open.touch(record)

    def _child(self, event: Event) -> Record:
        """A leg that the engine made: an exit of a bracket, or a leg of a strategy."""
        view = self.engine.order(event.order_id)
        assert view.parent_id is not None
        parent = self.orders[view.parent_id]
        instrument = self.market.instrument(view.order.symbol)
        record = self.record(event.order_id, view.order, instrument, client_order_id=self.uuid(), at=event.at)
        record.created_at = parent.created_at
        record.order_class, record.parent = parent.order_class, parent.id
        if parent.is_mleg_head and parent.qty and record.qty:
            record.ratio_qty = record.qty / parent.qty
        parent.legs.append(record.id)
        self.add(record)
        return record

    def announce(self, event: str, record: Record, *, at: datetime, fill: Fill | None = None) -> None:
        """Send a trade update."""
        execution_id = fill.exec_id if fill is not None else self.uuid()  # drawn also when nobody listens
        if not self.listeners.updates:
            return
        data = wire.TradeUpdate(
            event=event,
            execution_id=execution_id,
            timestamp=time_text(at),
            order=self.object_of(record, nested=True),
        )
        if fill is not None:
            data.price, data.qty = text_of(fill.price), text_of(fill.qty)
            data.position_qty = text_of(ZERO if fill.is_summary else self.position(fill.symbol))
        for listener in tuple(self.listeners.updates):
            listener(data)

    def log(self, activity: Activity) -> None:
        """Remember a line of the account's history and tell those who listen."""
        self.activities.append(activity)
        self.tell(activity)

    def tell(self, activity: Activity) -> None:
        """An event about a line of the history: that it is there, or that it is no more."""
        event = ActivityEvent(id=ulid(activity.at, len(self.events)), activity=activity)
        self.events.append(event)
        for listener in tuple(self.listeners.events):
            listener(event)

    def exercise(self, symbol: str, contract: OptionContract, contracts: Decimal) -> None:
        """Long contracts become shares at the strike: bought for a call, sold for a put."""
        at = self.clock.stamp()
        shares_side = Side.BUY if contract.right == "C" else Side.SELL
        self._book(symbol, Side.SELL, contracts, ZERO, at)
        self._book(contract.root, shares_side, contracts * 100, contract.strike, at)
        self.log(
            Activity(
                id=life.activity_id(at, self.uuid()),
                type="OPEXC",
                at=at,
                symbol=symbol,
                qty=contracts,
                exec_id=self.uuid(),
            )
        )

    def _book(self, symbol: str, side: Side, qty: Decimal, price: Decimal, at: datetime) -> None:
        """Move the ledger without an order."""
        self.ledger.apply(
            Fill(
                order_id=OrderId(""), at=at, exec_id=ExecId(self.uuid()), symbol=symbol, side=side, qty=Quantity(qty),
                price=Price(price), fee=ZERO, cum_qty=Quantity(qty), leaves_qty=Quantity(ZERO), is_last=True, maker=False,
            )
        )  # fmt: skip
