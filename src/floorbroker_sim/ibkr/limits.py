"""Fifty messages a second: more is told off (100), and who goes on is thrown out.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/ : requests a second are market data lines divided by two.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from floorbroker_sim.ibkr import info


class Verdict(Enum):
    FINE = auto()
    WARN = auto()
    THROW_OUT = auto()


class Pace:
    """Counts the messages of one connection.  `per_s` of 0 counts nothing."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._seen: deque[float] = deque()
        self._strikes = 0

    def count(self, now_s: float) -> Verdict:
        """One message at `now_s` (any clock that only rises)."""
        if self._per_s <= 0:
            return Verdict.FINE
        while self._seen and self._seen[0] <= now_s - 1:
            self._seen.popleft()
        if not self._seen:
            self._strikes = 0
        self._seen.append(now_s)
        if len(self._seen) <= self._per_s:
            return Verdict.FINE
        self._strikes += 1
        return Verdict.WARN if self._strikes <= info.PACE_STRIKES else Verdict.THROW_OUT
