"""Which pending orders a price sets off: the part of the price an order looks at, and on which side of it the order waits."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker_sim.oanda.rest.records import Order

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State, Touch


def is_buy(state: State, order: Order) -> bool:
    """Which way an order trades; a dependent order closes its trade."""
    if order.wish.units is not None:
        return order.wish.units > 0
    assert order.wish.trade_id is not None
    return not state.trades[order.wish.trade_id].is_long


def seen_price(condition: str | None, touch: Touch, *, buy: bool) -> Decimal:
    """The price an order's trigger looks at; fills are always on the natural side."""
    match condition:
        case "BID":
            return touch.bid
        case "ASK":
            return touch.ask
        case "MID":
            return touch.middle
        case "INVERSE":
            return touch.bid if buy else touch.ask
        case _:
            return touch.ask if buy else touch.bid


def is_due(order: Order, seen: Decimal, *, buy: bool) -> bool:
    """Whether the price an order looks at sets it off."""
    level = order.trailing if order.kind == "TRAILING_STOP_LOSS" else order.wish.price
    if level is None:
        return False
    if order.kind in {"LIMIT", "TAKE_PROFIT"}:
        below = buy
    elif order.kind == "MARKET_IF_TOUCHED" and order.initial_price is not None:
        below = level < order.initial_price
    else:
        below = not buy
    return seen <= level if below else seen >= level


def trail(order: Order, seen: Decimal, *, buy: bool) -> None:
    """Let a trailing stop follow; it never goes back."""
    if order.kind != "TRAILING_STOP_LOSS" or order.wish.distance is None:
        return
    level = seen + order.wish.distance if buy else seen - order.wish.distance
    if order.trailing is None or (level < order.trailing if buy else level > order.trailing):
        order.trailing = level


def is_ready(state: State, order: Order) -> bool:
    """Whether an order would fill as prices stand now."""
    instrument = state.instrument_of(order)
    touch = state.touch(instrument)
    if touch is None or not state.is_tradeable(instrument):
        return False
    buy = is_buy(state, order)
    seen = seen_price(order.wish.trigger_condition, touch, buy=buy)
    trail(order, seen, buy=buy)
    return is_due(order, seen, buy=buy)
