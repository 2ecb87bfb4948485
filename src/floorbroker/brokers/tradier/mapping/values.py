"""Numbers, times and symbols between Tradier's spelling and ours."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from floorbroker.domain.errors import ApiError
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import NotExact, OrderId, decimal_of, from_epoch

BROKER = "TRADIER"
NEW_YORK = ZoneInfo("America/New_York")
CONTRACT = Decimal(100)  # shares a listed option is about, where nobody says otherwise
_WORD_MAX = 64
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
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


def lenient_moment(value: str | None) -> datetime | None:
    """An ISO time in UTC; unreadable ones count as none, since these times only inform and must not hide an order."""
    if not value:
        return None
    try:
        found = msgspec.convert(value, type=datetime)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None


def from_ms(value: int | str | None) -> datetime | None:
    """Epoch milliseconds, as a number or as text.  Raises `ApiError` for anything else; zero and nothing are None."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else -1
    if not value:
        return None
    if not 0 < value <= _EPOCH_MS_MAX:
        raise ApiError("a time in the reply is not readable", broker=BROKER)
    return from_epoch(ms=value)


def from_seconds(value: int) -> datetime:
    """Epoch seconds.  Raises `ApiError`."""
    found = from_ms(value * 1000)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def day_of(text: str) -> date:
    """`2026-03-02`.  Raises `ApiError`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ApiError("a day in the reply is not readable", broker=BROKER) from error


def at_new_york(day: date, clock: str) -> datetime:
    """`09:30` of a day in New York, in UTC.  Raises `ApiError`."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ApiError("a time of day in the reply is not readable", broker=BROKER)
    return datetime.combine(day, time(int(found[1]), int(found[2])), tzinfo=NEW_YORK).astimezone(UTC)


def order_id_of(value: int | str) -> OrderId:
    """Order ids are whole numbers.  Raises `ApiError` for what cannot stand in a path."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ApiError("an order in the reply has an id that is no number", broker=BROKER)
    return OrderId(text)


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]


# -- symbols ------------------------------------------------------------------------------------------------------------


def to_wire_symbol(symbol: str) -> str:
    """`AAPL  260320C00150000` is `AAPL260320C00150000` there, `BRK.B` is `BRK/B`."""
    contract = OptionContract.parse(symbol)
    return symbol.replace(".", "/") if contract is None else contract.symbol.replace(" ", "")


def from_wire_symbol(symbol: str | None) -> str:
    """Our spelling of a share or an option."""
    if not symbol:
        return ""
    contract = OptionContract.parse(symbol)
    return symbol.replace("/", ".") if contract is None else contract.symbol


def underlying_of(symbol: str) -> str:
    """The root of an option, in the venue's spelling; a share's own."""
    contract = OptionContract.parse(symbol)
    return to_wire_symbol(symbol) if contract is None else contract.root
