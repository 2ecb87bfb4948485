"""Market data.  Documents: bybit-exchange.github.io/docs/v5/market/kline, /market/tickers, /websocket/public."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping.reports import OUR_SIDES
from floorbroker.brokers.bybit.mapping.values import moment_needed, needed, number, price
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import BookDelta, BookLevel, Quote, Trade
from floorbroker.domain.values import ZERO, Price, round_step

SOURCE = "bybit"
MINUTE_S, DAY_S, WEEK_S = 60, 86_400, 604_800
_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)
INTERVALS = {minutes * MINUTE_S: str(minutes) for minutes in _MINUTES} | {DAY_S: "D", WEEK_S: "W"}
_DECIMALS_MAX = 9
_DIGITS_MAX = 17  # a scaled column is a signed 64-bit integer
_COLUMNS = 6


def interval_of(span_s: int) -> str:
    """`5`, `60`, `D`, `W`; raises `NotSupported` for spans the venue does not aggregate."""
    if span_s not in INTERVALS:
        raise NotSupported(f"Bybit has no bars of {span_s} s: 1 to 720 minutes, a day, a week")
    return INTERVALS[span_s]


# -- bars -----------------------------------------------------------------------------------------------------------------


def bar_from_row(symbol: str, row: Sequence[str]) -> Bar:
    """One row of the kline list: start, open, high, low, close, volume, turnover."""
    if len(row) < _COLUMNS:
        raise ApiError("a bar in the reply lacks members", broker=BROKER)
    start, opened, high, low, close, volume = row[:_COLUMNS]
    kline = wire.Kline(start=start, open=opened, high=high, low=low, close=close, volume=volume)
    return bar_from(symbol, kline)


def bar_from(symbol: str, kline: wire.Kline) -> Bar:
    """A bar by its start."""
    return Bar(
        symbol=symbol,
        start=moment_needed(kline.start),
        open=_price(kline.open),
        high=_price(kline.high),
        low=_price(kline.low),
        close=_price(kline.close),
        volume=needed(kline.volume, what="a volume"),
    )


def series_from(symbol: str, bars: Sequence[Bar], *, span_s: int) -> BarSeries:
    """Bars in order of start; numbers keep up to nine decimals.  Raises `ApiError` for numbers beyond 64 bits."""
    prices = [value for bar in bars for value in (bar.open, bar.high, bar.low, bar.close)]
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
    tick, lot = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    return Bar(
        symbol=bar.symbol,
        start=bar.start,
        open=Price(round_step(bar.open, tick)),
        high=Price(round_step(bar.high, tick)),
        low=Price(round_step(bar.low, tick)),
        close=Price(round_step(bar.close, tick)),
        volume=round_step(bar.volume, lot),
    )


# -- quotes ---------------------------------------------------------------------------------------------------------------


def quote_from(symbol: str, ticker: wire.Ticker, *, at: datetime) -> Quote:
    """Best bid and ask of a ticker; an empty price is an empty side."""
    return Quote(
        symbol=symbol,
        bid=price(ticker.bid1_price),
        ask=price(ticker.ask1_price),
        bid_size=number(ticker.bid1_size, what="a size") or ZERO,
        ask_size=number(ticker.ask1_size, what="a size") or ZERO,
        last=price(ticker.last_price),
        time=at,
        source=SOURCE,
    )


@dataclass(slots=True)
class TickerState:
    """A ticker as its deltas build it up: an absent member is unchanged."""

    symbol: str
    _held: Quote | None = None

    def whole(self, ticker: wire.Ticker, at: datetime) -> Quote:
        """A snapshot."""
        self._held = quote_from(self.symbol, ticker, at=at)
        return self._held

    def delta(self, ticker: wire.Ticker, at: datetime) -> Quote | None:
        """A change; None before the first snapshot, and when neither prices nor sizes are in it."""
        held = self._held
        if held is None:
            return None
        changed = replace(
            held,
            bid=held.bid if ticker.bid1_price is None else price(ticker.bid1_price),
            ask=held.ask if ticker.ask1_price is None else price(ticker.ask1_price),
            bid_size=_or(ticker.bid1_size, held.bid_size),
            ask_size=_or(ticker.ask1_size, held.ask_size),
            last=held.last if ticker.last_price is None else price(ticker.last_price),
        )
        if changed == held:
            return None
        self._held = replace(changed, time=at)
        return self._held


def _or(told: str | None, held: Decimal) -> Decimal:
    return held if told is None else number(told, what="a size") or ZERO


# -- trades and books -------------------------------------------------------------------------------------------------------


def trade_from(symbol: str, trade: wire.PublicTrade) -> Trade:
    """One public trade; the side is the taker's."""
    return Trade(
        symbol=symbol,
        price=_price(trade.price),
        size=needed(trade.size, what="a size"),
        time=moment_needed(trade.at),
        trade_id=trade.trade_id[:64],
        aggressor=OUR_SIDES.get(trade.side),
    )


def book_delta(symbol: str, book: wire.Book, *, is_whole: bool, at: datetime) -> BookDelta:
    """A change of a book by its number `u`; a snapshot, and any message numbered 1, is the whole of it."""
    return BookDelta(
        symbol=symbol,
        bids=_levels(book.b),
        asks=_levels(book.a),
        time=at,
        reset=is_whole or book.u == 1,
        sequence=book.u,
    )


def _levels(levels: Sequence[tuple[Decimal, Decimal]] | None) -> tuple[BookLevel, ...]:
    return tuple(
        BookLevel(price=Price(needed(at, what="a price")), size=needed(size, what="a size"))
        for at, size in levels or ()
    )


def _price(value: str) -> Price:
    return Price(needed(value, what="a price"))
