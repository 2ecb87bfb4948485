"""Order lists: what a step of one order means for those that stand with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.binance import errors
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.rest import intake
from floorbroker_sim.binance.rest.records import OrderList, Record
from floorbroker_sim.binance.stream import events

if TYPE_CHECKING:
    from floorbroker_sim.binance.rest.desk import Desk

_TRIGGERED = "OCO_TRIGGER"
_PHASE_ONE = "OTO_PHASE_ONE_EXPIRED"


def on_fill(desk: Desk, record: Record) -> None:
    """A fill of one of a pair ends the other; the whole fill of a working order lets the pending ones live."""
    orders = desk.state.lists.get(record.list_id)
    if orders is None:
        return
    if record.id in orders.pair:
        _end_siblings(desk, orders, record)
    if record.id == orders.working and record.status == "FILLED":
        release(desk, orders)
    close_if_done(desk, orders)


def on_trigger(desk: Desk, record: Record) -> None:
    """One of a pair starts to work: the other is over."""
    orders = desk.state.lists.get(record.list_id)
    if orders is not None and record.id in orders.pair:
        _end_siblings(desk, orders, record)


def on_end(desk: Desk, record: Record) -> None:
    """An order of a list is over without being filled: what depends on it is over as well."""
    orders = desk.state.lists.get(record.list_id)
    if orders is None or not orders.is_open:
        return
    if record.id == orders.working:
        for number in orders.pending:
            _expire(desk, number, _PHASE_ONE)
    elif record.id in orders.pair:
        _end_siblings(desk, orders, record)
    close_if_done(desk, orders)


def on_amend(desk: Desk, record: Record, *, renamed: bool) -> None:
    """Both of a pair have one quantity; a list whose order has another name says so."""
    orders = desk.state.lists.get(record.list_id)
    if orders is None:
        return
    for number in orders.pair if record.id in orders.pair else ():
        other = desk.state.orders[number]
        if other is not record and other.is_open:
            desk.amend(other, record.qty, client_id=other.client_id)
    if renamed:
        orders.at = record.updated_at
        event = events.list_status(orders, desk.state.members(orders), at=orders.at)
        desk.tell(event | {"l": "UPDATED"})


def _end_siblings(desk: Desk, orders: OrderList, record: Record) -> None:
    for number in orders.pair:
        if number != record.id:
            _expire(desk, number, _TRIGGERED)


def _expire(desk: Desk, number: int, reason: str) -> None:
    record = desk.state.orders[number]
    if record.is_open:
        desk.expire(record, reason, follows=True)


def release(desk: Desk, orders: OrderList) -> None:
    """The working order is filled: the pending ones are placed."""
    pending = [desk.state.orders[number] for number in orders.pending]
    for record in pending:
        record.status, record.updated_at = "NEW", desk.state.clock.stamp()
    for record in pending:
        if record.is_open and not _place(desk, record, [other.id for other in pending]):
            return
    for record in pending:
        if record.is_open:
            desk.start(record)


def _place(desk: Desk, record: Record, family: list[int]) -> bool:
    """Whether the engine takes a released order; one that it does not take ends its pair as well."""
    try:
        intake.check_released(desk, record, family)
    except Refused as refused:
        desk.expire(record, "REJECTED", rejection=errors.REASONS.get(refused.text, "NONE"))
        return False
    if not record.ticket.is_contingent:
        record.working_at = record.updated_at
    desk.report(record, "NEW")
    return True


def close_if_done(desk: Desk, orders: OrderList) -> None:
    """When the last order of a list is over, so is the list."""
    members = desk.state.members(orders)
    if not orders.is_open or any(member.is_open for member in members):
        return
    orders.status_type = orders.order_status = "ALL_DONE"
    orders.at = desk.state.clock.stamp()
    desk.tell(events.list_status(orders, members, at=orders.at))


def begun(desk: Desk, orders: OrderList) -> None:
    """A list was taken."""
    desk.tell(events.list_status(orders, desk.state.members(orders), at=orders.at))
