"""Query parameters as the venue takes them: any case of booleans, comma-separated lists, times or dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca.errors import bad_parameter, malformed
from floorbroker_sim.http import Request

T = TypeVar("T")
Query = Mapping[str, str]
_YEARS = (1900, 2200)


def flag(query: Query, name: str, *, default: bool = False) -> bool:
    """`true`, `True`, `TRUE`, `1`; Python clients send the capitalised form."""
    value = query.get(name, "").lower()
    if value in {"", "true", "false", "1", "0", "t", "f"}:
        return default if not value else value in {"true", "1", "t"}
    raise bad_parameter(f"invalid {name}: {query[name]}")


def names(query: Query, name: str) -> list[str]:
    """A comma-separated list; empty when absent."""
    return [part.strip() for part in query.get(name, "").split(",") if part.strip()]


def number(query: Query, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number within bounds."""
    value = query.get(name)
    if value is None or value == "":
        return default
    if not value.isascii() or not value.lstrip("-").isdigit() or len(value) > 9:
        raise bad_parameter(f"invalid {name}: {value}")
    parsed = int(value)
    if parsed > high:
        raise bad_parameter(f"invalid {name}: larger than the allowed maximum of {high}")
    if parsed < low:
        raise bad_parameter(f"invalid {name}: smaller than the allowed minimum of {low}")
    return parsed


def choice(query: Query, name: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = query.get(name) or default
    if value not in allowed:
        raise bad_parameter(f"invalid {name}: {value}")
    return value


def moment(query: Query, name: str) -> datetime | None:
    """RFC 3339 to any fraction, or a date (its midnight in New York)."""
    value = query.get(name)
    if not value:
        return None
    try:
        if len(value) == 10:
            at = datetime.combine(date.fromisoformat(value), datetime.min.time(), NEW_YORK)
        else:
            at = datetime.fromisoformat(_six_digits(value.replace(" ", "+")))
        _within_reach(at.year)
    except ValueError as error:
        raise bad_parameter(f"invalid {name}: {value}") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _within_reach(year: int) -> None:
    """A year that has a day before and after each of its days, in every zone."""
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError("a year out of reach")


def _six_digits(value: str) -> str:
    """Nanoseconds cut to microseconds."""
    head, dot, tail = value.partition(".")
    if not dot:
        return value
    digits = "".join(c for c in tail[:9] if c.isdigit())
    zone = tail[len(tail) - len(tail.lstrip("0123456789")) :]
    return f"{head}.{digits[:6].ljust(6, '0')}{zone}"


def day(query: Query, name: str) -> date | None:
    value = query.get(name)
    if not value:
        return None
    try:
        found = date.fromisoformat(value[:10])
        _within_reach(found.year)
        return found
    except ValueError as error:
        raise bad_parameter(f"invalid {name}: {value}") from error


def amount(query: Query, name: str) -> Decimal | None:
    value = query.get(name)
    if not value:
        return None
    try:
        parsed = Decimal(value)
    except InvalidOperation as error:
        raise bad_parameter(f"invalid {name}: {value}") from error
    if not parsed.is_finite() or abs(parsed.adjusted()) > 15:
        raise bad_parameter(f"invalid {name}: {value}")
    return parsed


def body(request: Request, kind: type[T]) -> T:
    """The JSON body as a wire struct."""
    try:
        return msgspec.json.decode(request.body, type=kind, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(str(error)) from error
