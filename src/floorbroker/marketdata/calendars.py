"""Which days a symbol should have a bar for: planned sessions without the days on which the exchange stayed shut.

Documents: nyse.com/markets/hours-calendars; the days besides are those of public record (storms, mourning, the attacks of 2001).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK

_DAY = timedelta(days=1)
_STAYED_SHUT = frozenset(
    {
        date(2001, 9, 11), date(2001, 9, 12), date(2001, 9, 13), date(2001, 9, 14), date(2004, 6, 11), date(2007, 1, 2),
        date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9),
    }
)  # fmt: skip


def is_round_the_clock(symbol: str) -> bool:
    """Coins and currencies trade by the day of UTC."""
    return asset_class_of(symbol) is not AssetClass.EQUITY


@lru_cache(maxsize=65_536)
def is_session(day: date) -> bool:
    """Whether shares traded in New York on that day."""
    return day not in _STAYED_SHUT and XNYS.session(day) is not None


def day_start(symbol: str, day: date) -> datetime:
    """The midnight at which the daily bar of `day` begins, UTC."""
    zone = UTC if is_round_the_clock(symbol) else NEW_YORK
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)


def day_of(symbol: str, at: datetime) -> date:
    """The day a moment belongs to, on the calendar of the symbol's market."""
    return at.astimezone(UTC if is_round_the_clock(symbol) else NEW_YORK).date()


def sessions(symbol: str, start: datetime, end: datetime) -> list[date]:
    """Days with a session whose bar begins in the range (`end` left out)."""
    found: list[date] = []
    day = day_of(symbol, start)
    while (opens := day_start(symbol, day)) < end:
        if opens >= start and (is_round_the_clock(symbol) or is_session(day)):
            found.append(day)
        day += _DAY
    return found


def next_session(day: date) -> date:
    """The first trading day in New York after `day`."""
    following = day + _DAY
    while not is_session(following):
        following += _DAY
    return following
