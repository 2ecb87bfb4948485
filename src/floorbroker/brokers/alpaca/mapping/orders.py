"""Wishes to trade as Alpaca's request bodies.  Documents: Trading API 2.0.1, postOrder and patchOrderByOrderId."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.values import text, to_wire_symbol
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, TimeInForce, is_multiple

TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
}
TIFS = {
    TimeInForce.DAY: "day",
    TimeInForce.GTC: "gtc",
    TimeInForce.OPG: "opg",
    TimeInForce.CLS: "cls",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
}


def order_request(order: NewOrder, cl_ord_id: ClOrdId) -> wire.OrderRequest:
    """The body of POST /v2/orders.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for."""
    if (order.order_qty is None) == (order.notional is None):
        raise InvalidRequest("exactly one of quantity and notional is given")
    if order.post_only or order.display_qty is not None:
        raise NotSupported("Alpaca has neither post-only orders nor icebergs")
    group = order.order_class
    is_mleg = group is OrderClass.MULTILEG
    return wire.OrderRequest(
        client_order_id=cl_ord_id,
        symbol=None if is_mleg else to_wire_symbol(order.symbol),
        side=None if is_mleg else order.side.value,
        type=type_word(order.order_type),
        time_in_force=tif_word(order.tif),
        qty=text(order.order_qty),
        notional=text(order.notional),
        limit_price=None if group is OrderClass.OCO else text(order.price),
        stop_price=text(order.stop_px),
        trail_price=text(order.trail_amount),
        trail_percent=text(order.trail_percent),
        order_class=None if group is OrderClass.SIMPLE else group.value,
        take_profit=_take_profit(order),
        stop_loss=_stop_loss(order.stop_loss),
        legs=tuple(_leg(leg) for leg in order.legs) if is_mleg else None,
        position_intent=order.position_intent.value if order.position_intent and not is_mleg else None,
        extended_hours=order.extended_hours,
    )


def type_word(order_type: OrderType) -> str:
    """Raises `NotSupported` for touched orders, which Alpaca does not have."""
    if order_type not in TYPES:
        raise NotSupported(f"Alpaca has no order type {order_type.value}")
    return TYPES[order_type]


def tif_word(tif: TimeInForce) -> str:
    """Raises `NotSupported` for good-till-date, which Alpaca does not have."""
    if tif not in TIFS:
        raise NotSupported(f"Alpaca has no time in force {tif.value}")
    return TIFS[tif]


def _take_profit(order: NewOrder) -> wire.TakeProfit | None:
    price = take_profit_of(order)
    return None if price is None else wire.TakeProfit(limit_price=text(price))


def take_profit_of(order: NewOrder) -> Price | None:
    """The profit exit of a group: in an OCO the order's own limit describes it."""
    if order.order_class is OrderClass.OCO and order.take_profit is None:
        return order.price
    return order.take_profit


def _stop_loss(exit_: StopLoss | None) -> wire.StopLoss | None:
    if exit_ is None:
        return None
    return wire.StopLoss(stop_price=text(exit_.stop_px), limit_price=text(exit_.price))


def _leg(leg: OrderLeg) -> wire.Leg:
    return wire.Leg(
        symbol=to_wire_symbol(leg.symbol),
        ratio_qty=text(leg.ratio_qty) or "0",
        side=leg.side.value,
        position_intent=leg.position_intent.value if leg.position_intent else None,
    )


def replace_request(changes: OrderChanges, cl_ord_id: ClOrdId) -> wire.ReplaceRequest:
    """The body of PATCH /v2/orders/{id}.  Raises `InvalidRequest` when nothing changes, `NotSupported` for fractions."""
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.order_qty is not None and not is_multiple(changes.order_qty, Decimal(1)):
        raise NotSupported("Alpaca replaces whole quantities only: cancel and send anew")
    return wire.ReplaceRequest(
        client_order_id=cl_ord_id,
        qty=text(changes.order_qty),
        time_in_force=None if changes.tif is None else tif_word(changes.tif),
        limit_price=text(changes.price),
        stop_price=text(changes.stop_px),
        trail=text(changes.trail),
    )
