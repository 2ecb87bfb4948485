"""Query parameters and bodies as the venue takes them; numbers are text, cursors are percent-encoded text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote, unquote

import msgspec

from floorbroker.domain.values import NotExact, decimal_of, from_epoch
from floorbroker_sim.bybit import errors, info
from floorbroker_sim.bybit.info import Product

T = TypeVar("T")
Query = Mapping[str, str]
_MAX_DIGITS = 14


def body(raw: bytes, kind: type[T]) -> T:
    """A JSON body.  Numbers and flags may come as text; amounts may not come as numbers."""
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.parameter(f"params error: {error}") from error


def category(query: Query) -> str:
    """Raises `Refused` for one that does not exist."""
    return known_category(query.get("category", ""))


def known_category(value: str) -> str:
    if value not in info.CATEGORIES:
        raise errors.parameter("params error: Illegal category")
    return value


def product(category: str, symbol: str) -> Product:
    """Raises `Refused` for what is not listed."""
    found = info.BY_NAME.get((known_category(category), symbol))
    if found is None:
        raise errors.symbol_invalid(category)
    return found


def amount(text: str | None, name: str) -> Decimal | None:
    """A number that is not negative; None for absent or empty text."""
    if text is None or text == "":
        return None
    try:
        value = decimal_of(text)
    except NotExact as error:
        raise errors.parameter(f"params error: {name} invalid") from error
    if value < 0:
        raise errors.parameter(f"params error: {name} invalid")
    return value


def whole(query: Query, name: str, *, default: int, most: int) -> int:
    """A number from one to `most`."""
    value = query.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > _MAX_DIGITS or not 1 <= int(value) <= most:
        raise errors.parameter(f"params error: {name} invalid")
    return int(value)


def moment(query: Query, name: str) -> datetime | None:
    """Milliseconds since 1970."""
    value = query.get(name, "")
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > _MAX_DIGITS:
        raise errors.parameter(f"params error: {name} invalid")
    return from_epoch(ms=int(value))


def page(found: Sequence[T], query: Query, *, default: int, most: int, key: Callable[[T], str]) -> tuple[list[T], str]:
    """One page in the order given, and the cursor of the next: percent-encoded text, empty on the last page."""
    limit = whole(query, "limit", default=default, most=most)
    start = 0
    cursor = query.get("cursor", "")
    if cursor:
        last = unquote(cursor).partition(":")[2]
        place = next((n for n, item in enumerate(found) if key(item) == last), None)
        if place is None:
            raise errors.parameter("params error: cursor invalid")
        start = place + 1
    items = list(found[start : start + limit])
    if not items or start + limit >= len(found):
        return items, ""
    return items, quote(f"after:{key(items[-1])}", safe="")
