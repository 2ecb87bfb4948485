"""The venue's memory and its clockwork: orders, executions, wallet, positions, and what the matching engine says about them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Protocol

from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId, Side
from floorbroker.matching import Engine, Event, Liquidity
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.auth import Keys
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import new_order, order_update
from floorbroker_sim.bybit.rest import life, stops
from floorbroker_sim.bybit.rest.depth import Books, view, whole_book
from floorbroker_sim.bybit.rest.holdings import Holdings, Position
from floorbroker_sim.bybit.rest.klines import Klines
from floorbroker_sim.bybit.rest.records import ClosedPnl, Executed, LogLine, Record, Trigger
from floorbroker_sim.bybit.rest.wallet import Wallet
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.market import Market, Tick

_MATCHED = 200  # levels that orders are matched against

Teller = Callable[[str, str, list[object]], None]  # topic, category, objects of the wire
PriceListener = Callable[[Tick], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.

    `free`: nothing is taken for trading.  `displayed`: an order takes what the book shows, level by level, and no more.
    """

    seed: int = 0
    free: bool = False
    displayed: bool = False
    balances: Mapping[str, Decimal] = field(default_factory=lambda: info.START_BALANCES)


class Watcher(Protocol):
    """Somebody who waits for prices and for time to pass."""

    @property
    def symbols(self) -> set[str]:
        """What prices he waits for, canonical."""
        ...

    def tick(self, at: datetime) -> None: ...


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    sockets: list[Watcher] = field(default_factory=list[Watcher])

    private: list[Teller] = field(default_factory=list[Teller])
    prices: list[PriceListener] = field(default_factory=list[PriceListener])


