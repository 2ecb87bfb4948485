"""The splits and dividends that a file of factors stands for.

A row's factors hold up to its day; where two rows differ, something happened on the morning after the earlier one.  Factors are
rounded to seven digits, so a dividend comes back to a hundredth of a cent, and a split as the plain ratio that is nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.tape.folder import Factor

_HUNDREDTH_OF_A_CENT = Decimal("0.0001")
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
        amount = earlier.reference * (1 - earlier.price / later.price)
        yield Dividend(symbol=symbol, day=day, amount=amount.quantize(_HUNDREDTH_OF_A_CENT))


def _plain(ratio: Fraction) -> Fraction:
    """7 for 6.99998; a ratio that is near no plain one stays as it is."""
    plain = ratio.limit_denominator(_PLAIN)
    return plain if abs(plain - ratio) <= ratio * _NEAR else ratio
