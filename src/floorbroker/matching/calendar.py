"""When markets are open.  XNYS from 1998 on by its published rules, FX 24x5, and a market that never closes.

New York rules (NYSE Rule 7.2 and the exchange's yearly "Holidays and Trading Hours" page): core session 09:30 to 16:00,
early session from 04:00, late session to 20:00, all New York time.  An early close is at 13:00, its late session ends at 17:00.
The days are computed from the rules below and a short list of days without a rule; the tests hold them against recorded days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
FIRST_YEAR = 1998
_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day (UTC): core `open` and `close`, and the outer bounds `pre` and `post`."""

    day: date
    open: datetime
    close: datetime
    pre: datetime
    post: datetime

    def start(self, *, extended: bool) -> datetime:
        return self.pre if extended else self.open

    def end(self, *, extended: bool) -> datetime:
        return self.post if extended else self.close


class Calendar(Protocol):
    """Opening hours of one market.  Moments are UTC-aware; `extended` counts early and late sessions as open."""

    def session(self, day: date) -> Session | None:
        """The session of one local trading day; None when there is none."""
        ...

    def is_open(self, at: datetime, *, extended: bool = False) -> bool: ...

    def next_open(self, at: datetime, *, extended: bool = False) -> datetime:
        """The first opening at or after `at`; `at` itself while open."""
        ...

    def next_close(self, at: datetime, *, extended: bool = False) -> datetime | None:
        """The first moment after `at` at which the market stops trading; None where it never does."""
        ...

    def day_end(self, at: datetime, *, extended: bool = False) -> datetime:
        """When a day order that comes in at `at` ends: the end of the session that runs, or of the next."""
        ...


class AlwaysOpen:
    """Crypto: no pause; a trading day is a UTC day."""

    def session(self, day: date) -> Session | None:
        start = datetime.combine(day, time(), UTC)
        return Session(day=day, open=start, close=start + _DAY, pre=start, post=start + _DAY)

    def is_open(self, at: datetime, *, extended: bool = False) -> bool:
        return True

    def next_open(self, at: datetime, *, extended: bool = False) -> datetime:
        return at

    def next_close(self, at: datetime, *, extended: bool = False) -> datetime | None:
        return None

    def day_end(self, at: datetime, *, extended: bool = False) -> datetime:
        return datetime.combine(at.astimezone(UTC).date() + _DAY, time(), UTC)


class FxWeek:
    """Currencies: Sunday 17:00 to Friday 17:00 New York; a trading day ends at 17:00 New York."""

    def session(self, day: date) -> Session | None:
        if day.weekday() >= _SATURDAY:
            return None
        start, end = (_new_york(d, time(17)) for d in (day - _DAY, day))
        return Session(day=day, open=start, close=end, pre=start, post=end)

    def is_open(self, at: datetime, *, extended: bool = False) -> bool:
        return self._running(at) is not None

    def next_open(self, at: datetime, *, extended: bool = False) -> datetime:
        return max(at, self._current_or_next(at).open)

    def next_close(self, at: datetime, *, extended: bool = False) -> datetime | None:
        session = self._current_or_next(at)
        while (following := self.session(session.day + _DAY)) is not None:
            session = following
        return session.close

    def day_end(self, at: datetime, *, extended: bool = False) -> datetime:
        return self._current_or_next(at).close

    def _running(self, at: datetime) -> Session | None:
        session = self._current_or_next(at)
        return session if session.open <= at else None

    def _current_or_next(self, at: datetime) -> Session:
        day = at.astimezone(NEW_YORK).date()
        while (session := self.session(day)) is None or session.close <= at:
            day += _DAY
        return session


