"""Bars as lazy views over scaled-integer columns: a year of minutes costs five arrays, not half a million objects."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import overload

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import Price

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Bar:
    """One bar: `start` inclusive (UTC), prices in quote units, volume in units."""

    symbol: str
    start: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Decimal


class BarSeries(Sequence[Bar]):
    """Bars of one symbol, ordered by start.  Prices are integers of 10^-`price_decimals`, volumes of 10^-`size_decimals`."""

    __slots__ = (
        "_close",
        "_high",
        "_low",
        "_open",
        "_start_us",
        "_volume",
        "price_decimals",
        "size_decimals",
        "span_s",
        "symbol",
    )

    def __init__(self, symbol: str, *, span_s: int, price_decimals: int = 4, size_decimals: int = 0) -> None:
        self.symbol = symbol
        self.span_s = span_s
        self.price_decimals = price_decimals
        self.size_decimals = size_decimals
        self._start_us = array("q")
        self._open = array("q")
        self._high = array("q")
        self._low = array("q")
        self._close = array("q")
        self._volume = array("q")

    def append_scaled(self, start: datetime, prices: tuple[int, int, int, int], volume: int) -> None:
        """Add a bar whose numbers are already scaled integers (open, high, low, close)."""
        self._start_us.append((start - _EPOCH) // timedelta(microseconds=1))
        for column, value in zip((self._open, self._high, self._low, self._close), prices, strict=True):
            column.append(value)
        self._volume.append(volume)

    def append(self, bar: Bar) -> None:
        """Add a bar.  Raises `ValueError` when a number has more decimals than the series keeps."""
        prices = tuple(self._scaled(p, self.price_decimals) for p in (bar.open, bar.high, bar.low, bar.close))
        self.append_scaled(
            bar.start, (prices[0], prices[1], prices[2], prices[3]), self._scaled(bar.volume, self.size_decimals)
        )

    @staticmethod
    def _scaled(value: Decimal, decimals: int) -> int:
        scaled = value.scaleb(decimals)
        if scaled != int(scaled):
            raise ValueError(f"{value} has more than {decimals} decimals")
        return int(scaled)

    def __len__(self) -> int:
        return len(self._start_us)

    @overload
    def __getitem__(self, index: int) -> Bar: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bar]: ...
    def __getitem__(self, index: int | slice) -> Bar | list[Bar]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Bar(
            symbol=self.symbol,
            start=self.start_at(index),
            open=Price(Decimal(self._open[index]).scaleb(-self.price_decimals)),
            high=Price(Decimal(self._high[index]).scaleb(-self.price_decimals)),
            low=Price(Decimal(self._low[index]).scaleb(-self.price_decimals)),
            close=self.close_at(index),
            volume=Decimal(self._volume[index]).scaleb(-self.size_decimals),
        )

    def __iter__(self) -> Iterator[Bar]:
        return (self[index] for index in range(len(self)))

    def start_at(self, index: int) -> datetime:
        return _EPOCH + timedelta(microseconds=self._start_us[index])

    @classmethod
    def from_columns(
        cls,
        symbol: str,
        columns: Sequence[Iterable[int]],
        *,
        span_s: int,
        price_decimals: int = 4,
        size_decimals: int = 0,
    ) -> BarSeries:
        """A series over whole columns: starts (microseconds since 1970), open, high, low, close, volume, all scaled integers.

        Arrays of 64-bit integers are taken as they are, without a copy.  Raises `ValueError` for columns of unequal length.
        """
        made = cls(symbol, span_s=span_s, price_decimals=price_decimals, size_decimals=size_decimals)
        arrays = [c if isinstance(c, array) and c.typecode == "q" else array("q", c) for c in columns]
        if len(arrays) != 6 or len({len(column) for column in arrays}) != 1:
            raise ValueError("a series has six columns of one length: start, open, high, low, close, volume")
        made._start_us, made._open, made._high, made._low, made._close, made._volume = arrays
        return made

    @property
    def columns(self) -> tuple[array[int], ...]:
        """The series' own arrays, for reading: starts (microseconds since 1970), open, high, low, close, volume."""
        return (self._start_us, self._open, self._high, self._low, self._close, self._volume)

    def close_at(self, index: int) -> Price:
        """The closing price without building the bar."""
        return Price(Decimal(self._close[index]).scaleb(-self.price_decimals))
