"""Candles of the past and of today, the newest first.

https://upstox.com/developer/api-documentation/v3/get-historical-candle-data
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from floorbroker_sim.history import Candle, aggregated
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.info import IST
from floorbroker_sim.upstox.mapping import iso_text
from floorbroker_sim.upstox.rest.answers import Call, ok
from floorbroker_sim.upstox.rest.hours import INDIA, local_day, midnight
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import day_of, is_key

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

Bucket = Callable[[datetime], datetime]
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
# Unit -> the largest interval.
_UNITS = {"minutes": 300, "hours": 5, "days": 1, "weeks": 1, "months": 1}
_OLD = {
    "1minute": ("minutes", 1), "30minute": ("minutes", 30), "day": ("days", 1), "week": ("weeks", 1), "month": ("months", 1),
}  # fmt: skip
_FIRST_MINUTE, _FIRST_DAY = date(2022, 1, 1), date(2000, 1, 1)
_MONTH_SPAN, _QUARTER_SPAN, _DECADE_SPAN = timedelta(days=31), timedelta(days=92), timedelta(days=3653)
_LAST_SPAN = {"minutes": timedelta(days=7), "hours": timedelta(days=30), "days": timedelta(days=365)}


def get_past(state: State, _call: Call, key: str, unit: str, *path: str) -> Reply:
    """Behind the unit come interval, `to` and `since`, the later day first; without `since` a usual span before `to`."""
    interval, to = path[0], path[1]
    since = path[2] if path[2:] else None
    listed, count = _listed(state, key), _interval(unit, interval)
    end = day_of(to, code="UDAPI1015", path="to_date")
    start = end - _LAST_SPAN.get(unit, 3 * _DECADE_SPAN / 10) if since is None else day_of(since, code="UDAPI1015")
    if start > end:
        raise Refused("UDAPI1015", path="from_date", value=since)
    is_short = unit in {"minutes", "hours"}
    if end - start > _span(unit, count) or end < (_FIRST_MINUTE if is_short else _FIRST_DAY):
        raise Refused("UDAPI1148", path="from_date", value=since)
    start = max(start, _FIRST_MINUTE if is_short else _FIRST_DAY)
    end = min(end, local_day(state.clock.now()) - (_DAY if is_short else timedelta()))
    return _reply(_candles(state, listed, (unit, count), midnight(start), midnight(end + _DAY) - _MINUTE))


def get_today(state: State, _call: Call, key: str, unit: str, interval: str) -> Reply:
    """Minutes, hours, or the day so far."""
    listed, count = _listed(state, key), _interval(unit, interval)
    if unit not in {"minutes", "hours", "days"}:
        raise Refused("UDAPI1146", path="unit", value=unit)
    today = local_day(state.clock.now())
    return _reply(_candles(state, listed, (unit, count), midnight(today), midnight(today + _DAY) - _MINUTE))


def get_past_v2(state: State, call: Call, key: str, interval: str, *days: str) -> Reply:
    return get_past(state, call, key, *_old(interval), *days)


def get_today_v2(state: State, call: Call, key: str, interval: str) -> Reply:
    return get_today(state, call, key, *_old(interval))


def _old(interval: str) -> tuple[str, str]:
    if interval not in _OLD:
        raise Refused("UDAPI1020", path="interval", value=interval)
    unit, count = _OLD[interval]
    return unit, str(count)


def _listed(state: State, key: str) -> Listed:
    if not is_key(key):
        raise Refused("UDAPI1021", path="instrumentKey", value=key)
    found = state.listings.by_key.get(key)
    if found is None:
        raise Refused("UDAPI100011", path="instrumentKey", value=key)
    return found


def _interval(unit: str, interval: str) -> int:
    if unit not in _UNITS:
        raise Refused("UDAPI1146", path="unit", value=unit)
    if not interval.isascii() or not interval.isdigit() or len(interval) > 3 or not 1 <= int(interval) <= _UNITS[unit]:
        raise Refused("UDAPI1147", path="interval", value=interval)
    return int(interval)


def _span(unit: str, count: int) -> timedelta:
    if unit == "minutes" and count <= 15:
        return _MONTH_SPAN
    if unit in {"minutes", "hours"}:
        return _QUARTER_SPAN
    return _DECADE_SPAN if unit == "days" else timedelta(days=36_500)


def _candles(state: State, listed: Listed, span: tuple[str, int], start: datetime, end: datetime) -> Iterator[Candle]:
    """`span` is a unit and how many of it.  A minute is known when it is over, a day as far as it went."""
    (unit, count), now = span, state.clock.now()
    if unit in {"minutes", "hours"}:
        found = state.past.history.minutes(listed.symbol, start, min(end, now - _MINUTE))
        length = count * (1 if unit == "minutes" else 60)
        return found if length == 1 else aggregated(found, _minutes(length))
    found = state.past.history.days(listed.symbol, start, min(end, now))
    return found if unit == "days" else aggregated(found, _week if unit == "weeks" else _month)


def _minutes(length: int) -> Bucket:
    """Buckets are counted from the opening of the session."""

    def bucket(at: datetime) -> datetime:
        session = INDIA.session(local_day(at))
        opens = midnight(local_day(at)) if session is None or at < session.open else session.open
        return opens + (at - opens) // (length * _MINUTE) * length * _MINUTE

    return bucket


def _week(at: datetime) -> datetime:
    local = at.astimezone(IST)
    return midnight(local.date() - local.weekday() * _DAY)


def _month(at: datetime) -> datetime:
    return midnight(local_day(at).replace(day=1))


def _reply(candles: Iterator[Candle]) -> Reply:
    rows = [[iso_text(one.start), one.open, one.high, one.low, one.close, int(one.volume), 0] for one in candles]
    return ok({"candles": rows[::-1]})
