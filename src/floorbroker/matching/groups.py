"""Families of orders: which children a head gets, and who stands against whom.  Pure."""

from __future__ import annotations

from floorbroker.domain.orders import NewOrder, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.matching.orders import NOTHING, MatchOrder

_EXIT_TIFS = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})


def children_of(order: NewOrder) -> list[NewOrder]:
    """The terms of the children that come with `order`: exits (take-profit first) or legs."""
    match order.order_class:
        case OrderClass.MULTILEG:
            return _legs(order)
        case OrderClass.BRACKET | OrderClass.OTO:
            exits = [_take_profit(order, order.take_profit)] if order.take_profit is not None else []
            if order.stop_loss is not None:
                exits.append(_stop_loss(order, order.stop_loss, order.side.opposite))
            return exits
        case OrderClass.OCO if order.stop_loss is not None:
            return [_stop_loss(order, order.stop_loss, order.side)]
        case _:
            return []


def _exit(
    order: NewOrder, side: Side, order_type: OrderType, *, price: Price | None, stop_px: Price | None
) -> NewOrder:
    return NewOrder(
        symbol=order.symbol,
        side=side,
        order_type=order_type,
        order_qty=order.order_qty,
        price=price,
        stop_px=stop_px,
        tif=order.tif if order.tif in _EXIT_TIFS else TimeInForce.DAY,
        expire_at=order.expire_at,
        strategy=order.strategy,
    )


def _take_profit(order: NewOrder, price: Price) -> NewOrder:
    return _exit(order, order.side.opposite, OrderType.LIMIT, price=price, stop_px=None)


def _stop_loss(order: NewOrder, stop: StopLoss, side: Side) -> NewOrder:
    order_type = OrderType.STOP if stop.price is None else OrderType.STOP_LIMIT
    return _exit(order, side, order_type, price=stop.price, stop_px=stop.stop_px)


def _legs(order: NewOrder) -> list[NewOrder]:
    units = order.order_qty or NOTHING
    return [
        NewOrder(
            symbol=leg.symbol,
            side=leg.side,
            order_type=OrderType.MARKET,
            order_qty=Quantity(units * leg.ratio_qty),
            tif=order.tif,
            expire_at=order.expire_at,
            position_intent=leg.position_intent,
            strategy=order.strategy,
        )
        for leg in order.legs
    ]


def are_rivals(one: MatchOrder, other: MatchOrder) -> bool:
    """Whether a fill of one takes from the other: the two exits of a bracket, the two orders of an OCO."""
    if one is other or one.group is not other.group:
        return False
    if one.group is OrderClass.OCO:
        return True
    return one.group is OrderClass.BRACKET and one.parent_id is not None and other.parent_id is not None
