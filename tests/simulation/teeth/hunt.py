"""Playing seeds until one of them shows a bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.claims import Violation
from tests.simulation.house import HONEST, Plant
from tests.simulation.plan import plan_of
from tests.simulation.run import run
from tests.simulation.schedule import Plan
from tests.simulation.teeth.bug import Bug


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """The first seed that shows a bug, how, and how many schedules were played for it."""

    seed: int
    played: int
    violation: Violation


def found_in(plan: Plan, plant: Plant) -> list[Violation]:
    """What is wrong when a plan is played."""
    return run(plan, plant=plant).violations


def hunt(
    bug: Bug,
    *,
    first: int = 1,
    seeds: int | None = None,
    most: int | None = None,
    venue: str | None = None,
    play: Callable[[Plan, Plant], list[Violation]] = found_in,
) -> Catch | None:
    """Play the seeds from `first` on whose plans the bug wants: `seeds` are looked at, `most` of them played.

    The seeds are those of the bug's own venue, where no other is named.  A seed catches a bug when it shows a violation with it
    and none without.
    """
    played = 0
    for seed in range(first, first + (bug.bound if seeds is None else seeds)):
        plan = plan_of(seed, venue or bug.venue)
        if not bug.wants(plan):
            continue
        played += 1
        found = play(plan, bug.plant)
        if found and not play(plan, HONEST):
            return Catch(seed=seed, played=played, violation=found[0])
        if most is not None and played >= most:
            break
    return None
