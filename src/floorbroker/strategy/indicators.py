"""Indicators over the closes of one symbol, exact: whole numbers in, whole numbers kept, `Decimal` out.

Each follows its track bar by bar; where many bars are there at once, as in a backtest, it takes them in one go with the same
results.  `a > b` compares two indicators exactly; against a price it compares `value`.  Others (talipp has dozens) are fed by
hand from `on_bar`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, chain, islice
from math import gcd
from operator import gt, sub

from floorbroker.domain.values import WIDE
from floorbroker.strategy.bars import Track
from floorbroker.strategy.wholesale import flags, windows

CHUNK = 65_536  # numbers at a time go into a column: of a list, an array is made at once
_FINE = 1_000  # an exponential average keeps three digits beyond the price step


class NotReady(LookupError):
    """An indicator was asked before it had seen enough bars."""


class Indicator(ABC):
    """`scale` turns a kept number into price steps: what is kept, divided by it, is the value in steps of the track."""

    __slots__ = ("_column", "_done", "_track", "period", "scale")

    def __init__(self, track: Track, period: int) -> None:
        if period < 1:
            raise ValueError(f"a period is at least one bar, not {period}")
        self.period = period
        self._track = track
        self._column: array[int] | list[int] = array("q")
        self._done = 0
        self._prepare()
        track.join(self)

    def follow(self) -> None:
        """Take the bars that are there and were not taken yet; called by the track."""
        steady = self._track.steady
        if self._done < len(steady) and not self._took_all(steady):
            numbers = iter(self._more(steady))
            while chunk := list(islice(numbers, CHUNK)):
                self._column.extend(array("q", chunk) if isinstance(self._column, array) else chunk)
            self._done = len(steady)

    def _took_all(self, steady: array[int]) -> bool:
        """Take very many bars at once, where there is a way that gives the same numbers; False where there is none."""
        del steady
        return False

    def _prepare(self) -> None:
        """Set up what `_more` keeps; a kept number is a price step unless it says otherwise."""
        self.scale = 1

    @abstractmethod
    def _more(self, steady: array[int]) -> Iterable[int]:
        """One number for every close from `_done` on."""

    @property
    def track(self) -> Track:
        return self._track

    @property
    def kept(self) -> Sequence[int]:
        """What is kept of every bar that was taken."""
        return self._column

    def above(self, other: Indicator) -> Above:
        """Whether this one stands above another, bar by bar."""
        return Above(self, other)

    @property
    def ready(self) -> bool:
        """Whether `period` bars are over."""
        return self._track.at + 1 >= self.period

    @property
    def raw(self) -> int:
        """The kept number at the last bar that is over."""
        if not self.ready:
            raise NotReady(f"{type(self).__name__.lower()}({self.period}) has seen {self._track.at + 1} bars")
        return self._column[self._track.at]

    @property
    def value(self) -> Decimal:
        """In quote currency, in the units of the last bar.  Raises `NotReady` before `period` bars."""
        steps = WIDE.divide(Decimal(self.raw), Decimal(self.scale * self._track.unit))
        return steps.scaleb(-self._track.columns.price_decimals)

    def __gt__(self, other: Indicator | Decimal) -> bool:
        if isinstance(other, Indicator):
            track = self._track
            if other._track is track:
                at = track.at
                return self._column[at] * other.scale > other._column[at] * self.scale
            return self.value > other.value
        return self.value > other

    def __lt__(self, other: Indicator | Decimal) -> bool:
        if isinstance(other, Indicator):
            return other > self
        return self.value < other


def _times(numbers: Sequence[int], factor: int) -> Iterable[int]:
    return numbers if factor == 1 else map(factor.__mul__, numbers)


class Above:
    """Whether one indicator stands above another of the same symbol; followed bar by bar, like the two."""

    __slots__ = ("_flags", "_one", "_other", "_track", "period")

    def __init__(self, one: Indicator, other: Indicator) -> None:
        if one.track is not other.track:
            raise ValueError("two indicators are compared bar by bar where they follow the same symbol")
        self.period = max(one.period, other.period)
        self._one, self._other = one, other
        self._flags = bytearray()
        self._track = one.track
        self._track.join(self)

    def follow(self) -> None:
        """Take the bars that both have taken; called by the track."""
        done = len(self._flags)
        common = gcd(self._one.scale, self._other.scale)
        all_at_once = (
            None
            if done
            else flags(self._one.kept, self._other.scale // common, self._other.kept, self._one.scale // common)
        )
        if all_at_once is not None:
            self._flags.extend(all_at_once)
            return
        mine = _times(self._one.kept[done:], self._other.scale // common)
        others = _times(self._other.kept[done:], self._one.scale // common)
        self._flags.extend(map(gt, mine, others))

    @property
    def ready(self) -> bool:
        """Whether both have seen enough bars."""
        return self._track.at + 1 >= self.period

    @property
    def now(self) -> bool:
        """At the last bar that is over; as the numbers stand, whether they are ready or not."""
        return self._flags[self._track.at] == 1

    @property
    def crossed(self) -> bool:
        """Whether it changed with the last bar, between bars at which both were ready."""
        at = self._track.at
        return at >= self.period and self._flags[at] != self._flags[at - 1]


class Average(Indicator):
    """The simple moving average; it keeps sums, before `period` bars of what there is."""

    __slots__ = ()

    def _prepare(self) -> None:
        self.scale = self.period

    def _took_all(self, steady: array[int]) -> bool:
        sums = None if self._done else windows(steady, self.period)
        if sums is None:
            return False
        self._column, self._done = sums, len(steady)
        return True

    def _more(self, steady: array[int]) -> Iterable[int]:
        """Each sum is the one before it, plus the newest close, less the one that leaves the window."""
        done, full = self._done, max(self._done, self.period)
        changes = chain(steady[done : self.period], map(sub, steady[full:], steady[full - self.period :]))
        return islice(accumulate(changes, initial=self._column[-1] if done else 0), 1, None)


class Exponential(Indicator):
    """The exponential moving average, weight 2 / (period + 1), from the first close on; rounded down to 1e-3 of a price step."""

    __slots__ = ("_last",)

    def _prepare(self) -> None:
        self.scale = _FINE
        self._last: int | None = None

    def _more(self, steady: array[int]) -> Iterator[int]:
        last, divisor = self._last, self.period + 1
        for place in range(self._done, len(steady)):
            close = steady[place] * _FINE
            last = close if last is None else last + (close - last) * 2 // divisor
            yield last
        self._last = last


class _Extreme(Indicator):
    __slots__ = ("_window",)

    sign = 1  # of closes that are compared

    def _prepare(self) -> None:
        self.scale = 1
        self._window: deque[tuple[int, int]] = deque()  # place and close; each beats all behind it

    def _more(self, steady: array[int]) -> Iterator[int]:
        window, sign = self._window, self.sign
        for place in range(self._done, len(steady)):
            close = steady[place]
            while window and close * sign >= window[-1][1] * sign:
                window.pop()
            window.append((place, close))
            if window[0][0] <= place - self.period:
                window.popleft()
            yield window[0][1]


class Highest(_Extreme):
    """The highest close of `period` bars."""

    __slots__ = ()


class Lowest(_Extreme):
    """The lowest close of `period` bars."""

    __slots__ = ()
    sign = -1


class Deviation(Indicator):
    """The standard deviation of `period` closes around their average (divided by `period`).  It keeps variances, exactly."""

    __slots__ = ("_squares", "_sum")

    def _prepare(self) -> None:
        self.scale = 1
        self._column = list[int]()
        self._sum = self._squares = 0

    def _more(self, steady: array[int]) -> Iterator[int]:
        for place in range(self._done, len(steady)):
            new = steady[place]
            old = steady[place - self.period] if place >= self.period else 0
            self._sum += new - old
            self._squares += new * new - old * old
            yield self.period * self._squares - self._sum * self._sum

    @property
    def value(self) -> Decimal:
        """In quote currency."""
        steps = WIDE.divide(WIDE.sqrt(Decimal(self.raw)), Decimal(self.period * self._track.unit))
        return steps.scaleb(-self._track.columns.price_decimals)

    def __gt__(self, other: Indicator | Decimal) -> bool:
        return self.value > (other.value if isinstance(other, Indicator) else other)

    def __lt__(self, other: Indicator | Decimal) -> bool:
        return self.value < (other.value if isinstance(other, Indicator) else other)

    @property
    def score(self) -> Decimal:
        """How many deviations the last close is above its average; zero while nothing moves."""
        spread = WIDE.sqrt(Decimal(self.raw))
        if not spread:
            return Decimal(0)
        return WIDE.divide(Decimal(self._track.steady[self._track.at] * self.period - self._sum_at()), spread)

    def _sum_at(self) -> int:
        at, steady = self._track.at, self._track.steady
        return sum(steady[max(0, at + 1 - self.period) : at + 1])
