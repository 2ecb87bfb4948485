"""Wishes to trade as order tickets.  Document: IB REST API 2.20.0, singleOrderSubmissionRequest; cpapi-v1, placing orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract
from floorbroker.brokers.ibkr_web.mapping.reports import TIMES_IN_FORCE, order_type_of, side_of
from floorbroker.brokers.ibkr_web.mapping.values import number
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Side, TimeInForce

TYPES: Mapping[OrderType, str] = MappingProxyType(
    {
        OrderType.MARKET: "MKT",
        OrderType.LIMIT: "LMT",
        OrderType.STOP: "STP",
        OrderType.STOP_LIMIT: "STOP_LIMIT",
        OrderType.TRAILING_STOP: "TRAIL",
    }
)
TIFS: Mapping[TimeInForce, str] = MappingProxyType(
    {TimeInForce.DAY: "DAY", TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.OPG: "OPG"}
)
SIDES: Mapping[Side, str] = MappingProxyType({Side.BUY: "BUY", Side.SELL: "SELL"})
_GROUPS = frozenset({OrderClass.BRACKET, OrderClass.OTO})


def tickets(
    order: NewOrder, cl_ord_id: ClOrdId, account: str, *, contract: Contract | None, conidex: str | None = None
) -> tuple[wire.Ticket, ...]:
    """The order, and behind it the children of its group, which have no cOID of their own and name its.

    Either `contract`, or `conidex` for a combo.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for.
    """
    _assert_spoken(order)
    head = wire.Ticket(
        acctId=account,
        conid=None if contract is None else contract.conid,
        conidex=conidex,
        cOID=cl_ord_id,
        orderType=TYPES[order.order_type],
        side=SIDES[order.side],
        tif=TIFS[order.tif],
        quantity=_quantity(order),
        outsideRTH=order.extended_hours,
    )
    head = _priced(head, order)
    if order.order_class not in _GROUPS:
        return (head,)
    exits = [exit_ for exit_ in (_profit(order, head, cl_ord_id), _loss(order.stop_loss, head, cl_ord_id)) if exit_]
    return (head, *exits)


def _assert_spoken(order: NewOrder) -> None:
    if order.order_type not in TYPES:
        raise NotSupported(f"IBKR_WEB has no order type {order.order_type.value}")
    if order.tif not in TIFS:
        raise NotSupported(f"IBKR_WEB has no time in force {order.tif.value}")
    if order.order_class is OrderClass.OCO:
        raise NotSupported("IBKR_WEB places no oco order by itself; use a bracket")
    if order.post_only or order.display_qty is not None or order.reduce_only:
        raise NotSupported("IBKR_WEB has neither post-only and reduce-only orders nor icebergs")
    if order.order_qty is None or order.notional is not None:
        raise NotSupported("IBKR_WEB orders are sized by quantity")


def _quantity(order: NewOrder) -> Decimal:
    if order.order_qty is None:
        raise InvalidRequest("a quantity is given")
    return order.order_qty


def _priced(ticket: wire.Ticket, order: NewOrder) -> wire.Ticket:
    """`price` is the limit, and the stop of a plain stop; `auxPrice` is the stop where there is a limit as well."""
    with_ = msgspec.structs.replace
    match order.order_type:
        case OrderType.LIMIT:
            return with_(ticket, price=order.price)
        case OrderType.STOP:
            return with_(ticket, price=order.stop_px)
        case OrderType.STOP_LIMIT:
            return with_(ticket, price=order.price, auxPrice=order.stop_px)
        case OrderType.TRAILING_STOP:
            trail = order.trail_percent if order.trail_amount is None else order.trail_amount
            if trail is None:
                raise InvalidRequest("a trailing stop has an amount or a percentage")
            kind = "%" if order.trail_amount is None else "amt"
            return with_(ticket, price=order.stop_px, trailingAmt=trail, trailingType=kind)
        case _:
            return ticket


def _profit(order: NewOrder, head: wire.Ticket, parent: str) -> wire.Ticket | None:
    if order.take_profit is None:
        return None
    return _child(head, parent, kind=OrderType.LIMIT, price=order.take_profit)


def _loss(exit_: StopLoss | None, head: wire.Ticket, parent: str) -> wire.Ticket | None:
    if exit_ is None:
        return None
    if exit_.price is None:
        return _child(head, parent, kind=OrderType.STOP, price=exit_.stop_px)
    return _child(head, parent, kind=OrderType.STOP_LIMIT, price=exit_.price, stop=exit_.stop_px)


def _child(
    head: wire.Ticket, parent: str, *, kind: OrderType, price: Decimal, stop: Decimal | None = None
) -> wire.Ticket:
    return wire.Ticket(
        acctId=head.acctId,
        conid=head.conid,
        conidex=head.conidex,
        parentId=parent,
        orderType=TYPES[kind],
        side="SELL" if head.side == "BUY" else "BUY",
        tif=head.tif,
        quantity=head.quantity,
        price=price,
        auxPrice=stop,
        outsideRTH=head.outsideRTH,
    )


def changed(ticket: wire.Ticket, changes: OrderChanges) -> wire.Ticket:
    """The whole ticket with what a replace asks for.  Raises `InvalidRequest` when nothing changes."""
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    told: dict[str, object] = {**_changed_prices(ticket, changes)}
    if changes.order_qty is not None:
        told["quantity"] = changes.order_qty
    if changes.tif is not None:
        if changes.tif not in TIFS:
            raise NotSupported(f"IBKR_WEB has no time in force {changes.tif.value}")
        told["tif"] = TIFS[changes.tif]
    return msgspec.structs.replace(ticket, **told)


_TRAIL, _LIMIT, _STOP = frozenset({"TRAIL"}), frozenset({"LMT", "STOP_LIMIT"}), frozenset({"STP", "STOP_LIMIT"})


def _changed_prices(ticket: wire.Ticket, changes: OrderChanges) -> dict[str, Decimal]:
    """The members that hold the new prices.  Raises `InvalidRequest` for a price that the order's type does not have."""
    stop = "auxPrice" if ticket.orderType == "STOP_LIMIT" else "price"
    told: dict[str, Decimal] = {}
    for value, kinds, member, what in (
        (changes.trail, _TRAIL, "trailingAmt", "trail"),
        (changes.price, _LIMIT, "price", "limit"),
        (changes.stop_px, _STOP, stop, "stop"),
    ):
        if value is None:
            continue
        if ticket.orderType not in kinds:
            raise InvalidRequest(f"the order has no {what}")
        told[member] = value
    return told