class Xnys:
    """The New York Stock Exchange, for shares and listed options."""

    def session(self, day: date) -> Session | None:
        return _xnys_session(day)

    def is_open(self, at: datetime, *, extended: bool = False) -> bool:
        return self.current_or_next(at, extended=extended).start(extended=extended) <= at

    def next_open(self, at: datetime, *, extended: bool = False) -> datetime:
        return max(at, self.current_or_next(at, extended=extended).start(extended=extended))

    def next_close(self, at: datetime, *, extended: bool = False) -> datetime | None:
        return self.current_or_next(at, extended=extended).end(extended=extended)

    def day_end(self, at: datetime, *, extended: bool = False) -> datetime:
        return self.current_or_next(at, extended=extended).end(extended=extended)

    def current_or_next(self, at: datetime, *, extended: bool = False) -> Session:
        """The session that runs at `at`, or the next one."""
        day = at.astimezone(NEW_YORK).date()
        while (session := _xnys_session(day)) is None or session.end(extended=extended) <= at:
            day += _DAY
        return session


@lru_cache(maxsize=4096)
def _xnys_session(day: date) -> Session | None:
    if day.weekday() >= _SATURDAY or day in holidays(day.year):
        return None
    is_early = day in early_closes(day.year)
    return Session(
        day=day,
        open=_new_york(day, time(9, 30)),
        close=_new_york(day, time(13) if is_early else time(16)),
        pre=_new_york(day, time(4)),
        post=_new_york(day, time(17) if is_early else time(20)),
    )


def _new_york(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)


# -- New York's days ----------------------------------------------------------------------------------------------------

_SPECIAL_CLOSURES = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),  # attacks of September 11
        date(2004, 6, 11),  # mourning for President Reagan
        date(2007, 1, 2),  # mourning for President Ford
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # mourning for President Bush
        date(2025, 1, 9),  # mourning for President Carter
    }
)
_SPECIAL_EARLY_CLOSES = frozenset({date(1999, 12, 31), date(2003, 12, 26)})
_JUNETEENTH_SINCE = 2022
_JULY_3_BEFORE_A_THURSDAY_SINCE = 2013


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """Weekdays of `year` on which New York does not trade."""
    days = {
        _next_monday_if_sunday(date(year, 1, 1)),  # a Saturday's New Year is not made up for
        _nth(year, 1, 0, 3),  # Martin Luther King
        _nth(year, 2, 0, 3),  # Washington
        easter(year) - 2 * _DAY,
        _last_monday_of_may(year),
        _observed(date(year, 7, 4)),
        _nth(year, 9, 0, 1),  # Labor Day
        _nth(year, 11, 3, 4),  # Thanksgiving
        _observed(date(year, 12, 25)),
    }
    if year >= _JUNETEENTH_SINCE:
        days.add(_observed(date(year, 6, 19)))
    return frozenset(days | {day for day in _SPECIAL_CLOSURES if day.year == year})


@lru_cache(maxsize=256)
def early_closes(year: int) -> frozenset[date]:
    """Days of `year` on which New York closes at 13:00."""
    days = {_nth(year, 11, 3, 4) + _DAY}
    christmas_eve, july_3 = date(year, 12, 24), date(year, 7, 3)
    if christmas_eve.weekday() < 4:
        days.add(christmas_eve)
    if july_3.weekday() in (0, 1, 3):
        days.add(july_3)
    elif july_3.weekday() == 2:
        days.add(july_3 if year >= _JULY_3_BEFORE_A_THURSDAY_SINCE else date(year, 7, 5))
    return frozenset(days | {day for day in _SPECIAL_EARLY_CLOSES if day.year == year})


def _observed(day: date) -> date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    return day - _DAY if day.weekday() == _SATURDAY else _next_monday_if_sunday(day)


def _next_monday_if_sunday(day: date) -> date:
    return day + _DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def easter(year: int) -> date:
    """Easter Sunday by the Gregorian computus (Meeus, Jones, Butcher)."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    moon = (century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 19 * golden + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - moon - in_century % 4) % 7
    correction = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


ALWAYS_OPEN = AlwaysOpen()
FX_WEEK = FxWeek()
XNYS = Xnys()
