"""The splits and dividends that a file of factors stands for.

A row's factors hold up to its day; where two rows differ, something happened on the morning after the earlier one.  Factors are
rounded to seven digits, so a dividend comes back as the roundest amount that they can mean, and a split as the plain ratio that
is nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.tape.folder import Factor

_STEPS = (Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"))
_ROUNDED = Decimal("0.00000005")  # how far a factor may be from what it was made of
_NEAR = Fraction(1, 20_000)
_PLAIN = 100


def actions_of(symbol: str, factors: Sequence[Factor], *, next_day: Callable[[date], date]) -> list[CorporateAction]:
    """Everything between the first and the last row, in order of days; a split goes before a dividend of its day.

    `next_day` is the first session after a day.
    """
    return [
        action
        for earlier, later in pairwise(factors)
        if (earlier.split, earlier.price) != (later.split, later.price)
        for action in _between(symbol, next_day(earlier.day), earlier, later)
    ]


def _between(symbol: str, day: date, earlier: Factor, later: Factor) -> Iterator[CorporateAction]:
    if earlier.split != later.split:
        ratio = _plain(Fraction(later.split) / Fraction(earlier.split))
        old, new = Decimal(ratio.denominator), Decimal(ratio.numerator)
        yield Split(symbol=symbol, day=day, shares_from=old, shares_to=new)
    if earlier.price != later.price:
        yield Dividend(symbol=symbol, day=day, amount=_roundest(earlier, later))


def _plain(ratio: Fraction) -> Fraction:
    """7 for 6.99998; a ratio that is near no plain one stays as it is."""
    plain = ratio.limit_denominator(_PLAIN)
    return plain if abs(plain - ratio) <= ratio * _NEAR else ratio


def _roundest(earlier: Factor, later: Factor) -> Decimal:
    """Whole cents, or tenths or hundredths of one, whichever is the first within what two rounded factors leave open."""
    amount = earlier.reference * (1 - earlier.price / later.price)
    open_by = earlier.reference * _ROUNDED * 2 / later.price
    found = (amount.quantize(step) for step in _STEPS)
    return next((near for near in found if abs(near - amount) <= open_by), amount.quantize(_STEPS[-1]))
