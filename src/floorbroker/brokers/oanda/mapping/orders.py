"""Wishes to trade as OANDA's request bodies.  Document: developer.oanda.com/rest-live-v20/order-df.

The symbols of a request are checked with the instrument before; here only what has no words there is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.info import TRADE_TAG
from floorbroker.brokers.oanda.mapping.units import signed
from floorbroker.brokers.oanda.mapping.values import number, to_wire_symbol
from floorbroker.domain.errors import ApiError, InvalidRequest, NotSupported, Outcome
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Side,
    TimeInForce,
    text_of,
    time_text,
)

TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP",
    OrderType.MARKET_IF_TOUCHED: "MARKET_IF_TOUCHED",
    OrderType.TRAILING_STOP: "TRAILING_STOP_LOSS",
}
TIFS = {
    TimeInForce.DAY: "GFD",
    TimeInForce.GTC: "GTC",
    TimeInForce.GTD: "GTD",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
}
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_WAITING = frozenset(TIFS) - AT_ONCE
ALLOWED = {
    OrderType.MARKET: frozenset(TIFS),  # a market order never waits: all but IOC is fill or kill
    OrderType.LIMIT: frozenset(TIFS),
    OrderType.STOP: frozenset(TIFS),
    OrderType.MARKET_IF_TOUCHED: _WAITING,
    OrderType.TRAILING_STOP: _WAITING,
}
_OPENING = frozenset({PositionIntent.BUY_TO_OPEN, PositionIntent.SELL_TO_OPEN})
_BUYING = frozenset({PositionIntent.BUY_TO_OPEN, PositionIntent.BUY_TO_CLOSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrade:
    """One open trade: its id there, and its units, above zero when it was bought."""

    trade_id: str
    units: Decimal


def order_request(order: NewOrder, cl_ord_id: ClOrdId, *, trade_id: str | None = None) -> wire.OrderRequest:
    """The order of POST /orders.  `trade_id` is what a trailing stop closes.

    Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for.
    """
    check(order)
    assert order.order_qty is not None  # checked
    of_a_trade = order.order_type is OrderType.TRAILING_STOP
    trigger = order.price if order.order_type is OrderType.LIMIT else order.stop_px
    return wire.OrderRequest(
        type=TYPES[order.order_type],
        instrument=None if of_a_trade else to_wire_symbol(order.symbol),
        units=None if of_a_trade else signed(order.side, order.order_qty),
        trade_id=trade_id if of_a_trade else None,
        price=_text(trigger),
        distance=_text(order.trail_amount),
        time_in_force=_tif(order),
        gtd_time=time_text(order.expire_at) if order.tif is TimeInForce.GTD and order.expire_at else None,
        position_fill=None if of_a_trade else _position_fill(order),
        client_extensions=wire.ClientExtensions(id=cl_ord_id),
        take_profit_on_fill=None if order.take_profit is None else wire.OnFill(price=text_of(order.take_profit)),
        stop_loss_on_fill=None if order.stop_loss is None else wire.OnFill(price=text_of(order.stop_loss.stop_px)),
    )


def check(order: NewOrder) -> None:
    """Raises `NotSupported` or `InvalidRequest` for what OANDA cannot be told."""
    if order.notional is not None or order.order_qty is None or order.order_qty <= 0:
        raise NotSupported("OANDA takes units, not amounts of money")
    if order.order_type not in TYPES:
        raise NotSupported(f"OANDA has no order type {order.order_type.value}")
    if order.tif not in ALLOWED[order.order_type]:
        raise NotSupported(f"OANDA takes no {order.order_type.value} order with time in force {order.tif.value}")
    if order.tif is TimeInForce.GTD and order.expire_at is None:
        raise InvalidRequest("a good-till-date order says until when")
    if order.post_only or order.display_qty is not None or order.extended_hours or order.legs:
        raise NotSupported("OANDA has no post-only orders, no icebergs, no extended hours and no legs")
    if order.trail_percent is not None:
        raise NotSupported("OANDA trails by a distance of prices, not by a percentage")
    _check_prices(order)
    _check_group(order)
    _check_intent(order)


def _check_prices(order: NewOrder) -> None:
    needs = {OrderType.LIMIT: order.price, OrderType.TRAILING_STOP: order.trail_amount}
    if order.order_type is OrderType.MARKET:
        return
    if needs.get(order.order_type, order.stop_px) is None:
        raise InvalidRequest(f"a {order.order_type.value} order lacks its price")


def _check_group(order: NewOrder) -> None:
    exits = (order.take_profit, order.stop_loss)
    if order.stop_loss is not None and order.stop_loss.price is not None:
        raise NotSupported("a stop loss of OANDA fills at the market: it has no limit of its own")
    match order.order_class:
        case OrderClass.SIMPLE:
            is_sayable = exits == (None, None)
        case OrderClass.BRACKET:
            is_sayable = None not in exits
        case OrderClass.OTO:
            is_sayable = exits.count(None) == 1
        case _:
            is_sayable = False
    if not is_sayable or (order.order_type is OrderType.TRAILING_STOP and exits != (None, None)):
        raise NotSupported(f"OANDA has no {order.order_class.value} order with these exits: an entry has one or two")


def _check_intent(order: NewOrder) -> None:
    intent = order.position_intent
    if intent is not None and (intent in _BUYING) is not (order.side is Side.BUY):
        raise InvalidRequest(f"an order to {order.side.value} is not {intent.value}")


def _tif(order: NewOrder) -> str:
    if order.order_type is OrderType.MARKET:
        return TIFS[order.tif if order.tif is TimeInForce.IOC else TimeInForce.FOK]
    return TIFS[order.tif]


def _position_fill(order: NewOrder) -> str | None:
    if order.reduce_only or is_closing(order):
        return "REDUCE_ONLY"
    return "OPEN_ONLY" if order.position_intent in _OPENING else None


def _text(value: Price | None) -> str | None:
    return None if value is None else text_of(value)


# -- closing ------------------------------------------------------------------------------------------------------------


def is_closing(order: NewOrder) -> bool:
    """Whether it says of itself that it closes."""
    return order.position_intent in (PositionIntent.BUY_TO_CLOSE, PositionIntent.SELL_TO_CLOSE)


def closes_position(order: NewOrder) -> bool:
    """A market order that says so closes a position by the venue's own call for it."""
    return is_closing(order) and order.order_type is OrderType.MARKET and order.order_class is OrderClass.SIMPLE


