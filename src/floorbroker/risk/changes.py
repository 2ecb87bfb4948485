"""One limit changed while the desk runs: what the new value is, whether it loosens, and how it is written down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TypeVar, cast

from pydantic import ValidationError

from floorbroker.domain.errors import ConfigInvalid, FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import MAX_DIGITS
from floorbroker.risk.limits import SharedLimits, typed_value

TOPIC = "limit"
OFF = "off"
NONE = "null"  # a limit that is switched off, as a note keeps it
AT_A_START = frozenset({"intent_age_max_s"})  # the wire's own gate reads it once
_LESS_IS_LOOSER = frozenset({"buying_power_buffer_pct", "duplicate_window_s"})
_RANKS = {"trade_hours": ("core", "extended", "any"), "self_match": ("refuse", "cancel_resting", "off")}
_MORE_IS_STRICTER = frozenset({"deny_symbols", "blackouts"})
L = TypeVar("L", bound=SharedLimits)


@frozen
class LimitChange:
    """One change: `version` counts the changes of a desk; values as JSON, null for a limit that is switched off."""

    version: int
    scope: str
    name: str
    old: str
    new: str
    by: str
    reason: str

    def words(self) -> dict[str, str]:
        """What a note keeps."""
        return {
            "version": str(self.version),
            "scope": self.scope,
            "name": self.name,
            "old": self.old,
            "new": self.new,
            "by": self.by,
            "reason": self.reason,
        }


def change_in(words: Mapping[str, str]) -> LimitChange:
    """The change that a note keeps.  Raises `KeyError` or `ValueError` for one that is none."""
    texts = {name: words[name] for name in ("scope", "name", "old", "new", "by", "reason")}
    return LimitChange(version=int(words["version"]), **texts)


def changed(limits: L, name: str, raw: object) -> L:
    """The limits with one of them set from outside: text, number, list, or null and `off` for none.

    Raises `InvalidRequest` naming the limit, what is wrong with the value, or which limits there are.
    """
    if name not in type(limits).model_fields:
        raise _wrong(
            "/name", "not_one_of", f"no limit {name!r} here; there are: {', '.join(type(limits).model_fields)}"
        )
    if name in AT_A_START:
        raise _wrong("/name", "not_settable", f"{name} is read at a start: set it in floorbroker.toml")
    told = ""
    for value in _readings(raw):
        try:
            return type(limits).model_validate({**_stated(limits), name: typed_value(name, value)})
        except ValidationError as error:
            told = told or error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        except ConfigInvalid as error:
            told = told or error.detail
    raise _wrong("/value", "not_valid", f"{name}: {told}")


def _stated(limits: SharedLimits) -> dict[str, object]:
    """Those that somebody wrote down: the rest stay defaults, and are told as such."""
    return {name: getattr(limits, name) for name in limits.model_fields_set}


def _readings(raw: object) -> Iterator[object]:
    """What a value from outside may mean, the likeliest first: a command line has nothing but text."""
    if raw is None or raw == OFF:
        yield None
    if isinstance(raw, str) and raw.isdigit() and raw.isascii() and len(raw) <= MAX_DIGITS:
        yield int(raw)
    if raw in ("true", "false"):
        yield raw == "true"
    yield raw
    if isinstance(raw, str):
        yield [word.strip() for word in raw.split(",") if word.strip()]


def text_of_limit(limits: SharedLimits, name: str) -> str:
    """One limit as JSON; sets in the order of their words."""
    value: object = limits.model_dump(mode="json", include={name})[name]
    return json.dumps(sorted(cast("list[str]", value)) if isinstance(value, list) else value)


def loosens(name: str, old: object, new: object) -> bool:
    """Whether a change lets more through than before; what cannot be compared counts as if it did."""
    if old == new:
        return False
    if old is None or new is None:
        return new is None
    if name in _RANKS:
        return _RANKS[name].index(str(new)) > _RANKS[name].index(str(old))
    if isinstance(new, frozenset | tuple) and isinstance(old, frozenset | tuple):
        was, will = frozenset(cast("tuple[object]", old)), frozenset(cast("tuple[object]", new))
        return not was <= will if name in _MORE_IS_STRICTER else not will <= was
    if isinstance(new, int | Decimal) and isinstance(old, int | Decimal) and name != "collar_window_s":
        return new < old if name in _LESS_IS_LOOSER else new > old
    return True


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code=code, detail=detail),))
