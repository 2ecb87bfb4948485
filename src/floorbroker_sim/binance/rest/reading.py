"""Parameters as the venue takes them, whichever door they came through: text by name, read into values or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from floorbroker_sim.binance import errors

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLIENT_ID = "^[a-zA-Z0-9-_]{1,36}$"
_SYMBOL = "^[A-Z0-9-_.]{1,20}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER = "^[0-9]{1,20}$"
_MICROS_FROM = 10**14
_LAST_MS = 4_102_444_800_000  # the year 2100
_MAX_LONG = 2**63 - 1
_DECIMALS = 8

_CHOICE_ERRORS: Mapping[str, tuple[int, str]] = {
    "side": (-1117, "Invalid side."),
    "type": (-1116, "Invalid orderType."),
    "timeInForce": (-1115, "Invalid timeInForce."),
    "interval": (-1120, "Invalid interval."),
    "symbolStatus": (-1122, "Invalid symbolStatus."),
    "cancelRestrictions": (-1145, "Invalid cancelRestrictions"),
    "tickerType": (-1139, "Invalid ticker type."),
}


class Params:
    """What one request sent.  Every method names the parameter in what it refuses."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        return name in self.values

    def optional(self, name: str) -> str | None:
        """The text; None when it was not sent.  Raises `Refused` for an empty one."""
        value = self.values.get(name)
        if value == "":
            raise errors.empty(name)
        return value

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not value:
            raise errors.missing(name)
        return value

    def amount(self, name: str) -> Decimal | None:
        """A decimal of up to eight places, not below zero."""
        value = self.optional(name)
        if value is None:
            return None
        if not re.fullmatch(_DECIMAL, value):
            raise errors.illegal(name, _DECIMAL)
        if len(value.partition(".")[2].rstrip("0")) > _DECIMALS:
            raise errors.bad(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def positive(self, name: str) -> Decimal | None:
        """A decimal above zero."""
        value = self.amount(name)
        if value is not None and value <= 0:
            raise errors.bad(-1013, f"Invalid {_spoken(name)}.")
        return value

    def integer(self, name: str, *, low: int = 0, high: int = _MAX_LONG) -> int | None:
        value = self.optional(name)
        if value is None:
            return None
        if not re.fullmatch(_INTEGER, value):
            raise errors.illegal(name, _INTEGER)
        found = int(value)
        if found > _MAX_LONG:
            raise errors.bad(-1108, f"Parameter '{name}' overflowed.")
        if not low <= found <= high:
            raise errors.not_valid(name)
        return found

    def limit(self, *, default: int, most: int) -> int:
        """How many lines an answer may have."""
        found = self.integer("limit", low=1)
        return default if found is None else min(found, most)

    def choice(self, name: str, allowed: tuple[str, ...] | frozenset[str], *, kind: str = "") -> str | None:
        """One of some words; `kind` names the list where the parameter is called otherwise."""
        value = self.optional(name)
        if value is None or value in allowed:
            return value
        known = _CHOICE_ERRORS.get(kind or name)
        raise errors.bad(*known) if known else errors.not_valid(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.optional(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false"}:
            raise errors.illegal(name, "true|false")
        return value.lower() == "true"

    def moment(self, name: str) -> datetime | None:
        """A time as whole milliseconds or microseconds."""
        value = self.integer(name)
        if value is None:
            return None
        try:
            return moment_of(value)
        except ValueError:
            raise errors.not_valid(name) from None

    def client_id(self, name: str) -> str | None:
        value = self.optional(name)
        if value is not None and not re.fullmatch(_CLIENT_ID, value):
            raise errors.illegal(name, _CLIENT_ID)
        return value

    def symbol(self, name: str = "symbol") -> str:
        """The venue's spelling of a symbol, of legal letters; whether it is listed is another question."""
        value = self.text(name)
        if not re.fullmatch(_SYMBOL, value):
            raise errors.illegal(name, _SYMBOL)
        return value

    def names(self, name: str) -> list[str] | None:
        """A JSON list of texts; None when it was not sent."""
        value = self.optional(name)
        if value is None:
            return None
        try:
            found = msgspec.json.decode(value.encode(), type=list[str])
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise errors.illegal(name, _SYMBOL) from None
        if not found:
            raise errors.empty(name)
        if len(set(found)) < len(found):
            raise errors.bad(-1151, "Symbol is present multiple times in the list.")
        return found


def _spoken(name: str) -> str:
    """`stopPrice` as its error text says it: `stop price`."""
    return re.sub(r"([A-Z])", lambda letter: f" {letter[1].lower()}", name)


def moment_of(value: int) -> datetime:
    """A time from milliseconds or microseconds, told apart by size.  Raises `ValueError` for a year out of reach."""
    micros = value if value >= _MICROS_FROM else value * 1000
    if micros > _LAST_MS * 1000:
        raise ValueError("a time out of reach")
    return _EPOCH + timedelta(microseconds=micros)


Prefixed = Callable[[str], str]


def prefixed(prefix: str) -> Prefixed:
    """Names of one leg of a list: with the prefix `above`, `stopPrice` is `aboveStopPrice`."""
    return lambda name: prefix + name[0].upper() + name[1:] if prefix else name
