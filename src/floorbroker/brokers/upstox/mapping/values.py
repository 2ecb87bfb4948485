"""Numbers, times and ids between Upstox's spelling and ours."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from floorbroker.brokers.upstox.info import BROKER, ZONE
from floorbroker.domain.errors import ApiError
from floorbroker.domain.values import NotExact, OrderId, Price, Quantity, decimal_of, from_epoch

INDIA = ZoneInfo(ZONE)
_WORD_MAX = 64
_ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,40}")
_DATED = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})[0-9]{4,}")
_EPOCH_MS_MAX = 253_402_300_799_000  # the last year that dates reach


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


def quantity(value: Decimal | None) -> Quantity | None:
    """A quantity, which is never below zero.  Raises `ApiError`."""
    checked = number(value, what="a quantity")
    if checked is not None and checked < 0:
        raise ApiError("a quantity in the reply is below zero", broker=BROKER)
    return None if checked is None else Quantity(checked)


def price(value: Decimal | None) -> Price | None:
    """A price; the venue's zero is none."""
    checked = number(value, what="a price")
    return Price(checked) if checked else None


def lenient_moment(value: str | None) -> datetime | None:
    """`2026-01-05 10:00:00` of India, or an ISO time with its zone, in UTC.

    Unreadable ones count as none, since these times only inform and must not hide an order.
    """
    if not value:
        return None
    try:
        found = msgspec.convert(value.replace(" ", "T", 1), type=datetime)
        zoned = found.replace(tzinfo=INDIA) if found.tzinfo is None else found
        return zoned.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None


def moment(value: str) -> datetime:
    """`lenient_moment`, for what must be one.  Raises `ApiError`."""
    found = lenient_moment(value)
    if found is None:
        raise ApiError("a time in the reply is not readable", broker=BROKER)
    return found


def from_ms(value: int) -> datetime:
    """Epoch milliseconds.  Raises `ApiError` for what is no time."""
    if not 0 < value <= _EPOCH_MS_MAX:
        raise ApiError("a time in the reply is not readable", broker=BROKER)
    return from_epoch(ms=value)


def lenient_ms(value: int | None) -> datetime | None:
    """Epoch milliseconds; what is no time counts as none."""
    return None if value is None or not 0 < value <= _EPOCH_MS_MAX else from_epoch(ms=value)


def made_at(micros: int | None) -> datetime | None:
    """Epoch microseconds; what is no time counts as none, since it only informs."""
    return None if micros is None else lenient_ms(micros // 1000)


def day_in_india(at: datetime) -> date:
    """The calendar day there."""
    return at.astimezone(INDIA).date()


def order_id_of(value: str) -> OrderId:
    """Letters, digits and `-`, as the venue's field patterns have it.  Raises `ApiError`."""
    if not _ORDER_ID.fullmatch(value):
        raise ApiError("an order in the reply has an id that is none", broker=BROKER)
    return OrderId(value)


def day_of_order(order_id: str) -> date | None:
    """The day on which an order was placed: ids begin with it (`260105…`).  None for ids of another form."""
    found = _DATED.fullmatch(order_id)
    if found is None:
        return None
    try:
        return date(2000 + int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]
