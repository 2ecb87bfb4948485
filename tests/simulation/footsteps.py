"""Where a desk was when something struck: the named steps it reached (`domain.steps`), and the last of them each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from floorbroker.domain.steps import AUDIT, DESK, SENDING
from floorbroker.transport.types import Request

START = "start"  # before the first step of a life
KILL = "kill"
NEVER_REACHED = {
    "recon.adjust": "the venue's positions are the sum of its fills, so nothing is ever left to explain away",
    **dict.fromkeys(AUDIT, "the files of the audit are written beside a desk, which the schedules leave out"),
}
# Few schedules come by these, and a kill meets them by luck; `make kill` ends a real desk at each of them.
SELDOM = frozenset(
    step for step in DESK if step.startswith(("replace.", "kill.")) or step in {"recon.interrupted", "recon.given_up"}
)
# What must strike right after which step, in a run of some thousands.
MEETS: Mapping[str, tuple[str, ...]] = {
    KILL: tuple(step for step in DESK if step not in NEVER_REACHED and step not in SELDOM),
    "order": tuple(sending.signed for sending in SENDING.values()),
    "disk": ("submit.S3", "replace.commit", "event.E3"),
    "read": ("recon.begun", "recon.open", "recon.history", "recon.negative"),
    "connect": ("event.E4",),
    "stream": ("submit.S8", "cancel.written", "event.E4"),
}


@dataclass(slots=True)
class Footsteps:
    """Implements `domain.ports.Steps` for every life of one desk.  `met` counts (what struck, the step last reached)."""

    last: str = START
    reached: Counter[str] = field(default_factory=Counter[str])
    met: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    on_reach: Callable[[str], None] | None = None

    def reach(self, step: str) -> None:
        self.last = step
        self.reached[step] += 1
        if self.on_reach is not None:
            self.on_reach(step)

    def struck(self, where: str) -> None:
        """A fault of this kind strikes now."""
        self.met[where, self.last] += 1

    def died(self, at: str | None = None) -> None:
        """A life ends now, because of its step `at` where it was to end there; the next begins before every step."""
        self.met[KILL, at or self.last] += 1
        self.last = START

    def connected(self, request: Request) -> None:
        """A command has its connection, and no byte was written."""
        if request.endpoint in SENDING:
            self.reach(SENDING[request.endpoint].connected)

    def written(self, request: Request) -> None:
        """The whole command has left."""
        if request.endpoint in SENDING:
            self.reach(SENDING[request.endpoint].written)

    def replied(self, request: Request) -> None:
        """The whole reply to a command is there."""
        if request.endpoint in SENDING:
            self.reach(SENDING[request.endpoint].replied)


def steps_table(reached: Mapping[str, int], met: Mapping[tuple[str, str], int]) -> str:
    """A row a step: how often it was reached, and how often each kind of fault, or a kill, struck right after it."""
    kinds = sorted({kind for kind, _ in met})
    head = "| step | reached | " + " | ".join(kinds) + " |\n|---|--:|" + "--:|" * len(kinds)
    rows = [
        f"| `{step}` | {reached.get(step, '')} | " + " | ".join(str(met.get((kind, step), "")) for kind in kinds) + " |"
        for step in (START, *DESK)
    ]
    return "\n".join([head, *rows])


def unmet(reached: Mapping[str, int], met: Mapping[tuple[str, str], int]) -> list[str]:
    """Steps that were never reached, or at which nothing struck that must have."""
    never = [f"{step} was never reached" for step in DESK if step not in NEVER_REACHED and not reached.get(step)]
    never += [f"{step} was reached: {why}" for step, why in NEVER_REACHED.items() if reached.get(step)]
    return never + [
        f"no {kind} struck at {step}" for kind, steps in MEETS.items() for step in steps if not met.get((kind, step))
    ]
