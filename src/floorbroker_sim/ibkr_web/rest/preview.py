"""What an order would cost, before it is placed and on request.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#preview-order
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, Price, Quantity, Side, text_of
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import errors, info
from floorbroker_sim.ibkr_web.rest import checks, money
from floorbroker_sim.ibkr_web.rest.records import Wanted
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.rest.tickets import tickets_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An order in dollars: `margin` is what its opening part ties up, `unit` what one unit of it does."""

    value: Decimal
    fee: Decimal
    unit: Decimal
    margin: Decimal


def cost_of(state: State, account: str, order: NewOrder) -> Cost:
    """At its own limit or stop, or at the touch."""
    if order.legs:
        return _cost_of_legs(state, order)
    instrument = state.symbols.contract(order.symbol).instrument
    price = _price(state, order)
    held = state.position(account, order.symbol)
    qty = order.order_qty
    if qty is None:
        qty = Quantity((order.notional or ZERO) / price) if price else Quantity(ZERO)
    opened = money.opening(order, held) if order.order_qty is not None else qty
    unit = money.unit_margin(order, instrument, price)
    return Cost(
        value=qty * price * instrument.multiplier,
        fee=money.Commission().fee(symbol=order.symbol, side=order.side, qty=qty, price=Price(price), maker=False),
        unit=unit if opened else ZERO,
        margin=opened * unit,
    )


def _price(state: State, order: NewOrder) -> Decimal:
    if order.price is not None or order.stop_px is not None:
        return order.price or order.stop_px or ZERO
    return _touch(state, order.symbol, order.side)


def _touch(state: State, symbol: str, side: Side) -> Decimal:
    quote = state.refresh(symbol)
    if quote is None:
        return ZERO
    return (quote.ask if side is Side.BUY else quote.bid) or quote.last or ZERO


def _cost_of_legs(state: State, order: NewOrder) -> Cost:
    units = order.order_qty or ZERO
    prices = [_touch(state, leg.symbol, leg.side) for leg in order.legs]
    net = sum((leg.side.sign * leg.ratio_qty * px for leg, px in zip(order.legs, prices, strict=True)), ZERO)
    if order.price is not None:
        net = order.price
    fee = ZERO
    for leg, px in zip(order.legs, prices, strict=True):
        qty = Quantity(leg.ratio_qty * units)
        fee += money.Commission().fee(symbol=leg.symbol, side=leg.side, qty=qty, price=Price(px), maker=False)
    unit = money.legs_margin(order, net)
    return Cost(value=net * units * 100, fee=fee, unit=unit, margin=unit * units)


def check_money(state: State, account: str, order: NewOrder) -> Decimal:
    """Margin of one open unit.  Raises `Refused` when the account cannot carry the order."""
    cost, standing = cost_of(state, account, order), state.standing(account)
    if cost.margin > standing.available:
        needed = standing.initial + standing.reserved + cost.margin
        raise errors.too_little_equity(equity=standing.equity, needed=needed)
    return cost.unit


# --- The path --------------------------------------------------------------------------------------------------------


def post_whatif(state: State, request: Request, account: str) -> Reply:
    state.login.need_accounts()
    checks.account_of(state, account)
    wishes = [checks.wanted(state, ticket, account) for ticket in tickets_in(request)]
    first = wishes[0]
    conid = state.symbols.conid(first.order.symbol)
    warn = None if conid in state.login.asked.quoted else f"21/{info.QUESTIONS['o354']}"
    return json_reply({**_figures(state, account, first), "warn": warn or "", "error": _error(state, account, first)})


def _error(state: State, account: str, wish: Wanted) -> str | None:
    try:
        check_money(state, account, wish.order)
    except errors.Refused as refused:
        return refused.message
    return None


def _figures(state: State, account: str, wish: Wanted) -> dict[str, object]:
    cost, now = cost_of(state, account, wish.order), state.standing(account)
    position = state.position(account, wish.order.symbol)
    size = wish.order.order_qty or ZERO
    unit = "Contracts" if checks.is_option(state.market.instrument(wish.order.symbol)) else "Shares"
    kept = cost.margin * info.MAINTENANCE_MARGIN / info.INITIAL_MARGIN if unit == "Shares" else cost.margin
    return {
        "amount": {
            "amount": f"{cost.value:,.2f} USD ({text_of(size)} {unit})",
            "commission": f"{text_of(cost.fee)} USD",
            "total": f"{cost.value + cost.fee * wish.side.sign:,.2f} USD",
        },
        "equity": _change(now.equity, -cost.fee),
        "initial": _change(now.initial, cost.margin),
        "maintenance": _change(now.maintenance, kept),
        "position": {
            "current": text_of(position), "change": text_of(size * wish.side.sign),
            "after": text_of(position + size * wish.side.sign),
        },
    }  # fmt: skip


def _change(current: Decimal, change: Decimal) -> dict[str, str]:
    return {"current": f"{current:,.2f}", "change": f"{change:,.2f}", "after": f"{current + change:,.2f}"}
