"""Wishes to trade as parameters of Binance's calls.

Document: developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints.  A trailing stop is a STOP_LOSS that
carries `trailingDelta` (hundredths of a percent) in place of a trigger.
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.binance.mapping.families import REPLACES
from floorbroker.brokers.binance.mapping.identity import Part, part_id
from floorbroker.brokers.binance.mapping.values import text
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, Side, TimeInForce, is_multiple, text_of

Params = tuple[tuple[str, str], ...]

TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TRAILING_STOP: "STOP_LOSS",
    OrderType.MARKET_IF_TOUCHED: "TAKE_PROFIT",
    OrderType.LIMIT_IF_TOUCHED: "TAKE_PROFIT_LIMIT",
}
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
TIFS = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
LIMITED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})  # LIMIT_MAKER takes no time in force
_CENT_OF_PERCENT = Decimal("0.01")
_FULL = ("newOrderRespType", "FULL")
_STOP_LIMIT_TIF = "GTC"


def wire_type(order: NewOrder) -> str:
    """The venue's word for an order's type; a post-only limit order has one of its own."""
    if order.post_only:
        if order.order_type is not OrderType.LIMIT:
            raise NotSupported("Binance has post-only for limit orders alone")
        return "LIMIT_MAKER"
    return TYPES[order.order_type]


def tif_word(tif: TimeInForce) -> str:
    """Raises `NotSupported` for what Binance does not have."""
    if tif not in TIFS:
        raise NotSupported(f"Binance has no time in force {tif.value}; it has gtc, ioc and fok")
    return TIFS[tif]


def trailing_delta(order: NewOrder) -> int:
    """Hundredths of a percent.  Raises `NotSupported` for a trail in money, `InvalidRequest` for one that is finer."""
    if order.trail_percent is None:
        raise NotSupported("Binance trails by per cent, not by an amount of money")
    if not is_multiple(order.trail_percent, _CENT_OF_PERCENT):
        raise InvalidRequest("a trail at Binance is a whole number of hundredths of a percent")
    return int(order.trail_percent / _CENT_OF_PERCENT)


def single(order: NewOrder, cl_ord_id: ClOrdId, wire_symbol: str) -> Params:
    """The parameters of POST /api/v3/order.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for."""
    if (order.order_qty is None) == (order.notional is None):
        raise InvalidRequest("exactly one of quantity and notional is given")
    kind = wire_type(order)
    if order.notional is not None and kind != "MARKET":
        raise NotSupported("Binance sizes market orders alone by money")
    return _given(
        ("symbol", wire_symbol),
        ("side", SIDES[order.side]),
        ("type", kind),
        ("timeInForce", tif_word(order.tif) if kind in LIMITED else _no_tif(order, kind)),
        ("quantity", text(order.order_qty)),
        ("quoteOrderQty", text(order.notional)),
        *_prices(order, kind),
        ("icebergQty", text(order.display_qty)),
        ("newClientOrderId", cl_ord_id),
        _FULL,
    )


def _prices(order: NewOrder, kind: str) -> tuple[tuple[str, str | None], ...]:
    trails = order.order_type is OrderType.TRAILING_STOP
    return (
        ("price", text(order.price) if kind in LIMITED or kind == "LIMIT_MAKER" else None),
        ("stopPrice", text(order.stop_px)),
        ("trailingDelta", str(trailing_delta(order)) if trails else None),
    )


def _no_tif(order: NewOrder, kind: str) -> None:
    """These types are sent without one: a market order is done at once, the others stand until they are cancelled."""
    tif_word(order.tif)
    if order.tif not in tifs_of(kind):
        raise NotSupported(f"Binance has no time in force {order.tif.value} for {kind} orders")


def tifs_of(kind: str) -> tuple[TimeInForce, ...]:
    """What may be meant by an order of a type that is sent without a time in force."""
    return (TimeInForce.GTC, TimeInForce.IOC) if kind == "MARKET" else (TimeInForce.GTC,)


def replacing(params: Params, *, order_number: str, cl_ord_id: ClOrdId) -> Params:
    """The parameters of cancelReplace: a new order, marked with the number of the one that it takes the place of.

    The old one is cancelled only while nothing of it is filled, and the new one is placed only after that.
    """
    return (
        *params,
        ("cancelReplaceMode", "STOP_ON_FAILURE"),
        ("cancelOrderId", order_number),
        ("cancelNewClientOrderId", part_id(cl_ord_id, Part.CANCEL)),
        ("cancelRestrictions", "ONLY_NEW"),
        ("strategyId", order_number),
        ("strategyType", str(REPLACES)),
    )


# -- lists --------------------------------------------------------------------------------------------------------------


def group(order: NewOrder, cl_ord_id: ClOrdId, wire_symbol: str) -> tuple[str, Params]:
    """The last word of the list's path, and its parameters."""
    if order.order_qty is None:
        raise NotSupported("Binance sizes order lists by quantity")
    match order.order_class:
        case OrderClass.OCO:
            return "oco", _oco(order, cl_ord_id, wire_symbol)
        case OrderClass.OTO:
            return "oto", _oto(order, cl_ord_id, wire_symbol)
        case OrderClass.BRACKET:
            return "otoco", _otoco(order, cl_ord_id, wire_symbol)
        case _:
            raise NotSupported(f"Binance has no {order.order_class.value} orders")


