"""What happened to holdings without a trade, and what a price from before it is afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO


@frozen
class Resized:
    """New units for each old one, from a moment on (microseconds since 1970)."""

    at_us: int
    symbol: str
    ratio: Fraction


@frozen
class Moved:
    """The same units under another symbol, from a moment on (microseconds since 1970)."""

    at_us: int
    symbol: str
    new: str


@frozen
class Paid:
    """So much was paid for each unit, from a moment on (microseconds since 1970)."""

    at_us: int
    symbol: str
    amount: Decimal


Reshaped = Resized | Moved | Paid


def carried(price: Decimal, *, seen_us: int, until_us: int, happened: Iterable[Reshaped]) -> Decimal:
    """A price that was seen at `seen_us`, as it stands at `until_us`: in new units, and less what was paid meanwhile.

    `happened` is of its symbol, in order.  Until the market opens the morning's price is the evening's, but not its units.
    """
    for one in happened:
        if not seen_us < one.at_us <= until_us:
            continue
        if isinstance(one, Resized):
            price = price * one.ratio.denominator / one.ratio.numerator
        elif isinstance(one, Paid):
            price = max(ZERO, price - one.amount)
    return price
