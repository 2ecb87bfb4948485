"""Wishes to trade as Bybit's request bodies.  Document: bybit-exchange.github.io/docs/v5/order/create-order.

Perpetuals: a stop waits for the price to rise to its trigger (buy) or to fall to it (sell), a touched order for the contrary.
Spot has no direction: the venue takes the one in which the market lies from the trigger, when the order arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import Options
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SPOT, Place, to_wire
from floorbroker.brokers.bybit.mapping.values import text
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderRef
from floorbroker.domain.values import (
    ClOrdId,
    OrderClass,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
)

SIDES: Mapping[Side, str] = MappingProxyType({Side.BUY: "Buy", Side.SELL: "Sell"})
TIFS: Mapping[TimeInForce, str] = MappingProxyType(
    {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
)
POST_ONLY = "PostOnly"
RISE, FALL = 1, 2
ONE_WAY, LONG_SIDE, SHORT_SIDE = 0, 1, 2
PLAIN, STOP_ORDER, TPSL_ORDER = "Order", "StopOrder", "tpslOrder"  # spot's filters


class Kind(NamedTuple):
    """How one of our types is spelled: the venue's word, and whether it waits for a trigger, as a stop or touched."""

    word: str
    is_stop: bool = False
    is_touched: bool = False

    @property
    def is_conditional(self) -> bool:
        return self.is_stop or self.is_touched


KINDS: Mapping[OrderType, Kind] = MappingProxyType(
    {
        OrderType.MARKET: Kind("Market"),
        OrderType.LIMIT: Kind("Limit"),
        OrderType.STOP: Kind("Market", is_stop=True),
        OrderType.STOP_LIMIT: Kind("Limit", is_stop=True),
        OrderType.MARKET_IF_TOUCHED: Kind("Market", is_touched=True),
        OrderType.LIMIT_IF_TOUCHED: Kind("Limit", is_touched=True),
    }
)
_SIDE_OF_INTENT: Mapping[PositionIntent, int] = MappingProxyType(
    {
        PositionIntent.BUY_TO_OPEN: LONG_SIDE,
        PositionIntent.SELL_TO_CLOSE: LONG_SIDE,
        PositionIntent.SELL_TO_OPEN: SHORT_SIDE,
        PositionIntent.BUY_TO_CLOSE: SHORT_SIDE,
    }
)
_CLOSING = frozenset({PositionIntent.SELL_TO_CLOSE, PositionIntent.BUY_TO_CLOSE})


def order_request(order: NewOrder, cl_ord_id: ClOrdId, options: Options) -> wire.OrderRequest:
    """The body of POST /v5/order/create.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for."""
    _check(order)
    kind, place = KINDS[order.order_type], to_wire(order.symbol)
    qty, unit = _size(order, place, kind)
    is_linear = place.category == LINEAR
    return wire.OrderRequest(
        category=place.category,
        symbol=place.symbol,
        side=SIDES[order.side],
        order_type=kind.word,
        qty=qty,
        order_link_id=cl_ord_id,
        market_unit=unit,
        price=text(order.price) if kind.word == "Limit" else None,
        time_in_force=_tif_word(order, kind),
        position_idx=_position_idx(order, options) if is_linear else None,
        reduce_only=(_is_reducing(order) or None) if is_linear else None,
        trigger_price=text(order.stop_px) if kind.is_conditional else None,
        trigger_direction=_direction(order, kind) if kind.is_conditional and is_linear else None,
        trigger_by=options.trigger_by if kind.is_conditional and is_linear else None,
        order_filter=STOP_ORDER if kind.is_conditional and not is_linear else None,
    )


