"""What a planted bug is, and which plans are likely to bring it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.house import Plant
from tests.simulation.schedule import Act, Crash, Plan, Stop
from tests.simulation.worlds import ALPACA

BOUND = 10_000  # seeds within which each bug is caught
Wants = Callable[[Plan], bool]


def anything(plan: Plan) -> bool:
    """Every plan may bring it out."""
    del plan
    return True


def struck_by(*faults: str) -> Wants:
    """Plans with one of these faults (`order.reset`), written as plans print them."""
    return lambda plan: any(f"{fault.where}.{fault.what}" in faults for fault in plan.faults)


def with_act(*kinds: type[Act]) -> Wants:
    """Plans in which people do one of these."""
    return lambda plan: any(isinstance(act, kinds) for act in plan.acts)


def killed(plan: Plan) -> bool:
    """The desk dies at least once."""
    return bool(plan.kills) or any(isinstance(act, Crash) for act in plan.acts)


def limited(plan: Plan) -> bool:
    """Wishes come in crowds, under limits."""
    return bool(plan.limits)


def sized(plan: Plan) -> bool:
    """The limit is one on positions."""
    return any(name == "max_position_qty" for name, _ in plan.limits)


def every(*wanted: Wants) -> Wants:
    """Plans that have all of it."""
    return lambda plan: all(wants(plan) for wants in wanted)


stopped = with_act(Stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One bug: its name, what it is in a sentence, the promise it breaks, and how it is planted.

    `wants` says which plans have what it needs to show; the others are passed over.  It is hunted at `venue`.
    """

    name: str
    what: str
    breaks: str
    plant: Plant
    wants: Wants = anything
    bound: int = BOUND
    venue: str = ALPACA.name
