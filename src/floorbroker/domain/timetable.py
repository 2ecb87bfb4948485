"""When a venue is shut for maintenance, and when it ends every session: weekly times as data, asked with a moment.

A time is written in the zone that the venue speaks of, so that its summer time moves it; every answer is UTC.  People write a
window of their own as `SUN 06:00-07:00 UTC`, several with `;` between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floorbroker.domain.frozen import frozen

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")  # as `datetime.weekday` numbers them
DAILY = frozenset(range(7))
_WEEK = 8  # days ahead: the next of anything weekly
_WRITTEN = re.compile(
    r"(?P<first>[A-Z]{3,5})(?:-(?P<last>[A-Z]{3}))? (?P<begins>\d\d:\d\d)-(?P<ends>\d\d:\d\d)(?: (?P<zone>\S+))?"
)
FORM = "SUN 06:00-07:00 UTC, MON-FRI 22:00-22:30 America/New_York or DAILY 03:30-03:45 Asia/Kolkata; UTC when left out"


class Span(NamedTuple):
    """From when (UTC, inclusive) to when (exclusive), and why."""

    begins_at: datetime
    ends_at: datetime
    why: str


@frozen
class Window:
    """A time of the week that lasts at most a day.  `days` are those on which it begins, Monday 0; `document` where it stands."""

    begins: time
    lasts: timedelta
    days: frozenset[int] = DAILY
    zone: str = "UTC"
    why: str = "maintenance"
    document: str = ""

    def spans(self, around: datetime) -> Iterator[Span]:
        """Those that may be open at a moment, and those of the week after it, in order."""
        zone = ZoneInfo(self.zone)
        today = around.astimezone(zone).date()
        for day in (today + timedelta(days=n) for n in range(-1, _WEEK + 1)):
            if day.weekday() in self.days:
                yield self._on(day, zone)

    def _on(self, day: date, zone: ZoneInfo) -> Span:
        begins_at = datetime.combine(day, self.begins, tzinfo=zone).astimezone(UTC)
        return Span(begins_at, begins_at + self.lasts, self.why)


@frozen
class Timetable:
    """A venue's week.  In `maintenance` it takes no orders; at the beginning of each of `resets` every session of it ends."""

    maintenance: tuple[Window, ...] = ()
    resets: tuple[Window, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.maintenance or self.resets)


NO_TIMETABLE = Timetable()


def shut(table: Timetable, now: datetime) -> Span | None:
    """The maintenance that is on; of several, the one that ends last."""
    return max(
        (span for span in _all(table.maintenance, now) if span.begins_at <= now < span.ends_at),
        key=lambda span: span.ends_at,
        default=None,
    )


def next_shut(table: Timetable, now: datetime) -> Span | None:
    """The next maintenance to begin."""
    return min((span for span in _all(table.maintenance, now) if span.begins_at > now), default=None)


def next_reset(table: Timetable, now: datetime) -> Span | None:
    """The next end of every session."""
    return min((span for span in _all(table.resets, now) if span.begins_at > now), default=None)


def _all(windows: Iterable[Window], now: datetime) -> Iterator[Span]:
    for window in windows:
        yield from window.spans(now)


def read_windows(text: str) -> tuple[Window, ...]:
    """Windows as people write them.  Raises `ValueError` with what is wrong and what would be right."""
    return tuple(_read(part.strip()) for part in text.split(";") if part.strip())


def _read(text: str) -> Window:
    found = _WRITTEN.fullmatch(_upper_but_zone(text))
    if found is None:
        raise ValueError(f"{text!r} is not like {FORM}")
    zone = found["zone"] or "UTC"
    try:
        ZoneInfo(zone)
        begins, ends = time.fromisoformat(found["begins"]), time.fromisoformat(found["ends"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r}: there is no such time, or no zone {zone!r}") from None
    lasts = datetime.combine(date.min, ends) - datetime.combine(date.min, begins)
    if not lasts:
        raise ValueError(f"{text!r}: it ends when it begins; a whole day is 00:00-23:59")
    return Window(begins=begins, lasts=lasts % timedelta(days=1), days=_days(found["first"], found["last"]), zone=zone)


def _upper_but_zone(text: str) -> str:
    """Days in any case; zones keep theirs."""
    day, _, rest = text.partition(" ")
    return f"{day.upper()} {rest}"


def _days(first: str, last: str | None) -> frozenset[int]:
    if first == "DAILY" and last is None:
        return DAILY
    try:
        begin, end = DAYS.index(first), DAYS.index(last or first)
    except ValueError:
        raise ValueError(f"{first}{f'-{last}' if last else ''}: days are {', '.join(DAYS)} or DAILY") from None
    return frozenset((begin + n) % 7 for n in range((end - begin) % 7 + 1))
