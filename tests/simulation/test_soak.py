"""A desk that lives for long stays as large as it was; what grows is found, whatever it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from floorbroker.domain.records import Quote
from tests.simulation.plan import plan_of
from tests.simulation.run import Report
from tests.simulation.schedule import ACTIVE_S
from tests.simulation.soak import EPISODE_S, FEW, SWEPT_S, Measure, Soak, grown, measure, soak
from tests.simulation.worlds import ALL

EARLY = Measure(at_h=8, objects={"book.Order": 1000, "wire.Frame": 3}, held={"bus.Queue._items": 500}, descriptors=30)


def test_what_stays_as_it_is_or_small_did_not_grow() -> None:
    assert grown(EARLY, replace(EARLY, at_h=24, objects={"book.Order": 1200, "wire.Frame": FEW}, descriptors=31)) == []


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (replace(EARLY, at_h=24, objects={"book.Order": 1400}), "book.Order"),
        (replace(EARLY, at_h=24, objects={"new.Thing": FEW + 1}), "new.Thing"),
        (replace(EARLY, at_h=24, held={"bus.Queue._items": 900}), "bus.Queue._items"),
        (replace(EARLY, at_h=24, descriptors=40), "descriptors"),
    ],
)
def test_what_grew_is_told(late: Measure, told: str) -> None:
    (found,) = grown(EARLY, late)
    assert told in found


def test_what_is_kept_for_a_day_may_grow_for_a_day() -> None:
    kept = "floorbroker.domain.ports.Record"
    early, late = replace(EARLY, objects={kept: 400}), replace(EARLY, at_h=24, objects={kept: 900})
    later = replace(EARLY, at_h=48, objects={kept: 1800})
    assert grown(early, late) == []
    (told,) = grown(late, later)
    assert told == f"{kept}: 900 at 24 h, 1800 at 48 h"


@pytest.mark.parametrize(("hours", "from_h"), [(24, 9), (30, 11), (48, 24), (96, 33)])
def test_two_days_are_judged_from_the_end_of_the_first(hours: int, from_h: int) -> None:
    measures = [replace(EARLY, at_h=hour, objects={"some.Thing": 1_000 * hour}) for hour in range(1, hours + 1)]
    (told,) = Soak(Report(plan_of(1, ALL)), measures).growth
    assert f" at {from_h} h, " in told


def test_what_is_alive_is_counted_by_class() -> None:
    name = f"{Quote.__module__}.{Quote.__qualname__}"
    before = measure(0).objects.get(name, 0)
    kept = [object.__new__(Quote) for _ in range(7)]
    assert measure(0).objects[name] - before == len(kept)


def test_an_episode_happens_when_its_weather_does() -> None:
    made = soak(hours=0.5, seed=1, every_h=1)
    told = [line.split(" people: ", 1) for line in made.report.log if " people: " in line]
    begun = {
        int(float(at) // EPISODE_S) for at, act in told if act.startswith("submit") and float(at) % EPISODE_S < ACTIVE_S
    }
    assert begun == {0, 1, 2}
    assert all(float(at) % EPISODE_S <= SWEPT_S + ACTIVE_S for at, act in told if act.startswith("submit"))


def test_nothing_is_taken_back_where_nobody_hears_of_it() -> None:
    assert soak(hours=0.5, seed=3, every_h=1).report.violations == []


def test_an_hour_of_faults_at_every_venue_leaves_nothing_behind() -> None:
    made = soak(hours=1, seed=1, every_h=0.25)
    assert [str(violation) for violation in made.report.violations] == []
    assert made.growth == []
    assert made.report.orders > 10
    assert len(made.measures) > 2
