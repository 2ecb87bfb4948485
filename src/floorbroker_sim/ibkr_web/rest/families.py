"""Orders that depend on each other: children wait for their parent, orders of one group stand against each other.

A fill of one takes its units from the others, and the last of them cancels those; whoever cancels one leaves the others alone.
This is reducing without a block: two orders of a group that one price reaches in the same moment may both fill.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import OrderId, Quantity
from floorbroker.matching import Fill, NotOpen
from floorbroker_sim.ibkr_web.rest.records import Record

if TYPE_CHECKING:
    from floorbroker_sim.ibkr_web.rest.state import State


def children(state: State, record: Record) -> list[Record]:
    return [other for other in state.open.values() if other.parent == record.id]


def rivals(state: State, record: Record) -> list[Record]:
    """Open orders that a fill of this one takes from."""
    return [
        other
        for other in state.open.values()
        if other is not record
        and (
            (record.parent is not None and other.parent == record.parent)
            or (record.group is not None and other.group == record.group)
        )
    ]


def filled(state: State, record: Record, event: Fill) -> None:
    """What a fill means for the others."""
    for other in rivals(state, record):
        _take(state, other, event, is_over=not record.is_open)
    if record.status == "Filled":
        for child in children(state, record):
            release(state, child)


def _take(state: State, other: Record, event: Fill, *, is_over: bool) -> None:
    left = (other.qty or event.qty) - event.qty
    if is_over or left <= other.filled:
        end(state, other, reason="oca")
    elif other.is_held:
        other.order = replace(other.order, order_qty=Quantity(left))
        state.announce(other, event.at)
    else:
        changes = OrderChanges(order_qty=Quantity(left))
        state.absorb(state.engine.replace(OrderId(str(other.id)), changes, at=state.clock.stamp()))


def over(state: State, record: Record) -> None:
    """A parent that is no more takes along those who waited for it."""
    for child in children(state, record):
        if child.is_held:
            end(state, child, reason="parent")


def release(state: State, record: Record) -> None:
    """Let a child work."""
    if not record.is_held:
        return
    record.is_held = False
    submit(state, record)


def submit(state: State, record: Record) -> None:
    """Hand an order to the engine, which knows what its symbols cost now."""
    for symbol in [leg.symbol for leg in record.order.legs] or [record.order.symbol]:
        state.refresh(symbol)
    order_id = OrderId(str(record.id))
    state.absorb(state.engine.submit(order_id, record.order, at=state.clock.stamp(), account=record.account))


def end(state: State, record: Record, *, reason: str) -> None:
    """Cancel an order, wherever it waits.  One that is over stays as it is."""
    if record.is_held:
        record.status, record.reason, record.is_held = "Cancelled", reason, False
        state.announce(record, state.clock.stamp())
        over(state, record)
        return
    try:
        state.absorb(state.engine.cancel(OrderId(str(record.id)), at=state.clock.stamp()))
    except NotOpen:
        return  # it filled in the same moment
