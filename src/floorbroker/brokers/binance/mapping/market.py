"""Market data in.  Documents: developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and
rest-api/market-data-endpoints.  A bid or ask of zero means that side is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.symbols import ALWAYS
from floorbroker.brokers.binance.mapping.values import BROKER, moment_needed, needed, positive
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, InvalidRequest, NotSupported
from floorbroker.domain.records import BookDelta, BookLevel, MarketHours, Quote, Trade
from floorbroker.domain.values import Price, Side

SOURCE = "binance"
INTERVALS = {
    1: "1s", 60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 7200: "2h", 14_400: "4h", 21_600: "6h",
    28_800: "8h", 43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w",
}  # fmt: skip
"""Seconds to the venue's word; months are of no fixed length and are not asked for."""
_DECIMALS_MAX = 9
_DIGITS_MAX = 17  # a scaled column is a signed 64-bit integer
_MARKETS = frozenset({ALWAYS, "crypto", "24x7", "binance", "BINANCE"})


def interval(span_s: int) -> str:
    """`1m`; raises `NotSupported` for spans the venue does not aggregate."""
    if span_s not in INTERVALS:
        raise NotSupported(f"Binance has no bars of {span_s} s; it has {', '.join(INTERVALS.values())}")
    return INTERVALS[span_s]


def bar_from(symbol: str, told: wire.Kline) -> Bar:
    return Bar(
        symbol=symbol,
        start=moment_needed(told.open_time),
        open=_price(told.open),
        high=_price(told.high),
        low=_price(told.low),
        close=_price(told.close),
        volume=needed(told.volume, what="a volume"),
    )


def series_from(symbol: str, listed: Sequence[wire.Kline], *, span_s: int) -> BarSeries:
    """Bars in order of start.  Raises `ApiError` for numbers finer than nine decimals or beyond 64 bits."""
    bars = sorted((bar_from(symbol, told) for told in listed), key=lambda bar: bar.start)
    prices = [value for bar in bars for value in (bar.open, bar.high, bar.low, bar.close)]
    sizes = [bar.volume for bar in bars]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    for bar in bars:
        series.append(bar)
    return series


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    decimals = max(max(exponents, default=0), 0)
    if decimals > _DECIMALS_MAX or any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
        raise ApiError("a bar in the reply has a number of unlikely size", broker=BROKER)
    return decimals


def quote_from(symbol: str, told: wire.BookTicker, *, at: datetime, last: Decimal | None = None) -> Quote:
    """Best bid and ask; the venue gives them no time, so it is when we asked."""
    return Quote(
        symbol=symbol,
        bid=_side_price(told.bid_price),
        ask=_side_price(told.ask_price),
        bid_size=needed(told.bid_qty, what="a size"),
        ask_size=needed(told.ask_qty, what="a size"),
        last=None if last is None else _side_price(last),
        time=at,
        source=SOURCE,
    )


def trade_from(symbol: str, told: wire.PublicTrade) -> Trade:
    return Trade(
        symbol=symbol,
        price=_price(told.price),
        size=needed(told.qty, what="a size"),
        time=moment_needed(told.time),
        trade_id=str(told.id),
        aggressor=_aggressor(buyer_is_maker=told.is_buyer_maker),
    )


def book_from(symbol: str, told: wire.Book, *, at: datetime) -> BookDelta:
    """A whole book as GET depth has it: it replaces whatever there was."""
    return BookDelta(
        symbol=symbol,
        bids=_levels(told.bids),
        asks=_levels(told.asks),
        time=at,
        reset=True,
        sequence=told.last_update_id,
    )


# -- streams ------------------------------------------------------------------------------------------------------------


def delta_from(symbol: str, told: wire.Depth) -> BookDelta:
    """A change of the book.  Its updates are numbered from `U` to `u`, so the one before it ended in `U - 1`."""
    return BookDelta(
        symbol=symbol,
        bids=_levels(told.bids),
        asks=_levels(told.asks),
        time=moment_needed(told.at),
        sequence=told.last,
        previous=told.first - 1,
    )


def stream_quote(symbol: str, told: wire.StreamTicker, *, at: datetime) -> Quote:
    """The stream gives it no time, so it is when we heard."""
    return Quote(
        symbol=symbol,
        bid=_side_price(told.bid),
        ask=_side_price(told.ask),
        bid_size=needed(told.bid_size, what="a size"),
        ask_size=needed(told.ask_size, what="a size"),
        time=at,
        source=SOURCE,
    )


def stream_trade(symbol: str, told: wire.StreamTrade) -> Trade:
    return Trade(
        symbol=symbol,
        price=_price(told.price),
        size=needed(told.qty, what="a size"),
        time=moment_needed(told.time),
        trade_id=str(told.trade_id),
        aggressor=_aggressor(buyer_is_maker=told.buyer_is_maker),
    )


def stream_aggregate(symbol: str, told: wire.StreamAggregate) -> Trade:
    """What one order took at one price; its id counts such takings, not trades."""
    return Trade(
        symbol=symbol,
        price=_price(told.price),
        size=needed(told.qty, what="a size"),
        time=moment_needed(told.time),
        trade_id=f"a{told.aggregate_id}",
        aggressor=_aggressor(buyer_is_maker=told.buyer_is_maker),
    )


def stream_bar(symbol: str, told: wire.StreamBar) -> Bar | None:
    """A finished bar; None for one that still grows."""
    if not told.closed:
        return None
    return Bar(
        symbol=symbol,
        start=moment_needed(told.start),
        open=_price(told.open),
        high=_price(told.high),
        low=_price(told.low),
        close=_price(told.close),
        volume=needed(told.volume, what="a volume"),
    )


def _aggressor(*, buyer_is_maker: bool) -> Side:
    return Side.SELL if buyer_is_maker else Side.BUY


def _levels(levels: Sequence[tuple[Decimal, Decimal]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=_price(price), size=needed(size, what="a size")) for price, size in levels)


def _price(value: Decimal) -> Price:
    return Price(needed(value, what="a price"))


def _side_price(value: Decimal) -> Price | None:
    found = positive(value, what="a price")
    return None if found is None else Price(found)


# -- hours --------------------------------------------------------------------------------------------------------------


def hours_of(market: str, day: date) -> MarketHours:
    """A market that never closes, in UTC days.  Raises `InvalidRequest` for markets that Binance is not."""
    if market not in _MARKETS:
        raise InvalidRequest(f"{market[:20]!r} is no market of Binance; it has {ALWAYS} (crypto)")
    start = datetime.combine(day, time(), tzinfo=UTC)
    return MarketHours(
        market=market, day=day, is_open_day=True, open=start, close=start + timedelta(days=1), is_open_now=True
    )
