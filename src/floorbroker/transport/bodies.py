"""What the audit shows of a body: the values of fields that a venue's list allows, and `"…"` for every other.

A field is allowed by its name, at any depth, in JSON and in forms.  What is neither is shown by its size alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec

HIDDEN = '"…"'
_HIDDEN = msgspec.Raw(HIDDEN.encode())
PARSED_MAX = 256 * 1024  # longer bodies are not looked into
_DEPTH_MAX = 8
_NESTED = (b"{", b"[")
_PLAIN = re.compile(r"[A-Za-z0-9_.@:/-]{1,64}")  # a name that is no text of somebody else
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFields:
    """The list of one venue.  `elsewhere` has its own lists for some endpoints, instead of `allowed`."""

    allowed: frozenset[str] = frozenset()
    elsewhere: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def shown(self, body: bytes, *, endpoint: str, longest: int) -> str:
        """A body as text of about `longest` characters at most; what is left out at the end is `…`."""
        if not body:
            return ""
        if len(body) > PARSED_MAX:
            return f"… ({len(body)} bytes)"
        allowed = self.elsewhere.get(endpoint, self.allowed)
        try:
            if body.count(b"{") == 1 and b"[" not in body and body.startswith(b"{"):
                return _flat(body, allowed)
            return _value(body, allowed, longest, 0)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _form(body, allowed)


NO_FIELDS = BodyFields()


def _flat(body: bytes, allowed: frozenset[str]) -> str:
    """An object without any other inside, which orders are: the values pass as they stand, without a step for each."""
    members = _MEMBERS.decode(body)
    for name in members.keys() - allowed:
        if _is_plain(name):
            members[name] = _HIDDEN
        else:
            del members[name]
            members["…"] = _HIDDEN
    return _TEXT.encode(members).decode()


def _value(raw: bytes, allowed: frozenset[str], longest: int, depth: int) -> str:
    text = raw.strip() if depth == 0 else raw
    if depth > _DEPTH_MAX:
        return HIDDEN
    if text[:1] == b"{":
        return _object(text, allowed, longest, depth)
    if text[:1] == b"[":
        return _array(text, allowed, longest, depth)
    if depth == 0:
        msgspec.json.decode(text)  # a bare value at the top belongs to no field
        return HIDDEN
    return str(text, "utf-8")


def _object(raw: bytes, allowed: frozenset[str], longest: int, depth: int) -> str:
    parts: list[str] = []
    for name, value in _MEMBERS.decode(raw).items():
        if name in allowed:
            inside = bytes(value)
            shown = (
                _value(inside, allowed, longest, depth + 1)
                if depth >= _DEPTH_MAX or inside[:1] in _NESTED
                else inside.decode()
            )
            parts.append(f'"{name}":{shown}')
        else:
            parts.append(_unlisted(name))
    return "{" + ",".join(parts) + "}"


def _array(raw: bytes, allowed: frozenset[str], longest: int, depth: int) -> str:
    parts: list[str] = []
    size = 0
    for item in _ITEMS.decode(raw):
        if size > longest:
            parts.append(HIDDEN)
            break
        parts.append(_value(bytes(item), allowed, longest, depth + 1))
        size += len(parts[-1])
    return "[" + ",".join(parts) + "]"


def _unlisted(name: str) -> str:
    return f'"{name}":"…"' if _is_plain(name) else '"…":"…"'


@lru_cache(maxsize=1024)
def _is_plain(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None


def _form(body: bytes, allowed: frozenset[str]) -> str:
    """`a=1&b=…`; anything that is no form either is a size."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=200)
    except ValueError:  # a decoding error is one too
        return f"… ({len(body)} bytes)"
    shown = [f"{name}={value}" if name in allowed else f"{name if _is_plain(name) else '…'}=…" for name, value in pairs]
    return "&".join(shown)
