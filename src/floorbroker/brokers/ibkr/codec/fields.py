"""Values of single fields, both ways: numbers are text and stay exact, and each spelling of "not set" is None.

A client leaves unset numbers empty; a server does that, or sends the largest number of the type.
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (UNSET_DOUBLE, UNSET_INTEGER, UNSET_DECIMAL).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Self

from floorbroker.brokers.ibkr.codec.framing import BadFrame
from floorbroker.domain.values import WIDE, NotExact, decimal_of

UNSET_INTEGER = 2**31 - 1
UNSET_LONG = 2**63 - 1
_UNSET_DOUBLE = re.compile(r"1\.79769313486231\d*[eE]\+?308")
_UNSET_DECIMAL = "170141183460469231731687303715884105727"
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,60})?(?:[eE][+-]?[0-9]{1,3})?")
_FINEST, _DIGITS_BEFORE = Decimal("1e-20"), 17
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_INTEGER_MAX = 2**63 - 1
_REMEMBERED, _SHORT = 4096, 40  # texts of numbers: a session says few of them, and most of them often
COUNT_MAX = 10_000

Value = str | int | bool | Decimal | None | Sequence[tuple[str, str]]


def spelled(value: Value) -> str:
    """One value as a client writes it: booleans 1 and 0, nothing for None, pairs as `tag=value;`, numbers with their digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadFrame("a number is not finite")
        return format(value, "f")
    return "".join(f"{tag}={text};" for tag, text in value)


def decimal_in(text: str, name: str) -> Decimal | None:
    """A number; None where it is not set.  Raises `BadFrame` for NaN, infinities and what is no number of a sensible size.

    A server computes in doubles, and what should be nothing may come as `-1.1368683772161603E-13`: digits behind the twentieth
    decimal are rounded off.
    """
    if not text:
        return None
    value, fault = _remembered(text) if len(text) <= _SHORT else _number(text)
    if fault:
        raise BadFrame(f"{name} {fault}")
    return value


def _number(text: str) -> tuple[Decimal | None, str]:
    """The number of a text, or what is wrong with it."""
    if text == _UNSET_DECIMAL or _UNSET_DOUBLE.fullmatch(text):
        return None, ""
    try:
        return decimal_of(text), ""
    except NotExact:
        if _NUMBER.fullmatch(text) is None:
            return None, "is no number"
    return _rounded(text)


_remembered = lru_cache(maxsize=_REMEMBERED)(_number)


def _rounded(text: str) -> tuple[Decimal | None, str]:
    """A number of more decimals than anybody means, or that it is too large as well."""
    value = Decimal(text)
    if not value.is_finite() or value.adjusted() > _DIGITS_BEFORE:
        return None, "is of no sensible size"
    return decimal_of(value.quantize(_FINEST, context=WIDE).normalize()), ""


def integer_in(text: str, name: str) -> int | None:
    """A whole number; None where it is not set."""
    if not text:
        return None
    if _INTEGER.fullmatch(text) is None or abs(value := int(text)) > _INTEGER_MAX:
        raise BadFrame(f"{name} is no whole number")
    return None if value in (UNSET_INTEGER, UNSET_LONG) else value


class Reader:
    """Takes the fields of one message from left to right.  A wrong one is a `BadFrame` that names it."""

    __slots__ = ("_at", "_fields", "_size", "version")

    def __init__(self, fields: Sequence[str], *, version: int, at: int = 1) -> None:
        self._fields = fields
        self._size = len(fields)
        self._at = at
        self.version = version

    @property
    def has_more(self) -> bool:
        return self._at < self._size

    def text(self, name: str) -> str:
        """A field as it is."""
        at = self._at
        if at >= self._size:
            raise BadFrame(f"{name} is missing")
        self._at = at + 1
        return self._fields[at]

    def skip(self, name: str, count: int = 1) -> Self:
        """Step over fields that must be there and mean nothing to us."""
        if count > self._size - self._at:
            raise BadFrame(f"{name} is missing")
        self._at += count
        return self

    def decimal(self, name: str) -> Decimal | None:
        text = self.text(name)
        return decimal_in(text, name) if text else None

    def number(self, name: str) -> Decimal:
        """A number that must be set."""
        value = decimal_in(self.text(name), name)
        if value is None:
            raise BadFrame(f"{name} is not set")
        return value

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        if text == "0":
            return 0
        return integer_in(text, name) if text else None

    def whole(self, name: str) -> int:
        """A whole number that must be set."""
        value = integer_in(self.text(name), name)
        if value is None:
            raise BadFrame(f"{name} is not set")
        return value

    def flag(self, name: str) -> bool:
        """0 and nothing are no, 1 is yes."""
        text = self.text(name)
        if text in ("", "0"):
            return False
        if text not in ("1", "true", "false"):
            raise BadFrame(f"{name} is neither yes nor no")
        return text != "false"

    def how_many(self, name: str) -> int:
        """How many rows follow; never more than the frame could hold."""
        value = self.integer(name) or 0
        if not 0 <= value <= min(COUNT_MAX, self._size - self._at):
            raise BadFrame(f"{name} counts what is not there")
        return value

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A count, and so many pairs of tag and value."""
        return tuple((self.text(name), self.text(name)) for _ in range(self.how_many(name)))


def texts(values: Iterable[Value]) -> list[str]:
    """Values of a message in their order."""
    return [value if isinstance(value, str) else "" if value is None else spelled(value) for value in values]
