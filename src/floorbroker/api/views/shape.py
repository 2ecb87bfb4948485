"""What the door shows: each struct is one JSON shape, made from domain values by a pure function.

Quantities, prices and money are text; times are RFC 3339 in UTC to the microsecond; words are lower case.  Clients ignore
members they do not know, so members may be added.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, cast

import msgspec

from floorbroker.domain.values import text_of, time_text


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON shape of this door."""


def text(value: Decimal | None) -> str | None:
    """A number as plain text."""
    return None if value is None else text_of(value)


def when(moment: datetime | None) -> str | None:
    """A time as text."""
    return None if moment is None else time_text(moment)


def word(value: Enum | None) -> str | None:
    """The word an enum stands for."""
    return None if value is None else str(value.value)


def plain(value: object) -> Any:
    """A domain value as JSON: numbers as text, times in UTC, records as objects."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return text_of(value)
        case datetime():
            return time_text(value)
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [plain(item) for item in cast("tuple[object, ...]", value)]
        case _ if is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        case _:
            return str(value)
