"""Wishes to trade as order tickets.  Document: IB REST API 2.20.0, singleOrderSubmissionRequest; cpapi-v1, placing orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract
from floorbroker.brokers.ibkr_web.mapping.reports import TIMES_IN_FORCE, order_type_of, side_of
from floorbroker.brokers.ibkr_web.mapping.values import conid_of, number
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
WAITING = frozenset({TimeInForce.DAY, TimeInForce.GTC})  # what an order with exits has: theirs is the same


def tickets(order: NewOrder, cl_ord_id: ClOrdId, account: str, *, contract: Contract) -> tuple[wire.Ticket, ...]:
    """The order, and behind it the children of its group, which have no cOID of their own and name its.

    Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for.
    """
    _assert_spoken(order)
    head = wire.Ticket(
        acctId=account,
        conid=contract.conid,
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
    if order.order_class not in _GROUPS | {OrderClass.SIMPLE}:
        raise NotSupported(f"IBKR_WEB places no {order.order_class.value} order; it has brackets and oto orders")
    if order.order_class in _GROUPS and order.tif not in WAITING:
        raise NotSupported(
            f"IBKR_WEB takes {order.order_class.value} orders for the day or gtc: exits are over with their entry"
        )
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
    """The whole ticket with what a replace asks for.

    Raises `InvalidRequest` when nothing changes, and `NotSupported` for a trail: the venue tells none, so nobody could see that a
    new one holds.
    """
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.trail is not None:
        raise NotSupported(
            "IBKR_WEB shows no trail of an order, so a changed one cannot be verified: cancel and place anew"
        )
    told: dict[str, object] = {**_changed_prices(ticket, changes)}
    if changes.order_qty is not None:
        told["quantity"] = changes.order_qty
    if changes.tif is not None:
        if changes.tif not in TIFS:
            raise NotSupported(f"IBKR_WEB has no time in force {changes.tif.value}")
        told["tif"] = TIFS[changes.tif]
    return msgspec.structs.replace(ticket, **told)


_LIMIT, _STOP = frozenset({"LMT", "STOP_LIMIT"}), frozenset({"STP", "STOP_LIMIT"})


def _changed_prices(ticket: wire.Ticket, changes: OrderChanges) -> dict[str, Decimal]:
    """The members that hold the new prices.  Raises `InvalidRequest` for a price that the order's type does not have."""
    stop = "auxPrice" if ticket.orderType == "STOP_LIMIT" else "price"
    told: dict[str, Decimal] = {}
    for value, kinds, member, what in (
        (changes.price, _LIMIT, "price", "limit"),
        (changes.stop_px, _STOP, stop, "stop"),
    ):
        if value is None:
            continue
        if ticket.orderType not in kinds:
            raise InvalidRequest(f"the order has no {what}")
        told[member] = value
    return told


@dataclass(frozen=True, slots=True)
class Told:
    """An order's terms as the venue tells them now; None where it does not.  `contract` is its number."""

    kind: OrderType | None
    side: Side | None
    tif: TimeInForce | None
    quantity: Decimal | None
    conid: int | None
    limit: Decimal | None
    stop: Decimal | None

    @property
    def lacks_prices(self) -> bool:
        """Whether a price is missing that its type has."""
        lacks_limit = self.kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and self.limit is None
        return lacks_limit or (self.kind in (OrderType.STOP, OrderType.STOP_LIMIT) and self.stop is None)


def told_of(status: wire.OrderStatus, row: wire.OrderRow | None) -> Told:
    """What the venue tells of an order: by its own status, and in its row of the list where that lacks a price.

    Raises `NotSupported` for a combination, which is changed where it was made.
    """
    if ";;;" in (status.conidex or "") or (status.sec_type or "") == "BAG":
        raise NotSupported("a combination is not changed here: cancel it and place anew")
    kind = order_type_of(status.order_type)
    limit, stop = number(status.limit_price, what="a price"), number(status.stop_price, what="a price")
    if row is not None:
        told, aux = number(row.price, what="a price"), number(row.auxPrice, what="a price")
        aux = aux or number(row.stop_price, what="a price")
        limit = told if limit is None else limit
        stop = aux if stop is None else stop
    if kind is OrderType.STOP and stop is None:
        stop = limit  # the one price of a plain stop
    return Told(
        kind=kind,
        side=side_of(status.side),
        tif=TIMES_IN_FORCE.get((status.tif or "").upper()),
        quantity=number(status.total_size, what="a quantity"),
        conid=conid_of(status.conid),
        limit=limit,
        stop=stop,
    )


def as_it_stands(kept: wire.Ticket, told: Told) -> wire.Ticket:
    """The ticket that we sent, with the terms that the venue tells by now: others may have changed the order.

    Raises `NotSupported` when the venue tells of another contract, side or type than we sent.
    """
    if (told.conid, told.side, told.kind) != (kept.conid, side_of(kept.side), _KINDS[kept.orderType]):
        raise NotSupported("the venue has another order under that id than was sent: cancel and place anew")
    if told.quantity is None or told.tif is None or told.tif not in TIFS:
        raise NotSupported(_NOT_ALL)
    terms = msgspec.structs.replace(kept, quantity=told.quantity, tif=TIFS[told.tif])
    if told.kind is OrderType.TRAILING_STOP:
        return terms  # its price is where it stands by now, which is no term of it
    return _at(terms, told)


def ticket_from(told: Told, account: str, *, cl_ord_id: str, outside_rth: bool | None) -> wire.Ticket:
    """The ticket of an order that another life of ours placed, from what the venue tells of it.

    `outside_rth` is what our own book says, since the venue does not; None where nobody knows.  Raises `NotSupported` when not
    all is told that a change has to repeat.
    """
    is_whole = told.kind in (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
    if not is_whole or told.kind is None or told.side is None or outside_rth is None:
        raise NotSupported(_NOT_ALL)
    if told.tif is None or told.tif not in TIFS or told.quantity is None or told.conid is None:
        raise NotSupported(_NOT_ALL)
    ticket = wire.Ticket(
        acctId=account,
        conid=told.conid,
        cOID=cl_ord_id,
        orderType=TYPES[told.kind],
        side=SIDES[told.side],
        tif=TIFS[told.tif],
        quantity=told.quantity,
        outsideRTH=outside_rth,
    )
    return _at(ticket, told)


_KINDS: Mapping[str, OrderType] = MappingProxyType({word: kind for kind, word in TYPES.items()})
_NOT_ALL = "the venue does not tell all terms of that order, which a change repeats: cancel and place anew"


def _at(ticket: wire.Ticket, told: Told) -> wire.Ticket:
    """The ticket at the prices that the venue tells.  Raises `NotSupported` where it lacks one."""
    if told.lacks_prices:
        raise NotSupported(_NOT_ALL)
    match told.kind:
        case OrderType.LIMIT:
            return msgspec.structs.replace(ticket, price=told.limit)
        case OrderType.STOP:
            return msgspec.structs.replace(ticket, price=told.stop)
        case OrderType.STOP_LIMIT:
            return msgspec.structs.replace(ticket, price=told.limit, auxPrice=told.stop)
        case _:
            return ticket
