"""Wishes to trade as Kraken's parameters.  Document: docs.kraken.com/api-reference/trading/add-order.

Fees are always asked for in the quote currency (`fciq`): then what a fill says is what the balance of the coin moves by.
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.kraken.mapping.values import text
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Side, TimeInForce

Params = dict[str, str]

TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TRAILING_STOP: "trailing-stop",
    OrderType.MARKET_IF_TOUCHED: "take-profit",
    OrderType.LIMIT_IF_TOUCHED: "take-profit-limit",
}
ICEBERG = "iceberg"
TIFS = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.GTD: "GTD",
}
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED})
TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED})


def check_words(order: NewOrder) -> None:
    """Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for; both ways of sending ask this."""
    if (order.order_qty is None) == (order.notional is None):
        raise InvalidRequest("exactly one of quantity and notional is given")
    if order.order_class is not OrderClass.SIMPLE:
        raise NotSupported(f"Kraken has no {order.order_class.value} orders here: each order stands alone")
    if order.tif not in TIFS:
        raise NotSupported(f"Kraken has no time in force {order.tif.value}: it has gtc, ioc and gtd")
    if order.tif is TimeInForce.GTD and order.expire_at is None:
        raise InvalidRequest("a good-till-date order says until when")
    if order.notional is not None and (order.order_type is not OrderType.MARKET or order.side is not Side.BUY):
        raise NotSupported("Kraken sizes market buys alone by money")
    if order.display_qty is not None and order.order_type is not OrderType.LIMIT:
        raise NotSupported("Kraken hides part of limit orders alone")
    if order.post_only and order.order_type not in LIMITED:
        raise NotSupported("an order without a limit cannot be post-only")
    if order.extended_hours:
        raise NotSupported("Kraken's markets do not close: there are no extended hours")


def order_params(order: NewOrder, cl_ord_id: ClOrdId) -> Params:
    """The parameters of AddOrder but the pair, which a batch names once.  Raises an `OwnRefusal` (NOT_SENT).

    Reduce-only is the desk's own promise here: the venue's flag is about positions on margin, and refuses an order without one.
    """
    check_words(order)
    params: Params = {
        "ordertype": ICEBERG if order.display_qty is not None else TYPES[order.order_type],
        "type": order.side.value,
        "volume": text(_size(order)),
        "cl_ord_id": cl_ord_id,
        "oflags": ",".join(_flags(order)),
        **_prices(order),
    }
    if order.display_qty is not None:
        params["displayvol"] = text(order.display_qty)
    if order.order_type is not OrderType.MARKET:
        params["timeinforce"] = TIFS[order.tif]
    if order.tif is TimeInForce.GTD and order.expire_at is not None:
        params["expiretm"] = str(int(order.expire_at.timestamp()))
    return params


def _size(order: NewOrder) -> Decimal:
    size = order.order_qty if order.order_qty is not None else order.notional
    assert size is not None  # `check_words` asked
    return size


def _flags(order: NewOrder) -> list[str]:
    flags = ["fciq"]
    if order.post_only:
        flags.append("post")
    if order.notional is not None:
        flags.append("viqc")
    return flags


def _prices(order: NewOrder) -> Params:
    """`price` is the limit or the trigger; a triggered order with a limit has it in `price2`."""
    if order.order_type is OrderType.TRAILING_STOP:
        return {"price": trail_word(order)}
    if order.order_type in TRIGGERED:
        prices = {"price": _given(order.stop_px, "a trigger")}
        return prices | ({"price2": _given(order.price, "a limit")} if order.order_type in LIMITED else {})
    return {"price": _given(order.price, "a limit")} if order.order_type in LIMITED else {}


def trail_word(order: NewOrder) -> str:
    """The distance of a trailing stop: `+5` in quote units, `+2%`."""
    if order.trail_percent is not None and order.trail_amount is None:
        return f"+{text(order.trail_percent)}%"
    if order.trail_amount is not None and order.trail_percent is None:
        return f"+{text(order.trail_amount)}"
    raise InvalidRequest("a trailing stop has exactly one of trail_percent and trail_price")


def _given(value: Decimal | None, what: str) -> str:
    if value is None:
        raise InvalidRequest(f"this order type needs {what}")
    return text(value)


def check_changes(changes: OrderChanges) -> None:
    """Raises an `OwnRefusal` (NOT_SENT) for what an amend cannot change."""
    if changes == OrderChanges():
        raise InvalidRequest("a change names at least one member")
    if changes.tif is not None:
        raise NotSupported("Kraken does not change the time in force of an order: cancel and place anew")
    if changes.trail is not None:
        raise NotSupported("Kraken does not change the distance of a trailing stop: cancel and place anew")


def amend_params(changes: OrderChanges, *, order_id: str) -> Params:
    """The parameters of AmendOrder; the id and, where it may, the place in the queue stay.  Raises an `OwnRefusal`."""
    check_changes(changes)
    params: Params = {"txid": order_id}
    if changes.order_qty is not None:
        params["order_qty"] = text(changes.order_qty)
    if changes.price is not None:
        params["limit_price"] = text(changes.price)
    if changes.stop_px is not None:
        params["trigger_price"] = text(changes.stop_px)
    return params
