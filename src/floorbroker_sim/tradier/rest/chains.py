"""Option chains: expirations, strikes, contracts and their greeks.

What is listed follows from the share's price on the first day: six Fridays ahead, eleven round strikes about it, calls and puts.
Their prices are those of the seeded market (`tape.option_value`: what an option would bring now, plus time value after
Brenner and Subrahmanyam at a volatility of 30 %, fading with distance); the greeks are those of the normal model with that
volatility.
https://documentation.tradier.com/brokerage-api/markets/get-options-chains and its neighbours
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.instrument import OptionContract
from floorbroker.tape import expiries, strikes
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import outside
from floorbroker_sim.tradier.rest.expiry import last_moment
from floorbroker_sim.tradier.rest.hours import today
from floorbroker_sim.tradier.rest.reading import day, flag, needed, params_of
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

VOLATILITY = 0.3
_YEAR_S = 365 * 86_400
_DIGITS = Decimal("0.000001")


def dates_of(state: State, root: str) -> list[date]:
    """The expirations of a share that has options."""
    return expiries(today(state)) if root in info.OPTION_ROOTS and _anchor(state, root) is not None else []


def _anchor(state: State, root: str) -> Decimal | None:
    if root not in state.market.instruments:
        return None
    return state.market.price_at(root, state.market.first_moment) or state.mark(root) or None


def strikes_of(state: State, root: str) -> list[Decimal]:
    anchor = _anchor(state, root)
    return [] if anchor is None else strikes(anchor)


def is_standard(day_of: date) -> bool:
    """The third Friday of a month; the others are weeklies."""
    return 15 <= day_of.day <= 21


def contracts_of(state: State, root: str, expiration: date) -> list[OptionContract]:
    """Calls and puts of one expiration, by strike."""
    if expiration not in dates_of(state, root):
        return []
    return [
        OptionContract(root=root, expiry=expiration, right=right, strike=strike)
        for strike in strikes_of(state, root)
        for right in "CP"
    ]


def _expiration(request: Request) -> tuple[str, date]:
    params = params_of(request)
    symbol, expiration = needed(params, "symbol").upper(), day(params, "expiration")
    if expiration is None:
        raise Refused(400, "expiration is required")
    return symbol, expiration


def get_strikes(state: State, request: Request) -> Body:
    symbol, expiration = _expiration(request)
    found = strikes_of(state, symbol) if expiration in dates_of(state, symbol) else []
    return {"strikes": Listed(name="strike", items=found)}


def get_expirations(state: State, request: Request) -> Body:
    """Plain dates, or objects once one of the extras is asked for."""
    params = params_of(request)
    symbol = needed(params, "symbol").upper()
    flag(params, "includeAllRoots")
    extras = [name for name in ("strikes", "contractSize", "expirationType") if flag(params, name)]
    dates = dates_of(state, symbol)
    if not extras:
        return {"expirations": Listed(name="date", items=[one.isoformat() for one in dates])}
    found: list[dict[str, object]] = []
    for one in dates:
        entry: dict[str, object] = {"date": one.isoformat()}
        if "contractSize" in extras:
            entry["contract_size"] = int(info.MULTIPLIER)
        if "expirationType" in extras:
            entry["expiration_type"] = "standard" if is_standard(one) else "weeklys"
        if "strikes" in extras:
            entry["strikes"] = Listed(name="strike", items=strikes_of(state, symbol))
        found.append(entry)
    return {"expirations": Listed(name="expiration", items=found)}


def get_lookup(state: State, request: Request) -> Body:
    """All contracts on a share: a plain array, without a wrapper."""
    root = needed(params_of(request), "underlying").upper()
    options = [outside(c.symbol) for one in dates_of(state, root) for c in contracts_of(state, root, one)]
    return {"symbols": [{"rootSymbol": root, "options": options}] if options else None}


def details(state: State, contract: OptionContract, *, greeks: bool) -> dict[str, object]:
    """The members that only a quote of an option has."""
    answer: dict[str, object] = {
        "underlying": contract.root, "strike": contract.strike, "open_interest": 100 + int(contract.strike) % 900,
        "contract_size": int(info.MULTIPLIER), "expiration_date": contract.expiry.isoformat(),
        "expiration_type": "standard" if is_standard(contract.expiry) else "weeklys",
        "option_type": "call" if contract.right == "C" else "put", "root_symbol": contract.root,
    }  # fmt: skip
    return answer | ({"greeks": greeks_of(state, contract)} if greeks else {})


def greeks_of(state: State, contract: OptionContract) -> dict[str, object]:
    """Of the normal model, as of the last full hour."""
    at = state.clock.now()
    spot = float(state.mark(contract.root) or contract.strike)
    years = max((last_moment(contract) - at).total_seconds(), 1) / _YEAR_S
    deviation = VOLATILITY * spot * math.sqrt(years)
    sign = 1 if contract.right == "C" else -1
    z = (spot - float(contract.strike)) / deviation
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    values = {
        "delta": sign * (1 + math.erf(sign * z / math.sqrt(2))) / 2, "gamma": density / deviation,
        "theta": -density * deviation / (2 * years * 365), "vega": density * deviation / VOLATILITY / 100,
        "rho": 0.0, "phi": 0.0, "bid_iv": VOLATILITY, "mid_iv": VOLATILITY, "ask_iv": VOLATILITY, "smv_vol": VOLATILITY,
    }  # fmt: skip
    rounded: dict[str, object] = {name: Decimal(repr(value)).quantize(_DIGITS) for name, value in values.items()}
    return rounded | {"updated_at": f"{_hour(at):%Y-%m-%d %H:%M:%S}"}


def _hour(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute, seconds=at.second)
