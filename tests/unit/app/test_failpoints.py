"""Fail-points: what a plan may say, where it is honoured, and what happens at the n-th hit."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from floorbroker.app.failpoints import Act, FailPoint, FailPoints, StepFailed, fail_points, read_plan
from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import NoLog, Profile
from floorbroker.domain.values import Environment, ProfileName
from tests.support.house import Notes


def _profile(environment: Environment) -> Profile:
    return Profile(name=ProfileName("a"), broker="ALPACA", environment=environment)


def test_a_plan_names_steps_acts_and_hits() -> None:
    assert read_plan(" submit.S8=kill@2, recon.open=stop,event.E3=raise@10 ,") == {
        "submit.S8": FailPoint("submit.S8", Act.KILL, 2),
        "recon.open": FailPoint("recon.open", Act.STOP),
        "event.E3": FailPoint("event.E3", Act.RAISE, 10),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("submit.S8", "is not STEP=ACT"),
        ("submit.S8=kill@0", "is not STEP=ACT"),
        ("submit.S8=explode", "not one of kill, stop, raise, log"),
        ("submit.S99=kill", "did you mean submit.S9"),
        ("*=kill", "there is no step '\\*'"),
    ],
)
def test_a_plan_that_is_none_is_refused_and_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        read_plan(text)


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LIVE])
def test_a_plan_is_refused_where_one_profile_is_no_simulators_i17(environment: Environment) -> None:
    profiles = [_profile(Environment.SIM), _profile(environment)]
    with pytest.raises(ConfigInvalid, match="for simulators alone"):
        fail_points("submit.S8=kill", profiles=profiles, log=NoLog())


@pytest.mark.asyncio
async def test_a_floor_with_the_paper_venue_does_not_open_under_a_plan(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="for simulators alone"):
        async with open_floor(Home.at(tmp_path), environ={"FLOORBROKER_STEPS": "submit.S8=kill"}):
            pass
    assert list(tmp_path.glob("journal*")) == []


@pytest.mark.parametrize(("word", "number"), [("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)])
def test_the_signal_comes_at_the_nth_hit_and_once(word: str, number: int) -> None:
    sent: list[int] = []
    steps = FailPoints(read_plan(f"submit.S8={word}@2"), NoLog(), send_signal=sent.append)
    for step in ("submit.S8", "submit.S9", "submit.S8", "submit.S8"):
        steps.reach(step)
    assert sent == [number]


def test_an_error_is_raised_at_its_hit_and_not_again() -> None:
    steps = FailPoints(read_plan("event.E3=raise"), NoLog())
    with pytest.raises(StepFailed, match=r"event\.E3"):
        steps.reach("event.E3")
    steps.reach("event.E3")


def test_every_step_can_be_told_instead() -> None:
    log = Notes()
    steps = fail_points("*=log", profiles=[_profile(Environment.SIM)], log=log)
    steps.reach("submit.S0")
    steps.reach("submit.S1")
    assert log.events == ["steps.planned", "step.reached", "step.reached"]
