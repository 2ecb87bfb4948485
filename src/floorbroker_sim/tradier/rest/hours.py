"""The clock and the calendar: sessions of New York, with an early and a late window.

https://documentation.tradier.com/brokerage-api/markets/get-clock and get-calendar
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from floorbroker.matching import XNYS, Session
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.rest.reading import number, params_of
from floorbroker_sim.tradier.rest.rendering import Body

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_DAY = timedelta(days=1)


def today(state: State) -> date:
    """The day in New York."""
    return state.clock.now().astimezone(NEW_YORK).date()


def _windows(session: Session) -> dict[str, tuple[str, str]]:
    opens, closes = (f"{moment.astimezone(NEW_YORK):%H:%M}" for moment in (session.open, session.close))
    return {"premarket": info.PREMARKET, "open": (opens, closes), "postmarket": (closes, _late(session))}


def _late(session: Session) -> str:
    """The late window ends five minutes before the exchange's late session does."""
    return f"{(session.post - timedelta(minutes=5)).astimezone(NEW_YORK):%H:%M}"


def extended_end(state: State, duration: str) -> datetime | None:
    """When the early or late window that runs now ends (UTC); None for other durations and where markets never close."""
    session = XNYS.session(today(state))
    if duration not in {"pre", "post"} or not state.settings.calendar or session is None:
        return None
    ends = _windows(session)["premarket" if duration == "pre" else "postmarket"][1]
    return datetime.combine(session.day, time.fromisoformat(ends), NEW_YORK)


def runs(state: State, duration: str) -> bool:
    """Whether the early (`pre`) or late (`post`) window is open now."""
    return not state.settings.calendar or phase(state) == {"pre": "premarket", "post": "postmarket"}[duration]


def phase(state: State) -> str:
    """`premarket`, `open`, `postmarket` or `closed`."""
    return _phase_and_next(state)[0]


def _phase_and_next(state: State) -> tuple[str, str, str]:
    """What runs now, when that changes (New York) and into what."""
    if not state.settings.calendar:
        return "open", "16:00", "postmarket"
    session = XNYS.session(today(state))
    if session is None:
        return "closed", info.PREMARKET[0], "premarket"
    now, windows = f"{state.clock.now().astimezone(NEW_YORK):%H:%M}", _windows(session)
    steps = [
        (windows["premarket"][0], "closed", "premarket"), (windows["premarket"][1], "premarket", "closed"),
        (windows["open"][0], "closed", "open"), (windows["open"][1], "open", "postmarket"),
        (windows["postmarket"][1], "postmarket", "closed"),
    ]  # fmt: skip
    for until, word, following in steps:
        if now < until:
            return word, until, following
    return "closed", info.PREMARKET[0], "premarket"


def get_clock(state: State, _request: Request) -> Body:
    word, until, following = _phase_and_next(state)
    session = XNYS.session(today(state))
    window = (session and _windows(session).get(word)) or ("09:30", "16:00")
    text = "Market is closed" if word == "closed" else f"Market is open from {window[0]} to {window[1]}"
    return {
        "clock": {
            "date": today(state).isoformat(), "description": text, "state": word,
            "timestamp": int(state.clock.now().timestamp()), "next_change": until, "next_state": following,
        }
    }  # fmt: skip


def get_calendar(state: State, request: Request) -> Body:
    params, current = params_of(request), today(state)
    year = number(params, "year", default=current.year, low=2000, high=2100)
    month = number(params, "month", default=current.month, high=12)
    days = [_day(date(year, month, n + 1)) for n in range(monthrange(year, month)[1])]
    return {"calendar": {"month": month, "year": year, "days": {"day": days}}}


def _day(day: date) -> dict[str, object]:
    session = XNYS.session(day)
    if session is None:
        return {"date": day.isoformat(), "status": "closed", "description": "Market is closed"}
    spans = {name: {"start": start, "end": end} for name, (start, end) in _windows(session).items()}
    return {"date": day.isoformat(), "status": "open", "description": "Market is open", **spans}


def session_start(state: State) -> datetime:
    """Midnight in New York of the day whose orders belong to the current session: today, or the last trading day before."""
    day = today(state)
    while state.settings.calendar and XNYS.session(day) is None:
        day -= _DAY
    return datetime.combine(day, time(), NEW_YORK)
