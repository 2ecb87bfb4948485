"""A template: which member of an order comes from which member of a signal.

    {"symbol": "$symbol", "side": "$action", "type": "${type:-market}", "quantity": "$contracts", "limit_price": "$limit?"}

`$name` stands for a member (`$order.side` for one inside another), `${name:-text}` gives what holds without it, and a value that
is `$name?` alone leaves the order's member out when the signal has none.  `$$` is a dollar.  Exits are written
`take_profit.limit_price`, `stop_loss.stop_price`.  `words` turn a sender's words into ours: `{"long": "buy"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.hooks.alert import Alert
from floorbroker.oms.schema import OrderSchema, parse_order

DEFAULT: Mapping[str, str] = {
    "symbol": "$symbol",
    "side": "$side",
    "type": "${type:-market}",
    "quantity": "$quantity?",
    "notional": "$notional?",
    "limit_price": "$limit_price?",
    "stop_price": "$stop_price?",
    "time_in_force": "$time_in_force?",
}
FIXED = frozenset({"profile", "strategy", "route", "broker", "confirm", "legs"})  # the hook's own, or for people
EXITS = frozenset({"take_profit", "stop_loss"})
VALUE_MAX = 256
WORDS_MAX = 500
_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_PLACE = re.compile(
    rf"\$(?:(?P<dollar>\$)|(?P<name>{_NAME})|\{{(?P<braced>{_NAME})(?::-(?P<default>[^}}]*))?\}}|(?P<bad>))"
)
_OPTIONAL = re.compile(rf"\$(?P<name>{_NAME})\?")


def check_template(template: Mapping[str, str], words: Mapping[str, str]) -> None:
    """Raises `InvalidRequest` naming the first member that cannot be meant."""
    known = set(OrderSchema.model_fields)
    if not template:
        raise _wrong("/template", "a template names at least a symbol and a side")
    for member, value in template.items():
        pointer = f"/template/{member[:64]}"
        head, _, inner = member.partition(".")
        if head not in known or bool(inner) is not (head in EXITS):
            raise _wrong(pointer, f"an order has no member {member[:64]!r}")
        if member in FIXED:
            raise _wrong(pointer, f"{member} is the hook's own, and no signal may choose it")
        if len(value) > VALUE_MAX:
            raise _wrong(pointer, f"a value has at most {VALUE_MAX} characters")
        if not _OPTIONAL.fullmatch(value) and any(place["bad"] is not None for place in _PLACE.finditer(value)):
            raise _wrong(pointer, "a dollar begins $name, ${name:-text}, $name? or $$")
    if len(words) > WORDS_MAX or any(len(w) > VALUE_MAX for pair in words.items() for w in pair):
        raise _wrong("/words", f"at most {WORDS_MAX} words of {VALUE_MAX} characters")


def filled(template: Mapping[str, str], words: Mapping[str, str], alert: Alert) -> dict[str, object]:
    """The order that a signal asks for, as the REST door reads one.  Raises `InvalidRequest` for a member that is missing."""
    order: dict[str, object] = {}
    for member, value in template.items():
        optional = _OPTIONAL.fullmatch(value)
        if optional is None:
            _put(order, member, _replaced(value, member, words, alert))
        elif (found := alert.members.get(optional["name"])) not in (None, ""):
            _put(order, member, words.get(str(found), str(found)))
    return order


def wish_of(
    template: Mapping[str, str], words: Mapping[str, str], alert: Alert, *, profile: str, strategy: str
) -> OrderSchema:
    """The same as a checked wish, of the hook's profile and strategy.  Raises `InvalidRequest`."""
    return parse_order(filled(template, words, alert) | {"profile": profile, "strategy": strategy})


def _replaced(value: str, member: str, words: Mapping[str, str], alert: Alert) -> str:
    return _PLACE.sub(lambda place: _text(place, member, words, alert), value)


def _text(place: re.Match[str], member: str, words: Mapping[str, str], alert: Alert) -> str:
    if place["dollar"]:
        return "$"
    name = place["name"] or place["braced"]
    found = alert.members.get(name)
    if found in (None, ""):
        if place["default"] is None:
            detail = f"the signal has no member {name!r}, which the template wants for {member}"
            raise InvalidRequest(detail, fields=(FieldError(pointer=f"/{name}", code="missing", detail=detail),))
        return place["default"]
    return words.get(str(found), str(found))


def _put(order: dict[str, object], member: str, text: str) -> None:
    """One member, or one inside an exit; a flag is no text in an order."""
    head, _, inner = member.partition(".")
    if inner:
        cast("dict[str, object]", order.setdefault(head, {}))[inner] = text
    else:
        order[member] = text == "true" if member in _FLAGS and text in {"true", "false"} else text


_FLAGS = frozenset(name for name, field in OrderSchema.model_fields.items() if field.annotation is bool)


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="not_valid", detail=detail),))
