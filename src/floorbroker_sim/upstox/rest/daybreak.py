"""What time does: options expire, intraday positions are closed, days end and shares move to the holdings.

Days end with `calendar` alone; options expire always.  Expiring options settle in money at what exercise would bring.
"""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, ExecId, Price, Quantity, Side
from floorbroker.matching import Fill
from floorbroker_sim.upstox.info import IST
from floorbroker_sim.upstox.rest import charges, life, orders, portfolio
from floorbroker_sim.upstox.rest.hours import INDIA, local_day
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.records import Holding, Position

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_SQUARE_OFF = time(15, 20)


def pass_time(state: State, at: datetime) -> None:
    """Look at the clock."""
    _expire(state, at)
    if state.settings.calendar:
        _square_off(state, at)
        if local_day(at) > state.day:
            _end_day(state)
            state.day = local_day(at)
    if local_day(at) != state.day and not state.settings.calendar:
        state.day = local_day(at)
    state.list_contracts()


def _square_off(state: State, at: datetime) -> None:
    """Ten minutes before the close, intraday orders end and intraday positions are closed at the market."""
    session = INDIA.session(local_day(at))
    starts = datetime.combine(local_day(at), _SQUARE_OFF, IST)
    if session is None or not starts <= at < session.close:
        return
    for order in [one for one in state.open.values() if one.terms.product == "I" and one.terms.order_type != "MARKET"]:
        life.cancel(state, order, message="Cancelled for the square-off of intraday positions")
    waited_for = {one.listed.key for one in state.open.values() if one.terms.product == "I"}
    for position in [one for one in state.positions.values() if one.product == "I" and one.quantity]:
        if position.listed.key not in waited_for:
            orders.close(state, position)


def _expire(state: State, at: datetime) -> None:
    for position in list(state.positions.values()):
        ends = position.listed.ends_at
        if ends is not None and ends <= at and position.quantity:
            _settle(state, position, at)
    for order in list(state.open.values()):
        ends = order.listed.ends_at
        if ends is not None and ends <= at:
            life.cancel(state, order, message="The contract has expired")


def _settle(state: State, position: Position, at: datetime) -> None:
    """Close a position of an expired option at what exercise would bring."""
    value, quantity = intrinsic(state, position.listed), position.quantity
    worth = abs(quantity) * value
    if quantity > 0:
        position.sold, position.sold_value = position.sold + quantity, position.sold_value + worth
    else:
        position.bought, position.bought_value = position.bought - quantity, position.bought_value + worth
    state.ledger.apply(
        Fill(
            order_id=state.name_of_nobody(), at=at, exec_id=ExecId(state.next_trade_id()), symbol=position.listed.symbol,
            side=Side.SELL if quantity > 0 else Side.BUY, qty=Quantity(Decimal(abs(quantity))), price=Price(value), fee=ZERO,
            cum_qty=Quantity(ZERO), leaves_qty=Quantity(ZERO), is_last=True, maker=False,
        )
    )  # fmt: skip
    portfolio.tell(state, position)


def intrinsic(state: State, listed: Listed) -> Decimal:
    """What exercise brings at the price of the underlying now, in rupees a unit."""
    quote = state.market.quote(listed.underlying)
    spot = (None if quote is None else quote.last) or ZERO
    strike = listed.strike or ZERO
    return max(spot - strike if listed.kind == "CE" else strike - spot, ZERO)


def _end_day(state: State) -> None:
    """Bill the charges, settle the money, carry positions over, deliver shares, clear the books."""
    state.cash -= charges.unpaid(state)
    state.unpaid = ZERO
    for holding in state.holdings.values():
        holding.fresh = 0
    carried: dict[tuple[str, str], Position] = {}
    for key, position in state.positions.items():
        state.cash += position.realized
        if position.product == "D" and not position.listed.is_option:
            _deliver(state, position)
        elif position.quantity:
            carried[key] = Position(
                listed=position.listed, product=position.product, overnight=position.quantity,
                overnight_value=abs(position.quantity) * position.average,
            )  # fmt: skip
    state.positions = carried
    state.holdings = {name: one for name, one in state.holdings.items() if one.quantity}
    state.old_orders += [order for order in state.orders.values() if not order.is_open]
    state.orders = {order.id: order for order in state.orders.values() if order.is_open}
    state.executions.clear()


def _deliver(state: State, position: Position) -> None:
    quantity, value = position.quantity, abs(position.quantity) * position.average
    name = position.listed.isin or position.listed.key
    holding = state.holdings.setdefault(name, Holding(listed=position.listed, quantity=0, cost=ZERO))
    if quantity > 0:
        state.cash -= value
        holding.cost, holding.quantity, holding.fresh = holding.cost + value, holding.quantity + quantity, quantity
    elif quantity < 0:
        state.cash += value
        holding.cost += quantity * holding.average
        holding.quantity += quantity
