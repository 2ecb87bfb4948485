"""The members of `OrderSchema`: each type reads outside text and says what would have been right.

Every reader raises `ValueError` with one sentence for people.  The JSON schema beside each reader accepts at least what
the reader accepts, so that the published schema never forbids a good order.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from floorbroker.domain.instrument import INDIAN_OPTION, OptionContract
from floorbroker.domain.values import (
    NotExact,
    OrderClass,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
    decimal_of,
    text_of,
    time_text,
)

SYMBOL_LENGTH_MAX = 34
SHARE = r"[A-Z][A-Z0-9]{0,9}(?:\.[A-Z]{1,4})?"
INDIAN = r"[A-Z0-9][A-Z0-9&-]{0,19}\.(?:NSE|BSE)"
PAIR = r"[A-Z0-9]{1,12}/[A-Z0-9]{2,10}(?::[A-Z0-9]{2,10})?"  # with what it is settled in, a perpetual
OPTION = r"[A-Z][A-Z0-9]{0,5} {0,5}[0-9]{6}[CP][0-9]{8}"
SYMBOL = re.compile(rf"(?:{SHARE}|{INDIAN}|{INDIAN_OPTION}|{PAIR})")
OCC = re.compile(OPTION)

# Signs that nobody sees, and that turn a text around: they have no place in a name or a reason.
HIDDEN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

NUMBER = r"^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
SIGNED = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
YEARS = (1970, 2200)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,6}\d*)?(?:[Zz]|[+-]\d{2}:\d{2})")


def exact(raw: object) -> Decimal:
    """A decimal from text, a whole number or a Decimal; floats, NaN and giants are refused."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        told = 'write the number as text, like "10.5": other kinds of number lose digits'
        raise ValueError(told)  # noqa: TRY004 - pydantic gathers ValueErrors, and lets a TypeError through
    try:
        return decimal_of(raw)
    except NotExact as error:
        raise ValueError(f'{error}; write it plainly as text, like "10.5"') from error


def positive(raw: object) -> Decimal:
    """An exact decimal above zero."""
    value = exact(raw)
    if value <= 0:
        raise ValueError('write a number above zero, like "10.5"')
    return value


def signed(raw: object) -> Decimal:
    """An exact decimal that is not zero."""
    value = exact(raw)
    if value == 0:
        raise ValueError('write a number other than zero, like "1.25"')
    return value


def symbol_of(raw: object) -> str:
    """A symbol in our inside spelling; options come back in the padded OCC form."""
    text = raw if isinstance(raw, str) else ""
    if SYMBOL.fullmatch(text):
        return text
    contract = OptionContract.parse(text) if OCC.fullmatch(text) else None
    if contract is None or contract.strike == 0:
        raise ValueError(
            'write a symbol in capitals, like "AAPL", "BRK.B", "BTC/USD", "BTC/USDT:USDT", "RELIANCE.NSE",'
            ' "NIFTY260310C25000.NFO" or "AAPL260320P00150000"'
        )
    return contract.symbol


def plain_text(raw: object) -> object:
    """Text without control characters, broken halves of characters, or signs that turn text around."""
    if isinstance(raw, str) and any(unicodedata.category(c) in HIDDEN or c in TURNING for c in raw):
        raise ValueError("write plain text on one line, without control characters")
    return raw


def moment(raw: object) -> datetime:
    """A time with its offset (RFC 3339), as UTC; years 1970 to 2200, so that arithmetic on it cannot overflow."""
    if isinstance(raw, str) and MOMENT.fullmatch(raw):
        try:
            raw = datetime.fromisoformat(raw.upper())
        except ValueError as error:
            raise ValueError('write a real time in UTC, like "2026-11-20T21:00:00Z"') from error
    if not isinstance(raw, datetime) or raw.tzinfo is None or not YEARS[0] <= raw.year <= YEARS[1]:
        raise ValueError('write the time in UTC, like "2026-11-20T21:00:00Z"')
    return raw.astimezone(UTC)


def _number(pattern: str, **bounds: int) -> WithJsonSchema:
    """How an exact number is published: as text, or as a whole number."""
    forms = [{"type": "string", "pattern": pattern, "maxLength": 76}, {"type": "integer", **bounds}]
    return WithJsonSchema({"anyOf": forms, "description": "An exact number, best written as text."})


Positive = Annotated[Decimal, BeforeValidator(positive), _number(NUMBER, minimum=1)]
Signed = Annotated[Decimal, BeforeValidator(signed), _number(SIGNED)]
Symbol = Annotated[
    str,
    BeforeValidator(symbol_of),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": SYMBOL_LENGTH_MAX,
            "pattern": f"^({SHARE}|{INDIAN}|{INDIAN_OPTION}|{PAIR}|{OPTION})$".replace("(?:", "("),
            "examples": [
                "AAPL",
                "BRK.B",
                "BTC/USD",
                "BTC/USDT:USDT",
                "AAPL260320P00150000",
                "RELIANCE.NSE",
                "NIFTY260310C25000.NFO",
            ],
        }
    ),
]
Moment = Annotated[datetime, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Label = Annotated[str, StringConstraints(max_length=64), BeforeValidator(plain_text)]
Reason = Annotated[str, StringConstraints(max_length=500), BeforeValidator(plain_text)]
ProfileWord = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
BrokerWord = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,31}$")]
# Strict mode wants members of the enum; outside text has their values, and only their values.
SideWord = Annotated[Side, Field(strict=False)]
TypeWord = Annotated[OrderType, Field(strict=False)]
TifWord = Annotated[TimeInForce, Field(strict=False)]
ClassWord = Annotated[OrderClass, Field(strict=False)]
IntentWord = Annotated[PositionIntent, Field(strict=False)]


def canonical(value: object) -> object:
    """A member as text for a digest: equal wishes give equal text, however their numbers were written."""
    match value:
        case str():
            return value
        case Decimal():
            return text_of(value)
        case datetime():
            return time_text(value)
        case dict():
            return {name: canonical(member) for name, member in cast("dict[str, Any]", value).items()}
        case list():
            return [canonical(member) for member in cast("list[Any]", value)]
        case Side() | OrderType() | TimeInForce() | OrderClass() | PositionIntent():
            return value.value
        case _:
            return value
