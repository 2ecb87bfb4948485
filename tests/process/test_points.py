"""A real desk killed, stopped and broken at every named step, then compared with the venue (I1, I3, I14, I19, I20)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from floorbroker.domain.steps import DESK
from tests.process.__main__ import plan_of
from tests.process.campaign import run
from tests.process.nursery import Nursery
from tests.process.points import COLD, Point, every_step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux: processes are watched by file descriptors"),
]
KINDS = ("submit", "event", "cancel", "replace", "recon", "kill", "audit")
STOPPED = (
    "submit.S3",
    "submit.S5",
    "submit.S7",
    "submit.S8",
    "event.E4",
    "cancel.written",
    "replace.gate",
    "kill.permits",
)
BROKEN = (
    "submit.S4",
    "submit.S9",
    "event.E3",
    "event.E4",
    "cancel.heard",
    "replace.heard",
    "recon.ready",
    "kill.memory",
    "audit.lines",
)


AT_ONCE = 12  # most of a run is waiting for a doubt to be settled


class Campaign:
    """Every run of this file, begun together, so that their waits are one wait."""

    def __init__(self, nursery: Nursery, pool: ThreadPoolExecutor) -> None:
        points = [*every_step(), *_cold(), *_heard(), *_each("stop", STOPPED), *_each("raise", BROKEN)]
        self._runs = {point: pool.submit(run, point, nursery) for point in points}

    def violations(self, act: str, *, kind: str = "", cold: bool = False, heard: bool = False) -> list[str]:
        """What was wrong with these runs; there must be some."""
        mode = (act, cold, heard)
        chosen = [p for p in self._runs if (p.act, p.cold, p.heard) == mode and p.step.startswith(kind)]
        assert chosen
        return [str(done) for point in chosen if not (done := self._runs[point].result()).is_clean]


def _cold() -> list[Point]:
    return [Point(step=step, tls=place % 2 == 0, cold=True) for place, step in enumerate(COLD[::2])]


def _heard() -> list[Point]:
    """Where an answer is told before it is durable: the last steps of a submit, and those of every fact."""
    told = [step for step in DESK if step.startswith(("submit.S8", "submit.S9", "submit.S1", "event."))]
    return [Point(step=step, tls=place % 2 == 1, heard=True) for place, step in enumerate(told)]


def _each(act: str, steps: tuple[str, ...]) -> list[Point]:
    return [Point(step=step, act=act, tls=place % 2 == 0) for place, step in enumerate(steps)]


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with Nursery() as nursery, ThreadPoolExecutor(AT_ONCE) as pool:
        yield Campaign(nursery, pool)


def test_every_step_belongs_to_a_kind() -> None:
    assert {step.partition(".")[0] for step in DESK} == set(KINDS)


def test_a_campaign_takes_every_step_so_many_times_and_another_hit_each_time() -> None:
    points = list(plan_of(20, {"submit.S8": 4, "event.E3": 40}))
    kills = Counter(point.step for point in points if point.act == "kill" and not point.cold)
    assert kills == dict.fromkeys(DESK, 20)
    assert {point.hit for point in points if point.step == "submit.S8"} == {1, 2, 3, 4}
    assert {point.hit for point in points if point.step == "event.E3"} == set(range(1, 21))
    assert {point.tls for point in points if point.step == "event.E3"} == {False, True}
    assert {point.heard for point in points if point.step == "event.E3"} == {False, True}
    assert {point.act for point in points} == {"kill", "stop", "raise"}


def test_a_campaign_made_in_parts_is_the_same_campaign() -> None:
    reached = {"submit.S8": 4, "event.E3": 40}
    whole = list(plan_of(5, reached))
    begun = [point for point in plan_of(2, reached) if point.act == "kill" and not point.cold]
    assert [*begun, *plan_of(5, reached, first=2)] == [p for p in whole if p.act == "kill" and not p.cold]


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_step_the_desk_explains_every_order_and_doubles_none(kind: str, campaign: Campaign) -> None:
    assert campaign.violations("kill", kind=f"{kind}.") == []


def test_a_desk_that_was_started_as_users_start_it_is_killed_too(campaign: Campaign) -> None:
    assert campaign.violations("kill", cold=True) == []


def test_a_desk_that_tells_what_it_hears_is_killed_too(campaign: Campaign) -> None:
    assert campaign.violations("kill", heard=True) == []


def test_a_pause_longer_than_any_timeout_loses_and_doubles_nothing(campaign: Campaign) -> None:
    assert campaign.violations("stop") == []


def test_an_error_that_nobody_foresaw_loses_and_doubles_nothing(campaign: Campaign) -> None:
    assert campaign.violations("raise") == []
