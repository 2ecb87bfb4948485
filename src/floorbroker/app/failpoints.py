"""Fail-points: a plan that ends, pauses or breaks this process at the n-th time a named step is reached.

`FLOORBROKER_STEPS` holds the plan, like `submit.S8=kill@2,recon.open=stop`.  It is for tests of crashes and honoured where every
profile is a simulator's; anywhere else a process with a plan does not start.
"""

from __future__ import annotations

import difflib
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Log, Profile
from floorbroker.domain.steps import STEPS
from floorbroker.domain.values import Environment

VARIABLE = "FLOORBROKER_STEPS"
EVERY = "*"
_POINT = re.compile(r"([a-zA-Z0-9_.*]+)=([a-z]+)(?:@([1-9][0-9]{0,5}))?")


class Act(Enum):
    """What happens at a step: the process is killed (9), stopped until it is continued, meets an unforeseen error, or tells."""

    KILL = "kill"
    STOP = "stop"
    RAISE = "raise"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class FailPoint:
    """One line of a plan: `act` at the `hit`-th time; telling is done every time."""

    step: str
    act: Act
    hit: int = 1


class StepFailed(Exception):
    """The error that a plan asked for; nothing expects it by name, as nothing expects a bug."""


@dataclass(slots=True)
class FailPoints:
    """`Steps` that follow a plan."""

    plan: Mapping[str, FailPoint]
    log: Log
    send_signal: Callable[[int], None] = field(default=lambda number: os.kill(os.getpid(), number))
    _hits: Counter[str] = field(default_factory=Counter[str])

    def reach(self, step: str) -> None:
        point = self.plan.get(step) or self.plan.get(EVERY)
        if point is None:
            return
        self._hits[step] += 1
        if point.act is Act.LOG:
            self.log.info("step.reached", step=step, hit=self._hits[step])
        elif self._hits[step] == point.hit:
            self._act(point.act, step)

    def _act(self, act: Act, step: str) -> None:
        match act:
            case Act.KILL:
                self.send_signal(signal.SIGKILL)
            case Act.STOP:
                self.send_signal(signal.SIGSTOP)
            case _:
                raise StepFailed(f"made to fail at {step}")


def read_plan(text: str) -> dict[str, FailPoint]:
    """The plan of a text.  Raises `ConfigInvalid` naming the part that is none, and the nearest step there is."""
    return {point.step: point for point in map(_point, filter(None, (part.strip() for part in text.split(","))))}


def _point(part: str) -> FailPoint:
    found = _POINT.fullmatch(part)
    if found is None:
        raise ConfigInvalid(f"{VARIABLE}: {part[:64]!a} is not STEP=ACT or STEP=ACT@N")
    step, word, hit = found.groups()
    if word not in (act.value for act in Act):
        raise ConfigInvalid(f"{VARIABLE}: {word!r} is not one of {', '.join(act.value for act in Act)}")
    act = Act(word)
    if step not in STEPS and not (step == EVERY and act is Act.LOG):
        near = difflib.get_close_matches(step, STEPS, n=1)
        raise ConfigInvalid(f"{VARIABLE}: there is no step {step!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return FailPoint(step, act, int(hit or 1))


def fail_points(text: str, *, profiles: Iterable[Profile], log: Log) -> FailPoints:
    """The steps of a process with a plan.  Raises `ConfigInvalid` for a wrong one, and where money or a real venue is near."""
    plan = read_plan(text)
    other = [profile for profile in profiles if profile.environment is not Environment.SIM]
    if other:
        where = f"profile {other[0].name} is {other[0].environment.value}"
        raise ConfigInvalid(f"{VARIABLE} is for simulators alone, and {where}: unset it")
    log.warning("steps.planned", plan=text)
    return FailPoints(plan, log)
