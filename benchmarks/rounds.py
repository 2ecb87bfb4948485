"""Rounds, medians, goals, and the one line that a figure prints."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is held to: a bound of the ratio ours/peer, or of our own value when there is a `unit`."""

    bound: float
    at_least: bool = False
    unit: str = ""

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def text(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: `ours` and `peer` are one value a round, in `unit`.

    A figure without a `goal` is reported and not judged; one without `peer` values has no ratio.  `beyond` is the goal we
    would like to reach, printed beside the one we are held to.  `extra` stands behind the members every line has.
    """

    bench: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    peer_name: str = ""
    unit: str
    goal: Goal | None = None
    beyond: Goal | None = None
    extra: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def ratios(self) -> list[float]:
        if not self.peer:
            return []
        return [mine / theirs for mine, theirs in zip(self.ours, self.peer, strict=True)]

    @property
    def holds(self) -> bool | None:
        """Whether the judged goal is met; None when nothing is judged."""
        return None if self.goal is None else self.goal.is_met(self._measured(self.goal))

    def _measured(self, goal: Goal) -> float:
        return statistics.median(self.ours if goal.unit else self.ratios)

    def line(self) -> str:
        """The JSON line of `make bench`: medians over the rounds, and the spread of what is judged."""
        ratios = self.ratios
        spread = ratios or list(self.ours)
        members: dict[str, object] = {
            "bench": self.bench,
            "ours": rounded(statistics.median(self.ours)),
            "peer": rounded(statistics.median(self.peer)) if self.peer else None,
            "peer_name": self.peer_name,
            "unit": self.unit,
            "ratio": round(statistics.median(ratios), 3) if ratios else None,
            "spread": [rounded(min(spread)), rounded(max(spread))],
            "goal": None if self.goal is None else self.goal.text(),
            "holds": self.holds,
            "rounds": len(self.ours),
        }
        if self.beyond is not None:
            members |= {"beyond": self.beyond.text(), "beyond_holds": self.beyond.is_met(self._measured(self.beyond))}
        return json.dumps(members | dict(self.extra))


def rounded(value: float) -> float:
    """Four significant digits, which is more than any round repeats."""
    return float(f"{value:.4g}")