def ticket_from(
    status: wire.OrderStatus, row: wire.OrderRow | None, account: str, *, cl_ord_id: str | None
) -> wire.Ticket:
    """The ticket of an order that another life of ours placed, from what the venue tells of it.

    Raises `NotSupported` when it does not tell all that a change has to repeat.
    """
    kind, side = order_type_of(status.order_type), side_of(status.side)
    tif = TIMES_IN_FORCE.get((status.tif or "").upper())
    quantity = number(status.total_size, what="a quantity")
    conid = status.conid if row is None or row.conid is None else row.conid
    limit = number(status.limit_price) or (number(row.price) if row is not None else None)
    stop = number(status.stop_price) or (number(row.auxPrice) or number(row.stop_price) if row is not None else None)
    if kind is OrderType.STOP and stop is None:
        stop = limit
    is_spoken = tif is not None and tif in TIFS
    is_told = kind in (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
    lacks_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and limit is None
    lacks_stop = kind in (OrderType.STOP, OrderType.STOP_LIMIT) and stop is None
    if not is_told or side is None or not is_spoken or quantity is None or conid is None or lacks_limit or lacks_stop:
        raise NotSupported(
            "the venue does not tell all terms of that order, which a change repeats: cancel and place anew"
        )
    assert kind is not None and tif is not None  # noqa: PT018 - told
    return wire.Ticket(
        acctId=account,
        conid=int(conid),
        cOID=cl_ord_id,
        orderType=TYPES[kind],
        side=SIDES[side],
        tif=TIFS[tif],
        quantity=quantity,
        price=stop if kind is OrderType.STOP else limit if kind is not OrderType.MARKET else None,
        auxPrice=stop if kind is OrderType.STOP_LIMIT else None,
    )
