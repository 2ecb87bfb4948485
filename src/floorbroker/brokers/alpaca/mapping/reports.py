"""What Alpaca says about orders, as execution reports: by status where we asked, by event where it tells.

Tables: Trading API 2.0.1 `OrderStatus`; docs.alpaca.markets/docs/websocket-streaming#trade-updates.  A word outside its table
goes into `unrecognised`, and then the report claims no status.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.orders import TIFS, TYPES
from floorbroker.brokers.alpaca.mapping.values import (
    from_wire_symbol,
    lenient_moment,
    moment_needed,
    needed,
    number,
    word,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    ExecId,
    ExecType,
    Money,
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

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES: dict[str, OrderType] = {there: ours for ours, there in TYPES.items()}
TIMES_IN_FORCE: dict[str, TimeInForce] = {there: ours for ours, there in TIFS.items()}
CLASSES = {"": OrderClass.SIMPLE, "simple": OrderClass.SIMPLE} | {
    group.value: group for group in OrderClass if group is not OrderClass.SIMPLE
}

# Open states that the venue tells apart and FIX in our short form does not are NEW, with the venue's word in `text`.
STATUSES: dict[str, OrdStatus] = {
    "accepted": OrdStatus.PENDING_NEW,
    "pending_new": OrdStatus.PENDING_NEW,
    "accepted_for_bidding": OrdStatus.PENDING_NEW,
    "pending_review": OrdStatus.PENDING_NEW,
    "held": OrdStatus.HELD,
    "new": OrdStatus.NEW,
    "partially_filled": OrdStatus.PARTIALLY_FILLED,
    "stopped": OrdStatus.NEW,
    "suspended": OrdStatus.NEW,
    "done_for_day": OrdStatus.NEW,
    "calculated": OrdStatus.NEW,
    "pending_cancel": OrdStatus.PENDING_CANCEL,
    "pending_replace": OrdStatus.PENDING_REPLACE,
    "filled": OrdStatus.FILLED,
    "canceled": OrdStatus.CANCELED,
    "expired": OrdStatus.EXPIRED,
    "rejected": OrdStatus.REJECTED,
}
_TOLD_APART = frozenset(
    {"accepted_for_bidding", "pending_review", "stopped", "suspended", "done_for_day", "calculated"}
)
_REPLACED = "replaced"  # no status of ours: the order goes on under `replaced_by`

EVENTS: dict[str, ExecType] = {
    "accepted": ExecType.PENDING_NEW,
    "pending_new": ExecType.PENDING_NEW,
    "new": ExecType.NEW,
    "held": ExecType.HELD,
    "partial_fill": ExecType.TRADE,
    "fill": ExecType.TRADE,
    "canceled": ExecType.CANCELED,
    "expired": ExecType.EXPIRED,
    "done_for_day": ExecType.DONE_FOR_DAY,
    "replaced": ExecType.REPLACED,
    "rejected": ExecType.REJECTED,
    "pending_cancel": ExecType.PENDING_CANCEL,
    "pending_replace": ExecType.PENDING_REPLACE,
    "order_cancel_rejected": ExecType.CANCEL_REJECTED,
    "order_replace_rejected": ExecType.REPLACE_REJECTED,
    "stopped": ExecType.ORDER_STATUS,
    "suspended": ExecType.ORDER_STATUS,
    "calculated": ExecType.ORDER_STATUS,
    "restated": ExecType.ORDER_STATUS,
}
_INFORMING = frozenset({"stopped", "suspended", "calculated", "restated"})


@frozen
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def order_reports(order: wire.Order, heard: Heard, *, parent: wire.Order | str | None = None) -> Reports:
    """The order itself first, then its legs: where each stands."""
    return (_status_report(order, heard, parent=parent), *leg_reports(order, heard))


def leg_reports(order: wire.Order, heard: Heard) -> Reports:
    """The children of a group or the legs of an mleg, with their parent's id."""
    legs = order.legs or []
    return tuple(report for leg in legs for report in order_reports(leg, heard, parent=order))


