"""Who listens to the venue: order events with their simulated mishaps, and market data by symbol and kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.brokers.paper.info import Options
from floorbroker.brokers.paper.rest import PaperVenue, PriceSource, symbols_of
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.ports import MarketEvent, OrderEvents
from floorbroker.domain.records import BookDelta, BookLevel, DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.values import ZERO, Price

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PPM_OF_PERCENT = 10_000
_DEPTH = 5
_KEPT_BARS = 100_000
_KINDS: dict[type[MarketEvent], DataKind] = {
    Quote: DataKind.QUOTES,
    Trade: DataKind.TRADES,
    Bar: DataKind.BARS,
    BookDelta: DataKind.BOOK,
}
Delay = Callable[[float, Callable[[], None]], None]  # seconds, and what to do then
MarketHandler = Callable[[MarketEvent], None]


class Closing:
    """A subscription that ends by a call."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    async def close(self) -> None:
        self._close()


class Chance:
    """Mishaps by percentage, from the venue's own seed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._replies_to_lose = 0

    def lose_next_reply(self) -> None:
        """The answer to the next command never arrives, whatever the percentages say."""
        self._replies_to_lose += 1

    def loses_reply(self, options: Options) -> bool:
        if self._replies_to_lose:
            self._replies_to_lose -= 1
            return True
        return self.strikes(options.lost_reply_percent)

    def strikes(self, percent: Decimal) -> bool:
        """One draw; none at all where the percentage is zero, so that switching one mishap on does not move the others."""
        return percent > 0 and self._random.randrange(100 * _PPM_OF_PERCENT) < percent * _PPM_OF_PERCENT

    def latency_s(self, options: Options) -> float:
        """Seconds one way over the imagined wire."""
        if not options.latency_max_ms:
            return 0.0
        return self._random.randint(options.latency_min_ms * 500, options.latency_max_ms * 500) / 1_000_000


@dataclass(slots=True)
class OrderStream:
    """The private stream.  `delay` runs a call after some seconds of the venue's clock."""

    options: Options
    chance: Chance
    delay: Delay
    handlers: list[OrderEvents]

    def up(self, is_up: bool, detail: str) -> None:  # noqa: FBT001 - the port's own shape
        for handler in tuple(self.handlers):
            handler.on_stream(is_up, detail)

    def tell(self, report: ExecutionReport) -> None:
        """One report to everybody: at once, or late, or twice."""
        if self.chance.strikes(self.options.late_event_percent):
            self.delay(self.options.late_ms / 1000, lambda: self._deliver(report))
        else:
            self._deliver(report)
        if self.chance.strikes(self.options.duplicate_event_percent):
            self._deliver(report)

    def _deliver(self, report: ExecutionReport) -> None:
        for handler in tuple(self.handlers):
            handler.on_report(report)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one market data subscription wants."""

    symbols: frozenset[str]
    kinds: frozenset[DataKind]
    handler: MarketHandler


class MarketStream:
    """Market data subscriptions, and the bars that were fed."""

    def __init__(self) -> None:
        self._wishes: dict[int, Wish] = {}
        self._count = 0
        self._bars: dict[str, deque[Bar]] = {}

    def add(self, wish: Wish) -> int:
        self._count += 1
        self._wishes[self._count] = wish
        return self._count

    def drop(self, number: int) -> None:
        self._wishes.pop(number, None)

    def symbols(self, kind: DataKind | None = None) -> set[str]:
        """Everything somebody wants, of one kind or of any."""
        wanted = (wish for wish in self._wishes.values() if kind is None or kind in wish.kinds)
        return {symbol for wish in wanted for symbol in wish.symbols}

    def tell(self, event: MarketEvent) -> None:
        kind = _KINDS[type(event)]
        if isinstance(event, Bar):
            self._bars.setdefault(event.symbol, deque(maxlen=_KEPT_BARS)).append(event)
        for wish in tuple(self._wishes.values()):
            if kind in wish.kinds and event.symbol in wish.symbols:
                wish.handler(event)

    def fed_bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> BarSeries:
        """The bars that were fed, joined to `span_s`, whose starts lie in [start, end)."""
        kept = [bar for bar in self._bars.get(symbol, ()) if start <= _floor(bar.start, span_s) < end]
        decimals = [_decimals(price) for bar in kept for price in (bar.open, bar.high, bar.low, bar.close)]
        sizes = [_decimals(bar.volume) for bar in kept]
        series = BarSeries(
            symbol, span_s=span_s, price_decimals=max(decimals, default=4), size_decimals=max(sizes, default=0)
        )
        groups: dict[datetime, list[Bar]] = {}
        for bar in kept:
            groups.setdefault(_floor(bar.start, span_s), []).append(bar)
        for opens, group in sorted(groups.items()):
            series.append(_joined(opens, group))
        return series


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _floor(moment: datetime, span_s: int) -> datetime:
    span = timedelta(seconds=span_s)
    return _EPOCH + (moment - _EPOCH) // span * span


def _joined(opens: datetime, group: Iterable[Bar]) -> Bar:
    bars = sorted(group, key=lambda bar: bar.start)
    return Bar(
        symbol=bars[0].symbol,
        start=opens,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum((bar.volume for bar in bars), ZERO),
    )


def book_of(quote: Quote, tick: Decimal) -> BookDelta:
    """A book of five levels a side around a quote, each as large as the best."""
    bids = () if quote.bid is None else tuple(_level(quote.bid - tick * n, quote.bid_size) for n in range(_DEPTH))
    asks = () if quote.ask is None else tuple(_level(quote.ask + tick * n, quote.ask_size) for n in range(_DEPTH))
    return BookDelta(
        symbol=quote.symbol,
        bids=tuple(level for level in bids if level.price > 0),
        asks=asks,
        time=quote.time,
        reset=True,
    )


def _level(price: Decimal, size: Decimal) -> BookLevel:
    return BookLevel(price=Price(price), size=size)


@dataclass(slots=True, kw_only=True)
class Walk:
    """Moves prices and time.  `since` is up to when finished bars were told."""

    venue: PaperVenue
    market: MarketStream
    source: PriceSource | None
    since: datetime

    def step(self, now: datetime) -> None:
        """Symbols with open orders or listeners move, and time passes for the rest."""
        working = {symbol for order in self.venue.engine.open_orders() for symbol in symbols_of(order.order)}
        for symbol in sorted(working | self.market.symbols()):
            quote = self.venue.sourced(symbol, now)
            if self.source is not None and quote is not None:
                self._move(self.source, quote, now)
        self._tell_bars(now)
        self.venue.advance(now)

    def _move(self, source: PriceSource, quote: Quote, now: datetime) -> None:
        self.venue.on_market(quote)
        self.market.tell(quote)
        tick = self.venue.instrument(quote.symbol).tick_at(quote.ask or quote.bid or ZERO)
        self.market.tell(book_of(quote, tick))
        if source.has_trade(quote.symbol, now):
            trade = source.trade(quote.symbol, now)
            self.venue.on_market(trade)
            self.market.tell(trade)

    def _tell_bars(self, now: datetime) -> None:
        """Every minute that ended after `since`, up to now, as a bar."""
        minute, tick = timedelta(seconds=60), timedelta(microseconds=1)
        start, end = self.since - minute + tick, now - minute + tick
        self.since = now
        for symbol in sorted(self.market.symbols(DataKind.BARS)):
            if self.source is None or self.venue.sourced(symbol, now) is None:
                continue
            for bar in bars_of(self.source, symbol, start=start, end=end):
                self.market.tell(bar)


def bars_of(source: PriceSource, symbol: str, *, start: datetime, end: datetime) -> list[Bar]:
    """Minute bars of the source; none for what it quotes without keeping bars (options)."""
    try:
        return list(source.bars(symbol, span_s=60, start=start, end=end))
    except KeyError:
        return []
