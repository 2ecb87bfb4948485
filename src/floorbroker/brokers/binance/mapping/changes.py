"""A change of an order: as an amendment where only its quantity falls, else as a new order in place of the old one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.reports import ORDER_TYPES, SIDES, TIMES_IN_FORCE
from floorbroker.brokers.binance.mapping.values import BROKER, needed, number, price_of, quantity_of
from floorbroker.domain.errors import ApiError, Conflict, InvalidRequest, NotSupported, Outcome
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderType, TimeInForce, text_of

_OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
_CENT_OF_PERCENT = Decimal("0.01")


def amendment_of(told: wire.Order, changes: OrderChanges) -> str | None:
    """The new quantity as text where the change is an amendment: it alone changes, and falls."""
    qty, now = changes.order_qty, number(told.orig_qty, what="a quantity")
    only_quantity = changes == OrderChanges(order_qty=qty)
    return text_of(qty) if only_quantity and qty is not None and now is not None and qty < now else None


def check_open(told: wire.Order) -> None:
    """Raises `Conflict` for an order that is done: no change would arrive in time."""
    if told.status not in _OPEN:
        raise Conflict(f"the order is {told.status[:20].lower()} at the venue: it cannot be changed")


def check_replaceable(told: wire.Order) -> None:
    """Raises `NotSupported` where a new order in place of the old one could ask for more than was meant."""
    if number(told.executed_qty, what="a quantity"):
        raise NotSupported(
            "a partly filled order cannot be replaced at Binance without the risk of buying or selling too much: it may fill"
            " further on the way. Make it smaller, or cancel the rest and send anew"
        )
    if told.order_list_id >= 0:  # lists are numbered from zero; -1 stands for none
        raise NotSupported(
            "a member of a list cannot be replaced at Binance: cancelling it would cancel the whole list"
        )


def _check_repeatable(told: wire.Order, *, trails: bool) -> None:
    """Raises `NotSupported` for terms, of orders made elsewhere, that our own orders never have: a new order would drop them."""
    lost = None
    if told.trailing_delta and not trails:
        lost = f"a trail of a {told.type[:20]} order"
    elif trails and number(told.stop_price, what="a price"):
        lost = "a trail that begins at a trigger"
    elif told.peg_price_type:
        lost = "a pegged price"
    elif told.used_sor:
        lost = "smart routing"
    if lost is not None:
        raise NotSupported(f"{lost} cannot be repeated in a new order: make it smaller, or cancel it and send anew")


def changed(told: wire.Order, changes: OrderChanges, *, symbol: str) -> NewOrder:
    """The order that takes the place of the old one.

    Raises `InvalidRequest` when nothing changes, `NotSupported` for terms of the old order that the new one would lack,
    `ApiError` (NOT_SENT) for words of it that we do not know.
    """
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    kind, side = ORDER_TYPES.get(told.type), SIDES.get(told.side)
    tif = TIMES_IN_FORCE.get(told.time_in_force, TimeInForce.GTC if not told.time_in_force else None)
    if kind is None or side is None or tif is None:
        raise ApiError("the order to be replaced has a word we do not know", broker=BROKER, outcome=Outcome.NOT_SENT)
    trails = kind is OrderType.STOP and bool(told.trailing_delta)
    _check_repeatable(told, trails=trails)
    before = NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.TRAILING_STOP if trails else kind,
        order_qty=quantity_of(needed(told.orig_qty, what="a quantity")),
        price=price_of(told.price),
        stop_px=None if trails else price_of(told.stop_price),
        trail_percent=(told.trailing_delta or 0) * _CENT_OF_PERCENT if trails else None,
        tif=tif,
        post_only=told.type == "LIMIT_MAKER",
        display_qty=quantity_of(told.iceberg_qty) if told.iceberg_qty else None,
    )
    return replace(
        before,
        order_qty=changes.order_qty or before.order_qty,
        price=changes.price or before.price,
        stop_px=changes.stop_px or before.stop_px,
        trail_percent=changes.trail or before.trail_percent,
        tif=changes.tif or before.tif,
    )
