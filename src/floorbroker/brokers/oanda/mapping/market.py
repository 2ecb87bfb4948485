"""Prices and candles.  Documents: developer.oanda.com/rest-live-v20/pricing-df, instrument-df.

Prices are those of the account's own pricing group; a candle's volume counts ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.values import (
    BROKER,
    from_wire_symbol,
    lenient_moment,
    moment_needed,
    number,
    price,
)
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, Price

GRANULARITIES = {
    5: "S5", 10: "S10", 15: "S15", 30: "S30", 60: "M1", 120: "M2", 240: "M4", 300: "M5", 600: "M10", 900: "M15", 1800: "M30",
    3600: "H1", 7200: "H2", 10_800: "H3", 14_400: "H4", 21_600: "H6", 28_800: "H8", 43_200: "H12", 86_400: "D", 604_800: "W",
}  # fmt: skip
_DECIMALS_MAX = 9
_DIGITS_MAX = 17  # a scaled column is a signed 64-bit integer


def granularity(span_s: int) -> str:
    """`M1`, `H4`; raises `NotSupported` for spans the venue has no candles of."""
    if span_s not in GRANULARITIES:
        raise NotSupported(f"OANDA has no candles of {span_s} s; it has {', '.join(GRANULARITIES.values())}")
    return GRANULARITIES[span_s]


def quote_from(told: wire.ClientPrice, *, at: datetime) -> Quote:
    """The best price of each side; an empty side is none."""
    bid, bid_size = _best(told.bids)
    ask, ask_size = _best(told.asks)
    return Quote(
        symbol=from_wire_symbol(told.instrument),
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        time=lenient_moment(told.time) or at,
        source="oanda",
    )


def _best(side: Sequence[wire.PriceBucket]) -> tuple[Price | None, Decimal]:
    if not side:
        return None, ZERO
    return price(side[0].price), number(side[0].liquidity, what="a quantity") or ZERO


def series_from(symbol: str, candles: Sequence[wire.Candlestick], *, span_s: int) -> BarSeries:
    """Whole candles in order of start.  Raises `ApiError` for numbers beyond 64 bits."""
    bars = [_bar(symbol, candle) for candle in candles]
    decimals = _decimals([value for bar in bars for value in (bar.open, bar.high, bar.low, bar.close)])
    series = BarSeries(symbol, span_s=span_s, price_decimals=decimals, size_decimals=0)
    for bar in sorted(bars, key=lambda bar: bar.start):
        series.append(bar)
    return series


def _bar(symbol: str, candle: wire.Candlestick) -> Bar:
    if candle.mid is None:
        raise ApiError("a candle has no prices", broker=BROKER)
    prices = [price(value) for value in (candle.mid.o, candle.mid.h, candle.mid.l, candle.mid.c)]
    opened, high, low, close = (_sized(value) for value in prices)
    if not 0 <= candle.volume < 10**_DIGITS_MAX:
        raise ApiError("a candle has more ticks than can be kept", broker=BROKER)
    return Bar(
        symbol=symbol, start=moment_needed(candle.time), open=opened, high=high, low=low, close=close,
        volume=Decimal(candle.volume),
    )  # fmt: skip


def _sized(value: Price | None) -> Price:
    is_kept = value is not None and value >= 0 and abs(value) < 10 ** (_DIGITS_MAX - _DECIMALS_MAX)
    if value is None or not is_kept or -int(value.as_tuple().exponent) > _DECIMALS_MAX:
        raise ApiError("a candle has a price that cannot be kept exactly", broker=BROKER)
    return value


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return max(max(exponents, default=0), 0)
