"""Rows of recorded bars into scaled-integer columns.  No row becomes an object until somebody asks for it.

Columns of a trade file: `when,open,high,low,close,volume`; of a quote file: `when`, four bid prices and the bid size, four ask
prices and the ask size.  `when` is `YYYYMMDD HH:MM` or milliseconds since local midnight.
"""

from __future__ import annotations

import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Price

NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_US = timedelta(microseconds=1)
_PRICES = slice(0, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a market's files spell numbers and time.

    `price_decimals` and `size_decimals` are what the columns keep; with `is_scaled` prices in the file are integers of that
    scale already.  Sizes are rounded to `size_decimals` (half even): the recorder of the coins left binary noise behind them.
    """

    zone: ZoneInfo | None
    price_decimals: int
    size_decimals: int
    is_scaled: bool

    def price(self, text: str) -> int:
        """Raises `ValueError` when the text has more decimals than the columns keep."""
        if self.is_scaled:
            return int(text)
        scaled = Decimal(text).scaleb(self.price_decimals)
        if scaled != int(scaled):
            raise ValueError(f"{text} has more than {self.price_decimals} decimals")
        return int(scaled)

    def size(self, text: str) -> int:
        return int(text) if self.is_scaled else round(Decimal(text).scaleb(self.size_decimals))


US_LISTED = Format(zone=NEW_YORK, price_decimals=4, size_decimals=0, is_scaled=True)
CURRENCIES = Format(zone=None, price_decimals=5, size_decimals=0, is_scaled=False)
COINS = Format(zone=None, price_decimals=2, size_decimals=8, is_scaled=False)


class QuoteSeries:
    """Quote bars of one symbol, ordered by start: open, high, low, close and size of the bid and of the ask."""

    __slots__ = ("_columns", "_start_us", "price_decimals", "size_decimals", "span_s", "symbol")

    def __init__(self, symbol: str, *, span_s: int, price_decimals: int, size_decimals: int) -> None:
        self.symbol = symbol
        self.span_s = span_s
        self.price_decimals = price_decimals
        self.size_decimals = size_decimals
        self._start_us = array("q")
        self._columns = tuple(array("q") for _ in range(10))

    def append_scaled(self, start: datetime, numbers: Iterable[int]) -> None:
        """Add a row of ten integers: bid open, high, low, close, size, and the same of the ask."""
        self._start_us.append((start - _EPOCH) // _US)
        for column, number in zip(self._columns, numbers, strict=True):
            column.append(number)

    def __len__(self) -> int:
        return len(self._start_us)

    def where(self, wanted: Callable[[datetime], bool]) -> QuoteSeries:
        """The rows whose start is wanted."""
        made = QuoteSeries(
            self.symbol, span_s=self.span_s, price_decimals=self.price_decimals, size_decimals=self.size_decimals
        )
        for index, start_us in enumerate(self._start_us):
            if wanted(self.start_at(index)):
                made._start_us.append(start_us)
                for kept, column in zip(made._columns, self._columns, strict=True):
                    kept.append(column[index])
        return made

    def start_at(self, index: int) -> datetime:
        return _EPOCH + _US * self._start_us[index]

    def quote_at(self, index: int) -> Quote:
        """The quote that stood when the bar ended.  A price of zero is a missing side."""
        _, _, _, bid, bid_size, _, _, _, ask, ask_size = (column[index] for column in self._columns)
        return Quote(
            symbol=self.symbol,
            bid=self._price(bid) if bid else None,
            ask=self._price(ask) if ask else None,
            bid_size=Decimal(bid_size if bid else 0).scaleb(-self.size_decimals),
            ask_size=Decimal(ask_size if ask else 0).scaleb(-self.size_decimals),
            time=self.start_at(index) + timedelta(seconds=self.span_s),
            source="tape",
        )

    def bid_at(self, index: int) -> Bar:
        """The bar of the bid; its volume is the size at the end."""
        return self._side(index, 0)

    def ask_at(self, index: int) -> Bar:
        return self._side(index, 5)

    def _side(self, index: int, first: int) -> Bar:
        numbers = [column[index] for column in self._columns[first : first + 5]]
        opened, high, low, close = (self._price(number) for number in numbers[_PRICES])
        return Bar(
            symbol=self.symbol,
            start=self.start_at(index),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=Decimal(numbers[4]).scaleb(-self.size_decimals),
        )

    def _price(self, number: int) -> Price:
        return Price(Decimal(number).scaleb(-self.price_decimals))


def lines_of(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every member of a zip file with its lines."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name).decode("ascii").splitlines()


def only_lines(path: Path) -> list[str]:
    """The lines of a zip file that holds one member."""
    ((_, lines),) = lines_of(path)
    return lines


def bars(
    symbol: str, lines: Iterable[str], *, span_s: int, form: Format, moment: Callable[[str], datetime]
) -> BarSeries:
    """Trade rows as a series."""
    series = BarSeries(symbol, span_s=span_s, price_decimals=form.price_decimals, size_decimals=form.size_decimals)
    for line in lines:
        when, opened, high, low, close, volume = line.split(",")
        prices = (form.price(opened), form.price(high), form.price(low), form.price(close))
        series.append_scaled(moment(when), prices, form.size(volume))
    return series


def quotes(
    symbol: str, lines: Iterable[str], *, span_s: int, form: Format, moment: Callable[[str], datetime]
) -> QuoteSeries:
    """Quote rows as a series; an empty field is a missing side and reads as zero."""
    series = QuoteSeries(symbol, span_s=span_s, price_decimals=form.price_decimals, size_decimals=form.size_decimals)
    for line in lines:
        when, *fields = line.split(",")
        numbers = [(form.size if place in (4, 9) else form.price)(field or "0") for place, field in enumerate(fields)]
        series.append_scaled(moment(when), numbers)
    return series


def minute_clock(day: date, zone: ZoneInfo | None) -> Callable[[str], datetime]:
    """Reads milliseconds since midnight on the wall clock of `zone` (None: UTC) as UTC times."""
    if zone is None:
        midnight = datetime.combine(day, time(), UTC)
        return lambda text: midnight + int(text) * _MS
    wall = datetime.combine(day, time())
    ends = (wall.replace(tzinfo=zone), (wall + timedelta(hours=23, minutes=59)).replace(tzinfo=zone))
    if ends[0].utcoffset() == ends[1].utcoffset():
        midnight = ends[0].astimezone(UTC)
        return lambda text: midnight + int(text) * _MS
    return lambda text: (wall + int(text) * _MS).replace(tzinfo=zone).astimezone(UTC)


def stamp_clock(zone: ZoneInfo | None) -> Callable[[str], datetime]:
    """Reads `YYYYMMDD HH:MM` on the wall clock of `zone` (None: UTC) as UTC times."""

    def read(text: str) -> datetime:
        wall = datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[9:11]), int(text[12:14]), tzinfo=zone or UTC
        )
        return wall.astimezone(UTC)

    return read
