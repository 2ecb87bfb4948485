"""A plan as JSON and back, so that a failing schedule can be kept, sent, edited and played again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from tests.simulation.schedule import Act, Plan

_MEMBERS = get_type_hints(Plan)
_ACTS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Act)}


def dump(plan: Plan) -> bytes:
    """The plan as indented JSON; each act names its kind under `do`."""
    whole = msgspec.to_builtins(plan)
    whole["acts"] = [{"do": type(act).__name__, **msgspec.to_builtins(act)} for act in plan.acts]
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def load(raw: bytes) -> Plan:
    """The reverse of `dump`.  Raises `msgspec.ValidationError` naming what does not fit."""
    whole: dict[str, Any] = msgspec.json.decode(raw)
    acts = tuple(msgspec.convert(act, _ACTS[act.pop("do")]) for act in whole.pop("acts"))
    return Plan(acts=acts, **{name: msgspec.convert(value, _MEMBERS[name]) for name, value in whole.items()})


def save(plan: Plan, path: Path) -> None:
    path.write_bytes(dump(plan) + b"\n")


def read(path: Path) -> Plan:
    return load(path.read_bytes())
