"""What Tradier says about orders, as execution reports.

There are no execution ids and no list of fills: totals (`exec_quantity`, `avg_fill_price`) are all that is told, and the desk
makes stand-ins out of their changes.  A word outside its table goes into `unrecognised`, and then the report claims no status.

A group (oto, oco, otoco) is an order of its own with its members as legs.  Our order *is* its first member: the report bears the
group's id, by which it is cancelled, and the first member's terms and fills.  The others are children.
Document: documentation.tradier.com/brokerage-api/reference/response/orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.families import tag_of
from floorbroker.brokers.tradier.mapping.values import from_wire_symbol, lenient_moment, number, order_id_of, word
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    ExecType,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

Reports = tuple[ExecutionReport, ...]

SIDES: Mapping[str, Side] = MappingProxyType(
    {
        "buy": Side.BUY,
        "buy_to_cover": Side.BUY,
        "buy_to_open": Side.BUY,
        "buy_to_close": Side.BUY,
        "sell": Side.SELL,
        "sell_short": Side.SELL,
        "sell_to_open": Side.SELL,
        "sell_to_close": Side.SELL,
    }
)
ORDER_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {
        "market": OrderType.MARKET,
        "limit": OrderType.LIMIT,
        "stop": OrderType.STOP,
        "stop_limit": OrderType.STOP_LIMIT,
        "debit": OrderType.LIMIT,
        "credit": OrderType.LIMIT,
        "even": OrderType.LIMIT,
    }
)
TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType(
    {"day": TimeInForce.DAY, "gtc": TimeInForce.GTC, "pre": TimeInForce.DAY, "post": TimeInForce.DAY}
)
CLASSES: Mapping[str, OrderClass] = MappingProxyType(
    {
        "": OrderClass.SIMPLE,
        "equity": OrderClass.SIMPLE,
        "option": OrderClass.SIMPLE,
        "multileg": OrderClass.MULTILEG,
        "combo": OrderClass.MULTILEG,
        "oto": OrderClass.OTO,
        "oco": OrderClass.OCO,
        "otoco": OrderClass.BRACKET,
    }
)
# Open states that the venue tells apart and FIX in our short form does not are NEW, with the venue's word in `text`.
STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "new": OrdStatus.PENDING_NEW,
        "pending": OrdStatus.PENDING_NEW,
        "submitted": OrdStatus.PENDING_NEW,
        "accepted_for_bidding": OrdStatus.PENDING_NEW,
        "held": OrdStatus.HELD,
        "open": OrdStatus.NEW,
        "calculated": OrdStatus.NEW,
        "partially_filled": OrdStatus.PARTIALLY_FILLED,
        "filled": OrdStatus.FILLED,
        "pending_cancel": OrdStatus.PENDING_CANCEL,
        "canceled": OrdStatus.CANCELED,
        "expired": OrdStatus.EXPIRED,
        "rejected": OrdStatus.REJECTED,
        "error": OrdStatus.REJECTED,  # taken, and failed inside; positions are compared after it as after any end
    }
)
_TOLD_APART = frozenset({"accepted_for_bidding", "calculated", "error"})
_GROUPS = frozenset({OrderClass.OTO, OrderClass.OCO, OrderClass.BRACKET})
_WAITING = frozenset({OrdStatus.PENDING_NEW, OrdStatus.HELD})
_ALIVE = frozenset(
    {OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.PENDING_CANCEL, None}
)  # None: a word nobody knows
_PRICED = frozenset({"limit", "stop_limit", "debit", "even"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def order_reports(order: wire.Order, heard: Heard) -> Reports:
    """The order itself first, then its children: where each stands.  Raises `ApiError` for what cannot be read."""
    group, legs = CLASSES.get(order.class_, OrderClass.SIMPLE), wire.legs_of(order)
    if group in _GROUPS and legs:
        return _group_reports(order, legs, group, heard)
    own = replace(_report(order, heard), cl_ord_id=_label(order))
    return (own, *(_leg_report(leg, order, heard) for leg in legs))


def _group_reports(order: wire.Order, legs: list[wire.Order], group: OrderClass, heard: Heard) -> Reports:
    first, *others = legs
    lead = replace(
        _report(first, heard),
        order_id=order_id_of(order.id),
        order_class=group,
        cl_ord_id=_label(order),
        made_at=lenient_moment(order.create_date) or lenient_moment(first.create_date),
    )
    if order.status not in STATUSES or order.class_ not in CLASSES:
        lead = replace(lead, ord_status=None, unrecognised=f"status {word(order.status)}")
    elif STATUSES[order.status] is OrdStatus.REJECTED:
        lead = _turned_down(order, lead, legs)
    is_waiting = group is not OrderClass.OCO and lead.ord_status is not OrdStatus.FILLED
    children = [replace(_report(leg, heard), parent_order_id=order_id_of(order.id)) for leg in others]
    held = [
        replace(child, ord_status=OrdStatus.HELD) if is_waiting and child.ord_status in _WAITING else child
        for child in children
    ]
    return (lead, *held)


def _turned_down(order: wire.Order, lead: ExecutionReport, legs: list[wire.Order]) -> ExecutionReport:
    """Our order in a group that was rejected as a whole.

    What its own member says counts more while one of them is told to work, or once it filled: then it was not rejected.
    """
    reason = word_of_reason(order) or lead.text
    if lead.cum_qty or any(STATUSES.get(leg.status) in _ALIVE for leg in legs):
        return replace(lead, text=reason)
    return replace(lead, ord_status=OrdStatus.REJECTED, text=reason)


def _leg_report(leg: wire.Order, head: wire.Order, heard: Heard) -> ExecutionReport:
    """A leg of a strategy: its type and price in the listing are those of the net price of all, which is not its own."""
    return replace(
        _report(leg, heard),
        parent_order_id=order_id_of(head.id),
        price=None,
        order_class=OrderClass.SIMPLE,
    )


def _report(order: wire.Order, heard: Heard) -> ExecutionReport:
    odd = unknown_words(order)
    is_strategy = CLASSES.get(order.class_) is OrderClass.MULTILEG
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(order),
        unrecognised=odd,
        text=word_of_reason(order) or (order.status if order.status in _TOLD_APART else None),
        order_id=order_id_of(order.id),
        symbol=from_wire_symbol(order.option_symbol or order.symbol),
        side=Side.BUY if is_strategy else SIDES.get(order.side),
        order_type=ORDER_TYPES.get(order.type),
        order_class=CLASSES.get(order.class_, OrderClass.SIMPLE),
        tif=TIMES_IN_FORCE.get(order.duration),
        order_qty=_quantity(order.quantity),
        price=_limit(order),
        stop_px=_price(order.stop_price) if order.type in ("stop", "stop_limit") else None,
        cum_qty=_quantity(order.exec_quantity),
        avg_px=_average(order, is_net=is_strategy),
        transact_time=lenient_moment(order.transaction_date) or lenient_moment(order.create_date),
        made_at=lenient_moment(order.create_date),
    )


def unread_report(order_id: OrderId, heard: Heard) -> ExecutionReport:
    """What a listing says of an order that cannot be read: that it is there, and that nothing is known of it."""
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id,
        unrecognised="an order that cannot be read",
    )


def _label(order: wire.Order) -> ClOrdId | None:
    tag = tag_of(order)
    return ClOrdId(tag) if tag else None


def status_of(order: wire.Order) -> OrdStatus | None:
    """Our status; None for unknown words.  An open order with fills is PARTIALLY_FILLED."""
    status = STATUSES.get(order.status)
    if status is OrdStatus.NEW and (number(order.exec_quantity, what="a quantity") or ZERO) > 0:
        return OrdStatus.PARTIALLY_FILLED
    return status


def unknown_words(order: wire.Order) -> str | None:
    """The first word of the order that stands in no table; an absent one is not unknown."""
    for name, value, table in (
        ("status", order.status, STATUSES),
        ("class", order.class_, CLASSES),
        ("side", order.side, SIDES),
        ("type", order.type, ORDER_TYPES),
        ("duration", order.duration, TIMES_IN_FORCE),
    ):
        if value not in table and (value or name == "status"):
            return f"{name} {word(value)}"
    return None


def word_of_reason(order: wire.Order) -> str | None:
    """Why it was turned down, in the venue's own prose."""
    return order.reason_description[:500] if order.reason_description else None


def _limit(order: wire.Order) -> Price | None:
    """The limit; a credit is a net price below zero, an even one is zero."""
    if order.type == "credit":
        price = _price(order.price)
        return None if price is None else Price(-abs(price))
    if order.type == "even":
        return Price(ZERO)
    return _price(order.price) if order.type in _PRICED else None


def _average(order: wire.Order, *, is_net: bool) -> Decimal | None:
    """The average price; that of a credit is a net price below zero, whichever sign the venue shows."""
    average = number(order.avg_fill_price, what="a price") or None
    return -abs(average) if average is not None and is_net and order.type == "credit" else average


def _quantity(value: Decimal | None) -> Quantity | None:
    checked = number(value, what="a quantity")
    return None if checked is None else Quantity(checked)


def _price(value: Decimal | None) -> Price | None:
    checked = number(value, what="a price")
    return None if checked is None else Price(checked)
