"""Answers that are not what their document says, and a disk that does not say what it did."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from random import Random

import pytest

from tests.simulation.disk import WeatheredExecutor
from tests.simulation.plan import plan_of
from tests.simulation.twist import twisted
from tests.simulation.weather import TWISTED, Fault, Weather
from tests.simulation.worlds import ALPACA

BODY = b'{"id":"a","status":"new","legs":[{"event":"fill","qty":"1"}],"n":2}'


@pytest.mark.parametrize("what", [*TWISTED, "garble"])
def test_every_twist_leaves_another_body(what: str) -> None:
    assert twisted(what, BODY, ALPACA.words) != BODY


def test_words_out_of_every_table_stand_where_a_status_and_an_event_stood() -> None:
    found = json.loads(twisted("strange", BODY, ALPACA.words))
    assert (found["id"], found["status"], found["legs"][0]["event"], found["n"]) == ("a", "quantum", "quantum", 2)


def test_odd_types_keep_the_shape_and_no_text() -> None:
    found = json.loads(twisted("odd_types", BODY, ALPACA.words))
    assert (found["id"], found["legs"][0]["qty"], found["n"]) == (["a"], ["1"], 2)
    assert twisted("odd_types", b"not json", ALPACA.words) == b"not json"


def test_an_unknown_twist_is_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        twisted("sideways", BODY, ALPACA.words)


@pytest.mark.parametrize(
    ("what", "is_done"), [("busy", False), ("unsaid", True), ("error_after", True), ("full", False)]
)
def test_a_disk_fails_before_or_after_it_has_written(what: str, is_done: bool) -> None:
    weather = Weather(faults=[Fault("disk", what, 0, 9, 1.0)], random=Random(1), now=lambda: 1.0)
    done = list[int]()
    with pytest.raises(sqlite3.OperationalError):
        WeatheredExecutor(weather).alone(lambda: done.append(1))
    assert bool(done) is is_done
    assert weather.struck["disk", what] == 1


def test_a_slow_disk_writes_all_the_same() -> None:
    weather = Weather(faults=[Fault("disk", "slow", 0, 9, 1.0)], random=Random(1), now=lambda: 1.0)
    weather.between = lambda least_s, most_s: 0.0
    done = list[int]()
    asyncio.run(WeatheredExecutor(weather).together(lambda: done.append(1)))
    assert done == [1]


def test_some_plans_have_each_of_the_rarer_troubles() -> None:
    plans = [plan_of(seed, ALPACA.name) for seed in range(400)]
    assert 20 < sum(bool(plan.steps) for plan in plans) < 120
    assert sum(abs(step.by_s) > 60 for plan in plans for step in plan.steps) > 10
    assert 20 < sum(plan.closes_at_s is not None for plan in plans) < 100
    assert sum(kill.at is not None for plan in plans for kill in plan.kills) > 30
    assert 120 < sum(plan.whole_successors for plan in plans) < 280
    assert sum(plan.drift != 0 for plan in plans) > 5
