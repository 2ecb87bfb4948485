"""When the exchanges of India trade shares: NSE and BSE, which keep the same days and hours.

Core session 09:15 to 15:30, pre-open from 09:00, after the close to 16:00, all India's time (nseindia.com, "Market Timings").
Most holidays follow the moon, so the exchanges publish them each year: they are a table here, made from the published lists of
2011 to 2026 as the package exchange_calendars keeps them, and held against it by a test.  Of years behind the table the days
with a fixed date are known alone.  The evening hour of Diwali is no session here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from floorbroker.matching.calendar import Session, easter

INDIA = ZoneInfo("Asia/Kolkata")
FIRST_LISTED, LAST_LISTED = 2011, 2026
_DAY = timedelta(days=1)
_SATURDAY = 5
_PRE, _OPEN, _CLOSE, _POST = time(9), time(9, 15), time(15, 30), time(16)
_FIXED = ((1, 26), (5, 1), (8, 15), (10, 2), (12, 25))

_LISTED = """
2011 0126 0302 0412 0414 0422 0815 0831 0901 1006 1027 1107 1110 1206
2012 0126 0220 0308 0405 0406 0501 0815 0820 0919 1002 1024 1114 1128 1225
2013 0327 0329 0419 0424 0501 0809 0815 0909 1002 1016 1104 1114 1225
2014 0227 0317 0408 0414 0418 0424 0501 0729 0815 0829 1002 1003 1006 1015 1023 1024 1104 1106 1225
2015 0126 0217 0306 0402 0403 0414 0501 0917 0925 1002 1022 1111 1112 1125 1225
2016 0126 0307 0324 0325 0414 0415 0419 0706 0815 0905 0913 1011 1012 1031 1114
2017 0126 0224 0313 0404 0414 0501 0626 0815 0825 1002 1019 1020 1225
2018 0126 0213 0302 0329 0330 0501 0815 0822 0913 0920 1002 1018 1107 1108 1123 1225
2019 0304 0321 0417 0419 0429 0501 0605 0812 0815 0902 0910 1002 1008 1021 1028 1112 1225
2020 0221 0310 0402 0406 0410 0414 0501 0525 1002 1116 1130 1225
2021 0126 0311 0329 0402 0414 0421 0513 0721 0819 0910 1015 1104 1105 1119
2022 0126 0301 0318 0414 0415 0503 0809 0815 0831 1005 1024 1026 1108
2023 0126 0307 0330 0404 0407 0414 0501 0629 0815 0919 1002 1024 1114 1127 1225
2024 0122 0126 0308 0325 0329 0411 0417 0501 0520 0617 0717 0815 1002 1101 1115 1120 1225
2025 0226 0314 0331 0410 0414 0418 0501 0815 0827 1002 1021 1022 1105 1225
2026 0115 0126 0303 0326 0331 0403 0414 0501 0528 0626 0914 1002 1020 1110 1124 1225
"""


def _table(text: str) -> dict[int, frozenset[date]]:
    """A line for each year: the year, then month and day of each holiday."""
    found: dict[int, frozenset[date]] = {}
    for line in text.split("\n"):
        year, *days = line.split() or [""]
        if year:
            found[int(year)] = frozenset(date(int(year), int(day[:2]), int(day[2:])) for day in days)
    return found


_HOLIDAYS = _table(_LISTED)


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """Weekdays of `year` without trading; of years behind the table those that never move, and Good Friday."""
    if year in _HOLIDAYS:
        return _HOLIDAYS[year]
    return frozenset({*(date(year, month, day) for month, day in _FIXED), easter(year) - 2 * _DAY})


class Xnse:
    """The National Stock Exchange of India, whose days and hours the BSE keeps as well."""

    def session(self, day: date) -> Session | None:
        if day.weekday() >= _SATURDAY or day in holidays(day.year):
            return None
        pre, opens, closes, post = (_at(day, when) for when in (_PRE, _OPEN, _CLOSE, _POST))
        return Session(day=day, open=opens, close=closes, pre=pre, post=post)

    def is_open(self, at: datetime, *, extended: bool = False) -> bool:
        return self._current_or_next(at, extended=extended).start(extended=extended) <= at

    def next_open(self, at: datetime, *, extended: bool = False) -> datetime:
        return max(at, self._current_or_next(at, extended=extended).start(extended=extended))

    def next_close(self, at: datetime, *, extended: bool = False) -> datetime | None:
        return self._current_or_next(at, extended=extended).end(extended=extended)

    def day_end(self, at: datetime, *, extended: bool = False) -> datetime:
        return self._current_or_next(at, extended=extended).end(extended=extended)

    def _current_or_next(self, at: datetime, *, extended: bool) -> Session:
        day = at.astimezone(INDIA).date()
        while (session := self.session(day)) is None or session.end(extended=extended) <= at:
            day += _DAY
        return session


def _at(day: date, when: time) -> datetime:
    return datetime.combine(day, when, INDIA).astimezone(UTC)


XNSE = Xnse()
