"""Holidays, hours and how the exchanges stand.  https://upstox.com/developer/api-documentation/get-market-holidays"""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

from floorbroker.matching import Session
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.mapping import epoch_ms
from floorbroker_sim.upstox.rest.answers import Call, ok
from floorbroker_sim.upstox.rest.hours import INDIA, holidays, local_day
from floorbroker_sim.upstox.rest.reading import day_of

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

# When a part of a trading day begins.
_PHASES = (
    (time(0), "NORMAL_CLOSE"), (time(9), "PRE_OPEN_START"), (time(9, 8), "PRE_OPEN_END"), (time(9, 15), "NORMAL_OPEN"),
    (time(15, 30), "NORMAL_CLOSE"), (time(15, 40), "CLOSING_START"), (time(16), "CLOSING_END"),
)  # fmt: skip
_CLOSED = ("NSE", "NFO", "CDS", "BSE", "BFO", "BCD")


def get_holidays(state: State, _call: Call, day: str | None = None) -> Reply:
    """Those of the year, or the one of a day."""
    if day is None:
        return ok([_holiday(one, name) for one, name in holidays(local_day(state.clock.now()).year).items()])
    wanted = day_of(day, code="UDAPI1088", path="date")
    name = holidays(wanted.year).get(wanted)
    return ok([] if name is None else [_holiday(wanted, name)])


def _holiday(day: date, name: str) -> dict[str, object]:
    return {
        "date": day.isoformat(), "description": name, "holiday_type": "TRADING_HOLIDAY", "closed_exchanges": list(_CLOSED),
        "open_exchanges": [],
    }  # fmt: skip


def get_timings(_state: State, _call: Call, day: str) -> Reply:
    session = INDIA.session(day_of(day, code="UDAPI1088", path="date"))
    return ok([] if session is None else [_timing(name, session) for name in _CLOSED])


def _timing(exchange: str, session: Session) -> dict[str, object]:
    return {"exchange": exchange, "start_time": epoch_ms(session.open), "end_time": epoch_ms(session.close)}


def get_status(state: State, _call: Call, exchange: str) -> Reply:
    if exchange not in info.EXCHANGES:
        raise Refused("UDAPI1105", text="The exchange is invalid", path="exchange", value=exchange)
    return ok({"exchange": exchange, "status": phase(state), "last_updated": epoch_ms(state.clock.now())})


def phase(state: State) -> str:
    """The exchanges' own word for the part of the day; without hours they are always open."""
    now = state.clock.now().astimezone(info.IST)
    if not state.settings.calendar:
        return "NORMAL_OPEN"
    if INDIA.session(now.date()) is None:
        return "NORMAL_CLOSE"
    return next(word for since, word in reversed(_PHASES) if now.time() >= since)