def _status_report(order: wire.Order, heard: Heard, *, parent: wire.Order | str | None) -> ExecutionReport:
    """`parent` is the order this one was nested in, or its id where only that is known."""
    odd = unknown_words(order)
    head = parent if isinstance(parent, wire.Order) else order  # the legs of an mleg have no type of their own
    parent_id = parent.id if isinstance(parent, wire.Order) else parent
    replaced = order.status == _REPLACED
    return ExecutionReport(
        exec_type=ExecType.REPLACED if replaced and not odd else ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(order),
        unrecognised=odd,
        text=order.status if order.status in _TOLD_APART else None,
        cl_ord_id=ClOrdId(order.client_order_id) if order.client_order_id else None,
        order_id=OrderId(order.id),
        symbol=from_wire_symbol(order.symbol, order.asset_class),
        side=_side_of(order, is_head=parent is None),
        order_type=ORDER_TYPES.get(order.type or head.type or ""),
        order_class=CLASSES.get(order.order_class or "", OrderClass.SIMPLE),
        tif=TIMES_IN_FORCE.get(order.time_in_force or ""),
        order_qty=_quantity(order.qty),
        notional=number(order.notional),
        price=_price(order.limit_price),
        stop_px=_price(order.stop_price),
        trail_amount=_price(order.trail_price),
        trail_percent=number(order.trail_percent),
        cum_qty=_quantity(order.filled_qty),
        avg_px=number(order.filled_avg_price),
        replaces=OrderId(order.replaces) if order.replaces else None,
        replaced_by=OrderId(order.replaced_by) if order.replaced_by else None,
        parent_order_id=OrderId(parent_id) if parent_id else None,
        transact_time=lenient_moment(order.updated_at) or lenient_moment(order.submitted_at),
        made_at=lenient_moment(order.created_at),
    )


def status_of(order: wire.Order) -> OrdStatus | None:
    """Our status; None for `replaced` and for unknown words.  An open order with fills is PARTIALLY_FILLED.

    Raises `ApiError` for a quantity that is no number.
    """
    status = STATUSES.get(order.status)
    filled = _quantity(order.filled_qty) or ZERO
    if status is OrdStatus.NEW and filled > 0:
        is_done = order.status == "calculated" and filled == _quantity(order.qty)
        return OrdStatus.FILLED if is_done else OrdStatus.PARTIALLY_FILLED
    return status


def unknown_words(order: wire.Order) -> str | None:
    """The first word of the order that stands in no table; an absent one (mleg) is not unknown."""
    if order.status not in STATUSES and order.status != _REPLACED:
        return f"status {word(order.status)}"
    for name, value, table in (
        ("side", order.side, SIDES),
        ("type", order.type, ORDER_TYPES),
        ("time_in_force", order.time_in_force, TIMES_IN_FORCE),
        ("order_class", order.order_class, CLASSES),
    ):
        if value and value not in table:
            return f"{name} {word(value)}"
    return None


def _side_of(order: wire.Order, *, is_head: bool) -> Side | None:
    """The head of an mleg has no side there; ours is buy, and a credit is a limit below zero."""
    if not order.side and is_head and order.order_class == OrderClass.MULTILEG.value:
        return Side.BUY
    return SIDES.get(order.side or "")


def _quantity(value: Decimal | None) -> Quantity | None:
    checked = number(value, what="a quantity")
    return None if checked is None else Quantity(checked)


def _price(value: Decimal | None) -> Price | None:
    checked = number(value, what="a price")
    return None if checked is None else Price(checked)


# -- what the venue tells by itself ---------------------------------------------------------------------------------------


def update_reports(update: wire.TradeUpdate, heard: Heard, *, parent: str | None = None) -> Reports:
    """A `trade_updates` message: what happened to the order, then where its legs stand."""
    standing = _status_report(update.order, heard, parent=parent)
    venue_time = lenient_moment(update.timestamp) or standing.transact_time
    return (_event_report(update, replace(standing, transact_time=venue_time)), *leg_reports(update.order, heard))


def _event_report(update: wire.TradeUpdate, standing: ExecutionReport) -> ExecutionReport:
    if standing.unrecognised:
        return standing
    exec_type = EVENTS.get(update.event)
    if exec_type is None:
        return replace(
            standing,
            exec_type=ExecType.ORDER_STATUS,
            ord_status=None,
            unrecognised=f"event {word(update.event)}",
        )
    if exec_type is ExecType.TRADE:
        return _fill_report(update, standing)
    told = update.event if update.event in _INFORMING else standing.text
    return replace(standing, exec_type=exec_type, text=told)


