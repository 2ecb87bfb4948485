"""Everything the venue remembers: the account, its orders, the engine that trades them, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from random import Random

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId
from floorbroker.matching import Calendar, Engine, Event, Ledger
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.market import Market, Tick
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.auth import Keys, Tokens
from floorbroker_sim.upstox.rest import daybreak, gtt, life
from floorbroker_sim.upstox.rest.hours import INDIA, local_day, midnight
from floorbroker_sim.upstox.rest.listing import Listed, Listings, contracts
from floorbroker_sim.upstox.rest.past import Past
from floorbroker_sim.upstox.rest.records import Deal, Execution, Gtt, Holding, Order, Position

Frame = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  Without `calendar` markets never close and days do not end.

    Without `tokens_end` the first token outlives the night, for programs that nobody could log in again.
    """

    seed: int = 0
    cash: Decimal = info.START_CASH
    calendar: bool = False
    options: bool = True
    tokens_end: bool = True


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    frames: list[Callable[[Frame], None]] = field(default_factory=list[Callable[[Frame], None]])
    prices: list[Callable[[Tick], None]] = field(default_factory=list[Callable[[Tick], None]])
    times: list[Callable[[datetime], None]] = field(default_factory=list[Callable[[datetime], None]])


@dataclass(slots=True)
class Rules:
    """What the control door may change: where requests seem to come from, and whether market orders are taken."""

    address: str = "127.0.0.1"
    market_orders: bool = True
    algo: str = ""


@dataclass(slots=True)
class Planned:
    """A refusal by code for the next `left` requests of a path; any path when it is empty."""

    code: str
    path: str
    left: int


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(
        self, *, settings: Settings, clock: VenueClock, market: Market, past: Past, listings: Listings, keys: Keys
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.past = past
        self.listings = listings
        self.keys = keys
        self.listeners = Listeners()
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected."""
        self.random = Random(f"upstox {self.settings.seed}")
        self.rules = Rules()
        self.refusals: list[Planned] = []
        self.rejections: list[str] = []
        self.tokens = Tokens(self.keys, self.random, self.clock.now(), ends=self.settings.tokens_end)
        self.addresses: tuple[str, str | None] = (self.rules.address, None)
        self.addressed_at: datetime | None = None
        self.off: dict[str, datetime] = {}  # segments whose kill switch is on, since when
        self.cash = self.settings.cash
        self.unpaid = ZERO
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.old_orders: list[Order] = []  # of days that are over: no book of the venue shows them
        self.sandbox: dict[str, Order] = {}
        self.by_engine: dict[str, Order] = {}
        self.executions: list[Execution] = []
        self.deals: list[Deal] = []
        self.positions: dict[tuple[str, str], Position] = {}
        self.holdings: dict[str, Holding] = {}
        self.gtts: dict[str, Gtt] = {}
        self.tickets: dict[str, tuple[str, datetime]] = {}
        self.day = local_day(self.clock.now())
        self._count = 0
        self._numbers = self.random.randrange(1000) * 1000
        self._fed: dict[str, Quote] = {}
        self._listed_on: date | None = None
        self.engine = Engine(
            instrument=self.market.instrument, calendar=self._calendar, exec_id=lambda: ExecId(self.next_trade_id()),
            child_id=lambda: OrderId(self._engine_id()), start=self.clock.now(),
        )  # fmt: skip
        self.ledger = Ledger(currency="INR", cash=self.settings.cash)
        self.list_contracts()

    def _calendar(self, instrument: Instrument) -> Calendar | None:
        return INDIA if self.settings.calendar else None

    def is_open(self) -> bool:
        """Whether the exchanges trade now."""
        return not self.settings.calendar or INDIA.is_open(self.clock.now())

    # --- Names --------------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """Numbers grow."""
        self._numbers += 1
        return self._numbers

    def next_trade_id(self) -> str:
        return str(50_000_000 + self.next_number())

    def next_order_id(self) -> str:
        """The day, then nine digits."""
        return f"{local_day(self.clock.now()):%y%m%d}{self.next_number():09d}"

    def _engine_id(self) -> str:
        self._count += 1
        return f"e{self._count}"

    def name_for_engine(self, order: Order) -> OrderId:
        """A fresh name under which the engine knows the order."""
        order.engine_id = self._engine_id()
        self.by_engine[order.engine_id] = order
        return OrderId(order.engine_id)

    def name_of_nobody(self) -> OrderId:
        """For trades without an order: an option that expires."""
        return OrderId(self._engine_id())

    def find(self, name: str) -> Order | None:
        """An order by the venue's id or by the client's tag; of several with one tag the last."""
        found = self.orders.get(name)
        return found or next((one for one in reversed(self.orders.values()) if one.terms.tag == name), None)

    # --- What is listed and what it costs -------------------------------------------------------------------------------

    def list_contracts(self) -> None:
        """List the options of today's weeks, once a day."""
        today = local_day(self.clock.now())
        if not self.settings.options or self._listed_on == today:
            return
        self._listed_on = today
        for number, chain in enumerate(info.CHAINS):
            quote = self.market.source.quote(f"{chain.underlying}.NSE", midnight(today))
            if quote is not None and quote.mid is not None:
                for listed in contracts(number, today, quote.mid):
                    self.listings.add(listed)
                    self.market.instruments.setdefault(listed.symbol, listed.instrument())

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol` (canonical), known to the engine as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self.absorb(self.engine.on_quote(replace(quote, time=self.clock.now())))
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine first, then the GTT orders, then the streams."""
        if tick.quote is not None:
            self._fed[tick.quote.symbol] = tick.quote
            self.absorb(self.engine.on_quote(tick.quote))
        if tick.trade is not None:
            self.absorb(self.engine.on_trade(tick.trade))
        gtt.look(self, tick)
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def advance(self, at: datetime) -> None:
        """Sessions open and close, days end, options expire, GTT orders too."""
        self.absorb(self.engine.advance(at))
        daybreak.pass_time(self, at)
        gtt.expire(self, at)
        for listener in tuple(self.listeners.times):
            listener(at)

    def last(self, listed: Listed) -> Decimal:
        """The last price, in rupees; zero for what has none."""
        quote = self.market.quote(listed.symbol)
        return (None if quote is None else quote.last or quote.mid) or ZERO

    # --- Orders -------------------------------------------------------------------------------------------------------

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order."""
        for event in events:
            order = self.by_engine.get(event.order_id)
            if order is not None:
                life.told(self, order, event)

    def say(self, frame: Frame) -> None:
        """Tell a frame to everyone on the portfolio streams."""
        for listener in tuple(self.listeners.frames):
            listener(frame)
