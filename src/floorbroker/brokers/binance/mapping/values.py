"""Numbers, times and ids between Binance's spelling and ours."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.domain.errors import ApiError, Outcome
from floorbroker.domain.values import ExecId, NotExact, OrderId, Price, Quantity, decimal_of, from_epoch, text_of

BROKER = "BINANCE"
_WORD_MAX = 64
_MS_MAX = 253_402_300_799_000  # the end of the year 9999


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


def positive(value: Decimal | None, *, what: str = "a number") -> Decimal | None:
    """`number`, where a zero is the venue's way to write that there is none."""
    checked = number(value, what=what)
    return checked if checked is not None and checked > 0 else None


def price_of(value: Decimal | None) -> Price | None:
    """A price that is one."""
    found = positive(value, what="a price")
    return None if found is None else Price(found)


def quantity_of(value: Decimal | None) -> Quantity | None:
    """A quantity, zero included."""
    found = number(value, what="a quantity")
    return None if found is None else Quantity(found)


def moment(ms: int | None) -> datetime | None:
    """An epoch time in milliseconds as UTC; None for the venue's -1 and for what is no time at all."""
    return from_epoch(ms=ms) if ms is not None and 0 < ms <= _MS_MAX else None


def moment_needed(ms: int | None) -> datetime:
    """`moment`, for what must be there."""
    found = moment(ms)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def millis(at: datetime) -> int:
    """Epoch milliseconds, as the venue writes times."""
    return int(at.timestamp() * 1000)


def text(value: Decimal | None) -> str | None:
    """A number as it is sent: plain text."""
    return None if value is None else text_of(value)


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]


# -- ids ----------------------------------------------------------------------------------------------------------------
# The venue counts orders and trades within a symbol, so an id alone names several: here the symbol is part of it.


def order_id_of(wire_symbol: str, number_: int) -> OrderId:
    """`BTCUSDT:28`."""
    return OrderId(f"{wire_symbol}:{number_}")


def exec_id_of(wire_symbol: str, trade_id: int) -> ExecId:
    """`BTCUSDT:56`."""
    return ExecId(f"{wire_symbol}:{trade_id}")


def venue_number(order_id: str) -> str:
    """The venue's own number behind one of our order ids.  Raises `ApiError` for what is no such id."""
    digits = order_id.rpartition(":")[2]
    if not digits.isascii() or not digits.isdecimal():
        raise ApiError("an order id of another venue", broker=BROKER, outcome=Outcome.NOT_SENT)
    return digits