def closed_trade(order: NewOrder) -> str | None:
    """The trade that a closing market order names in its client tag (`trade:123`), if it does."""
    name = order.client_tag.removeprefix(TRADE_TAG)
    is_named = closes_position(order) and name != order.client_tag and name.isascii() and name.isdecimal()
    return name if is_named else None


def close_request(order: NewOrder, cl_ord_id: ClOrdId) -> wire.ClosePosition:
    """The body of PUT /positions/{instrument}/close: what was bought is closed by a sale."""
    check(order)
    assert order.order_qty is not None  # checked
    units, extensions = text_of(order.order_qty), wire.ClientExtensions(id=cl_ord_id)
    if order.side is Side.SELL:
        return wire.ClosePosition(long_units=units, long_client_extensions=extensions, short_units="NONE")
    return wire.ClosePosition(short_units=units, short_client_extensions=extensions, long_units="NONE")


def trade_to_trail(order: NewOrder, trades: Sequence[OpenTrade]) -> str:
    """The one trade that a trailing stop of this side and size closes, the oldest of several.

    Raises `NotSupported`: OANDA trails whole trades, and no order that would open one.
    """
    assert order.order_qty is not None  # checked
    wanted = -order.side.sign * order.order_qty
    found = sorted((trade for trade in trades if trade.units == wanted), key=lambda trade: int(trade.trade_id))
    if not found:
        raise NotSupported(
            f"a trailing stop of OANDA closes one whole open trade, and none of {order.symbol} has"
            f" {text_of(wanted)} units"
        )
    return found[0].trade_id


# -- changing -----------------------------------------------------------------------------------------------------------


def replace_request(
    order: wire.Order, changes: OrderChanges, cl_ord_id: ClOrdId, *, filled: Decimal = ZERO
) -> wire.OrderRequest:
    """The whole order anew, as PUT /orders/{o} wants it: what is there now, with the changes.

    `filled` is what its forerunners filled: the total asked for counts that, the venue's order does not.
    """
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.tif is TimeInForce.GTD:
        raise NotSupported("a change carries no time of expiry: cancel and place anew")
    request = _as_it_is(order)
    changed = {
        "client_extensions": wire.ClientExtensions(id=cl_ord_id),
        "units": _changed_units(order, changes, filled),
        "price": _changed_price(order, changes),
    }
    if changes.trail is not None:
        if order.type != "TRAILING_STOP_LOSS":
            raise InvalidRequest("only a trailing stop has a distance to change")
        changed["distance"] = text_of(changes.trail)
    if changes.tif is not None:
        changed |= {"time_in_force": TIFS[changes.tif], "gtd_time": None}
    kept = {name: value for name, value in changed.items() if value is not None or name == "gtd_time"}
    return msgspec.structs.replace(request, **kept)


def _as_it_is(order: wire.Order) -> wire.OrderRequest:
    return wire.OrderRequest(
        type=order.type,
        instrument=order.instrument,
        units=_said(order.units),
        trade_id=order.trade_id,
        price=None if order.distance is not None else _said(order.price),
        distance=_said(order.distance),
        price_bound=_said(order.price_bound),
        time_in_force=order.time_in_force,
        gtd_time=order.gtd_time,
        position_fill=order.position_fill,
        trigger_condition=order.trigger_condition,
        trade_client_extensions=order.trade_client_extensions,
        take_profit_on_fill=order.take_profit_on_fill,
        stop_loss_on_fill=order.stop_loss_on_fill,
        guaranteed_stop_loss_on_fill=order.guaranteed_stop_loss_on_fill,
        trailing_stop_loss_on_fill=order.trailing_stop_loss_on_fill,
    )


def _said(value: Decimal | None) -> str | None:
    """A number of the venue's own, to be told again.  Raises `ApiError` (NOT_SENT) for one of no sensible size."""
    try:
        checked = number(value)
    except ApiError as error:
        error.outcome = Outcome.NOT_SENT
        raise
    return None if checked is None else text_of(checked)


def _changed_units(order: wire.Order, changes: OrderChanges, filled: Decimal) -> str | None:
    if changes.order_qty is None:
        return None
    if order.units is None:
        raise NotSupported("an order of a trade closes all of it: it has no quantity of its own")
    left = changes.order_qty - filled
    if left <= 0:
        raise InvalidRequest(f"the new total must be above the {text_of(filled)} already filled")
    return text_of(left if order.units > 0 else -left)


def _changed_price(order: wire.Order, changes: OrderChanges) -> str | None:
    """A limit has a price, all others a trigger; at the venue it is one member."""
    is_limit = order.type in ("LIMIT", "TAKE_PROFIT")
    if (changes.price is not None and not is_limit) or (changes.stop_px is not None and is_limit):
        raise InvalidRequest(f"an order of type {order.type[:32]} has no such price to change")
    return _text(changes.price if is_limit else changes.stop_px)
