"""Splits, dividends and changes of names: read from recorded factors, applied to an account on their morning.

A row of factors says that up to its day raw prices times `price` and `split` compare with today's.  From one row to the next
the split factor changes by a split, the price factor by a dividend: `1 - dividend / reference`, where the reference is the close
of the row's day.  What happens, happens before the first bar after that day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.strategy.bars import microseconds
from floorbroker.tape import Factor

PARTS_MAX = (
    64  # a split gives a for b with b up to this; factors are rounded, so the simplest fraction close to them is meant
)
_STEPS = (Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"), Decimal("0.00001"))
_FACTOR_ERROR = Decimal("0.00000005")
_CLOSE = Fraction(1, 10_000)  # how far two rounded factors may be from the fraction they mean


@frozen
class CorporateAction:
    """From the morning of `day` (local): `split` new units for an old one, `dividend` a unit, or another name for the symbol."""

    symbol: str
    day: date
    split: Fraction | None = None
    dividend: Decimal | None = None
    renamed_to: str = ""

    @property
    def morning(self) -> datetime:
        """Midnight in New York."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=NEW_YORK)


def actions_of(symbol: str, factors: Sequence[Factor]) -> list[CorporateAction]:
    """Every split and dividend that a symbol's factors tell of, oldest first."""
    found: list[CorporateAction] = []
    for row, following in pairwise(sorted(factors, key=lambda factor: factor.day)):
        day = row.day + timedelta(days=1)
        if row.split != following.split:
            found.append(CorporateAction(symbol=symbol, day=day, split=_ratio(following.split, row.split)))
        if row.price != following.price:
            found.append(CorporateAction(symbol=symbol, day=day, dividend=_dividend(row, following)))
    return found


def _ratio(after: Decimal, before: Decimal) -> Fraction:
    exact = Fraction(after) / Fraction(before)
    for parts in range(1, PARTS_MAX + 1):
        near = Fraction(round(exact * parts), parts)
        if near and abs(near / exact - 1) < _CLOSE:
            return near
    return exact.limit_denominator(10_000)


def _dividend(row: Factor, following: Factor) -> Decimal:
    """The roundest amount that the factors, which are rounded to seven digits, can mean."""
    amount = row.reference * (1 - WIDE.divide(row.price, following.price))
    error = row.reference * _FACTOR_ERROR * 2 / following.price
    for step in _STEPS:
        rounded = (amount / step).to_integral_value() * step
        if abs(rounded - amount) <= error:
            return rounded
    return round(amount, 6)


def split_places(starts_us: Sequence[int], actions: Iterable[CorporateAction]) -> list[tuple[int, Fraction]]:
    """Where in a symbol's bars each split begins to count."""
    found: list[tuple[int, Fraction]] = []
    for action in actions:
        place = bisect_left(starts_us, microseconds(action.morning))
        if action.split is not None and 0 < place < len(starts_us):
            found.append((place, action.split))
    return found


def to_shares(qty: Decimal, ratio: Fraction) -> tuple[Decimal, Decimal]:
    """Whole units after a split, and the rest that is paid in cash, towards zero."""
    exact = qty * ratio.numerator / ratio.denominator
    whole = exact.to_integral_value("ROUND_DOWN")
    return whole, exact - whole
