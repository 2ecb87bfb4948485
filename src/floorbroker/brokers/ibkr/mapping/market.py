"""Quotes from ticks, and bars from candles.  Documents: twsapi-doc (tick types, market data type, historical bars).

The server tells for each request which kind of data it gets: only real time is called so, everything else says in its source what
it is, and carries the time that it is of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, Price, from_epoch, round_step

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
SOURCES: Mapping[int, str] = MappingProxyType(
    {LIVE: "ibkr", FROZEN: "ibkr frozen", DELAYED: "ibkr delayed", DELAYED_FROZEN: "ibkr delayed frozen"}
)
DELAY = timedelta(minutes=15)
_BID, _ASK, _LAST = frozenset({1, 66}), frozenset({2, 67}), frozenset({4, 68})
_BID_SIZE, _ASK_SIZE = frozenset({0, 69}), frozenset({3, 70})
_LAST_TIMES = frozenset({45, 88})
_DELAYED_TICKS = frozenset({66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 88})
_NEW_YORK = ZoneInfo("America/New_York")
_EPOCH_DIGITS = 11


@dataclass(slots=True)
class Ticks:
    """What one request was told so far."""

    symbol: str
    kind: int | None = None
    bid: Price | None = None
    ask: Price | None = None
    bid_size: Decimal = ZERO
    ask_size: Decimal = ZERO
    last: Price | None = None
    last_at: datetime | None = None
    has_bid: bool = False
    has_ask: bool = False

    def take(self, message: wire.Wire) -> bool:
        """Whether it changed the quote."""
        match message:
            case wire.DataType(kind=kind):
                self.kind = kind
                return False
            case wire.TickPrice():
                return self._priced(message)
            case wire.TickSize(tick_type=tick, size=size):
                return self._sized(tick, size)
            case wire.TickString(tick_type=tick, value=value):
                if tick in _LAST_TIMES and _is_epoch(value):
                    self.last_at = from_epoch(s=int(value))
                return False
            case _:
                return False

    @property
    def is_whole(self) -> bool:
        """Whether both sides were told, be it that one is empty."""
        return self.has_bid and self.has_ask

    def _priced(self, told: wire.TickPrice) -> bool:
        tick, size = told.tick_type, told.size or ZERO
        price = Price(told.price) if told.price is not None and told.price > 0 else None
        self._mind(tick)
        if tick in _BID:
            self.bid, self.has_bid = price, True
            self.bid_size = ZERO if price is None else size
        elif tick in _ASK:
            self.ask, self.has_ask = price, True
            self.ask_size = ZERO if price is None else size
        elif tick in _LAST:
            self.last = price
        else:
            return False
        return True

    def _sized(self, tick: int, size: Decimal | None) -> bool:
        self._mind(tick)
        if size is None or size < 0:
            return False
        if tick in _BID_SIZE and self.bid is not None:
            self.bid_size = size
        elif tick in _ASK_SIZE and self.ask is not None:
            self.ask_size = size
        else:
            return False
        return True

    def _mind(self, tick: int) -> None:
        """A tick of its own number says that it is delayed, whatever was said of the request."""
        if tick in _DELAYED_TICKS and self.kind in (None, LIVE):
            self.kind = DELAYED

    def quote(self, now: datetime) -> Quote:
        """Best bid and ask.  What is not of now carries an earlier time: the last trade's, or that of the delay."""
        kind = self.kind or LIVE
        if kind == LIVE:
            time = now
        else:
            time = min(self.last_at or now - DELAY, now - DELAY) if kind == DELAYED else self.last_at or now - DELAY
        return Quote(
            symbol=self.symbol,
            bid=self.bid,
            ask=self.ask,
            bid_size=self.bid_size,
            ask_size=self.ask_size,
            last=self.last,
            time=time,
            source=SOURCES.get(kind, f"ibkr kind {kind}"),
        )


def _is_epoch(text: str) -> bool:
    """Whether a text is whole seconds since 1970."""
    return text.isascii() and text.isdigit() and len(text) <= _EPOCH_DIGITS


