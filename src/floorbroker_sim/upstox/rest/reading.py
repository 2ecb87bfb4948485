"""Bodies and parameters as the venue takes them; every refusal carries the venue's code and names the member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TypeVar

import msgspec

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Request, parsed_query
from floorbroker_sim.upstox.errors import Refused

T = TypeVar("T")
_PATH = re.compile(r"`\$\.?(.*)`\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_KEY = re.compile(r"[A-Z]{2,}_[A-Z]{2,}\|[\w &.-]{1,60}", re.ASCII)
_ID = re.compile(r"[-a-zA-Z0-9]+", re.ASCII)
_MAX_DIGITS = 12
MAX_UNITS = 10**9
_YEARS = (2000, 2200)


def body_of(request: Request, kind: type[T]) -> T:
    """The JSON body as a struct.  Raises `Refused` for anything else."""
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at ")
        found = _PATH.search(where)
        raise Refused("UDAPI100036", text=f"Invalid Input: {text}", path=found[1] if found else None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("UDAPI100038", text="Invalid input passed to the API: the body is not JSON") from error


def form_of(request: Request) -> Mapping[str, str]:
    """A form.  Raises `Refused` for a body that is no text."""
    try:
        return parsed_query(request.body.decode())
    except UnicodeDecodeError as error:
        raise Refused("UDAPI100036", text="Invalid Input: the body is not a form") from error


def amount(value: Decimal | None, path: str) -> Decimal:
    """A price of a sensible size; zero when absent.  Raises `Refused`."""
    if value is None:
        return ZERO
    if not value.is_finite() or value < 0 or abs(value.adjusted()) > _MAX_DIGITS:
        raise Refused("UDAPI100036", text=f"Invalid Input: {path} is out of range", path=path, value=str(value)[:40])
    return value


def units(value: int | None, path: str) -> int:
    """A quantity of a sensible size; zero when absent.  Raises `Refused`."""
    if value is None:
        return 0
    if not 0 <= value <= MAX_UNITS:
        raise Refused("UDAPI100036", text=f"Invalid Input: {path} is out of range", path=path, value=str(value)[:40])
    return value


def decimal_in(query: Mapping[str, str], name: str, *, missing: str) -> Decimal:
    """A number of the query.  `missing` is the code where it is absent."""
    text = query.get(name, "").strip()
    if not text:
        raise Refused(missing, path=name)
    if re.fullmatch(r"\d{1,12}(\.\d{1,8})?", text, re.ASCII) is None:
        raise Refused("UDAPI100036", text=f"Invalid Input: {name} is not a number", path=name, value=text)
    return Decimal(text)


def number_in(
    query: Mapping[str, str], name: str, *, low: int, high: int, code: str, default: int | None = None
) -> int:
    """A whole number of the query between two bounds.  `code` refuses any other."""
    text = query.get(name, "").strip()
    if not text and default is not None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise Refused(code, path=name, value=text)
    return int(text)


def day_of(text: str, *, code: str, path: str | None = None) -> date:
    """`YYYY-MM-DD`.  `code` refuses anything else."""
    found = _day(text)
    if found is None or not _YEARS[0] <= found.year <= _YEARS[1]:
        raise Refused(code, path=path, value=text)
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def is_key(text: str) -> bool:
    """Whether a text has the form of an instrument key."""
    return _KEY.fullmatch(text) is not None


def order_id_of(text: str | None, *, missing: str = "UDAPI1023") -> str:
    """An order's id.  Raises `Refused` where it is missing or has other characters than it may."""
    if not text:
        raise Refused(missing, path="order_id")
    if _ID.fullmatch(text) is None:
        raise Refused("UDAPI1010", path="order_id", value=text)
    return text


def names_in(query: Mapping[str, str], *names: str) -> list[str]:
    """A list with commas between, under the first of `names` that is there."""
    text = next((query[name] for name in names if query.get(name)), "")
    return [part.strip() for part in text.split(",") if part.strip()]
