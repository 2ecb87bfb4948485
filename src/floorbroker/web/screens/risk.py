"""Risk: limits with how much of each is used, the kill switch and how far it got, arming, and strategies that are off."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import NotExact, decimal_of
from floorbroker.gateway.guarding import Guard
from floorbroker.risk.changes import text_of_limit
from floorbroker.risk.limits import SharedLimits, unit_of
from floorbroker.web.frame import VENUES_MS, Ask, Screen
from floorbroker.web.text import number


@frozen
class ShownLimit:
    """One limit: its value as people write it (empty when off), and where it can be told how much of it is used."""

    name: str
    value: str
    shown: str  # the same with its digits grouped
    unit: str
    used: str
    share: int | None  # whole percent, at most 100
    source: str


@frozen
class ShownScope:
    """The limits of one scope; those that are set first."""

    scope: str
    limits: tuple[ShownLimit, ...]


async def build(ask: Ask) -> Mapping[str, Any]:
    """Everything that stops an order, or could."""
    guard = ask.desk.guard
    return {
        "risk": await ask.risk(),
        "scopes": scopes_of(guard, ask),
        "kill": ask.desk.kill_state(),
        "arming": [state for state in ask.desk.arming() if ask.profile in {None, state.profile}],
        "strategies": guard.risk.strategies.states(),
    }


def scopes_of(guard: Guard, ask: Ask) -> list[ShownScope]:
    """Narrowed to the profile that is chosen, where one is; scopes that are no profile are always shown."""
    found: list[ShownScope] = []
    for scope in guard.limits.scopes():
        kind, _, name = scope.partition(":")
        if kind != "profile" or ask.profile in {None, name}:
            found.append(ShownScope(scope=scope, limits=tuple(limits_of(guard, scope))))
    return found


def limits_of(guard: Guard, scope: str) -> Sequence[ShownLimit]:
    """The limits of one scope, those that are on first."""
    limits, usage = guard.limits.of(scope), guard.usage(scope)
    rows = [_limit(guard, scope, name, limits, usage.get(name)) for name in type(limits).model_fields]
    return sorted(rows, key=lambda row: not row.value)


def _limit(guard: Guard, scope: str, name: str, limits: SharedLimits, used: Decimal | int | None) -> ShownLimit:
    kept = guard.limits.kept.get((scope, name))
    value = written(text_of_limit(limits, name))
    origin = "the file" if name in limits.model_fields_set else "default"
    return ShownLimit(
        name=name,
        value=value,
        shown=grouped(value),
        unit=unit_of(name) if value else "",
        used="" if used is None else number(round(Decimal(used), 4)),
        share=share_of(used, value),
        source=origin if kept is None else f"{kept.change.by}, change {kept.change.version}",
    )


def written(text: str) -> str:
    """A limit's JSON text as people write it: a list with commas between, nothing where it is off or empty."""
    value: object = json.loads(text)
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def grouped(text: str) -> str:
    """A number with its digits grouped; any other text as it is."""
    try:
        return number(decimal_of(text))
    except NotExact:
        return text


def share_of(used: Decimal | int | None, limit: str) -> int | None:
    """Whole percent of a limit that is used, 100 at most; None where that means nothing."""
    if used is None or not limit:
        return None
    try:
        bound = decimal_of(limit)
    except NotExact:
        return None
    return min(100, int(abs(used) * 100 / bound)) if bound > 0 else None


RISK = Screen(
    path="/risk",
    title="Risk",
    template="risk.html",
    build=build,
    live=("risk", "fills", "health"),
    pace_ms=VENUES_MS,
    scripts=("risk.js",),
)