def take_profit_of(order: NewOrder) -> Price | None:
    """The profit exit of a group: in an OCO the order's own limit may describe it."""
    if order.order_class is OrderClass.OCO and order.take_profit is None:
        return order.price
    return order.take_profit


def _oco(order: NewOrder, cl_ord_id: ClOrdId, wire_symbol: str) -> Params:
    """Two exits on one side; the profit exit is the head, and the higher leg of a sale."""
    profit, stop = take_profit_of(order), order.stop_loss
    if profit is None or stop is None:
        raise InvalidRequest("an oco order has two exits")
    if order.tif is not TimeInForce.GTC:
        raise NotSupported("the exits of an OCO at Binance stand until they are cancelled")
    above, below = ("above", "below") if order.side is Side.SELL else ("below", "above")
    return _given(
        ("symbol", wire_symbol),
        ("side", SIDES[order.side]),
        ("quantity", text(order.order_qty)),
        ("listClientOrderId", part_id(cl_ord_id, Part.LIST)),
        *_profit_leg(above, profit, cl_ord_id),
        *_stop_leg(below, stop, part_id(cl_ord_id, Part.STOP)),
        _FULL,
    )


def _oto(order: NewOrder, cl_ord_id: ClOrdId, wire_symbol: str) -> Params:
    profit, stop = order.take_profit, order.stop_loss
    if (profit is None) == (stop is None):
        raise InvalidRequest("an oto order has exactly one exit")
    leg = part_id(cl_ord_id, Part.PENDING)
    exit_leg = _profit_leg("pending", profit, leg) if profit is not None else _stop_leg("pending", stop, leg)
    return _given(
        ("symbol", wire_symbol),
        ("listClientOrderId", part_id(cl_ord_id, Part.LIST)),
        *_working(order, cl_ord_id),
        ("pendingSide", SIDES[order.side.opposite]),
        ("pendingQuantity", text(order.order_qty)),
        *exit_leg,
        _FULL,
    )


def _otoco(order: NewOrder, cl_ord_id: ClOrdId, wire_symbol: str) -> Params:
    profit, stop = order.take_profit, order.stop_loss
    if profit is None or stop is None:
        raise InvalidRequest("a bracket order has two exits")
    is_buy = order.side is Side.BUY
    above_id, below_id = part_id(cl_ord_id, Part.ABOVE), part_id(cl_ord_id, Part.BELOW)
    profit_leg = _profit_leg("pendingAbove" if is_buy else "pendingBelow", profit, above_id if is_buy else below_id)
    stop_leg = _stop_leg("pendingBelow" if is_buy else "pendingAbove", stop, below_id if is_buy else above_id)
    return _given(
        ("symbol", wire_symbol),
        ("listClientOrderId", part_id(cl_ord_id, Part.LIST)),
        *_working(order, cl_ord_id),
        ("pendingSide", SIDES[order.side.opposite]),
        ("pendingQuantity", text(order.order_qty)),
        *profit_leg,
        *stop_leg,
        _FULL,
    )


def _working(order: NewOrder, cl_ord_id: ClOrdId) -> tuple[tuple[str, str | None], ...]:
    if order.order_type is not OrderType.LIMIT:
        raise NotSupported("the entry of a group at Binance is a limit order")
    kind = wire_type(order)
    return (
        ("workingType", kind),
        ("workingSide", SIDES[order.side]),
        ("workingClientOrderId", cl_ord_id),
        ("workingPrice", text(order.price)),
        ("workingQuantity", text(order.order_qty)),
        ("workingIcebergQty", text(order.display_qty)),
        ("workingTimeInForce", tif_word(order.tif) if kind == "LIMIT" else _no_tif(order, kind)),
    )


def _profit_leg(prefix: str, price: Price, client_id: ClOrdId) -> tuple[tuple[str, str | None], ...]:
    """A limit order that is never a taker, which is how the venue has a limit exit inside a pair."""
    pending = prefix == "pending"
    return (
        (f"{prefix}Type", "LIMIT" if pending else "LIMIT_MAKER"),
        (f"{prefix}Price", text_of(price)),
        (f"{prefix}TimeInForce", _STOP_LIMIT_TIF if pending else None),
        (f"{prefix}ClientOrderId", client_id),
    )


def _stop_leg(prefix: str, stop: StopLoss | None, client_id: ClOrdId) -> tuple[tuple[str, str | None], ...]:
    assert stop is not None  # the caller looked
    limited = stop.price is not None
    return (
        (f"{prefix}Type", "STOP_LOSS_LIMIT" if limited else "STOP_LOSS"),
        (f"{prefix}StopPrice", text_of(stop.stop_px)),
        (f"{prefix}Price", text(stop.price)),
        (f"{prefix}TimeInForce", _STOP_LIMIT_TIF if limited else None),
        (f"{prefix}ClientOrderId", client_id),
    )


def _given(*params: tuple[str, str | None]) -> Params:
    return tuple((name, value) for name, value in params if value is not None)
