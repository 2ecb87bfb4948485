"""A failing plan becomes small and fails the same way; a plan survives its file."""

from __future__ import annotations

import pytest

from tests.simulation.house import Plant
from tests.simulation.plan import plan_of
from tests.simulation.plan_file import dump, load
from tests.simulation.run import run
from tests.simulation.shrink import Shrinker
from tests.simulation.teeth.catalogue import BY_NAME
from tests.simulation.teeth.hunt import hunt


@pytest.mark.parametrize("seed", range(1, 60))
def test_a_plan_is_the_same_after_its_file(seed: int) -> None:
    plan = plan_of(seed)
    assert load(dump(plan)) == plan
    assert dump(load(dump(plan))) == dump(plan)


def test_a_failing_plan_becomes_small_and_fails_the_same_way() -> None:
    bug = BY_NAME["retry under a new id"]
    plant: Plant = bug.plant
    catch = hunt(bug)
    assert catch is not None
    whole = plan_of(catch.seed, bug.venue)
    small = Shrinker(plant=plant).shrink(whole)
    assert catch.violation.kind in {violation.kind for violation in run(small, plant=plant).violations}
    assert len(small.acts) + len(small.faults) + len(small.kills) <= 4
    assert len(whole.acts) + len(whole.faults) + len(whole.kills) > 12
    assert run(load(dump(small)), plant=plant).violations


def test_a_plan_that_breaks_nothing_stays_as_it_is() -> None:
    plan = plan_of(1)
    assert Shrinker().shrink(plan) == plan
