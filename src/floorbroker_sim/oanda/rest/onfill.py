"""What may stand in a fill's way, and the orders that a fill makes for the trade it opens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.rest import money, triggers, work
from floorbroker_sim.oanda.rest.records import Order, Trade

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.execution import Plan
    from floorbroker_sim.oanda.rest.state import State

KINDS = {
    "TAKE_PROFIT": "take_profit_on_fill",
    "STOP_LOSS": "stop_loss_on_fill",
    "GUARANTEED_STOP_LOSS": "guaranteed_stop_loss_on_fill",
    "TRAILING_STOP_LOSS": "trailing_stop_loss_on_fill",
}


def wanted(wish: wire.Wish) -> list[tuple[str, wire.Details]]:
    """The dependent orders a wish asks for, by kind."""
    found = ((kind, getattr(wish, name)) for kind, name in KINDS.items())
    return [(kind, one) for kind, one in found if one is not None]


def obstacle(state: State, order: Order, plan: Plan, price: Decimal) -> str | None:
    """The reason for which a planned fill is canceled, or None."""
    instrument = state.instrument_of(order)
    if order.kind == "TAKE_PROFIT" and plan.closes:
        trade, _ = plan.closes[0]
        if (price < trade.price) if trade.is_long else (price > trade.price):
            return "LOSING_TAKE_PROFIT"
    if not plan.opens:
        return None
    if len(state.open_trades) >= info.TRADES_MAX:
        return "OPEN_TRADES_ALLOWED_EXCEEDED"
    words = order.wish.trade_client_extensions
    closing = {trade.id for trade, part in plan.closes if not trade.units + part}
    if words is not None and words.id is not None:
        taken = (trade for trade in state.open_trades.values() if trade.id not in closing)
        if any(trade.client_id == words.id for trade in taken):
            return "CLIENT_TRADE_ID_ALREADY_EXISTS"
    if _needed(state, instrument, plan) > money.figures(state).nav:
        return "INSUFFICIENT_MARGIN"
    return _bad_exit(state, order, instrument, price, long=plan.opens > 0)


def _needed(state: State, instrument: str, plan: Plan) -> Decimal:
    """Margin of the whole account after a fill."""
    sides = {long: state.units(instrument, long=long) for long in (True, False)}
    for trade, part in plan.closes:
        sides[trade.is_long] += part
    sides[plan.opens > 0] += plan.opens
    others = {trade.instrument for trade in state.open_trades.values()} - {instrument}
    after = max(money.margin(state, instrument, units) for units in sides.values())
    return after + sum((money.margin_of(state, other) for other in others), ZERO)


def _bad_exit(state: State, order: Order, instrument: str, price: Decimal, *, long: bool) -> str | None:
    touch = state.touch(instrument)
    assert touch is not None
    now = state.clock.now()
    taken = {other.client_id for other in state.pending.values() if other is not order} - {None}
    for kind, details in wanted(order.wish):
        stem = "STOP_LOSS" if kind == "GUARANTEED_STOP_LOSS" else kind
        if details.gtd_time is not None and details.gtd_time <= now:
            return f"{stem}_ON_FILL_GTD_TIMESTAMP_IN_PAST"
        if details.client_extensions is not None and details.client_extensions.id in taken:
            return f"{stem}_ON_FILL_CLIENT_ORDER_ID_ALREADY_EXISTS"
        level = exit_level(kind, details, price, long=long)
        if kind == "TAKE_PROFIT" and level is not None and (level <= price if long else level >= price):
            return "TAKE_PROFIT_ON_FILL_LOSS"
        if stem == "STOP_LOSS" and level is not None:
            leaving = touch.bid if long else touch.ask
            if level >= leaving if long else level <= leaving:
                return "STOP_LOSS_ON_FILL_LOSS"
            if details.guaranteed or kind == "GUARANTEED_STOP_LOSS":
                near = info.GUARANTEED_DISTANCE_PIPS * info.INSTRUMENTS[instrument].pip_size
                if abs(leaving - level) < near:
                    return "STOP_LOSS_ON_FILL_GUARANTEED_MINIMUM_DISTANCE_NOT_MET"
    return None


def exit_level(kind: str, details: wire.Details, price: Decimal, *, long: bool) -> Decimal | None:
    """The price of a dependent order; from a distance it follows from the fill."""
    if details.price is not None or details.distance is None or kind == "TRAILING_STOP_LOSS":
        return details.price
    away = details.distance if (kind == "TAKE_PROFIT") == long else -details.distance
    return price + away


def make(state: State, order: Order, trade: Trade, fill_id: str) -> None:
    """Make the dependent orders of a trade that was just opened."""
    for kind, details in wanted(order.wish):
        wish = wire.Wish(
            type=kind, trade_id=trade.id, client_trade_id=trade.client_id,
            price=exit_level(kind, details, trade.price, long=trade.is_long), distance=details.distance,
            time_in_force=details.time_in_force, gtd_time=details.gtd_time,
            trigger_condition=details.trigger_condition or "DEFAULT", guaranteed=details.guaranteed,
            client_extensions=details.client_extensions,
        )  # fmt: skip
        entry = work.make(state, wish, reason="ON_FILL", fill_id=fill_id)
        triggers.is_ready(state, state.orders[entry.id])  # a trailing stop begins at the price of now
