"""Wishes to trade as Upstox's JSON bodies.

Documents: upstox.com/developer/api-documentation/v3/place-order, /v3/modify-order, /place-multi-order.
Numbers are written with the digits they have; quantities are units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import Options
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import ZERO, OrderClass, OrderType, Price, Side, TimeInForce, is_multiple, text_of

TYPES: Mapping[OrderType, str] = MappingProxyType(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP: "SL-M",
        OrderType.STOP_LIMIT: "SL",
    }
)
TIFS: Mapping[TimeInForce, str] = MappingProxyType({TimeInForce.DAY: "DAY", TimeInForce.IOC: "IOC"})
SIDES: Mapping[Side, str] = MappingProxyType({Side.BUY: "BUY", Side.SELL: "SELL"})
NO_GTT = "a GTT order, which waits longer, bears no id of ours and is not placed from here"
_PROTECTED = frozenset({OrderType.MARKET, OrderType.STOP})
_ONE = Decimal(1)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_JSON = msgspec.json.Encoder(decimal_format="number")


def check_words(order: NewOrder) -> None:
    """Raises `NotSupported` and `InvalidRequest` for members that have no place in any body here."""
    if order.order_qty is None or order.notional is not None:
        raise NotSupported("Upstox takes quantities, not amounts of money")
    if order.order_qty <= 0 or not is_multiple(order.order_qty, _ONE):
        raise NotSupported("Upstox takes whole shares")
    if order.order_class is not OrderClass.SIMPLE:
        raise NotSupported(f"Upstox has no {order.order_class.value} orders here")
    if order.order_type not in TYPES:
        raise NotSupported(f"Upstox has no order type {order.order_type.value}")
    if order.tif is TimeInForce.GTC:
        raise NotSupported(f"Upstox' orders are for the day; {NO_GTT}")
    if order.tif not in TIFS:
        raise NotSupported(f"Upstox has no time in force {order.tif.value}")
    if order.post_only or order.display_qty is not None or order.extended_hours:
        raise NotSupported("Upstox has no post-only orders, no icebergs here, and no extended hours")


def place_body(order: NewOrder, tag: str, *, key: str, options: Options) -> bytes:
    """The body of POST /v3/order/place.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for."""
    return _JSON.encode({**_terms(order, tag, key=key, options=options), "slice": False})


def batch_body(bodies: Sequence[bytes]) -> bytes:
    """The body of POST /v2/order/multi/place: bodies of single orders, each under its number."""
    told = [_OBJECT.decode(body) | {"correlation_id": msgspec.Raw(b'"%d"' % n)} for n, body in enumerate(bodies)]
    return _JSON.encode(told)


def gtt_body(gtt_id: str) -> bytes:
    """The body of DELETE /v3/order/gtt/cancel."""
    return _JSON.encode({"gtt_order_id": gtt_id})


def _terms(order: NewOrder, tag: str, *, key: str, options: Options) -> dict[str, object]:
    check_words(order)
    needs_limit = order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    needs_stop = order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return {
        "quantity": int(order.order_qty or 0),
        "product": options.product,
        "validity": TIFS[order.tif],
        "price": _needed(order.price) if needs_limit else 0,
        "tag": tag,
        "instrument_token": key,
        "order_type": TYPES[order.order_type],
        "transaction_type": SIDES[order.side],
        "disclosed_quantity": 0,
        "trigger_price": _needed(order.stop_px) if needs_stop else 0,
        "is_amo": False,
        "market_protection": options.protection if order.order_type in _PROTECTED else 0,
    }


def _needed(price: Price | None) -> Decimal:
    if price is None or price <= 0:
        raise InvalidRequest("the order lacks a price above zero that its type needs")
    return Decimal(text_of(price))  # without an exponent, and without zeros at its end


# -- changes ------------------------------------------------------------------------------------------------------------


def check_changes(changes: OrderChanges) -> None:
    """Raises `NotSupported` for quantities and trails.

    What a new quantity of a partly filled order means, its whole or what is left of it, stands in no document of the venue.
    """
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.order_qty is not None:
        raise NotSupported("Upstox does not say what a new quantity means once part is filled: cancel and send anew")
    if changes.trail is not None:
        raise NotSupported("Upstox has no trailing stops")
    if changes.tif is not None and changes.tif not in TIFS:
        raise NotSupported(f"Upstox has no time in force {changes.tif.value}")


def change_body(changes: OrderChanges, standing: wire.Order) -> bytes:
    """The body of PUT /v3/order/modify: what is not changed is told as it stands, the quantity not at all."""
    check_changes(changes)
    return _JSON.encode(
        {
            "order_id": standing.order_id,
            "validity": standing.validity if changes.tif is None else TIFS[changes.tif],
            "price": (standing.price or ZERO) if changes.price is None else _needed(changes.price),
            "order_type": standing.order_type,
            "trigger_price": (standing.trigger_price or ZERO) if changes.stop_px is None else _needed(changes.stop_px),
        }
    )
