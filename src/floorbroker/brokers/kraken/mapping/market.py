"""Market data in: tickers, trades, bars and books.

Where the instrument's precisions are known, prices and sizes of a book are brought to exactly so many decimals: its checksum
is made of the digits.  Documents: docs.kraken.com/api-reference/market-data;
docs.kraken.com/exchange/api-reference/spot-websocket-v2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.values import BROKER, moment, needed, number, seconds_needed
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import BookDelta, BookLevel, Quote, Trade
from floorbroker.domain.values import WIDE, Price, Side, round_step

SPANS_MIN = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
ROWS_MAX = 720
_DECIMALS_MAX = 9
_DIGITS_MAX = 17  # a scaled column is a signed 64-bit integer
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}

Precision = tuple[int, int]  # decimals of prices, decimals of quantities


def interval_min(span_s: int) -> int:
    """Whole minutes; raises `NotSupported` for spans the venue does not aggregate."""
    minutes, odd = divmod(span_s, 60)
    if odd or minutes not in SPANS_MIN:
        raise NotSupported("Kraken has bars of 1, 5, 15, 30 minutes, 1 and 4 hours, a day, a week, 15 days")
    return minutes


# -- REST -----------------------------------------------------------------------------------------------------------------------


def quote_from(symbol: str, ticker: wire.Ticker, *, at: datetime) -> Quote:
    """Best bid and ask; the venue gives no time with them, so it is ours."""
    return Quote(
        symbol=symbol,
        bid=_first(ticker.b),
        ask=_first(ticker.a),
        bid_size=_size(ticker.b),
        ask_size=_size(ticker.a),
        last=_first(ticker.c),
        time=at,
        source="kraken",
    )


def _first(members: Sequence[Decimal] | None) -> Price | None:
    price = number(members[0], what="a price") if members else None
    return Price(price) if price else None


def _size(members: Sequence[Decimal] | None) -> Decimal:
    return needed(members[2], what="a size") if members and len(members) > 2 else Decimal(0)


def bar_of_row(symbol: str, row: wire.OhlcRow) -> Bar:
    """A row of OHLC: time, open, high, low, close, average, volume, count."""
    start, opened, high, low, close, _, volume, _ = row
    return Bar(
        symbol=symbol,
        start=seconds_needed(Decimal(start)),
        open=_price(opened),
        high=_price(high),
        low=_price(low),
        close=_price(close),
        volume=needed(volume, what="a volume"),
    )


def series_from(symbol: str, bars: Sequence[Bar], *, span_s: int) -> BarSeries:
    """Bars in order of start; numbers keep up to nine decimals.  Raises `ApiError` for numbers beyond 64 bits."""
    prices = [price for bar in bars for price in (bar.open, bar.high, bar.low, bar.close)]
    sizes = [bar.volume for bar in bars]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    _check_size(prices, series.price_decimals)
    _check_size(sizes, series.size_decimals)
    for bar in sorted(bars, key=lambda bar: bar.start):
        series.append(_rounded(bar, series))
    return series


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return min(max(max(exponents, default=0), 0), _DECIMALS_MAX)


def _check_size(values: Sequence[Decimal], decimals: int) -> None:
    if any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
        raise ApiError("a bar in the reply has a number of unlikely size", broker=BROKER)


def _rounded(bar: Bar, series: BarSeries) -> Bar:
    price, size = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    return Bar(
        symbol=bar.symbol,
        start=bar.start,
        open=Price(round_step(bar.open, price)),
        high=Price(round_step(bar.high, price)),
        low=Price(round_step(bar.low, price)),
        close=Price(round_step(bar.close, price)),
        volume=round_step(bar.volume, size),
    )


def _price(value: Decimal | None) -> Price:
    return Price(needed(value, what="a price"))


# -- streams --------------------------------------------------------------------------------------------------------------------


def quote_of_ticker(item: wire.TickerItem, at: datetime) -> Quote:
    """The ticker channel; its items may lack a time, which is ours then."""
    return Quote(
        symbol=item.symbol,
        bid=_positive(item.bid),
        ask=_positive(item.ask),
        bid_size=number(item.bid_qty, what="a size") or Decimal(0),
        ask_size=number(item.ask_qty, what="a size") or Decimal(0),
        last=_positive(item.last),
        time=moment(item.timestamp) or at,
        source="kraken",
    )


def _positive(value: Decimal | None) -> Price | None:
    price = number(value, what="a price")
    return Price(price) if price is not None and price > 0 else None


def trade_of_item(item: wire.TradeItem, at: datetime) -> Trade:
    """One public trade; `side` is the one that took."""
    return Trade(
        symbol=item.symbol,
        price=_price(item.price),
        size=needed(item.qty, what="a size"),
        time=moment(item.timestamp) or at,
        trade_id="" if item.trade_id is None else str(item.trade_id)[:64],
        aggressor=_SIDES.get(item.side),
    )


def bar_of_candle(candle: wire.Candle) -> Bar:
    """A candle as it stands.  Raises `ApiError` when it does not say where it begins."""
    start = moment(candle.interval_begin)
    if start is None:
        raise ApiError("a bar in the stream has no readable time", broker=BROKER)
    return Bar(
        symbol=candle.symbol,
        start=start,
        open=_price(candle.open),
        high=_price(candle.high),
        low=_price(candle.low),
        close=_price(candle.close),
        volume=needed(candle.volume, what="a volume"),
    )


def book_delta(book: wire.Book, *, whole: bool, precision: Precision | None, at: datetime) -> BookDelta:
    """A snapshot or an update; levels in the order they were sent, since one price may occur twice."""
    return BookDelta(
        symbol=book.symbol,
        bids=_levels(book.bids, precision),
        asks=_levels(book.asks, precision),
        time=moment(book.timestamp) or at,
        reset=whole,
        checksum=book.checksum,
    )


def _levels(levels: Sequence[wire.Level], precision: Precision | None) -> tuple[BookLevel, ...]:
    if precision is None:
        return tuple(BookLevel(price=_price(level.price), size=needed(level.qty, what="a size")) for level in levels)
    price_step, qty_step = Decimal(1).scaleb(-precision[0]), Decimal(1).scaleb(-precision[1])
    return tuple(
        BookLevel(price=Price(_at(level.price, price_step)), size=_at(level.qty, qty_step)) for level in levels
    )


def _at(value: Decimal, step: Decimal) -> Decimal:
    """With exactly as many decimals as `step`; more digits than the instrument has stay, and then the checksum tells."""
    checked = needed(value, what="a number of a book")
    sized = checked.quantize(step, context=WIDE)
    return sized if sized == checked else checked
