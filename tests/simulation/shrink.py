"""Makes a failing plan small: parts are taken out as long as the same kind of promise stays broken (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.simulation.house import HONEST, Plant
from tests.simulation.run import run
from tests.simulation.schedule import Calm, Plan

T = TypeVar("T")
MOST_RUNS = 400


class Shrinker:
    """Deterministic: the same plan and the same bug give the same small plan.  `runs` counts what it cost."""

    def __init__(self, *, plant: Plant = HONEST, most_runs: int = MOST_RUNS) -> None:
        self._plant = plant
        self._most_runs = most_runs
        self._kinds: frozenset[str] = frozenset()
        self.runs = 0

    def shrink(self, plan: Plan) -> Plan:
        """The smallest plan found that breaks one of the promises this one breaks; the plan itself if it breaks none."""
        self._kinds = self._broken(plan)
        if not self._kinds:
            return plan
        size = None
        while size != _size(plan) and self.runs < self._most_runs:
            size = _size(plan)
            plan = self._fewer(plan, plan.kills, lambda p, kept: replace(p, kills=tuple(kept)))
            plan = self._fewer(plan, plan.faults, lambda p, kept: replace(p, faults=tuple(kept)))
            plan = self._fewer(plan, plan.acts, lambda p, kept: replace(p, acts=tuple(kept)))
            for simpler in _simpler(plan):
                plan = simpler if self._fails(simpler) else plan
        return plan

    def _fewer(self, plan: Plan, parts: Sequence[T], put: Callable[[Plan, Sequence[T]], Plan]) -> Plan:
        """Without as many of `parts` as can be spared: halves first, then quarters, down to one at a time."""
        kept, chunk = list(parts), max(1, len(parts) // 2)
        while kept:
            at, before = 0, len(kept)
            while at < len(kept):
                fewer = kept[:at] + kept[at + chunk :]
                if self._fails(put(plan, fewer)):
                    kept = fewer
                else:
                    at += chunk
            if chunk == 1 and len(kept) == before:
                break
            chunk = max(1, chunk // 2)
        return put(plan, kept)

    def _fails(self, plan: Plan) -> bool:
        return self.runs < self._most_runs and bool(self._broken(plan) & self._kinds)

    def _broken(self, plan: Plan) -> frozenset[str]:
        self.runs += 1
        return frozenset(violation.kind for violation in run(plan, plant=self._plant).violations)


def _size(plan: Plan) -> tuple[object, ...]:
    return (len(plan.acts), len(plan.faults), len(plan.kills), plan.disorder, plan.skew_s, plan.calm)


def _simpler(plan: Plan) -> Iterator[Plan]:
    """The same parts in a plainer world."""
    if plan.disorder:
        yield replace(plan, disorder=0.0)
    if plan.skew_s:
        yield replace(plan, skew_s=0.0)
    if plan.calm is not Calm.BRISK:
        yield replace(plan, calm=Calm.BRISK)
    for at, fault in enumerate(plan.faults):
        if fault.until_s - fault.since_s > 1:
            middle_s = (fault.since_s + fault.until_s) / 2
            for narrow in (replace(fault, until_s=middle_s), replace(fault, since_s=middle_s)):
                yield replace(plan, faults=(*plan.faults[:at], narrow, *plan.faults[at + 1 :]))
