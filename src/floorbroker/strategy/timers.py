"""The moments a strategy waits for, soonest first."""

from __future__ import annotations

import heapq
from datetime import datetime

from floorbroker.matching.calendar import Calendar
from floorbroker.strategy.bars import microseconds, moment_of
from floorbroker.strategy.schedule import Rule
from floorbroker.strategy.wishes import Fired

NEVER = 1 << 62  # microseconds


class Timers:
    """`next_us` is when the next one is due (microseconds since 1970)."""

    def __init__(self, calendar: Calendar) -> None:
        self.next_us = NEVER
        self._calendar = calendar
        self._waiting: list[tuple[int, int, str, Rule]] = []
        self._count = 0

    def add(self, rule: Rule, name: str, now: datetime) -> None:
        """Wait for a rule's moments after `now`."""
        moment = rule.after(now, self._calendar)
        if moment is not None:
            self._count += 1
            heapq.heappush(self._waiting, (microseconds(moment), self._count, name, rule))
            self.next_us = self._waiting[0][0]

    def due(self, now_us: int, *, skips: bool = False) -> list[Fired]:
        """Those that have come, in order; each rule is asked for its next one.

        With `skips` each rule is told of once, and goes on from now: who slept for hours is not called for every minute.
        """
        found: list[Fired] = []
        while self._waiting and self._waiting[0][0] <= now_us:
            us, _, name, rule = heapq.heappop(self._waiting)
            found.append(Fired(name=name, at=moment_of(us)))
            self.add(rule, name, moment_of(now_us if skips else us))
        self.next_us = self._waiting[0][0] if self._waiting else NEVER
        return found
