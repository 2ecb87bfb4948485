"""Profile, balances, positions, history, and what closed positions gained or lost.

https://documentation.tradier.com/brokerage-api/accounts/get-account-balance and its neighbours
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.mapping import outside, time_text
from floorbroker_sim.tradier.rest import risk
from floorbroker_sim.tradier.rest.hours import today
from floorbroker_sim.tradier.rest.reading import choice, day, flag, paged, params_of
from floorbroker_sim.tradier.rest.records import Closed, Deed, Execution
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_CENT = Decimal("0.01")
_TYPES = (
    "", "trade", "option", "ach", "wire", "dividend", "fee", "tax", "journal", "check", "transfer", "adjustment", "interest",
)  # fmt: skip


def get_profile(state: State, _request: Request) -> Body:
    account: dict[str, object] = {
        "account_number": state.keys.account, "classification": "individual", "date_created": time_text(state.opened_at),
        "day_trader": state.account_type == "pdt", "option_level": info.OPTION_LEVEL, "status": "active",
        "type": "cash" if state.account_type == "cash" else "margin", "last_update_date": time_text(state.opened_at),
    }  # fmt: skip
    owner = Listed(
        name="account", items=[account], beside={"id": f"id-{state.keys.account.lower()}", "name": "Pat Example"}
    )
    return {"profile": owner}


def get_balances(state: State, _request: Request) -> Body:
    now, kind = risk.standing(state), state.account_type
    body: dict[str, object] = {
        "option_short_value": _money(now.option_short), "total_equity": _money(now.total_equity),
        "account_number": state.keys.account, "account_type": kind, "close_pl": _money(closed_today(state)),
        "current_requirement": _money(now.stock_requirement + now.option_requirement), "equity": 0,
        "long_market_value": _money(now.stock_long + now.option_long), "market_value": _money(now.market_value),
        "open_pl": _money(now.market_value - now.cost), "option_long_value": _money(now.option_long),
        "option_requirement": _money(now.option_requirement), "pending_orders_count": pending_count(state),
        "short_market_value": _money(now.stock_short + now.option_short), "stock_long_value": _money(now.stock_long),
        "total_cash": _money(now.cash), "uncleared_funds": 0, "pending_cash": _money(now.reserved),
    }  # fmt: skip
    return {"balances": body | {kind: _by_type(state, now)}}


def _by_type(state: State, now: risk.Standing) -> dict[str, object]:
    """The nested object of the account's type."""
    if state.account_type == "cash":
        unsettled = unsettled_funds(state)
        available = max(now.cash - now.reserved - unsettled, ZERO)
        return {"cash_available": _money(available), "sweep": 0, "unsettled_funds": _money(unsettled)}
    call = max(now.option_requirement + now.stock_requirement - now.total_equity, ZERO)
    nested: dict[str, object] = {
        "fed_call": 0, "maintenance_call": _money(call),
        "option_buying_power": _money(now.power(state.account_type, options=True)),
        "stock_buying_power": _money(now.power(state.account_type, options=False)),
        "stock_short_value": _money(now.stock_short),
    }  # fmt: skip
    return nested | ({"sweep": 0} if state.account_type == "margin" else {})


def closed_today(state: State) -> Decimal:
    """What positions closed today gained, in dollars."""
    return sum((one.proceeds - one.cost for one in state.closed if one.closed == today(state)), ZERO)


def pending_count(state: State) -> int:
    return sum(1 for record in state.open.values() if record.parent is None)


def unsettled_funds(state: State) -> Decimal:
    """Proceeds of today's sales, which settle on the next day."""
    total = ZERO
    for one in state.executions:
        if not one.busted and one.side == "sell" and _day_of(one.at) == today(state).isoformat():
            total += one.qty * one.price * _multiplier(one)
    return total


