"""Requests as the venue takes them: lists with commas, booleans in any case, numbers as text, times in two forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from floorbroker_sim.oanda.errors import Refused, invalid
from floorbroker_sim.oanda.mapping import time_of

_DECIMAL = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)
_BODY = msgspec.json.Decoder(float_hook=Decimal)

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a handler.  `base` is the address it came to, for absolute URLs."""

    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    request_id: str = ""
    base: str = ""

    def fields(self, *, optional: bool = False) -> Fields:
        """The members of a JSON body; none of an empty one that is `optional`.  Raises `Refused` 400."""
        if optional and not self.body.strip():
            return {}
        try:
            found: Any = _BODY.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
            raise Refused(400, "Invalid JSON, ParseErrorCode: 3, Message: Invalid value.") from error
        if not isinstance(found, dict):
            raise Refused(400, "Invalid JSON, an object is expected")
        return cast("Fields", found)

    def text(self, name: str) -> str | None:
        return self.query.get(name, "").strip() or None

    def needed(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise Refused(400, f"Missing required parameter '{name}'")
        return value

    def names(self, name: str) -> list[str]:
        """A comma-separated list; empty when absent."""
        return [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]

    def flag(self, name: str, *, default: bool) -> bool:
        value = (self.text(name) or str(default)).lower()
        if value not in {"true", "false"}:
            raise invalid(name)
        return value == "true"

    def number(self, name: str, *, default: int, low: int = 1, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < low:
            raise invalid(name)
        if int(value) > high:
            raise Refused(400, f"Maximum value for '{name}' exceeded")
        return int(value)

    def transaction(self, name: str) -> int | None:
        """The id of a transaction as a number."""
        value = self.text(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            raise invalid(name)
        return int(value)

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        found = None if value is None else time_of(value)
        if value is not None and found is None:
            raise invalid(name)
        return found

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str) -> str:
        value = self.text(name) or default
        if value not in allowed:
            raise invalid(name)
        return value


def object_in(fields: Fields, name: str, *, at: str = "") -> Fields | None:
    """An object, or None when absent or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise invalid(at + name)
    return cast("Fields | None", value)


def text_in(fields: Fields, name: str, *, at: str = "") -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(at + name)
    return value


def decimal_in(fields: Fields, name: str, *, at: str = "") -> Decimal | None:
    """A number, as text or plain, of a sensible size."""
    value = fields.get(name)
    if value is None:
        return None
    text = str(value)  # of a decimal without its size written out: it may be any
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or not _DECIMAL.fullmatch(text):
        raise invalid(at + name)
    return Decimal(text)


def flag_in(fields: Fields, name: str, *, at: str = "") -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(at + name)
    return value


def moment_in(fields: Fields, name: str, *, at: str = "") -> datetime | None:
    text = text_in(fields, name, at=at)
    found = None if text is None else time_of(text)
    if text is not None and found is None:
        raise invalid(at + name)
    return found
