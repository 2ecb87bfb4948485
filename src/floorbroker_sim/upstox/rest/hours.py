"""When the exchanges trade: sessions and holidays of NSE and BSE shares and options.

Regular trading from 09:15 to 15:30, pre-open from 09:00, closing session to 16:00, Indian time.  Holidays are those the exchanges
announced; of years that are not in the table only the fixed days are known.  https://www.nseindia.com/resources/exchange-communication-holidays
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from floorbroker.matching import Session
from floorbroker.matching.calendar import easter
from floorbroker_sim.upstox.info import IST

_DAY = timedelta(days=1)
_SATURDAY = 5
_PRE, _OPEN, _CLOSE, _POST = time(9), time(9, 15), time(15, 30), time(16)
# Weekdays without trading, as MMDD.
_ANNOUNCED = {
    2022: "0126 0301 0318 0414 0415 0503 0809 0815 0831 1005 1024 1026 1108",
    2023: "0126 0307 0330 0404 0407 0414 0501 0629 0815 0919 1002 1024 1114 1127 1225",
    2024: "0122 0126 0308 0325 0329 0411 0417 0501 0520 0617 0717 0815 1002 1101 1115 1120 1225",
    2025: "0226 0314 0331 0410 0414 0418 0501 0815 0827 1002 1021 1022 1105 1225",
    2026: "0115 0126 0303 0326 0331 0403 0414 0501 0528 0626 0914 1002 1020 1110 1124 1225",
}
_FIXED = "0126 0414 0501 0815 1002 1225"
_NAMES = {
    "0126": "Republic Day", "0414": "Dr. Baba Saheb Ambedkar Jayanti", "0501": "Maharashtra Day", "0815": "Independence Day",
    "1002": "Mahatma Gandhi Jayanti", "1225": "Christmas",
}  # fmt: skip


@lru_cache(maxsize=64)
def holidays(year: int) -> dict[date, str]:
    """Weekdays of `year` on which the exchanges do not trade, and what they are called."""
    found = {
        date(year, int(mark[:2]), int(mark[2:])): _NAMES.get(mark, "Trading holiday")
        for mark in _ANNOUNCED.get(year, _FIXED).split()
    }
    found[easter(year) - 2 * _DAY] = "Good Friday"
    return {day: name for day, name in sorted(found.items()) if day.weekday() < _SATURDAY}


class India:
    """The calendar of shares and options of both exchanges."""

    def session(self, day: date) -> Session | None:
        if day.weekday() >= _SATURDAY or day in holidays(day.year):
            return None
        pre, opens, closes, post = (
            datetime.combine(day, at, IST).astimezone(UTC) for at in (_PRE, _OPEN, _CLOSE, _POST)
        )
        return Session(day=day, open=opens, close=closes, pre=pre, post=post)

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
        day = local_day(at)
        while (session := self.session(day)) is None or session.end(extended=extended) <= at:
            day += _DAY
        return session

    def last_closed(self, at: datetime) -> Session:
        """The last session that was over at `at`."""
        day = local_day(at)
        while (session := self.session(day)) is None or session.close > at:
            day -= _DAY
        return session

    def on_or_before(self, day: date) -> date:
        """`day`, or the last trading day before it."""
        while self.session(day) is None:
            day -= _DAY
        return day


INDIA = India()


def local_day(at: datetime) -> date:
    """The day in India."""
    return at.astimezone(IST).date()


def midnight(day: date) -> datetime:
    """When a day begins in India, UTC."""
    return datetime.combine(day, time(), IST).astimezone(UTC)
