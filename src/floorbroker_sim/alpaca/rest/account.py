"""Account, its settings, its history of equity, the clock and the calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from floorbroker.domain.values import ZERO, text_of, time_text
from floorbroker.matching import XNYS, Session
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca import info
from floorbroker_sim.alpaca.errors import Refused, bad_parameter, invalid, malformed
from floorbroker_sim.alpaca.rest.reading import choice, day, moment
from floorbroker_sim.alpaca.rest.state import CONFIGURATIONS, State
from floorbroker_sim.http import Reply, Request, json_reply

_DAY = timedelta(days=1)
_CENT = Decimal("0.01")
_SPANS = {"D": 1, "W": 7, "M": 30, "A": 365}
_STEPS = {"1Min": 60, "5Min": 300, "15Min": 900, "1H": 3600, "1D": 86_400}
_MAX_POINTS = 5_000


def get_account(state: State, _request: Request) -> Reply:
    now, at = state.standing(), state.clock.now()
    last = last_equity(state)
    blocked = bool(state.configurations["suspend_trade"])
    return json_reply(
        {
            "id": state.account_id, "account_number": state.account_number, "status": "ACTIVE", "crypto_status": "ACTIVE",
            "currency": "USD", "cash": _money(now.cash), "buying_power": _money(now.buying_power),
            "regt_buying_power": _money(now.buying_power), "effective_buying_power": _money(now.buying_power),
            "non_marginable_buying_power": _money(now.cash_power), "options_buying_power": _money(now.cash_power),
            "equity": _money(now.equity), "last_equity": _money(last), "portfolio_value": _money(now.equity),
            "long_market_value": _money(now.long_value), "short_market_value": _money(now.short_value),
            "position_market_value": _money(now.long_value - now.short_value),
            "initial_margin": _money(now.initial_margin), "maintenance_margin": _money(now.maintenance_margin),
            "last_maintenance_margin": "0", "sma": _money(last), "multiplier": text_of(now.multiplier),
            "accrued_fees": "0", "pending_reg_taf_fees": "0", "intraday_adjustments": "0",
            "balance_asof": _last_session(at).day.isoformat(), "options_approved_level": info.OPTIONS_LEVEL,
            "options_trading_level": state.configurations["max_options_trading_level"], "trading_blocked": False,
            "transfers_blocked": False, "account_blocked": False, "trade_suspended_by_user": blocked,
            "shorting_enabled": not state.configurations["no_shorting"],
            "created_at": time_text(state.opened_at - timedelta(days=30)),
        }
    )  # fmt: skip


def _money(value: Decimal) -> str:
    return text_of(value.quantize(_CENT))


def last_equity(state: State) -> Decimal:
    """Equity at the last close before now."""
    close = _last_session(state.clock.now()).close
    before = [equity for at, equity in state.equity_points if at <= close]
    return before[-1] if before else state.settings.cash


def _last_session(at: datetime) -> Session:
    """The last session that ended before `at`."""
    local = at.astimezone(NEW_YORK).date()
    while (session := XNYS.session(local)) is None or session.close > at:
        local -= _DAY
    return session


# --- Settings --------------------------------------------------------------------------------------------------------

_WORDS: dict[str, tuple[object, ...]] = {
    "max_margin_multiplier": ("1", "2", "4"),
    "max_options_trading_level": (0, 1, 2, 3),
    "trade_confirm_email": ("all", "none"),
    "dtbp_check": ("both", "entry", "exit"),
    "pdt_check": ("both", "entry", "exit"),
}


def get_configurations(state: State, _request: Request) -> Reply:
    return json_reply(state.configurations)


def patch_configurations(state: State, request: Request) -> Reply:
    try:
        wish = msgspec.json.decode(request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(str(error)) from error
    for name, value in wish.items():
        if name in CONFIGURATIONS and value is not None:
            _check_setting(name, value)
    state.configurations |= {k: v for k, v in wish.items() if k in CONFIGURATIONS and v is not None}
    return json_reply(state.configurations)


def _check_setting(name: str, value: object) -> None:
    allowed = _WORDS.get(name, (True, False))
    if not any(value == word and type(value) is type(word) for word in allowed):
        raise invalid(f"invalid {name}: {value}")


# --- Equity over time ------------------------------------------------------------------------------------------------


def get_history(state: State, request: Request) -> Reply:
    """Points of equity: the value after the last execution before each point, and now at the end."""
    query = request.query
    end = moment(query, "end") or state.clock.now()
    start = moment(query, "start") or moment(query, "date_start") or end - _span(query.get("period") or "1M")
    step_s = _step(query.get("timeframe"), end - start)
    base = _equity_at(state, start)
    stamps = _stamps(start, end, step_s)
    equity = [_equity_at(state, at) for at in stamps[:-1]] + [state.standing().equity if stamps else ZERO]
    gains = [value - base for value in equity]
    return json_reply(
        {
            "timestamp": [int(at.timestamp()) for at in stamps],
            "equity": [value.quantize(_CENT) for value in equity],
            "profit_loss": [gain.quantize(_CENT) for gain in gains],
            "profit_loss_pct": [(gain / base).quantize(Decimal("0.000001")) if base else ZERO for gain in gains],
            "base_value": base.quantize(_CENT),
            "base_value_asof": start.astimezone(NEW_YORK).date().isoformat(),
            "timeframe": next(name for name, seconds in _STEPS.items() if seconds == step_s),
            "cashflow": {},
        },
        exact_numbers=True,
    )


def _stamps(start: datetime, end: datetime, step_s: int) -> list[datetime]:
    if end < start:
        raise bad_parameter("end should not be before start")
    count = int((end - start).total_seconds()) // step_s + 1
    if count > _MAX_POINTS:
        raise bad_parameter("the range is too long for this timeframe")
    return [start + timedelta(seconds=step_s * n) for n in range(1, count)] + [end]


def _span(period: str) -> timedelta:
    number, unit = period[:-1], period[-1:].upper()
    if not number.isdigit() or unit not in _SPANS or len(number) > 3:
        raise bad_parameter(f"invalid period: {period}")
    return timedelta(days=int(number) * _SPANS[unit])


def _step(timeframe: str | None, span: timedelta) -> int:
    if timeframe is None:
        return 60 if span <= timedelta(days=1) else 900 if span <= timedelta(days=7) else 86_400
    if timeframe not in _STEPS:
        raise bad_parameter(f"invalid timeframe: {timeframe}")
    return _STEPS[timeframe]


def _equity_at(state: State, at: datetime) -> Decimal:
    value = state.settings.cash
    for point, equity in state.equity_points:
        if point > at:
            break
        value = equity
    return value


# --- Clock and calendar ----------------------------------------------------------------------------------------------


def get_clock(state: State, _request: Request) -> Reply:
    at = state.clock.now()
    is_open, opens, closes = market_times(state, at)
    return json_reply(
        {
            "timestamp": _local(at),
            "is_open": is_open,
            "next_open": _local(opens),
            "next_close": _local(closes),
        }
    )


def market_times(state: State, at: datetime) -> tuple[bool, datetime, datetime]:
    """Whether shares trade at `at`, the next opening and the next close."""
    running = XNYS.is_open(at)
    closes = XNYS.next_close(at)
    assert closes is not None
    opens = XNYS.next_open(closes) if running else XNYS.next_open(at)
    return running or not state.settings.calendar, opens, closes


def _local(at: datetime) -> str:
    return at.astimezone(NEW_YORK).isoformat()


def get_calendar(state: State, request: Request) -> Reply:
    query = request.query
    choice(query, "date_type", ("TRADING", "SETTLEMENT"), default="TRADING")
    return json_reply([_calendar_day(session) for session in _sessions(state, day(query, "start"), day(query, "end"))])


def _sessions(state: State, start: date | None, end: date | None) -> list[Session]:
    """Every session of a range; without one, the year around now."""
    today = state.clock.now().astimezone(NEW_YORK).date()
    first = start or date(max(today.year - 1, 1998), 1, 1)
    last = end or date(today.year + 1, 12, 31)
    if last < first:
        raise bad_parameter("end should not be before start")
    last = min(last, first + timedelta(days=366 * 60))
    found = (XNYS.session(first + timedelta(days=n)) for n in range((last - first).days + 1))
    return [session for session in found if session is not None]


def _calendar_day(session: Session) -> dict[str, object]:
    settles = XNYS.next_open(session.close).astimezone(NEW_YORK).date()
    return {
        "date": session.day.isoformat(),
        "open": f"{session.open.astimezone(NEW_YORK):%H:%M}",
        "close": f"{session.close.astimezone(NEW_YORK):%H:%M}",
        "session_open": f"{session.pre.astimezone(NEW_YORK):%H%M}",
        "session_close": f"{session.post.astimezone(NEW_YORK):%H%M}",
        "settlement_date": settles.isoformat(),
    }


_MARKETS: dict[str, dict[str, object]] = {
    "NYSE": {
        "acronym": "NYSE", "mic": "XNYS", "name": "New York Stock Exchange", "timezone": "America/New_York"
    },
    "NASDAQ": {
        "acronym": "NASDAQ", "mic": "XNAS", "name": "NASDAQ", "timezone": "America/New_York"
    },
}  # fmt: skip


def get_clock_v3(state: State, request: Request) -> Reply:
    at = moment(request.query, "time") or state.clock.now()
    wanted = [name.strip() for name in request.query.get("markets", "NYSE").split(",")]
    return json_reply({"clocks": [_clock_of(state, name, at) for name in wanted]})


def _market(name: str) -> dict[str, object]:
    found = _MARKETS.get(name) or next((m for m in _MARKETS.values() if name == m["mic"]), None)
    if found is None:
        raise Refused(400, None, f"invalid market: {name}")
    return found


def _clock_of(state: State, name: str, at: datetime) -> dict[str, object]:
    _, opens, closes = market_times(state, at)
    phase, until = _phase(at)
    return {
        "market": _market(name),
        "timestamp": _local(at),
        "is_market_day": XNYS.session(at.astimezone(NEW_YORK).date()) is not None,
        "next_market_open": _local(opens),
        "next_market_close": _local(closes),
        "phase": phase,
        "phase_until": _local(until),
    }


def _phase(at: datetime) -> tuple[str, datetime]:
    session = XNYS.current_or_next(at, extended=True)
    for phase, until in (("closed", session.pre), ("pre", session.open), ("core", session.close)):
        if at < until:
            return phase, until
    return "post", session.post


def get_calendar_v3(state: State, request: Request, market: str) -> Reply:
    sessions = _sessions(state, day(request.query, "start"), day(request.query, "end"))
    return json_reply({"market": _market(market), "calendar": [_calendar_day_v3(session) for session in sessions]})


def _calendar_day_v3(session: Session) -> dict[str, object]:
    times = {
        "pre_start": session.pre, "pre_end": session.open, "core_start": session.open, "core_end": session.close,
        "post_start": session.close, "post_end": session.post,
    }  # fmt: skip
    settles = XNYS.next_open(session.close).astimezone(NEW_YORK).date()
    days: dict[str, object] = {"date": session.day.isoformat(), "settlement_date": settles.isoformat()}
    return days | {name: _local(at) for name, at in times.items()}
