"""Decimal text as whole numbers of one scale: at four decimals `0.50` is 5000.

A column is one kind of number in one book, its prices or its sizes.  It learns how many decimals its venue writes and keeps
every number at the most it has seen, so that comparing, storing and checksumming are done with whole numbers, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache

from floorbroker.domain.values import WIDE

MAX_PRICE = 2**63 - 1
MAX_SIZE = 2**127 - 1
MAX_DECIMALS = 20
_WRITTEN = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,20}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)


class Refused(ValueError):
    """A number that no book takes; the text says why."""


class Finer(Exception):
    """A number with more decimals than its column has; `decimals` is how many it needs."""

    def __init__(self, column: Column, decimals: int) -> None:
        super().__init__(decimals)
        self.column = column
        self.decimals = decimals


def read(text: str) -> tuple[int, int]:
    """The digits of a number as written, and how many of them are decimals.  Raises `Refused`."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise Refused("not a number")
    sign, whole, fraction, exponent = found.groups()
    if sign:
        raise Refused("below zero")
    decimals = len(fraction or "") - int(exponent or 0)
    digits = int(whole + (fraction or "")) * 10 ** max(0, -decimals)
    if decimals > MAX_DECIMALS:
        raise Refused("too many decimals")
    if digits > MAX_SIZE:
        raise Refused("too large")
    return digits, max(0, decimals)


class Column:
    """Text to whole numbers at `decimals`, none above `limit`; `positive`: none that is zero.

    A venue writes the numbers of a message alike, so they are looked over and read all at once; where one is written
    otherwise, each is read by itself.
    """

    __slots__ = ("_alike", "_least", "decimals", "limit", "positive")

    def __init__(self, limit: int, *, decimals: int = 0, positive: bool = False) -> None:
        """`decimals` is the least it keeps, where the venue's rules tell."""
        self.limit = limit
        self.positive = positive
        self._least = decimals
        self._at(decimals)

    def numbers(self, texts: Sequence[str]) -> Sequence[int]:
        """Raises `Refused`, or `Finer` when the column must be widened first."""
        if not texts:
            return []
        joined = ",".join(texts)
        if self._alike(joined):
            found = list(map(int, joined.replace(".", "").split(",")))
            if len(found) != len(texts):
                raise Refused("not a number")
        else:
            found = [self._by_itself(text) for text in texts]
        return self.checked(found)

    def checked(self, numbers: Sequence[int]) -> Sequence[int]:
        """Numbers that are at the column's scale already.  Raises `Refused`."""
        if self.positive and 0 in numbers:
            raise Refused("a price of zero")
        return numbers

    def _by_itself(self, text: str) -> int:
        digits, decimals = read(text)
        if decimals > self.decimals:
            raise Finer(self, decimals)
        number = digits * 10 ** (self.decimals - decimals)
        if number > self.limit:
            raise Refused("too large")
        return number

    def widened(self, decimals: int, largest: int) -> int:
        """From now on at so many decimals; answers with the factor for the numbers made before, the `largest` among them.

        Raises `Refused` when that one would be too large, and stays as it is.
        """
        factor = 10 ** (decimals - self.decimals)
        if largest * factor > self.limit:
            raise Refused("too large")
        self._at(decimals)
        return factor

    def forget(self) -> None:
        """Learn anew: the whole book comes again."""
        self._at(self._least)

    def _at(self, decimals: int) -> None:
        self.decimals = decimals
        self._alike = _alike(len(str(self.limit)) - 1, decimals)


@cache
def _alike(digits: int, decimals: int) -> Callable[[str], object]:
    """Whether text is numbers of exactly so many decimals and at most so many digits, with commas between."""
    whole = max(1, digits - decimals)
    one = f"[0-9]{{1,{whole}}}" + (rf"\.[0-9]{{{decimals}}}" if decimals else "")
    return re.compile(f"{one}(?:,{one})*", re.ASCII).fullmatch


def exact(number: int, decimals: int) -> Decimal:
    """The decimal that a scaled number stands for."""
    return Decimal(number).scaleb(-decimals, WIDE)
