"""Rounds, medians and the one line that a figure prints."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: `ours` and `peer` are one value a round, in `unit`; `goal` bounds ours/peer."""

    bench: str
    ours: Sequence[float]
    peer: Sequence[float]
    peer_name: str
    unit: str
    goal: float

    @property
    def ratios(self) -> list[float]:
        return [mine / theirs for mine, theirs in zip(self.ours, self.peer, strict=True)]

    @property
    def holds(self) -> bool:
        return statistics.median(self.ratios) <= self.goal

    def line(self) -> str:
        """The JSON line of `make bench`: medians, and the spread of the ratio over the rounds."""
        return json.dumps(
            {
                "bench": self.bench,
                "ours": round(statistics.median(self.ours), 4),
                "peer": round(statistics.median(self.peer), 4),
                "peer_name": self.peer_name,
                "unit": self.unit,
                "ratio": round(statistics.median(self.ratios), 3),
                "spread": [round(min(self.ratios), 3), round(max(self.ratios), 3)],
                "goal": f"<= {self.goal}",
                "holds": self.holds,
            }
        )
