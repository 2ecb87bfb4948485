"""Exact sums that can be taken apart again: of signed quantities, whatever the order they came in.

`Decimal` keeps the places it was written with, and a sum has as many as its longest member: 10 - 0.125 + 0.125 is
10.000, not 10.  So what was added cannot be taken away by subtracting it.  A tally keeps one whole number for each count
of places that occurs, and how many members have it; then adding and taking away undo each other to the last place, and
the tally of some members is the same however they were added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.values import ZERO

Part = tuple[int, int, int]  # exponent, how many members have it, sum of their coefficients


@dataclass(slots=True)
class Tally:
    """A sum of finite decimals.  `total` has as many places as the longest member (at least none)."""

    _parts: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    _total: Decimal | None = ZERO  # None: not summed yet

    @classmethod
    def of(cls, parts: list[Part]) -> Tally:
        """The tally that `parts` was read from."""
        return cls({exponent: (count, units) for exponent, count, units in parts}, None)

    @property
    def total(self) -> Decimal:
        if self._total is None:
            self._total = self._summed()
        return self._total

    @property
    def is_empty(self) -> bool:
        """Whether it has no member, which is more than a total of zero."""
        return not self._parts

    def parts(self) -> list[Part]:
        """What the sum is made of, in a fixed order."""
        return sorted((exponent, count, units) for exponent, (count, units) in self._parts.items())

    def add(self, amount: Decimal) -> None:
        """One more member."""
        self._count(amount, 1)

    def take(self, amount: Decimal) -> None:
        """One member less, of which there must be one written like this."""
        self._count(amount, -1)

    def merge(self, other: Tally) -> None:
        """All members of another tally."""
        for exponent, count, units in other.parts():
            self._join(exponent, count, units)

    def part_with(self, other: Tally) -> None:
        """Without the members of another tally, which must be among these."""
        for exponent, count, units in other.parts():
            self._join(exponent, -count, -units)

    def _count(self, amount: Decimal, by: int) -> None:
        sign, digits, exponent = amount.as_tuple()
        assert isinstance(exponent, int)  # units are finite: `Quantity` is checked where it comes in
        units = int(amount.scaleb(-exponent)) if len(digits) <= _EXACT else _whole(sign, digits)
        self._join(exponent, by, by * units)

    def _join(self, exponent: int, count: int, units: int) -> None:
        self._total = None
        held, sum_of = self._parts.get(exponent, (0, 0))
        if held + count:
            self._parts[exponent] = (held + count, sum_of + units)
        else:
            self._parts.pop(exponent, None)

    def _summed(self) -> Decimal:
        places = min(self._parts, default=0)
        places = min(places, 0)
        units = sum(units * 10 ** (exponent - places) for exponent, (_, units) in self._parts.items())
        return Decimal(f"{units}E{places}")


_EXACT = 28  # digits that an operation on decimals keeps


def _whole(sign: int, digits: tuple[int, ...]) -> int:
    units = int("".join(map(str, digits)))
    return -units if sign else units
