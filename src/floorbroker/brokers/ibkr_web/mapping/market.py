"""Quotes and bars.  Documents: IB REST API 2.20.0, mdFields and iserver/marketdata/history; cpapi-v1, market data fields.

Every field of a quote is text, sizes with a K or M behind it.  The last price may have a letter before it: C says that it is the
previous close, H that trading is halted; neither is a price at which anything trades now, so such a last price is none.
Field 6509 says how fresh a quote is, by its first letter: R is real time; D (delayed), Z (frozen), Y (both) and N (not
subscribed) are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, moment, needed
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, NotExact, Price, decimal_of, from_epoch, round_step

_FIELD = re.compile(r"(-?[0-9][0-9,]*(?:\.[0-9]+)?|-?\.[0-9]+)([KM]?)")
_SCALE = MappingProxyType({"": Decimal(1), "K": Decimal(1000), "M": Decimal(1_000_000)})
LAST, BID, ASK_SIZE, ASK, BID_SIZE, AVAILABILITY = "31", "84", "85", "86", "88", "6509"
_REAL_TIME = "R"
_UPDATED = "_updated"
_DECIMALS_MAX = 9
_DIGITS_MAX = 17
POINTS_MAX = 1000
BARS: Mapping[int, str] = MappingProxyType(
    {
        60: "1min", 120: "2min", 180: "3min", 300: "5min", 600: "10min", 900: "15min", 1800: "30min", 3600: "1h",
        7200: "2h", 10_800: "3h", 14_400: "4h", 28_800: "8h", 86_400: "1d", 604_800: "1w",
    }
)  # fmt: skip
Fields = Mapping[str, msgspec.Raw]


def field(raw: msgspec.Raw | None) -> Decimal | None:
    """The number in a field; None when it is empty or no number.  Raises `ApiError` for monsters."""
    if raw is None:
        return None
    written = bytes(raw).decode("utf-8", "replace").strip('"')
    found = _FIELD.fullmatch(written)
    if found is None:
        return None
    try:
        return decimal_of(found[1].replace(",", "")) * _SCALE[found[2]]
    except NotExact as error:
        raise ApiError("a field of a quote is not usable", broker=BROKER) from error


def has_prices(fields: Fields) -> bool:
    """Whether a bid or an ask is there; the first answers have none."""
    return any(field(fields.get(name)) is not None for name in (BID, ASK))


def staleness(fields: Fields) -> str:
    """Why the prices are not those of now; empty when the venue says that they are."""
    written = bytes(fields.get(AVAILABILITY, b"")).decode("utf-8", "replace").strip('"')
    if written.startswith(_REAL_TIME):
        return ""
    return f"the venue marks the prices as {_MARKS.get(written[:1], 'of unknown age')}, not as real-time"


_MARKS = MappingProxyType({"D": "delayed", "Z": "frozen", "Y": "delayed and frozen", "N": "not subscribed"})


def about(fields: Fields) -> Decimal | None:
    """A price that says where the market is about, of whatever age: the last one, that of a close or before a halt too."""
    last = bytes(fields.get(LAST, b"")).decode("utf-8", "replace").strip('"').lstrip("CH")
    told = (msgspec.Raw(last.encode()), fields.get(BID), fields.get(ASK))
    return next((price for raw in told if (price := _price(raw)) is not None), None)


def quote_from(symbol: str, fields: Fields, *, now: datetime) -> Quote:
    """Best bid and ask; a price of zero or below means that side is empty.  For what `staleness` has nothing against."""
    updated = fields.get(_UPDATED)
    ms = bytes(updated) if updated is not None else b""
    told = moment(int(ms)) if ms.isdigit() and len(ms) <= 15 else None
    return Quote(
        symbol=symbol,
        bid=_price(fields.get(BID)),
        ask=_price(fields.get(ASK)),
        bid_size=field(fields.get(BID_SIZE)) or ZERO,
        ask_size=field(fields.get(ASK_SIZE)) or ZERO,
        last=_price(fields.get(LAST)),
        time=told or now,
        source="ibkr_web",
    )


def _price(raw: msgspec.Raw | None) -> Price | None:
    found = field(raw)
    return None if found is None or found <= 0 else Price(found)


def bar_word(span_s: int) -> str:
    """`5min`, `1h`, `1d`; raises `NotSupported` for spans the venue does not aggregate."""
    if span_s not in BARS:
        raise NotSupported(f"IBKR_WEB has no bars of {span_s} s; it has {', '.join(BARS.values())}")
    return BARS[span_s]


def window(start: datetime, end: datetime, span_s: int) -> tuple[str, datetime]:
    """The period word of one question that begins at `start`, and where it ends: a thousand bars at most."""
    reach = min(end - start, timedelta(seconds=span_s * POINTS_MAX))
    if reach <= timedelta(hours=8) and span_s < 86_400:
        hours = max(1, -(-int(reach.total_seconds()) // 3600))
        return f"{hours}h", start + timedelta(hours=hours)
    days = min(max(1, -(-int(reach.total_seconds()) // 86_400)), 1000)
    return f"{days}d", start + timedelta(days=days)


def series_from(
    symbol: str, rows: Sequence[wire.BarRow], *, span_s: int, start: datetime, end: datetime, limit: int
) -> BarSeries:
    """Bars from the first at or after `start`, in order, `limit` at most.  Raises `ApiError` for numbers beyond 64 bits."""
    found: dict[datetime, wire.BarRow] = {}
    for row in rows:
        if not 0 < row.t < 253_402_300_799_000:
            raise ApiError("a bar in the reply has no time", broker=BROKER)
        found[from_epoch(ms=row.t)] = row
    kept = [found[at] for at in sorted(found) if start <= at < end][:limit]
    prices = [needed(value, what="a price") for row in kept for value in (row.o, row.h, row.l, row.c)]
    sizes = [needed(row.v, what="a volume") for row in kept]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    for values, decimals in ((prices, series.price_decimals), (sizes, series.size_decimals)):
        if any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
            raise ApiError("a bar in the reply has a number of unlikely size", broker=BROKER)
    for row in kept:
        series.append(_bar(symbol, row, series))
    return series


def _bar(symbol: str, row: wire.BarRow, series: BarSeries) -> Bar:
    price, size = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    return Bar(
        symbol=symbol,
        start=from_epoch(ms=row.t).astimezone(UTC),
        open=Price(round_step(row.o, price)),
        high=Price(round_step(row.h, price)),
        low=Price(round_step(row.l, price)),
        close=Price(round_step(row.c, price)),
        volume=round_step(row.v, size),
    )


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return min(max(max(exponents, default=0), 0), _DECIMALS_MAX)