def _fill_report(update: wire.TradeUpdate, standing: ExecutionReport) -> ExecutionReport:
    """Without price or quantity it is still a trade: the total in it will have the executions fetched."""
    return replace(
        standing,
        exec_type=ExecType.TRADE,
        last_qty=_quantity(update.qty),
        last_px=_price(update.price),
        exec_id=_exec_id(update.execution_id, update.order.id, standing.cum_qty),
    )


def _exec_id(given: str | None, order_id: str, cum_qty: Decimal | None) -> ExecId:
    """Messages of old lack an id; the total after the fill tells fills of one order apart (RELIABILITY 3)."""
    return ExecId(given or f"{order_id}@{cum_qty}")


# -- executions from history and from activity events -------------------------------------------------------------------

_FILLS = frozenset({"fill", "partial_fill"})


def fill_report(fill: wire.Fill, heard: Heard) -> ExecutionReport:
    """A FILL activity.  The part of its id after `::` is the execution id that streams and events carry as well."""
    known = fill.type in _FILLS and fill.side in SIDES
    return ExecutionReport(
        exec_type=ExecType.TRADE if known else ExecType.ORDER_STATUS,
        unrecognised=None if known else f"activity {word(fill.type)} {word(fill.side)}",
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=OrderId(fill.order_id),
        symbol=from_wire_symbol(fill.symbol),
        side=SIDES.get(fill.side),
        last_qty=Quantity(needed(fill.qty, what="a quantity")),
        last_px=Price(needed(fill.price, what="a price")),
        exec_id=ExecId(fill.id.rpartition("::")[2]),
        transact_time=moment_needed(fill.transaction_time),
    )


_ACTIVITIES = {
    "fill": ExecType.TRADE,
    "trade_correct": ExecType.TRADE_CORRECT,
    "trade_bust": ExecType.TRADE_CANCEL,
}


def trade_details(event: wire.ActivityEvent) -> wire.TradeDetails | None:
    """What the event says about a trade; None when it is about something else (dividends, fees, journals)."""
    details = wire.decode(event.details, wire.TradeDetails, what="the details of an event")
    return details if details.order_id else None


def activity_report(
    event: wire.ActivityEvent, details: wire.TradeDetails, heard: Heard, *, root: str | None = None
) -> ExecutionReport:
    """A trade among the activity events.  A correction or bust names in `previous_id` what it is about.

    `root` is the first execution of a chain of corrections, where the caller knows it.  The version is the event's own time
    in milliseconds, so that a later correction wins whatever order they are read in.
    """
    exec_type = _ACTIVITIES.get(details.execution_type)
    at_venue = moment_needed(event.at)
    about = None if exec_type is ExecType.TRADE else (root or event.previous_id)
    odd = _odd_activity(details, exec_type, about)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS if odd or exec_type is None else exec_type,
        unrecognised=odd,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        cl_ord_id=ClOrdId(details.client_order_id) if details.client_order_id else None,
        order_id=OrderId(details.order_id),
        symbol=from_wire_symbol(details.symbol),
        side=SIDES.get(details.side),
        last_qty=_quantity(event.qty),
        last_px=_price(event.price),
        exec_id=ExecId(event.ref_id),
        exec_ref_id=ExecId(about) if about else None,
        exec_version=int(at_venue.timestamp() * 1000) if about else 0,
        fee=_fee(details, event.currency),
        transact_time=lenient_moment(event.executed_at) or at_venue,
    )


def _odd_activity(details: wire.TradeDetails, exec_type: ExecType | None, about: str | None) -> str | None:
    if exec_type is None or details.side not in SIDES:
        return f"activity {word(details.execution_type)} {word(details.side)}"
    if exec_type is not ExecType.TRADE and about is None:
        return f"{details.execution_type} that names no execution"
    return None


def _fee(details: wire.TradeDetails, currency: str | None) -> Money | None:
    commission = number(details.commission, what="a commission")
    return Money(commission, currency or "USD") if commission else None
