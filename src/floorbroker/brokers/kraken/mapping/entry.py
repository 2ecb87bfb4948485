"""Wishes to trade as parameters of the socket's trading methods: the same words as REST, other names, and numbers as numbers.

Documents: docs.kraken.com/exchange/api-reference/spot-websocket-v2/add_order and .../amend_order.
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.kraken.mapping.orders import (
    ICEBERG,
    LIMITED,
    TIFS,
    TRIGGERED,
    TYPES,
    check_changes,
    check_words,
    trail_word,
)
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import ClOrdId, OrderType, TimeInForce, time_text

Members = dict[str, object]


def order_members(order: NewOrder, cl_ord_id: ClOrdId) -> Members:
    """The parameters of add_order but the symbol, which a batch names once.  Raises an `OwnRefusal` (NOT_SENT)."""
    check_words(order)
    members: Members = {
        "order_type": ICEBERG if order.display_qty is not None else TYPES[order.order_type],
        "side": order.side.value,
        "cl_ord_id": cl_ord_id,
        "fee_preference": "quote",
    }
    if order.notional is not None:
        members["cash_order_qty"] = order.notional
    else:
        members["order_qty"] = order.order_qty
    if order.order_type in LIMITED:
        members["limit_price"] = _given(order.price, "a limit")
    if order.order_type in TRIGGERED or order.order_type is OrderType.TRAILING_STOP:
        members["triggers"] = _triggers(order)
    if order.order_type is not OrderType.MARKET:
        members["time_in_force"] = TIFS[order.tif].lower()
    if order.tif is TimeInForce.GTD and order.expire_at is not None:
        members["expire_time"] = time_text(order.expire_at)
    return members | _flags(order)


def _flags(order: NewOrder) -> Members:
    flags: Members = {}
    if order.display_qty is not None:
        flags["display_qty"] = order.display_qty
    if order.post_only:
        flags["post_only"] = True
    return flags


def _triggers(order: NewOrder) -> Members:
    if order.order_type is not OrderType.TRAILING_STOP:
        return {"reference": "last", "price": _given(order.stop_px, "a trigger")}
    trail_word(order)  # exactly one of the two is given
    if order.trail_percent is not None:
        return {"reference": "last", "price": order.trail_percent, "price_type": "pct"}
    return {"reference": "last", "price": order.trail_amount, "price_type": "quote"}


def _given(value: Decimal | None, what: str) -> Decimal:
    if value is None:
        raise InvalidRequest(f"this order type needs {what}")
    return value


def amend_members(changes: OrderChanges, *, order_id: str) -> Members:
    """The parameters of amend_order.  Raises an `OwnRefusal` (NOT_SENT)."""
    check_changes(changes)
    wanted: Members = {
        "order_qty": changes.order_qty,
        "limit_price": changes.price,
        "trigger_price": changes.stop_px,
    }
    return {"order_id": order_id} | {name: value for name, value in wanted.items() if value is not None}
