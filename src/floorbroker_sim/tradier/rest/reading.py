"""Parameters as the venue takes them: query and form are one set, booleans in any case, names with an index in brackets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.http import Request, parsed_query
from floorbroker_sim.tradier.errors import Refused

Params = Mapping[str, str]
T = TypeVar("T")
_YEARS = (1998, 2200)
_MAX_DIGITS = 15


def params_of(request: Request) -> Params:
    """Query and form together; the form wins.  Raises `Refused` for a body that is no text."""
    if not request.body:
        return request.query
    try:
        form = parsed_query(request.body.decode())
    except UnicodeDecodeError as error:
        raise Refused(400, "the body is not a form") from error
    return {**request.query, **form}


def needed(params: Params, name: str) -> str:
    value = params.get(name, "").strip()
    if not value:
        raise Refused(400, f"{name} is required")
    return value


def flag(params: Params, name: str, *, default: bool = False) -> bool:
    """`true`, `True`, `1`; anything that is no boolean is refused."""
    value = params.get(name, "").strip().lower()
    if value not in {"", "true", "false", "1", "0"}:
        raise Refused(400, f"{name} is invalid: {value}")
    return default if not value else value in {"true", "1"}


def names(params: Params, name: str) -> list[str]:
    """A comma-separated list; empty when absent."""
    return [part.strip() for part in params.get(name, "").split(",") if part.strip()]


def number(params: Params, name: str, *, default: int, low: int = 1, high: int = 10_000) -> int:
    value = params.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 9 or not low <= int(value) <= high:
        raise Refused(400, f"{name} is invalid: {value}")
    return int(value)


def choice(params: Params, name: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = params.get(name, "").strip().lower() or default
    if value not in allowed:
        raise Refused(400, f"{name} is invalid: {value}")
    return value


def amount(params: Params, name: str) -> Decimal | None:
    """A positive number of a sensible size; None when absent."""
    value = params.get(name, "").strip()
    if not value:
        return None
    try:
        parsed = Decimal(value)
    except InvalidOperation as error:
        raise Refused(400, f"{name} is invalid: {value}") from error
    if not parsed.is_finite() or parsed < 0 or abs(parsed.adjusted()) > _MAX_DIGITS:
        raise Refused(400, f"{name} is invalid: {value}")
    return parsed or None


def day(params: Params, name: str) -> date | None:
    """`YYYY-MM-DD`; a time behind it is ignored."""
    value = params.get(name, "").strip()
    if not value:
        return None
    try:
        return _within(date.fromisoformat(value[:10]))
    except ValueError as error:
        raise Refused(400, f"{name} is invalid: {value}") from error


def moment(params: Params, name: str) -> datetime | None:
    """`YYYY-MM-DD HH:MM` in New York, or a date (its midnight); UTC."""
    value = params.get(name, "").strip()
    if not value:
        return None
    try:
        local = datetime.fromisoformat(value)
        _within(local.date())
    except ValueError as error:
        raise Refused(400, f"{name} is invalid: {value}") from error
    return (local if local.tzinfo else local.replace(tzinfo=NEW_YORK)).astimezone(UTC)


def _within(found: date) -> date:
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise ValueError("a year out of reach")
    return found


def paged(params: Params, items: list[T], *, limit: int) -> list[T]:
    """One page; the first is 1."""
    size = number(params, "limit", default=limit, high=1000)
    page = number(params, "page", default=1)
    return items[(page - 1) * size : page * size]
