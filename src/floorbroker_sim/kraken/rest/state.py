"""The venue's memory and its clockwork: orders, trades, balances, and what the matching engine says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.domain.records import BookDelta, BookLevel, Quote
from floorbroker.domain.values import ExecId, OrderId, Price
from floorbroker.matching import Engine, Event, Liquidity
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import Candle, History
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.auth import Tokens
from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.limits import Limits
from floorbroker_sim.kraken.mapping import Fees
from floorbroker_sim.kraken.rest import life, triggers
from floorbroker_sim.kraken.rest.ladder import Ladder
from floorbroker_sim.kraken.rest.records import LedgerLine, Record, Trade, Wish
from floorbroker_sim.kraken.rest.wallet import Wallet
from floorbroker_sim.market import Market, Tick

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  `system` is what SystemStatus and the status channel say.

    Orders fill in full at the best price; with `displayed` they walk the book and find no more than it shows.
    """

    seed: int = 0
    balances: dict[str, Decimal] | None = None
    tier: str = "intermediate"
    taker_bps: Decimal = info.TAKER_BPS
    maker_bps: Decimal = info.MAKER_BPS
    system: str = "online"
    is_recorded: bool = False
    displayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event of an order for the executions channel: what happened, to which order, by which trade."""

    exec_type: str
    record: Record
    at: datetime
    trade: Trade | None = None


@dataclass(slots=True)
class Listeners:
    """Who hears what; sockets come and go."""

    orders: list[Callable[[Told], None]] = field(default_factory=list[Callable[[Told], None]])
    ledger: list[Callable[[list[LedgerLine]], None]] = field(default_factory=list[Callable[[list[LedgerLine]], None]])
    prices: list[Callable[[Tick], None]] = field(default_factory=list[Callable[[Tick], None]])


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(
        self, *, settings: Settings, clock: VenueClock, market: Market, history: History, limits: Limits
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.limits = limits
        self.listeners = Listeners()
        self.ladder = Ladder(seed=settings.seed)
        self.candles: dict[tuple[str, timedelta, datetime], Candle] = {}  # of the seeded market, those that are over
        self.tokens = Tokens(Random(f"kraken tokens {settings.seed}"))  # sockets stay connected over a reset
        self.pairs: dict[str, Pair] = {s: p for s, p in info.PAIRS.items() if s in market.instruments}
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Sockets stay connected."""
        self.random = Random(f"kraken {self.settings.seed}")
        self._connections = Random(f"kraken connections {self.settings.seed}")
        self.limits.reset()
        self.orders: dict[str, Record] = {}
        self.open: dict[str, Record] = {}
        self.trades: dict[str, Trade] = {}
        self.opened_at = self.clock.now()
        self.dead_man: datetime | None = None
        self._count = 0
        self._fed: dict[str, Quote] = {}
        self._trade_numbers: dict[str, int] = {}
        start = self.settings.balances
        self.wallet = Wallet(
            start={a.name: a.start for a in info.ASSETS.values()} if start is None else start,
            new_id=lambda: self.new_id("L"),
            at=self.opened_at,
        )
        self.engine = Engine(
            instrument=self.market.instrument,
            exec_id=lambda: ExecId(self.new_id("T")),
            child_id=lambda: OrderId(self.new_id("O")),
            start=self.opened_at,
            liquidity=Liquidity.DISPLAYED if self.settings.displayed else Liquidity.UNLIMITED,
            fees=Fees(taker=self.settings.taker_bps, maker=self.settings.maker_bps),
        )

    def new_id(self, letter: str) -> str:
        """The next id in the venue's form, `OABCDE-FGHIJ-KLMNOP`; the same seed gives the same ids in the same order."""
        draw = "".join(self.random.choice(_BASE32) for _ in range(16))
        return f"{letter}{draw[:5]}-{draw[5:10]}-{draw[10:]}"

    def random_connection(self) -> int:
        """A connection id; drawn beside the ids of orders, which depend on what was traded alone."""
        return self._connections.getrandbits(62)

    def next_trade_number(self, symbol: str) -> int:
        self._trade_numbers[symbol] = number = self._trade_numbers.get(symbol, 43_914_717) + 1
        return number

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol`, known to the engine and to waiting triggers as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self._show(replace(quote, time=self.clock.now()))
            triggers.watch(self, symbol)
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine and the triggers first, then the streams."""
        quote, trade = tick.quote, tick.trade
        if quote is not None:
            self._fed[quote.symbol] = quote
            self._show(quote)
        if trade is not None:
            self.absorb(self.engine.on_trade(trade))
        named = quote or trade
        if named is not None:
            triggers.watch(self, named.symbol)
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def _show(self, quote: Quote) -> None:
        """Let the engine see the market: its top, or as much of the book as orders may walk."""
        if not self.settings.displayed:
            self.absorb(self.engine.on_quote(quote))
            return
        pair = self.pairs[quote.symbol]
        book = self.ladder.book(pair, quote, quote.time, info.WALKED_LEVELS)
        bids, asks = (
            tuple(BookLevel(price=Price(level.price * pair.tick), size=level.qty * pair.lot) for level in side)
            for side in (book.bids, book.asks)
        )
        self.absorb(
            self.engine.on_book(BookDelta(symbol=quote.symbol, bids=bids, asks=asks, time=quote.time, reset=True))
        )

    def advance(self, at: datetime) -> None:
        """What is due by itself: orders that start or expire, and the dead man's switch."""
        self.absorb(self.engine.advance(at))
        triggers.pass_time(self, at)

    def last_price(self, symbol: str) -> Decimal | None:
        """The last trade, else the middle of the book."""
        trade = self.market.last_trade(symbol)
        if trade is not None:
            return trade.price
        quote = self.market.quote(symbol)
        return None if quote is None else quote.last or quote.mid

    def index_price(self, symbol: str) -> Decimal | None:
        """The middle of the book stands for the index."""
        quote = self.market.quote(symbol)
        return None if quote is None else quote.mid or quote.last

    # --- Orders -------------------------------------------------------------------------------------------------------

    def record(self, order_id: str, wish: Wish, *, at: datetime) -> Record:
        """A fresh order, not yet remembered."""
        self._count += 1
        return Record(
            id=order_id, wish=wish, opened_at=at, touched_at=at, number=self._count, qty=wish.qty,
            display=wish.display, post=wish.post,
        )  # fmt: skip

    def add(self, record: Record) -> None:
        self.orders[record.id] = record
        self.touch(record)

    def touch(self, record: Record) -> None:
        """Take in that an order changed."""
        if record.is_open:
            self.open[record.id] = record
        else:
            self.open.pop(record.id, None)
        self.wallet.touch(record)

    def find(self, name: str) -> Record | None:
        """An order by the venue's id or the client's; of several with one client id the newest."""
        record = self.orders.get(name)
        if record is not None:
            return record
        return next((r for r in reversed(self.orders.values()) if r.wish.cl_ord_id == name), None)

    def open_by_client_id(self, name: str) -> Record | None:
        return next((r for r in self.open.values() if r.wish.cl_ord_id == name), None)

    def open_on(self, symbol: str) -> list[Record]:
        return [record for record in self.open.values() if record.pair.symbol == symbol]

    # --- What the engine says -----------------------------------------------------------------------------------------

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order."""
        for event in events:
            record = self.orders[event.order_id]
            life.told(self, record, event)
            self.touch(record)

    def announce(self, exec_type: str, record: Record, *, at: datetime, trade: Trade | None = None) -> None:
        told = Told(exec_type=exec_type, record=record, at=at, trade=trade)
        for listener in tuple(self.listeners.orders):
            listener(told)

    def post(self, lines: list[LedgerLine]) -> None:
        """Tell of ledger lines that were booked."""
        for listener in tuple(self.listeners.ledger):
            listener(lines)
