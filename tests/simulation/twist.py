"""What becomes of a venue's answer or frame that is not what its document says."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, cast

import msgspec

HUGE = b'{"id":"' + b"9" * 262_144 + b'"}'
DEEP = b"[" * 20_000
WORD = b"quantum"  # stands in no table
NO_WORDS = re.compile(rb"(?!)")  # where nobody says which members are words


def twisted(what: str, body: bytes, words: re.Pattern[bytes]) -> bytes:
    """The body after `what` befell it; `words` finds the members (their names, as group 1) whose words may become strange."""
    match what:
        case "garble":
            return body[: len(body) // 2]
        case "odd_types":
            return _odd(body)
        case "huge":
            return HUGE
        case "deep":
            return DEEP
        case "not_text":
            return body.replace(b':"', b':"\xff\xfe', 1) if b':"' in body else b"\xff\xfe" + body
        case "strange":
            return words.sub(rb'"\1":"' + WORD + b'"', body)
        case _:
            raise ValueError(f"no twist {what!r}")


@cache
def _odd(body: bytes) -> bytes:
    """Every text is a list of itself; what is no JSON stays."""
    try:
        return msgspec.json.encode(_in_lists(msgspec.json.decode(body)))
    except msgspec.DecodeError:
        return body


def _in_lists(value: object) -> object:
    if isinstance(value, dict):
        return {name: _in_lists(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_in_lists(one) for one in cast("list[Any]", value)]
    return [value] if isinstance(value, str) else value
