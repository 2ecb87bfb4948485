"""The venue's memory and its clockwork: orders, executions, account, and what the matching engine says about them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from random import Random

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId
from floorbroker.matching import Calendar, Engine, Event, Ledger, by_name
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import History
from floorbroker_sim.market import Market, Tick
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.auth import Keys
from floorbroker_sim.tradier.mapping import inside
from floorbroker_sim.tradier.rest import combos, expiry, families, life
from floorbroker_sim.tradier.rest.records import Closed, Deed, Execution, Holding, Record, Watchlist
from floorbroker_sim.tradier.rest.rendering import Shapes

_MAX_SESSIONS = 1000
OrderListener = Callable[[Record], None]
PriceListener = Callable[[Tick], None]
BeatListener = Callable[[datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  Without `calendar` markets never close and days do not end.

    `option_fee` (dollars a contract) and `quota_status` (what answers over the limit) are not settled by the documents.
    """

    seed: int = 0
    cash: Decimal = info.START_CASH
    calendar: bool = False
    account_type: info.AccountType = "margin"
    option_fee: Decimal = ZERO
    quota_status: int = 429
    shapes: Shapes = field(default_factory=Shapes)


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    orders: list[OrderListener] = field(default_factory=list[OrderListener])
    prices: list[PriceListener] = field(default_factory=list[PriceListener])
    beats: list[BeatListener] = field(default_factory=list[BeatListener])


@dataclass(slots=True)
class StreamSession:
    """A stream session as REST gave it out; `kind` is `market` or `account`."""

    kind: str
    made_at: datetime


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, history: History, keys: Keys) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.keys = keys
        self.listeners = Listeners()
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected, their sessions are forgotten."""
        self.random = Random(f"tradier {self.settings.seed}")
        self.account_type: info.AccountType = self.settings.account_type
        self.shapes = self.settings.shapes
        self.orders: dict[int, Record] = {}
        self.open: dict[int, Record] = {}
        self.by_engine: dict[str, Record] = {}
        self.waiting: list[Record] = []  # combos: their net price is looked at here, not in the engine
        self.executions: list[Execution] = []
        self.deeds: list[Deed] = []
        self.closed: list[Closed] = []
        self.holdings: dict[str, Holding] = {}
        self.watchlists: dict[str, Watchlist] = {}
        self.sessions: dict[str, StreamSession] = {}
        self.opened_at = self.clock.now()
        self._last_id = 700_000 + self.random.randrange(1000)
        self._count = 0
        self._fed: dict[str, Quote] = {}
        self.engine = Engine(
            instrument=self.market.instrument,
            calendar=self._calendar,
            exec_id=lambda: ExecId(self.uuid()),
            child_id=lambda: OrderId(self._engine_id()),
            start=self.opened_at,
        )
        self.ledger = Ledger(currency="USD", cash=self.settings.cash, multiplier=self._multiplier)

    def uuid(self) -> str:
        """The next id; the same seed gives the same ids in the same order."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def add_session(self, session_id: str, kind: str) -> None:
        """Remember a stream session; the oldest of very many is forgotten."""
        self.sessions[session_id] = StreamSession(kind=kind, made_at=self.clock.now())
        if len(self.sessions) > _MAX_SESSIONS:
            del self.sessions[next(iter(self.sessions))]

    def next_id(self) -> int:
        """Ids of orders, legs and positions grow."""
        self._last_id += 1
        return self._last_id

    def _engine_id(self) -> str:
        self._count += 1
        return f"e{self._count}"

    def _calendar(self, instrument: Instrument) -> Calendar | None:
        return by_name(instrument.calendar) if self.settings.calendar else None

    def _multiplier(self, symbol: str) -> Decimal:
        return self.market.instrument(symbol).multiplier

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol` (canonical), known to the engine as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self.absorb(self.engine.on_quote(replace(quote, time=self.clock.now())))
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine first, then the combos, then the streams."""
        quote, trade = tick.quote, tick.trade
        if quote is not None:
            self._fed[quote.symbol] = quote
            self.absorb(self.engine.on_quote(quote))
        if trade is not None:
            self.absorb(self.engine.on_trade(trade))
        combos.look(self)
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def advance(self, at: datetime) -> None:
        """Sessions open and close, days end, options expire."""
        self.absorb(self.engine.advance(at))
        combos.pass_time(self, at)
        expiry.settle(self, at)

    def mark(self, symbol: str) -> Decimal:
        """What a unit is worth: the last trade, else the middle of the book, else what it cost.  A canonical symbol."""
        quote = self.market.quote(symbol)
        if quote is None:
            return self.ledger.position(symbol).avg_px
        return quote.last or quote.mid or ZERO

    def position(self, symbol: str) -> Decimal:
        """Signed shares or contracts of a symbol in either spelling."""
        return self.ledger.qty(inside(symbol))

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Remember an order and its legs."""
        self.orders[record.id] = self.open[record.id] = record
        for leg in record.legs:
            self.add(leg)

    def find(self, name: str) -> Record | None:
        """An order by the venue's id or by the client's tag; of several with one tag the last."""
        if name.isascii() and name.isdigit() and int(name) in self.orders:
            return self.orders[int(name)]
        return next((record for record in reversed(self.orders.values()) if record.tag == name), None)

    def name_for_engine(self, record: Record) -> OrderId:
        """A fresh name under which the engine knows the record."""
        record.engine_id = self._engine_id()
        self.by_engine[record.engine_id] = record
        return OrderId(record.engine_id)

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order; then let families follow."""
        touched = [(record, event) for event in events if (record := self.by_engine.get(event.order_id)) is not None]
        for record, event in touched:
            life.told(self, record, event)
        for record, event in touched:
            families.follow(self, record, event)

    def become(self, record: Record, status: str, *, at: datetime, reason: str = "") -> None:
        """A new status, told to those who listen."""
        record.status, record.updated_at, record.reason = status, at, reason or record.reason
        if not record.is_open:
            self.open.pop(record.id, None)
        self.tell(record)

    def tell(self, record: Record) -> None:
        """Say on the account streams how an order stands."""
        for listener in tuple(self.listeners.orders):
            listener(record)
