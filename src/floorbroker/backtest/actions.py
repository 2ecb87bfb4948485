"""Splits, dividends and changes of names, as an account meets them: on the morning of their day, before its first bar."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction

from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.frozen import frozen
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.strategy.bars import microseconds


@frozen
class Renamed:
    """From `day` on the same units trade as `new`."""

    symbol: str
    day: date
    new: str


Happening = Split | Dividend | Renamed


def morning_of(happening: Happening) -> datetime:
    """Midnight in New York."""
    return datetime.combine(happening.day, time(), NEW_YORK)


def in_order(happenings: Iterable[Happening]) -> list[Happening]:
    """By day.  On one day as they are given, but a dividend goes before a split: it is for the units of the evening before."""
    found: list[Happening] = []
    for one in sorted(happenings, key=lambda happening: happening.day):
        place = len(found)
        if isinstance(one, Dividend):
            for back in range(len(found) - 1, -1, -1):
                other = found[back]
                if other.day != one.day:
                    break
                if isinstance(other, Split) and other.symbol == one.symbol:
                    place = back
        found.insert(place, one)
    return found


def split_places(starts_us: Sequence[int], happenings: Iterable[Happening]) -> list[tuple[int, Fraction]]:
    """Where in a symbol's bars each split begins to count."""
    found: list[tuple[int, Fraction]] = []
    for one in happenings:
        place = bisect_left(starts_us, microseconds(morning_of(one)))
        if isinstance(one, Split) and 0 < place < len(starts_us):
            found.append((place, one.ratio))
    return found


def to_shares(qty: Decimal, ratio: Fraction) -> tuple[Decimal, Decimal]:
    """Whole units after a split, and the rest that is paid in cash, towards zero."""
    exact = qty * ratio.numerator / ratio.denominator
    whole = exact.to_integral_value("ROUND_DOWN")
    return whole, exact - whole
