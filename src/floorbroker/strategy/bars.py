"""Bars as a strategy sees them: light views over scaled-integer columns, and the track of one symbol.

A track holds every bar of a symbol that was seen, and in a backtest those to come as well: `at` is the last one that is over,
and nothing a strategy can reach looks past it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import lcm
from operator import index as whole
from typing import Protocol

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.values import Price


class Follower(Protocol):
    """What follows a track."""

    def follow(self) -> None:
        """Take the bars that are there and were not taken yet."""
        ...


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC."""
    return (moment - EPOCH) // US


def moment_of(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


class Columns:
    """The bars of one symbol: starts and ends (microseconds since 1970), prices and volumes as scaled integers."""

    __slots__ = (
        "close",
        "end_us",
        "high",
        "low",
        "open",
        "price_decimals",
        "size_decimals",
        "start_us",
        "symbol",
        "volume",
    )

    def __init__(self, symbol: str, *, price_decimals: int, size_decimals: int) -> None:
        self.symbol = symbol
        self.price_decimals = price_decimals
        self.size_decimals = size_decimals
        self.start_us, self.end_us = array("q"), array("q")
        self.open, self.high, self.low, self.close = array("q"), array("q"), array("q"), array("q")
        self.volume = array("q")

    @classmethod
    def of(cls, series: BarSeries) -> Columns:
        """The same arrays, with the moment each bar is over."""
        made = cls(series.symbol, price_decimals=series.price_decimals, size_decimals=series.size_decimals)
        made.start_us, made.open, made.high, made.low, made.close, made.volume = series.columns
        span_us = series.span_s * 1_000_000
        made.end_us = array("q", map(span_us.__add__, made.start_us))
        return made

    def append(self, bar: Bar, *, end: datetime) -> None:
        """One more bar.  Numbers finer than the columns keep are refused with `ValueError`."""
        prices = [_scaled(price, self.price_decimals) for price in (bar.open, bar.high, bar.low, bar.close)]
        volume = _scaled(bar.volume, self.size_decimals)
        for column, value in zip((self.open, self.high, self.low, self.close), prices, strict=True):
            column.append(value)
        self.volume.append(volume)
        self.start_us.append(microseconds(bar.start))
        self.end_us.append(microseconds(end))

    def __len__(self) -> int:
        return len(self.start_us)


def _scaled(value: Decimal, decimals: int) -> int:
    scaled = value.scaleb(decimals)
    if scaled != int(scaled):
        raise ValueError(f"{value} has more than {decimals} decimals")
    return int(scaled)


class BarView:
    """One bar: its columns and its place there.  Numbers become `Decimal` when they are asked for; it never changes."""

    __slots__ = ("_columns", "_place")

    def __init__(self, columns: Columns, place: int) -> None:
        self._columns = columns
        self._place = place

    @property
    def symbol(self) -> str:
        return self._columns.symbol

    @property
    def start(self) -> datetime:
        """Inclusive, UTC."""
        return moment_of(self._columns.start_us[self._place])

    @property
    def end(self) -> datetime:
        """When it was over, and known; UTC."""
        return moment_of(self._columns.end_us[self._place])

    @property
    def open(self) -> Price:
        return self._price(self._columns.open)

    @property
    def high(self) -> Price:
        return self._price(self._columns.high)

    @property
    def low(self) -> Price:
        return self._price(self._columns.low)

    @property
    def close(self) -> Price:
        return self._price(self._columns.close)

    @property
    def volume(self) -> Decimal:
        """Units."""
        return Decimal(self._columns.volume[self._place]).scaleb(-self._columns.size_decimals)

    def _price(self, column: array[int]) -> Price:
        return Price(Decimal(column[self._place]).scaleb(-self._columns.price_decimals))

    def __eq__(self, other: object) -> bool:
        """The same bar of the same columns."""
        if not isinstance(other, BarView):
            return NotImplemented
        return self._columns is other._columns and self._place == other._place

    def __hash__(self) -> int:
        return hash((id(self._columns), self._place))

    def __str__(self) -> str:
        """A name for this bar that is the same whenever it is played."""
        return f"bar:{self._columns.symbol}:{self._columns.start_us[self._place]}"

    def to_bar(self) -> Bar:
        """The same numbers as a record of their own."""
        return Bar(
            symbol=self.symbol, start=self.start, open=self.open, high=self.high, low=self.low, close=self.close,
            volume=self.volume,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"BarView({self.symbol} {self.start:%Y-%m-%d %H:%M} {self.open} {self.high} {self.low} {self.close})"


class Cursor(BarView):
    """The view of a bar that is being played; it goes on to the next one as long as nobody but its player holds it.

    So a bar that somebody kept never changes, and a million bars that nobody kept are one object.
    """

    __slots__ = ()

    def to(self, place: int) -> None:
        self._place = place


class Track:
    """One symbol's bars up to now, and the indicators that follow them.

    `splits` are places (the first bar after a split) with new units for each old one.  Indicators follow closes in the units of
    the first bar (`steady`), so that a split does not look like a crash; what they show is in the units of the bar at `at`.
    """

    __slots__ = ("_factors", "_indicators", "_is_steady", "at", "columns", "steady", "steps")

    def __init__(self, columns: Columns, *, splits: Iterable[tuple[int, Fraction]] = ()) -> None:
        self.columns = columns
        self.at = -1
        self._factors = [(place, Fraction(ratio)) for place, ratio in splits]
        self.steps, self.steady = _steady(columns.close, self._factors)
        self._indicators: list[Follower] = []

    def __len__(self) -> int:
        return self.at + 1

    def view(self) -> BarView:
        """The last bar that is over.  Raises `LookupError` before the first."""
        return self.back(0)

    def back(self, count: int) -> BarView:
        """The bar so many before the last.  Raises `LookupError` where there is none."""
        place = self.at - whole(count)
        if count < 0 or place < 0:
            raise LookupError(f"{self.columns.symbol} has {len(self)} bars so far")
        return BarView(self.columns, place)

    @property
    def unit(self) -> int:
        """How many steps of `steady` one step of the price at `at` is worth."""
        steps = self.steps
        for place, unit in reversed(self._units()):
            if place <= self.at:
                return unit
        return steps

    def _units(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        factor = Fraction(1)
        for place, ratio in self._factors:
            factor *= ratio
            found.append((place, int(factor * self.steps)))
        return found

    def add(self, bar: Bar, *, end: datetime) -> BarView:
        """One more bar, which is over now; indicators follow."""
        self.columns.append(bar, end=end)
        if self.steady is not self.columns.close:
            self.steady.append(self.columns.close[-1] * self.unit)
        self.at = len(self.columns) - 1
        for indicator in self._indicators:
            indicator.follow()
        return self.view()

    def join(self, indicator: Follower) -> None:
        """Let an indicator follow from the first bar on."""
        self._indicators.append(indicator)
        indicator.follow()


def _steady(closes: array[int], splits: list[tuple[int, Fraction]]) -> tuple[int, array[int]]:
    """Closes in the units of the first bar, times a whole number that makes them exact."""
    if not splits:
        return 1, closes
    factor, factors = Fraction(1), [Fraction(1)]
    for _, ratio in splits:
        factor *= ratio
        factors.append(factor)
    steps = lcm(*(factor.denominator for factor in factors))
    bounds = [0, *(place for place, _ in splits), len(closes)]
    steady = array("q")
    for (start, end), factor in zip(pairwise(bounds), factors, strict=True):
        steady.extend(map(int(factor * steps).__mul__, closes[start:end]))
    return steps, steady
