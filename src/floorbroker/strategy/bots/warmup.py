"""How far back the bars lie that a strategy warms up with: nights, weekends and holidays have none.  Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.matching.calendar import ALWAYS_OPEN, FX_WEEK, Calendar
from floorbroker.matching.named import by_name

_DAY = timedelta(days=1)
_OWN = {AssetClass.FX: FX_WEEK, AssetClass.CRYPTO: ALWAYS_OPEN, AssetClass.PERPETUAL: ALWAYS_OPEN}


def calendar_of(symbol: str, named: str) -> Calendar:
    """Currencies and coins have hours of their own; everything else those of the calendar that is named."""
    return _OWN.get(asset_class_of(symbol)) or by_name(named)


def since(now: datetime, *, span: timedelta, count: int, calendar: Calendar) -> datetime:
    """From when on `count` bars of `span` lie within sessions before `now`; bars of more than a day stand side by side."""
    if span > _DAY:
        return now - count * span
    left, day = count * span, now.astimezone(UTC).date() + _DAY
    while True:
        session = calendar.session(day)
        day -= _DAY
        if session is None or session.open >= now:
            continue
        ends = min(session.close, now)
        here = span if span == _DAY else ends - session.open
        if here >= left:
            return session.open - _DAY if span == _DAY else ends - left
        left -= here
