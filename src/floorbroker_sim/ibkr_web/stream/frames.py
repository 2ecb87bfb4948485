"""Texts that clients send over the socket: `topic+target+{options}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import msgspec

_SHORT = 3  # topics have three letters


class Text(NamedTuple):
    """A text in its parts: `smd+265598+{"fields":["31"]}` is `smd`, `["265598"]` and the options."""

    topic: str
    targets: list[str]
    options: Mapping[str, Any]


def read(text: str) -> Text | None:
    """None for a text that is none of the gateway's."""
    head, brace, tail = text.strip().partition("{")
    parts = head.split("+")
    if len(parts[0]) != _SHORT or not parts[0].isascii():
        return None
    options: object = {}
    if brace:
        try:
            options = msgspec.json.decode(brace + tail)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    if not isinstance(options, dict):
        return None
    return Text(parts[0], [part for part in parts[1:] if part], cast("dict[str, Any]", options))


def words(options: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts among the options; numbers count as text."""
    found = options.get(name)
    if not isinstance(found, list):
        return []
    return [str(one) for one in cast("list[object]", found) if isinstance(one, str | int)]


def is_true(options: Mapping[str, Any], *names: str) -> bool:
    """A flag under any of its spellings: documents write camelCase, clients snake_case as well."""
    return any(options.get(name) is True for name in names)


def text_in(options: Mapping[str, Any], default: str, *names: str) -> str:
    for name in names:
        value = options.get(name)
        if isinstance(value, str) and value:
            return value
    return default


def whole_in(options: Mapping[str, Any], name: str, *, default: int, low: int, high: int) -> int:
    value = options.get(name)
    return min(max(value, low), high) if isinstance(value, int) and not isinstance(value, bool) else default
