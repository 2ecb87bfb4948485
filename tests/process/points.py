"""Where a desk is killed, stopped or broken, and in which situation each step can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from floorbroker.domain.steps import DESK


class Stage(Enum):
    """What happened before the planned life begins."""

    STORY = "the first life of a desk"
    AGAIN = "an order was on its way when the last life was killed"
    LOST = "the first submit never reaches the venue"
    STRANGE = "the account holds a position that no fill explains"


STAGES = {
    "recon.interrupted": Stage.AGAIN,
    "recon.settled": Stage.AGAIN,
    "recon.begun": Stage.AGAIN,
    "recon.open": Stage.AGAIN,
    "recon.history": Stage.AGAIN,
    "recon.fills": Stage.AGAIN,
    "recon.fetched": Stage.AGAIN,
    "recon.folded": Stage.AGAIN,
    "recon.asked": Stage.AGAIN,
    "recon.doubts": Stage.AGAIN,
    "recon.completed": Stage.AGAIN,
    "recon.explained": Stage.AGAIN,
    "recon.noted": Stage.AGAIN,
    "recon.ready": Stage.AGAIN,
    "recon.negative": Stage.LOST,
    "recon.given_up": Stage.LOST,
    "recon.adjust": Stage.STRANGE,
}
COLD = ("submit.S4", "submit.S8", "event.E4", "cancel.written", "replace.committed", "kill.permits")
SURE = 4  # a step that is reached no oftener than this is reached as often every time
# From here on a kill holds, whoever dies; and from here on its reset may hold, though nobody was told.
BLOCKED_AFTER = frozenset({"kill.permits", "kill.journal", "kill.round", "kill.cancelled", "kill.listed", "kill.reset"})


STALE_AFTER = frozenset({"submit.S5", "submit.S7"})  # paused here for long, an order must not leave any more
MAY_BE_OPEN_AFTER = frozenset({"kill.reset_durable", "kill.open", "kill.permitted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run: `act` at the `hit`-th time `step` is reached; `heard` for a desk that tells acceptances when it hears them."""

    step: str
    act: str = "kill"
    hit: int = 1
    tls: bool = False
    cold: bool = False
    heard: bool = False

    @property
    def plan(self) -> str:
        return f"{self.step}={self.act}@{self.hit}"

    @property
    def stage(self) -> Stage:
        return STAGES.get(self.step, Stage.STORY)

    def __str__(self) -> str:
        extras = f"{', cold' if self.cold else ''}{', heard' if self.heard else ''}"
        return f"{self.plan} over {'tls' if self.tls else 'tcp'}{extras}"


def every_step(act: str = "kill", *, turn: int = 0, hits: Mapping[str, int] | None = None) -> list[Point]:
    """One run for each step, by turns over TCP and TLS, and two turns in four with answers told when they are heard.

    `hits` says how often a story reaches a step, for later turns.
    """
    return [
        Point(
            step=step,
            act=act,
            hit=_hit(step, turn, (hits or {}).get(step, 1)),
            tls=(place + turn) % 2 == 1,
            heard=turn % 4 > 1,
        )
        for place, step in enumerate(DESK)
    ]


def _hit(step: str, turn: int, reached: int) -> int:
    """Another one each turn; of steps that are reached often, how often varies with time, so only the first half is used."""
    if step in STAGES:
        return 1
    if step.startswith("audit."):
        return 1 + turn % max(
            1, reached // 2
        )  # a look at the journal twice a second: how many there are is a matter of time
    return 1 + turn % (reached if reached <= SURE else reached // 2)