def get_positions(state: State, _request: Request) -> Body:
    """Every position; a short one has a negative quantity and cost."""
    found: list[dict[str, object]] = []
    for held in state.ledger.positions():
        holding = state.holdings[held.symbol]
        found.append(
            {
                "cost_basis": _money(held.cost), "date_acquired": time_text(holding.acquired), "id": holding.id,
                "quantity": held.qty.quantize(Decimal("0.00000001")), "symbol": outside(held.symbol),
            }
        )  # fmt: skip
    return {"positions": Listed(name="position", items=found)}


def get_history(state: State, request: Request) -> Body:
    """What happened, the newest first."""
    params = params_of(request)
    wanted = choice(params, "type", _TYPES, default="")
    symbol, exact = params.get("symbol", "").strip().upper(), flag(params, "exactMatch")
    start, end = day(params, "start"), day(params, "end")
    found: list[dict[str, object]] = []
    happened: list[Execution | Deed] = [*(one for one in state.executions if not one.busted), *state.deeds]
    for one in sorted(happened, key=lambda it: it.at, reverse=True):
        name = outside(one.symbol)
        event = _trade(one) if isinstance(one, Execution) else _deed(one)
        at = datetime.fromisoformat(str(event["date"])).date()
        if wanted not in {"", event["type"]} or (symbol and symbol != name and (exact or not name.startswith(symbol))):
            continue
        if (start is None or at >= start) and (end is None or at <= end):
            found.append(event)
    return {"history": Listed(name="event", items=paged(params, found, limit=info.HISTORY_PAGE))}


def _trade(one: Execution) -> dict[str, object]:
    sign = 1 if one.side == "buy" else -1
    amount = -sign * one.qty * one.price * _multiplier(one) - one.fee
    detail: dict[str, object] = {
        "commission": one.fee, "description": outside(one.symbol), "price": one.price, "quantity": sign * one.qty,
        "symbol": outside(one.symbol), "trade_type": "Option" if _multiplier(one) != 1 else "Equity",
    }  # fmt: skip
    return {"amount": _money(amount), "date": f"{_day_of(one.at)}T00:00:00Z", "type": "trade", "trade": detail}


def _deed(one: Deed) -> dict[str, object]:
    detail = {"option_type": one.what, "description": one.symbol, "quantity": one.quantity}
    return {"amount": 0, "date": f"{_day_of(one.at)}T00:00:00Z", "type": "option", "option": detail}


def get_gainloss(state: State, request: Request) -> Body:
    """What was closed."""
    params = params_of(request)
    by_opening = choice(params, "sortBy", ("opendate", "closedate"), default="closedate") == "opendate"
    newest_first = choice(params, "sort", ("asc", "desc"), default="desc") == "desc"
    symbol, start, end = params.get("symbol", "").strip().upper(), day(params, "start"), day(params, "end")
    found = [
        one
        for one in state.closed
        if symbol in {"", one.symbol} and (start is None or one.closed >= start) and (end is None or one.closed <= end)
    ]
    found.sort(key=lambda one: one.opened if by_opening else one.closed, reverse=newest_first)
    page = paged(params, found, limit=info.GAINLOSS_PAGE)
    return {"gainloss": Listed(name="closed_position", items=[_closed(one) for one in page])}


def _closed(one: Closed) -> dict[str, object]:
    gain = one.proceeds - one.cost
    percent = round(gain / one.cost * 100, 2) if one.cost else ZERO
    return {
        "close_date": f"{one.closed.isoformat()}T00:00:00.000Z", "cost": one.cost, "gain_loss": gain,
        "gain_loss_percent": percent, "open_date": f"{one.opened.isoformat()}T00:00:00.000Z", "proceeds": one.proceeds,
        "quantity": one.quantity, "symbol": one.symbol, "term": (one.closed - one.opened).days,
    }  # fmt: skip


def _multiplier(one: Execution) -> Decimal:
    return info.MULTIPLIER if one.record.option_symbol else Decimal(1)


def _day_of(at: datetime) -> str:
    return at.astimezone(NEW_YORK).date().isoformat()


def _money(value: Decimal) -> Decimal:
    return value.quantize(_CENT)