# -- bars -------------------------------------------------------------------------------------------------------------------

DAY_S = 86_400
BARS: Mapping[int, str] = MappingProxyType(
    {
        60: "1 min", 120: "2 mins", 180: "3 mins", 300: "5 mins", 600: "10 mins", 900: "15 mins", 1200: "20 mins",
        1800: "30 mins", 3600: "1 hour", 7200: "2 hours", 10_800: "3 hours", 14_400: "4 hours", 28_800: "8 hours",
        DAY_S: "1 day", 7 * DAY_S: "1 week",
    }
)  # fmt: skip
# How far one question may reach, by the size of its bars: (largest bar, reach).
_REACH: tuple[tuple[int, timedelta], ...] = (
    (60, timedelta(days=1)),
    (1800, timedelta(days=7)),
    (28_800, timedelta(days=28)),
    (7 * DAY_S, timedelta(days=365)),
)
_DECIMALS_MAX = 9
_DIGITS_MAX = 17


def bar_word(span_s: int) -> str:
    """`5 mins`; raises `NotSupported` for spans the venue does not aggregate."""
    if span_s not in BARS:
        raise NotSupported(f"IBKR has no bars of {span_s} s; it has {', '.join(BARS.values())}")
    return BARS[span_s]


def reach_of(span_s: int) -> timedelta:
    """How far back one question may go."""
    return next((reach for largest, reach in _REACH if span_s <= largest), _REACH[-1][1])


def duration_word(span: timedelta) -> str:
    """`3600 S` up to a day, `5 D` above it."""
    seconds = max(60, int(span.total_seconds()))
    return f"{seconds} S" if seconds <= DAY_S else f"{min(-(-seconds // DAY_S), 365)} D"


def end_word(moment: datetime) -> str:
    """`20260105-15:30:00`, in UTC."""
    return f"{moment.astimezone(UTC):%Y%m%d-%H:%M:%S}"


def start_of(date: str) -> datetime:
    """When a candle began: seconds since 1970, or a day, which begins in New York.  Raises `ApiError`."""
    if not (date.isascii() and date.isdigit()):
        raise ApiError("a bar in the reply has no time", broker=BROKER)
    if len(date) == 8:
        try:
            return datetime.strptime(date, "%Y%m%d").replace(tzinfo=_NEW_YORK).astimezone(UTC)
        except ValueError:
            raise ApiError("a bar in the reply has no day", broker=BROKER) from None
    if not _is_epoch(date):
        raise ApiError("a bar in the reply has no time", broker=BROKER)
    return from_epoch(s=int(date))


def series_from(
    symbol: str, rows: Sequence[wire.Candle], *, span_s: int, start: datetime, end: datetime, limit: int
) -> BarSeries:
    """Bars from the first at or after `start`, in order, `limit` at most.  Raises `ApiError` for numbers beyond 64 bits."""
    found = {start_of(row.date): row for row in rows}
    kept = [(at, found[at]) for at in sorted(found) if start <= at < end][:limit]
    prices = [value for _, row in kept for value in (row.open, row.high, row.low, row.close)]
    sizes = [_volume(row) for _, row in kept]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    for values, decimals in ((prices, series.price_decimals), (sizes, series.size_decimals)):
        if any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
            raise ApiError("a bar in the reply has a number of unlikely size", broker=BROKER)
    price, size = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    for at, row in kept:
        series.append(
            Bar(
                symbol=symbol,
                start=at,
                open=Price(round_step(row.open, price)),
                high=Price(round_step(row.high, price)),
                low=Price(round_step(row.low, price)),
                close=Price(round_step(row.close, price)),
                volume=round_step(_volume(row), size),
            )
        )
    return series


def _volume(row: wire.Candle) -> Decimal:
    """-1 where there is none, as of a middle between bid and ask."""
    return row.volume if row.volume is not None and row.volume > 0 else ZERO


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return min(max(max(exponents, default=0), 0), _DECIMALS_MAX)
