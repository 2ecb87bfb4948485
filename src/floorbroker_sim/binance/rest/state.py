"""The venue's memory: orders, lists, trades, balances, and the market of each symbol as it was last looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.binance import errors, info
from floorbroker_sim.binance.auth import KeyRing
from floorbroker_sim.binance.limits import Meter
from floorbroker_sim.binance.mapping import outside
from floorbroker_sim.binance.rest import money
from floorbroker_sim.binance.rest.book import Change, LevelBook
from floorbroker_sim.binance.rest.records import Amendment, Execution, OrderList, Prevented, Record
from floorbroker_sim.binance.rest.tape import Print, Tape
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import History
from floorbroker_sim.market import Market

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 22
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRID = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  With `displayed` an order gets no more than the book shows."""

    seed: int = 0
    balances: dict[str, Decimal] = field(default_factory=lambda: dict(info.START_BALANCES))
    commission: Decimal = info.COMMISSION
    displayed: bool = False


EventListener = Callable[[object], None]
PrintListener = Callable[[str, Print], None]
BookListener = Callable[[Change], None]


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    events: list[EventListener] = field(default_factory=list[EventListener])
    prints: list[PrintListener] = field(default_factory=list[PrintListener])
    books: list[BookListener] = field(default_factory=list[BookListener])


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(
        self, *, settings: Settings, clock: VenueClock, market: Market, history: History, keys: KeyRing, meter: Meter
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.keys = keys
        self.meter = meter
        self.listeners = Listeners()
        self.books: dict[str, LevelBook] = {}  # they outlive a reset: who listens must not see their numbers go back
        self.symbols = {outside(symbol): symbol for symbol in market.instruments}
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected, and the numbers of book updates go on."""
        self.random = Random(f"binance {self.settings.seed}")
        self.uid = 100_000_000 + self.random.randrange(800_000_000)
        self.balances = money.Balances(self.settings.balances)
        self.orders: dict[int, Record] = {}
        self.open: dict[int, Record] = {}
        self.lists: dict[int, OrderList] = {}
        self.trades: list[Execution] = []
        self.prevented: list[Prevented] = []
        self.amendments: list[Amendment] = []
        self.opened_at = self.clock.now()
        self.updated_at = self.opened_at
        self.tapes: dict[str, Tape] = {}
        self.last: dict[str, Decimal] = {}
        self.marks: dict[int, Decimal] = {}
        self._references: dict[str, tuple[datetime, Decimal | None]] = {}
        self._by_client: dict[tuple[str, str], list[int]] = {}
        self._orders = self._lists = self._executions = 0
        self._first_order = 10_000_000 + self.random.randrange(1_000_000)

    # --- Names and numbers --------------------------------------------------------------------------------------------

    def next_order(self) -> int:
        self._orders += 1
        return self._first_order + self._orders

    def next_list(self) -> int:
        self._lists += 1
        return self._first_order // 100 + self._lists

    def next_execution(self) -> int:
        self._executions += 1
        return self._first_order * 10 + self._executions

    def client_id(self) -> str:
        """A client id for who sent none."""
        return "".join(self.random.choice(_LETTERS) for _ in range(_ID_LENGTH))

    def canonical(self, name: str) -> str:
        """The canonical symbol.  Raises `Refused` for one that is not listed."""
        symbol = self.symbols.get(name)
        if symbol is None:
            raise errors.bad_symbol()
        return symbol

    def instrument(self, symbol: str) -> Instrument:
        return self.market.instrument(symbol)

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Remember an order under both of its ids."""
        self.orders[record.id] = record
        self.open[record.id] = record
        self.named(record)

    def named(self, record: Record) -> None:
        """Let the order be found by the client id it has now."""
        self._by_client.setdefault((record.symbol, record.client_id), []).append(record.id)

    def find(self, symbol: str, *, order_id: int | None, client_id: str | None) -> Record | None:
        """An order of a symbol by the venue's id, else the newest of the client's; both must fit where both are given."""
        if order_id is not None:
            record = self.orders.get(order_id)
            fits = record is not None and record.symbol == symbol and client_id in {None, record.client_id}
            return record if fits else None
        ids = self._by_client.get((symbol, client_id or ""), ())
        open_ids = [number for number in ids if number in self.open]
        return self.orders[(open_ids or ids)[-1]] if ids else None

    def open_by_client(self, symbol: str, client_id: str) -> Record | None:
        """The open order that has this client id."""
        ids = self._by_client.get((symbol, client_id), ())
        found = (self.open.get(number) for number in reversed(ids))
        return next((record for record in found if record is not None and record.client_id == client_id), None)

    def by_any_id(self, name: str) -> Record | None:
        """An order by either id, whatever its symbol: for the control door."""
        if name.isascii() and name.isdigit() and int(name) in self.orders:
            return self.orders[int(name)]
        return next((r for r in reversed(self.orders.values()) if r.client_id == name), None)

    def open_lists(self) -> list[OrderList]:
        return [orders for orders in self.lists.values() if orders.is_open]

    def members(self, orders: OrderList) -> list[Record]:
        return [self.orders[number] for number in orders.orders]

    # --- Money --------------------------------------------------------------------------------------------------------

    def locked(self, *, without: Iterable[int] = ()) -> dict[str, Decimal]:
        """What open orders hold back."""
        spared = frozenset(without)
        return money.locked((r for r in self.open.values() if r.id not in spared), self.lists, self.marks)

    def free(self, asset: str, *, without: Iterable[int] = ()) -> Decimal:
        """What a new order could use, as if the orders `without` were not there."""
        return self.balances.total(asset) - self.locked(without=without).get(asset, ZERO)

    # --- The market ---------------------------------------------------------------------------------------------------

    def tape(self, symbol: str) -> Tape:
        found = self.tapes.get(symbol)
        if found is None:
            found = self.tapes[symbol] = Tape(symbol, self.market, opened=self.opened_at)
        return found

    def book(self, symbol: str) -> LevelBook:
        found = self.books.get(symbol)
        if found is None:
            found = self.books[symbol] = LevelBook(self.instrument(symbol), seed=self.settings.seed)
        return found

    def quote(self, symbol: str) -> Quote | None:
        return self.market.quote(symbol)

    def touch(self, symbol: str, side: Side) -> Decimal | None:
        """The price a taker of `side` meets."""
        quote = self.quote(symbol)
        if quote is None:
            return None
        return quote.ask if side is Side.BUY else quote.bid

    def last_price(self, symbol: str) -> Decimal | None:
        """The price of the last public trade."""
        known = self.last.get(symbol)
        if known is not None:
            return known
        pinned = self.market.last_trade(symbol) if self.market.is_pinned(symbol) or self.clock.stands else None
        if pinned is not None:
            return pinned.price
        newest = self.tape(symbol).newest(1)
        return newest[-1].price if newest else None

    def reference(self, symbol: str, at: datetime) -> Decimal | None:
        """The average price that filters measure by; for a symbol priced by hand, its last."""
        if self.market.is_pinned(symbol) or self.clock.stands:
            return self.last_price(symbol)
        upto = at - (at - _EPOCH) % _GRID
        known = self._references.get(symbol)
        if known is None or known[0] != upto:
            moments = (upto - _GRID * number for number in range(info.AVERAGE_MINUTES * 2))
            prices = [price for moment in moments if (price := self.market.price_at(symbol, moment)) is not None]
            known = self._references[symbol] = (upto, money.exact(sum(prices, ZERO) / len(prices)) if prices else None)
        return known[1]

    def printed(self, symbol: str, made: Print) -> None:
        """Tell a public trade."""
        for listener in tuple(self.listeners.prints):
            listener(symbol, made)

    def restep(self, symbol: str, quote: Quote, at: datetime) -> None:
        """Move the book of a symbol, and tell what changed."""
        if not self.listeners.books:
            self.book(symbol).follow(quote, at)
            return
        change = self.book(symbol).step(quote, at)
        if change is not None:
            for listener in tuple(self.listeners.books):
                listener(change)