class State:
    """One account at the venue.  Everything is synchronous; time comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, bars: Klines, keys: Keys) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.bars = bars
        self.keys = keys
        self.listeners = Listeners()
        self._frames = 0
        self.books = Books(
            seed=settings.seed, quote=market.quote, now=clock.now, seq=self.next_seq
        )  # fmt: skip
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected."""
        self.random = Random(f"bybit {self.settings.seed}")
        self.opened_at = self.clock.now()
        self.orders: dict[str, Record] = {}
        self.open: dict[str, Record] = {}
        self.link_ids: dict[tuple[str, str], str] = {}
        self.executions: list[Executed] = []
        self.closed: list[ClosedPnl] = []
        self.log: list[LogLine] = []
        self.margin_mode = "REGULAR_MARGIN"
        self.wallet = Wallet(self.settings.balances)
        self.holdings = Holdings(self.opened_at)
        self._seq = 1_000_000 + self.random.randrange(1_000_000_000)
        self._fed: dict[str, Quote] = {}
        self._said: list[tuple[str, str, object]] = []
        self._moved: dict[tuple[str, int], Position] = {}
        self._depth = 0
        self.books.reset()
        self.engine = Engine(
            instrument=self.market.instrument,
            exec_id=lambda: ExecId(self.uuid()),
            child_id=lambda: OrderId(self.uuid()),
            start=self.opened_at,
            liquidity=Liquidity.DISPLAYED if self.settings.displayed else Liquidity.UNLIMITED,
        )

    def uuid(self) -> str:
        """The next id; the same seed gives the same ids in the same order."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def order_id(self, category: str) -> str:
        """Long numbers for spot, UUIDs for contracts."""
        if category == info.SPOT:
            return str(1_500_000_000_000_000_000 + self.random.randrange(10**17))
        return self.uuid()

    def next_seq(self) -> int:
        """Orders executions and what they did to positions."""
        self._seq += 1
        return self._seq

    def next_frame(self) -> int:
        """Orders what streams tell; apart from the above, so that listening changes nothing."""
        self._frames += 1
        return self._frames

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, product: Product) -> Quote | None:
        """The quote of a product, known to the engine as well."""
        quote = self.market.quote(product.canonical)
        if quote is not None and self._fed.get(product.canonical) != quote:
            self._feed_quote(replace(quote, time=self.clock.now()), known_as=quote)
        return quote

    def _feed_quote(self, quote: Quote, *, known_as: Quote) -> None:
        """A new top of the book, with what stands behind it where sizes count."""
        self._fed[quote.symbol] = known_as
        if not self.settings.displayed:
            self.absorb(self.engine.on_quote(quote))
            return
        product = info.BY_CANONICAL[quote.symbol]
        shown = view(product, quote, seed=self.settings.seed, at=self.clock.now(), depth=_MATCHED)
        self.absorb(self.engine.on_book(whole_book(product, shown, quote.time)))

    def feed(self, tick: Tick) -> None:
        """New prices: the engine, then orders that wait for a price, then the public streams."""
        if tick.quote is not None:
            self._feed_quote(tick.quote, known_as=tick.quote)
        if tick.trade is not None:
            self.absorb(self.engine.on_trade(tick.trade))
        named = tick.quote or tick.trade
        if named is not None:
            stops.watch(self, named.symbol)
            self.books.moved(named.symbol)
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def last(self, product: Product) -> Decimal | None:
        """The price of the last trade."""
        trade = self.market.last_trade(product.canonical)
        quote = self.market.quote(product.canonical)
        if quote is not None and quote.last is not None:
            return quote.last
        return None if trade is None else trade.price

    def mark(self, product: Product) -> Decimal:
        """The middle of the book, on the price step; zero while nothing is known."""
        quote = self.market.quote(product.canonical)
        mid = None if quote is None else quote.mid
        if mid is None:
            return self.last(product) or ZERO
        return (mid / product.tick).to_integral_value() * product.tick

    def index(self, product: Product) -> Decimal:
        """The middle of the pair's book."""
        return self.mark(info.BY_CANONICAL[product.pair])

    def rates(self, category: str) -> tuple[Decimal, Decimal]:
        """What makers and takers pay of a trade's value."""
        if self.settings.free:
            return ZERO, ZERO
        return (info.SPOT_MAKER, info.SPOT_TAKER) if category == info.SPOT else (info.LINEAR_MAKER, info.LINEAR_TAKER)

    def usd(self, coin: str) -> Decimal:
        """What one coin is worth in dollars; a tether is one."""
        pair = info.BY_CANONICAL.get(f"{coin}/{info.SETTLE}")
        return Decimal(1) if pair is None else self.mark(pair)

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Remember an order; its client id is taken for good."""
        self.orders[record.id] = self.open[record.id] = record
        if record.link_id:
            self.link_ids[record.category, record.link_id] = record.id

    def find(self, name: str) -> Record | None:
        """An order by the venue's id or the client's, whatever its category."""
        found = self.orders.get(name)
        for category in sorted(info.LISTED) if found is None else ():
            if (order_id := self.link_ids.get((category, name))) is not None:
                return self.orders[order_id]
        return found

    def named(self, category: str, order_id: str | None, link_id: str | None) -> Record | None:
        """An order of one category; the venue's id goes before the client's."""
        if order_id:
            found = self.orders.get(order_id)
            return found if found is not None and found.category == category else None
        return self.orders.get(self.link_ids.get((category, link_id or ""), ""))

    def open_on(self, product: Product) -> list[Record]:
        """In order of arrival."""
        return [record for record in self.open.values() if record.product is product]

    def work(self, record: Record) -> None:
        """Hand an order to the engine, unless its price or its wish not to take rules that out."""
        quote = self.refresh(record.product)
        if (why := life.unworkable(self, record, quote)) is not None:
            life.over(self, record, "UNKNOWN", *why)
            return
        record.in_engine = True
        terms = new_order(record, qty=record.qty)
        self.absorb(self.engine.submit(OrderId(record.id), terms, at=self.clock.stamp()))

    def touch(self, record: Record) -> None:
        """What an order holds of the wallet follows what it is."""
        if not record.is_open:
            self.open.pop(record.id, None)
        if record.is_spot:
            coin = record.product.quote if record.side is Side.BUY else record.product.base
            self.wallet.hold(record.id, coin, self.to_hold(record))

    def to_hold(self, record: Record) -> Decimal:
        """What an open spot order holds: quote units of a buy, base units of a sell."""
        waits = record.status == "Untriggered" and record.order_filter != "tpslOrder"
        if not record.is_open or waits or not record.holds:
            return ZERO
        if record.side is Side.SELL or record.in_quote:
            return record.leaves
        return record.leaves * (record.price or record.worst or ZERO)

    def protective(self, product: Product, side: Side, trigger: Trigger | None = None) -> Decimal:
        """The worst price a market order takes: a band from the touch, or from the price that triggers it."""
        quote = self.market.quote(product.canonical)
        touch = None if quote is None else quote.ask if side is Side.BUY else quote.bid
        start = touch if trigger is None else trigger.price
        if start is None:
            return ZERO
        return (start * (1 + side.sign * product.band_y) / product.tick).to_integral_value() * product.tick

    # --- What the engine says -----------------------------------------------------------------------------------------

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order."""
        self.begin()
        for event in events:
            record = self.orders[event.order_id]
            record.updated_at = event.at
            life.told(self, record, event)
            self.touch(record)
        self.end()

    def begin(self) -> None:
        """What is told from here on is told together at `end`."""
        self._depth += 1

    def end(self) -> None:
        self._depth -= 1
        if not self._depth and (self._said or self._moved):
            life.settle(self, list(self._moved.values()))
            self._moved = {}
            self._flush()

    def announce(self, record: Record) -> None:
        """Tell of an order, and of its position, as the venue does whether or not that changed."""
        self.say("order", record.category, order_update(record))
        if not record.is_spot:
            self.moved(self.holdings.at(record.product, record.position_idx))

    def moved(self, position: Position) -> None:
        self._moved[position.product.symbol, position.idx] = position

    def say(self, topic: str, category: str, told: object) -> None:
        """Queue an object for the private streams."""
        self._said.append((topic, category, told))

    def _flush(self) -> None:
        """Objects of one topic that follow each other leave in one message."""
        said, self._said = self._said, []
        groups: list[tuple[str, str, list[object]]] = []
        for topic, category, told in said:
            if groups and groups[-1][:2] == (topic, category):
                groups[-1][2].append(told)
            else:
                groups.append((topic, category, [told]))
        for topic, category, objects in groups:
            for listener in tuple(self.listeners.private):
                listener(topic, category, objects)
