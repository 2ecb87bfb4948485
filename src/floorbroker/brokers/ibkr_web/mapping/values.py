"""Numbers, times, ids and words between this venue's spelling and ours."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker.domain.errors import ApiError
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.values import NotExact, decimal_of, from_epoch

BROKER = "IBKR_WEB"
_WORD_MAX = 64
_MS_MAX = 253_402_300_799_000  # the last second of the year 9999
_AMOUNT = re.compile(r"([+-]?[0-9][0-9,]*(?:\.[0-9]+)?)(?:[ \u00a0]+([A-Z]{3})\b)?")
_IDS = re.compile(r"[0-9]{1,19}")


def number(raw: msgspec.Raw | Decimal | None, *, what: str = "a number") -> Decimal | None:
    """A JSON number or a text with one (`"1,300"`, `"10"`, empty); None when there is none.  Raises `ApiError` for all else."""
    if raw is None or isinstance(raw, Decimal):
        return None if raw is None else _exact(raw, what)
    written = bytes(raw).decode("utf-8", "replace")
    if written in ("", "null", '""'):
        return None
    if written.startswith('"'):
        written = _text(raw, what).replace(",", "").strip()
        if not written:
            return None
    return _exact(written, what)


def _text(raw: msgspec.Raw, what: str) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ApiError(f"{what} in the reply is not readable", broker=BROKER) from error


def _exact(value: str | Decimal, what: str) -> Decimal:
    try:
        return decimal_of(value)
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error


def needed(raw: msgspec.Raw | Decimal | None, *, what: str) -> Decimal:
    """`number`, for what must be there."""
    found = number(raw, what=what)
    if found is None:
        raise ApiError(f"the reply lacks {what}", broker=BROKER)
    return found


def amount(text: str | None, *, what: str) -> tuple[Decimal, str | None] | None:
    """The number and the currency at the beginning of formatted text (`1,977.60 USD (10 Shares)`); None when there is none."""
    if not text or (found := _AMOUNT.match(text.strip())) is None:
        return None
    return _exact(found[1].replace(",", ""), what), found[2]


def moment(ms: int | None) -> datetime | None:
    """A UTC time from milliseconds; None when there is none, or one that no calendar has."""
    return from_epoch(ms=ms) if ms is not None and 0 < ms < _MS_MAX else None


def venue_id(value: int | str | None) -> str | None:
    """An id of digits, whichever way it was written; None when there is none.  Raises `ApiError` for anything else."""
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not _IDS.fullmatch(text):
        raise ApiError("an id in the reply is not a number", broker=BROKER)
    return text


def number_in(ref: OrderRef) -> str | None:
    """The venue's number of an order, where the desk knows it: other ids are stand-ins of our own."""
    return ref.order_id if ref.order_id is not None and _IDS.fullmatch(ref.order_id) else None


def conid_of(value: int | str | None) -> int | None:
    """A contract's number; None when there is none."""
    text = venue_id(value)
    return None if text is None else int(text)


def word(value: str | None) -> str:
    """A venue word that is kept for people: bounded."""
    return (value or "")[:_WORD_MAX]