def _check(order: NewOrder) -> None:
    if (order.order_qty is None) == (order.notional is None):
        raise InvalidRequest("exactly one of quantity and notional is given")
    if order.order_class is not OrderClass.SIMPLE:
        raise NotSupported(f"Bybit has no {order.order_class.value} orders as this desk means them")
    if order.order_type not in KINDS:
        raise NotSupported(f"Bybit takes no {order.order_type.value} orders; a position can have a trailing stop")
    if order.display_qty is not None:
        raise NotSupported("Bybit takes no iceberg orders over its interface")
    if order.extended_hours:
        raise NotSupported("Bybit trades round the clock: there are no extended hours")
    if to_wire(order.symbol).category == SPOT and needs_short(order):
        raise NotSupported("spot is never short: only a sale reduces what is held, and no sale opens a position")
    kind = KINDS[order.order_type]
    if (kind.word == "Limit") != (order.price is not None):
        raise InvalidRequest(
            f"a {order.order_type.value} order {'needs' if kind.word == 'Limit' else 'has no'} limit price"
        )
    if kind.is_conditional != (order.stop_px is not None):
        raise InvalidRequest(
            f"a {order.order_type.value} order {'needs' if kind.is_conditional else 'has no'} stop price"
        )


def _size(order: NewOrder, place: Place, kind: Kind) -> tuple[str, str | None]:
    """Quantity and its unit.  A spot market buy would count in quote coin by default: the unit is always said."""
    if order.notional is not None:
        if place.category != SPOT or order.order_type is not OrderType.MARKET:
            raise NotSupported("an amount of money is taken by spot market orders alone: give a quantity")
        return text(order.notional) or "", "quoteCoin"
    is_spot_market = place.category == SPOT and kind.word == "Market"
    return text(order.order_qty) or "", "baseCoin" if is_spot_market else None


def _tif_word(order: NewOrder, kind: Kind) -> str | None:
    """A market order is always IOC at the venue, whatever is asked."""
    if order.tif not in TIFS:
        raise NotSupported(f"Bybit has no time in force {order.tif.value}: there are gtc, ioc and fok")
    if kind.word == "Market":
        if order.tif is TimeInForce.FOK or order.post_only:
            raise NotSupported("a market order fills what it can at once: it is neither fok nor post-only")
        return None
    if order.post_only:
        if order.tif is not TimeInForce.GTC:
            raise InvalidRequest("a post-only order is good till cancelled")
        return POST_ONLY
    return TIFS[order.tif]


def _direction(order: NewOrder, kind: Kind) -> int:
    rises = (order.side is Side.BUY) == kind.is_stop
    return RISE if rises else FALL


def _position_idx(order: NewOrder, options: Options) -> int:
    """The side of the position that an order is for; in hedge mode only its intent tells."""
    if not options.is_hedged:
        return ONE_WAY
    if order.position_intent is None:
        raise InvalidRequest("in hedge mode an order says what it opens or closes: give a position intent")
    return _SIDE_OF_INTENT[order.position_intent]


def _is_reducing(order: NewOrder) -> bool:
    return order.reduce_only or order.position_intent in _CLOSING


def needs_short(order: NewOrder) -> bool:
    """Whether an order makes sense only where one can be short: a purchase that reduces, a sale that opens."""
    if order.side is Side.BUY:
        return _is_reducing(order)
    return order.position_intent is PositionIntent.SELL_TO_OPEN


def item_of(request: wire.OrderRequest) -> wire.OrderItem:
    """The same as an item of a batch."""
    members = {name: getattr(request, name) for name in wire.OrderItem.__struct_fields__}
    return wire.OrderItem(**members)


def amend_request(ref: OrderRef, changes: OrderChanges) -> wire.AmendRequest:
    """The body of POST /v5/order/amend; the quantity is the new total.  Raises an `OwnRefusal` for what cannot change."""
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.tif is not None or changes.trail is not None:
        raise NotSupported("Bybit changes quantity, price and trigger of an order, nothing else: cancel and place anew")
    place = to_wire(ref.symbol)
    return wire.AmendRequest(
        category=place.category,
        symbol=place.symbol,
        order_id=ref.order_id,
        order_link_id=ref.cl_ord_id if ref.order_id is None else None,
        qty=text(changes.order_qty),
        price=text(changes.price),
        trigger_price=text(changes.stop_px),
    )


def cancel_request(ref: OrderRef, *, kind: str | None = None) -> wire.CancelRequest:
    """The body of POST /v5/order/cancel; `kind` is the filter of a spot order that is not a plain one."""
    place = to_wire(ref.symbol)
    return wire.CancelRequest(
        category=place.category,
        symbol=place.symbol,
        order_id=ref.order_id,
        order_link_id=ref.cl_ord_id if ref.order_id is None else None,
        order_filter=None if kind in (None, PLAIN) else kind,
    )
