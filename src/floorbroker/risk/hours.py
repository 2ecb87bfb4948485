"""When orders are taken: the exchange's calendar, and windows of the week in which nothing new begins."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from floorbroker.domain.frozen import frozen
from floorbroker.matching import CALENDARS

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS)
_WINDOW = re.compile(rf"(?:({_DAY})(?:-({_DAY}))? )?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@frozen
class Window:
    """Minutes of the day (UTC) from `start` up to `end`, on the weekdays named (Monday is 0).

    One that ends before it starts runs over midnight, and belongs to the day on which it began.
    """

    days: frozenset[int]
    start: int
    end: int

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        utc = at.astimezone(UTC)
        day, minute = utc.weekday(), utc.hour * 60 + utc.minute
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


@lru_cache(maxsize=256)
def window_of(text: str) -> Window:
    """`13:25-13:35`, `fri 20:55-21:10` or `mon-fri 13:25-13:35`, in UTC.  Raises `ValueError` saying what would be right."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError('write a window in UTC like "13:25-13:35" or "mon-fri 13:25-13:35"')
    first, last, *clock = found.groups()
    hours, minutes, until_hours, until_minutes = map(int, clock)
    start, end = hours * 60 + minutes, until_hours * 60 + until_minutes
    if start == end:
        raise ValueError("a window that ends when it starts is none")
    return Window(days=_days(first, last), start=start, end=end)


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    begin = _DAYS.index(first)
    length = (_DAYS.index(last or first) - begin) % 7
    return frozenset((begin + n) % 7 for n in range(length + 1))


def shut(calendar: str, hours: str, at: datetime) -> str:
    """Why a market counts as closed: `hours` is `any`, `extended` or `core`.  Empty when it is open."""
    if hours == "any":
        return ""
    market = CALENDARS.get(calendar)
    if market is None:
        return f"the hours of {calendar} are not known here, and orders are taken in {hours} hours alone"
    if market.is_open(at, extended=hours == "extended"):
        return ""
    opens = market.next_open(at, extended=hours == "extended")
    return f"{calendar} is closed ({hours} hours); it opens at {opens:%Y-%m-%d %H:%M} UTC"
