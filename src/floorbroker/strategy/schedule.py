"""When a strategy wants to be called: rules over a market's calendar.  Pure; times UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from floorbroker.domain.frozen import frozen
from floorbroker.matching.calendar import ALWAYS_OPEN, NEW_YORK, Calendar, Session

_DAY = timedelta(days=1)
_SEARCH_DAYS = 400


class Rule(Protocol):
    """Gives the next moment after another; None when there is none any more."""

    def after(self, moment: datetime, calendar: Calendar) -> datetime | None: ...


class On(Enum):
    """Which sessions count."""

    EVERY = "every"
    WEEK_START = "week_start"  # the first session of a week
    MONTH_START = "month_start"
    MONTH_END = "month_end"


@frozen
class AfterOpen:
    """So long after a session opens."""

    by: timedelta = timedelta()
    on: On = On.EVERY

    def after(self, moment: datetime, calendar: Calendar) -> datetime | None:
        return _first(moment, calendar, self.on, lambda session: session.open + self.by)


@frozen
class BeforeClose:
    """So long before a session closes, early closes included."""

    by: timedelta = timedelta()
    on: On = On.EVERY

    def after(self, moment: datetime, calendar: Calendar) -> datetime | None:
        return _first(moment, calendar, self.on, lambda session: session.close - self.by)


@frozen
class Every:
    """Each `step` from the open to the close of a session; `step` from midnight UTC where the market never closes."""

    step: timedelta

    def after(self, moment: datetime, calendar: Calendar) -> datetime | None:
        for session in _sessions(moment, calendar):
            counted = max(0, (moment - session.open) // self.step + 1)
            due = session.open + counted * self.step
            if moment < due < session.close or (due == session.open and due > moment):
                return due
        return None


@frozen
class Once:
    """One moment."""

    at: datetime

    def after(self, moment: datetime, calendar: Calendar) -> datetime | None:
        del calendar
        return self.at if self.at > moment else None


def _first(moment: datetime, calendar: Calendar, on: On, when: Callable[[Session], datetime]) -> datetime | None:
    for session in _sessions(moment, calendar):
        if _counts(session, calendar, on) and (due := when(session)) > moment:
            return due
    return None


def _sessions(moment: datetime, calendar: Calendar) -> Iterator[Session]:
    """Sessions from the day before `moment` on, for a little more than a year."""
    day = moment.astimezone(NEW_YORK).date() - _DAY
    for _ in range(_SEARCH_DAYS):
        if (session := calendar.session(day)) is not None:
            yield session
        day += _DAY


def _counts(session: Session, calendar: Calendar, on: On) -> bool:
    if on is On.EVERY:
        return True
    step = _DAY if on is On.MONTH_END else -_DAY
    day = session.day + step
    while calendar.session(day) is None:
        day += step
    if on is On.WEEK_START:
        return day.isocalendar()[:2] != session.day.isocalendar()[:2]
    return day.month != session.day.month


__all__ = ["ALWAYS_OPEN", "AfterOpen", "BeforeClose", "Every", "On", "Once", "Rule"]
