"""Market data in: quotes and candles.

Documents: upstox.com/developer/api-documentation/get-full-market-quote, /v3/get-historical-candle-data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.values import lenient_moment, moment, needed, number, price
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported, SymbolNotFound
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, Price, round_step

_MINUTE_S, _HOUR_S, _DAY_S, _WEEK_S = 60, 3_600, 86_400, 604_800
_DECIMALS_MAX = 9
_DIGITS_MAX = 17


@dataclass(frozen=True, slots=True)
class Unit:
    """How the venue names a span, and how many days one call may ask for."""

    name: str
    count: int
    days: int


def unit_of(span_s: int) -> Unit:
    """1 to 300 minutes, 1 to 5 hours, a day, a week.  Raises `NotSupported` for spans that are none of these."""
    if span_s == _WEEK_S:
        return Unit("weeks", 1, 3_650)
    if span_s == _DAY_S:
        return Unit("days", 1, 3_650)
    if span_s % _HOUR_S == 0 and 0 < span_s <= 5 * _HOUR_S:
        return Unit("hours", span_s // _HOUR_S, 90)
    minutes, rest = divmod(span_s, _MINUTE_S)
    if rest == 0 and 1 <= minutes <= 300:
        return Unit("minutes", minutes, 30 if minutes <= 15 else 90)
    raise NotSupported(f"Upstox has no bars of {span_s} s: 1 to 300 minutes, 1 to 5 hours, a day, a week")


def parts_of(first: date, last: date, unit: Unit) -> list[tuple[date, date]]:
    """The days of a question, in as many calls as it takes, the earliest first."""
    found: list[tuple[date, date]] = []
    while first <= last:
        until = min(first + timedelta(days=unit.days - 1), last)
        found.append((first, until))
        first = until + timedelta(days=1)
    return found


def bars_from(
    symbol: str, told: Iterable[wire.Candles], *, span_s: int, start: datetime, end: datetime, limit: int
) -> BarSeries:
    """The first `limit` candles that begin within [start, end], in order, each start once.

    Raises `ApiError` for numbers beyond 64 bits.
    """
    bars = {bar.start: bar for candles in told for candle in candles.candles for bar in (_bar(symbol, candle),)}
    ordered = [bars[at] for at in sorted(bars) if start <= at <= end][:limit]
    prices = [value for bar in ordered for value in (bar.open, bar.high, bar.low, bar.close)]
    sizes = [bar.volume for bar in ordered]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    for values, decimals in ((prices, series.price_decimals), (sizes, series.size_decimals)):
        if any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
            raise ApiError("a candle in the reply has a number of unlikely size", broker=BROKER)
    for bar in ordered:
        series.append(_rounded(bar, series))
    return series


Candle = tuple[str, Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]


def _bar(symbol: str, candle: Candle) -> Bar:
    at, *prices, volume, _ = candle
    opened, high, low, closed = (Price(needed(value, what="a price")) for value in prices)
    return Bar(
        symbol=symbol,
        start=moment(at),
        open=opened,
        high=high,
        low=low,
        close=closed,
        volume=needed(volume, what="a volume"),
    )


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return min(max(max(exponents, default=0), 0), _DECIMALS_MAX)


def _rounded(bar: Bar, series: BarSeries) -> Bar:
    step, size = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    return Bar(
        symbol=bar.symbol,
        start=bar.start,
        open=Price(round_step(bar.open, step)),
        high=Price(round_step(bar.high, step)),
        low=Price(round_step(bar.low, step)),
        close=Price(round_step(bar.close, step)),
        volume=round_step(bar.volume, size),
    )


def quote_from(symbol: str, key: str, told: Mapping[str, wire.FullQuote], *, now: datetime) -> Quote:
    """The entry of one key, by the key inside it: entries go by another name.  Raises `SymbolNotFound` when there is none."""
    found = next((quote for quote in told.values() if quote.instrument_token == key), None)
    if found is None:
        raise SymbolNotFound(f"Upstox quotes no {symbol}", broker=BROKER)
    depth = found.depth or wire.Depth()
    bid, ask = (levels[0] if levels else wire.Level() for levels in (depth.buy, depth.sell))
    return Quote(
        symbol=symbol,
        bid=price(bid.price),
        ask=price(ask.price),
        bid_size=number(bid.quantity, what="a size") or ZERO,
        ask_size=number(ask.quantity, what="a size") or ZERO,
        last=price(found.last_price),
        time=lenient_moment(found.timestamp) or now,
        source="upstox",
    )
