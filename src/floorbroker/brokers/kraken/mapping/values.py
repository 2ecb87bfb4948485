"""Numbers and times between Kraken's spelling and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from floorbroker.domain.errors import ApiError
from floorbroker.domain.values import NotExact, decimal_of, from_epoch, text_of

BROKER = "KRAKEN"
_WORD_MAX = 64
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # far enough from the end of time that a bar may be added
_LATEST_S = int(_LATEST.timestamp())


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


def written(value: str, *, what: str) -> Decimal | None:
    """A number out of text that may also be empty or an offset (`+5.0`, `+2%`), which is None here.  Raises `ApiError`."""
    if not value or value.startswith(("+", "-", "#")) or value.endswith("%"):
        return None
    try:
        return decimal_of(value)
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error


def offset(value: str, *, what: str) -> tuple[Decimal | None, Decimal | None]:
    """A distance as an amount or as a percentage: `+5.0`, `+2.0000%`; neither when it is no distance.  Raises `ApiError`."""
    if not value.startswith("+"):
        return None, None
    percent = value.endswith("%")
    try:
        distance = decimal_of(value[1:].removesuffix("%"))
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error
    return (None, distance) if percent else (distance, None)


def text(value: Decimal) -> str:
    """A number as it is sent: plain text."""
    return text_of(value)


def seconds(value: Decimal | None) -> datetime | None:
    """A time in decimal seconds; zero and what is no time count as none, since such times only inform."""
    if value is None or not value.is_finite() or not 0 < value < _LATEST_S:
        return None
    return from_epoch(s=value)


def seconds_needed(value: Decimal | None) -> datetime:
    """`seconds`, for what must be there."""
    found = seconds(value)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def moment(value: str | None) -> datetime | None:
    """An RFC 3339 time in UTC, kept to the microsecond; unreadable ones count as none, since such times only inform."""
    if not value:
        return None
    try:
        found = msgspec.convert(value, type=datetime)
        at = None if found.tzinfo is None else found.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None
    return at if at is not None and at < _LATEST else None


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]
