"""Numbers, times and words between Bybit's spelling and ours."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.wire import Stamp
from floorbroker.domain.errors import ApiError
from floorbroker.domain.values import NotExact, Price, Quantity, decimal_of, from_epoch, text_of

_WORD_MAX = 64
_DIGITS = re.compile(r"[0-9]{1,15}")
_STAMP_MAX = 253_402_300_799_999  # the end of the year 9999


def number(value: str | Decimal | None, *, what: str = "a number") -> Decimal | None:
    """`value` when it is a number of sensible size, None for an empty text; raises `ApiError` for anything else."""
    if value is None or value == "":
        return None
    try:
        return decimal_of(value)
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error


def needed(value: str | Decimal | None, *, what: str) -> Decimal:
    """`number`, for what must be there."""
    found = number(value, what=what)
    if found is None:
        raise ApiError(f"the reply lacks {what}", broker=BROKER)
    return found


def above_zero(value: str | Decimal | None, *, what: str = "a number") -> Decimal | None:
    """`number`, where 0 stands for "none" as well as an empty text does (prices, triggers)."""
    found = number(value, what=what)
    return found if found is not None and found > 0 else None


def price(value: str | None) -> Price | None:
    """A price, where there is one."""
    found = above_zero(value, what="a price")
    return None if found is None else Price(found)


def quantity(value: str | None) -> Quantity | None:
    """A quantity, 0 included."""
    found = number(value, what="a quantity")
    return None if found is None else Quantity(found)


def text(value: Decimal | None) -> str | None:
    """A number as it is sent: plain text."""
    return None if value is None else text_of(value)


def moment(value: Stamp | None) -> datetime | None:
    """A UTC time from milliseconds; None for none and 0.  Raises `ApiError` for anything else."""
    if value is None or value in ("", 0, "0"):
        return None
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            raise ApiError("a time in the reply is not readable", broker=BROKER)
        value = int(value)
    if not 0 < value <= _STAMP_MAX:
        raise ApiError("a time in the reply is not readable", broker=BROKER)
    return from_epoch(ms=value)


def moment_needed(value: Stamp | None) -> datetime:
    """`moment`, for what must be there."""
    found = moment(value)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def lenient_moment(value: Stamp | None) -> datetime | None:
    """`moment` for times that only inform: unreadable ones count as none, so that they cannot hide an order."""
    try:
        return moment(value)
    except ApiError:
        return None


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]
