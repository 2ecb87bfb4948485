"""A signal's body as members: a JSON object, or text of `name=value`, whatever the content type says of it.

TradingView sends an alert's message as it was typed, as JSON when it is JSON, else as plain text.  Numbers keep the digits they
were written with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import cast

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen

BODY_MAX = 32 * 1024
MEMBERS_MAX = 200
DEPTH_MAX = 8
ID_MAX = 128
_PAIR = re.compile(r"""([A-Za-z_][A-Za-z0-9_.]{0,63})\s*[=:]\s*("[^"\n]*"|[^\s,;"]+)[\s,;]*""")
_EXAMPLE = (
    'send a JSON object, {"secret": "...", "symbol": "AAPL", "side": "buy", "quantity": "1"}, or name=value pairs'
)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")


@frozen
class Alert:
    """`members` by their way (`order.side`), without `secret` and `id`.  `id` is the sender's name for it, empty without one."""

    members: Mapping[str, str]
    secret: str = ""
    id: str = ""

    def __repr__(self) -> str:
        return f"<alert of {', '.join(self.members)}>"


def read_alert(body: bytes) -> Alert:
    """Raises `InvalidRequest`, which repeats nothing of the body."""
    if len(body) > BODY_MAX:
        raise _wrong(f"the body is larger than {BODY_MAX // 1024} KiB")
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise _wrong(f"the body is not UTF-8 (byte {error.start})") from None
    members = _of_json(text) if text.startswith("{") else _of_text(text)
    secret, id_ = members.pop("secret", ""), members.pop("id", "")
    if id_ and not _PRINTABLE.fullmatch(id_):
        raise _wrong(f"an alert's id has 1 to {ID_MAX} printable characters without spaces", pointer="/id")
    return Alert(members=members, secret=secret, id=id_)


def _of_json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=_refused, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise _wrong(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise _wrong("the body is not JSON that can be read here") from None
    members: dict[str, str] = {}
    _flatten(cast("dict[str, object]", found), "", members, DEPTH_MAX)
    return members


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _twice()
    return members


def _twice() -> InvalidRequest:
    """Of two quantities nobody knows which is meant."""
    return _wrong("the body names a member twice")


def _refused(word: str) -> object:
    raise ValueError(word)


def _flatten(found: Mapping[str, object], way: str, into: dict[str, str], depth: int) -> None:
    for name, value in found.items():
        if f"{way}{name}" in into:
            raise _twice()
        if isinstance(value, dict):
            if depth == 0:
                raise _wrong(f"the body is nested deeper than {DEPTH_MAX} levels")
            _flatten(cast("dict[str, object]", value), f"{way}{name}.", into, depth - 1)
        elif isinstance(value, str | bool):
            into[f"{way}{name}"] = value if isinstance(value, str) else str(value).lower()
        if len(into) > MEMBERS_MAX:
            raise _wrong(f"the body has more than {MEMBERS_MAX} members")


def _of_text(text: str) -> dict[str, str]:
    members: dict[str, str] = {}
    place = 0
    while place < len(text):
        pair = _PAIR.match(text, place)
        if pair is None or len(members) >= MEMBERS_MAX:
            raise _wrong(f"the body cannot be read at character {place + 1}: {_EXAMPLE}")
        if pair[1] in members:
            raise _twice()
        members[pair[1]] = pair[2].strip('"')
        place = pair.end()
    if not members:
        raise _wrong(f"the body is empty: {_EXAMPLE}")
    return members


def _wrong(detail: str, *, pointer: str = "") -> InvalidRequest:
    fields = (FieldError(pointer=pointer, code="not_valid", detail=detail),)
    return InvalidRequest(detail, fields=fields)
