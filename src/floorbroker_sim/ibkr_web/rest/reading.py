"""Query parameters and bodies as the venue takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from floorbroker_sim.http import Request
from floorbroker_sim.ibkr_web.errors import bad_request, broken

T = TypeVar("T")
Query = Mapping[str, str]
_DIGITS_MAX = 18


def body(request: Request, kind: type[T]) -> T:
    """The JSON body as a wire struct.  Raises `Refused` (500: the venue calls bad content an error of its own)."""
    try:
        return msgspec.json.decode(request.body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(f"Unable to read the request: {error}") from error


def flag(query: Query, name: str) -> bool:
    """`true` in any case, or `1`; Python clients send `True`."""
    return query.get(name, "").lower() in {"true", "1"}


def names(query: Query, name: str) -> list[str]:
    """A comma-separated list; empty when absent."""
    return [part.strip() for part in query.get(name, "").split(",") if part.strip()]


def whole(text: str, name: str) -> int:
    """A whole number.  Raises `Refused` (400)."""
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > _DIGITS_MAX:
        raise bad_request(f"{name} is not a number")
    return int(text)
