"""Numbers, times and symbols between OANDA's spelling and ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from floorbroker.domain.errors import ApiError
from floorbroker.domain.values import NotExact, Price, Quantity, decimal_of, from_epoch

BROKER = "OANDA"
_WORD_MAX = 64
_UNIX = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,9})?")
_ID = re.compile(r"[0-9]{1,18}")


def number(value: Decimal | None, *, what: str = "a number") -> Decimal | None:
    """`value` when it is of sensible size; raises `ApiError` for NaN, infinities and monsters."""
    if value is None:
        return None
    try:
        return decimal_of(value)
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error


def needed(value: Decimal | None, *, what: str) -> Decimal:
    """`number`, for what must be there."""
    checked = number(value, what=what)
    if checked is None:
        raise ApiError(f"the reply lacks {what}", broker=BROKER)
    return checked


def price(value: Decimal | None) -> Price | None:
    checked = number(value, what="a price")
    return None if checked is None else Price(checked)


def quantity(units: Decimal | None) -> Quantity | None:
    """Signed units as a quantity."""
    checked = number(units, what="a quantity")
    return None if checked is None else Quantity(abs(checked))


def written(text: str | None) -> Decimal | None:
    """A number inside what is sent and received alike, which stays text there; None where there is none."""
    if text is None:
        return None
    try:
        return decimal_of(text)
    except NotExact as error:
        raise ApiError("a number in the reply is not usable", broker=BROKER) from error


def moment(value: str | None) -> datetime | None:
    """A time in UTC, kept to the microsecond, from RFC 3339 or UNIX seconds; None when there is none.

    Raises `ApiError` for anything else.
    """
    if not value or value == "0":
        return None
    try:
        if _UNIX.fullmatch(value):
            return from_epoch(s=Decimal(value))
        found = msgspec.convert(value, type=datetime)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise ApiError("a time in the reply is not readable", broker=BROKER) from error


def lenient_moment(value: str | None) -> datetime | None:
    """`moment` for times that only inform: unreadable ones count as none, so that they cannot hide an order."""
    try:
        return moment(value)
    except ApiError:
        return None


def moment_needed(value: str | None) -> datetime:
    """`moment`, for what must be there."""
    found = moment(value)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def number_of(transaction_id: str | None) -> int:
    """The number of a transaction: they rise by one.  Raises `ApiError` for anything else."""
    if transaction_id is None or not _ID.fullmatch(transaction_id):
        raise ApiError("a transaction has no number", broker=BROKER)
    return int(transaction_id)


def word(value: str | None) -> str:
    """A venue word that is kept for people: bounded."""
    return (value or "")[:_WORD_MAX]


# -- symbols ------------------------------------------------------------------------------------------------------------


def to_wire_symbol(symbol: str) -> str:
    """`EUR/USD` is `EUR_USD` there."""
    return symbol.replace("/", "_")


def from_wire_symbol(name: str | None) -> str:
    """`EUR_USD` is `EUR/USD` here.  The names of some indices have digits, and are spelled alike."""
    return (name or "").replace("_", "/")
