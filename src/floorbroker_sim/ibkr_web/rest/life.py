"""One function for each thing the matching engine says about an order: what the venue records, and what it announces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker.domain.values import OrderId, Side
from floorbroker.matching import (
    Accepted,
    Busted,
    Canceled,
    Corrected,
    DoneForDay,
    Event,
    Expired,
    Fill,
    Held,
    Rejected,
    Replaced,
    Restated,
    Triggered,
    Working,
)
from floorbroker_sim.ibkr_web.rest import families
from floorbroker_sim.ibkr_web.rest.records import Execution, Record

if TYPE_CHECKING:
    from floorbroker_sim.ibkr_web.rest.state import State


def told(state: State, event: Event) -> None:
    """Bring the record up to date and tell the streams.  A leg of a combination speaks for its head."""
    head = _head(state, event.order_id)
    record = state.orders[int(head)]
    is_leg = head != event.order_id
    match event:
        case Fill():
            _filled(state, record, event, is_leg=is_leg)
        case Busted():
            _busted(state, record, event)
        case Corrected():
            _corrected(state, record, event)
        case Accepted() | Working() | Held() | Triggered() | DoneForDay() if not is_leg:
            _stands(state, record, event)
        case Canceled() | Expired() | Rejected() if not is_leg:
            _over(state, record, event)
        case Replaced() | Restated() if not is_leg:
            _changed(state, record, event)
        case _:
            pass  # what befalls a leg, befell its head


def _head(state: State, order_id: OrderId) -> OrderId:
    return state.engine.order(order_id).parent_id or order_id


def _stands(state: State, record: Record, event: Accepted | Working | Held | Triggered | DoneForDay) -> None:
    """Stops, and orders that wait for their session, are accepted and held: pre-submitted."""
    works = isinstance(event, Triggered) or (isinstance(event, Working) and not _waits(state, record))
    record.status = "Submitted" if works else "PreSubmitted"
    state.announce(record, event.at)


def _waits(state: State, record: Record) -> bool:
    return state.engine.order(OrderId(str(record.id))).is_waiting_stop


def _filled(state: State, record: Record, event: Fill, *, is_leg: bool) -> None:
    if not event.is_summary:
        _book(state, record, event)
    if is_leg:
        return
    record.filled += event.qty
    is_credit = record.is_combination and record.side is Side.SELL  # the engine counts what a combination costs
    record.spent += event.qty * (-event.price if is_credit else event.price)
    record.status = "Filled" if event.is_last else "Submitted"
    record.last_fill_at = event.at
    state.announce(record, event.at)
    families.filled(state, record, event)


def _book(state: State, record: Record, event: Fill) -> None:
    execution = Execution(
        id=event.exec_id, record=record, symbol=event.symbol, side=event.side, qty=event.qty, price=event.price,
        fee=event.fee, at=event.at,
    )  # fmt: skip
    state.ledgers[record.account].apply(event)
    state.executions[event.exec_id] = execution
    state.tell(execution)


def _busted(state: State, record: Record, event: Busted) -> None:
    execution = state.executions[event.fill.exec_id]
    state.ledgers[record.account].undo(event.fill)
    execution.version += 1
    execution.busted, execution.qty, execution.fee = True, execution.qty * 0, execution.fee * 0
    if not record.is_combination:
        record.filled -= event.fill.qty
        record.spent -= event.fill.qty * event.fill.price
    state.tell(execution)
    state.announce(record, event.at)


def _corrected(state: State, record: Record, event: Corrected) -> None:
    before, fill = event.before, event.fill
    execution = state.executions[fill.exec_id]
    state.ledgers[record.account].undo(before)
    state.ledgers[record.account].apply(fill)
    execution.version += 1
    execution.qty, execution.price = fill.qty, fill.price
    if not record.is_combination:
        record.filled += fill.qty - before.qty
        record.spent += fill.qty * fill.price - before.qty * before.price
    state.tell(execution)
    state.announce(record, event.at)


def _over(state: State, record: Record, event: Canceled | Expired | Rejected) -> None:
    """There is no word of its own for an order whose time ran out."""
    record.status = "Inactive" if isinstance(event, Rejected) else "Cancelled"
    record.reason = "expired" if isinstance(event, Expired) else event.reason
    state.announce(record, event.at)
    families.over(state, record)


def _changed(state: State, record: Record, event: Replaced | Restated) -> None:
    record.order = event.order
    if isinstance(event, Restated) and event.stop_px is not None:
        record.stop_px = event.stop_px
    if isinstance(event, Replaced) and record.status == "PendingSubmit":
        record.status = "PreSubmitted" if _waits(state, record) else "Submitted"
    state.announce(record, event.at)
