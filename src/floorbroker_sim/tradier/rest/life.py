"""One function for each thing the matching engine says about an order: what the venue records, and what it announces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, ExecId, OrderId, Price, Quantity, Side
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
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.tradier.mapping import outside
from floorbroker_sim.tradier.rest.records import Closed, Execution, Holding, Record

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State


def told(state: State, record: Record, event: Event) -> None:
    """Bring the record up to date and tell the streams."""
    match event:
        case Working():
            state.become(record, "partially_filled" if record.filled else "open", at=event.at)
        case Fill():
            _filled(state, record, event)
        case Busted():
            _busted(state, record, event)
        case Corrected():
            _corrected(state, record, event)
        case Canceled():
            state.become(record, "canceled", at=event.at)
        case Expired():
            state.become(record, "expired", at=event.at)
        case Rejected():
            state.become(record, "rejected", at=event.at, reason=event.reason)
        case Accepted() | DoneForDay() | Held() | Triggered() | Replaced() | Restated():
            pass  # it goes on waiting, and the venue says nothing


def _filled(state: State, record: Record, event: Fill) -> None:
    record.filled += event.qty
    record.spent += event.qty * event.price
    record.last_px, record.last_qty = event.price, event.qty
    if event.is_summary:
        record.filled = record.quantity
        record.spent = record.quantity * event.price
        record.last_qty = record.quantity
    else:
        fee = state.settings.option_fee * event.qty if record.option_symbol else ZERO
        book(state, replace(event, fee=fee))
        state.executions.append(
            Execution(
                exec_id=event.exec_id, record=record, at=event.at, symbol=event.symbol, side=event.side.value,
                qty=event.qty, price=event.price, fee=fee,
            )
        )  # fmt: skip
    done = record.filled >= record.quantity
    state.become(record, "filled" if done else "partially_filled", at=event.at)


def _busted(state: State, record: Record, event: Busted) -> None:
    state.ledger.undo(event.fill)
    record.filled -= event.fill.qty
    record.spent -= event.fill.qty * event.fill.price
    execution_of(state, event.fill.exec_id).busted = True
    if record.is_open:
        state.become(record, "partially_filled" if record.filled else "open", at=event.at)


def _corrected(state: State, record: Record, event: Corrected) -> None:
    before, fill = event.before, event.fill
    state.ledger.undo(before)
    state.ledger.apply(fill)
    record.filled += fill.qty - before.qty
    record.spent += fill.qty * fill.price - before.qty * before.price
    execution = execution_of(state, fill.exec_id)
    execution.qty, execution.price = fill.qty, fill.price
    record.updated_at = event.at
    state.tell(record)


def execution_of(state: State, exec_id: str) -> Execution:
    """A fill by its id; every execution of the engine has been booked as one."""
    return next(one for one in state.executions if one.exec_id == exec_id)


def book(state: State, fill: Fill) -> None:
    """Move the ledger, and keep what a closing part cost and brought."""
    before = state.ledger.position(fill.symbol)
    state.ledger.apply(fill)
    change = fill.side.sign * fill.qty
    closing = min(abs(change), abs(before.qty)) if change * before.qty < 0 else ZERO
    holding = state.holdings.get(fill.symbol)
    if closing and holding is not None:
        factor = state.market.instrument(fill.symbol).multiplier * closing
        entry, leaving = round(before.avg_px * factor, 2), round(fill.price * factor, 2)
        long = before.qty > 0
        state.closed.append(
            Closed(
                symbol=outside(fill.symbol), quantity=closing if long else -closing, opened=_day(holding.acquired),
                closed=_day(fill.at), cost=entry if long else leaving, proceeds=leaving if long else entry,
            )
        )  # fmt: skip
    after = state.ledger.qty(fill.symbol)
    if not after:
        state.holdings.pop(fill.symbol, None)
    elif holding is None or after * before.qty <= 0:
        state.holdings[fill.symbol] = Holding(id=state.next_id(), acquired=fill.at)


def book_without_order(state: State, symbol: str, side: Side, qty: Decimal, *, price: Decimal, at: datetime) -> None:
    """Move the ledger for something that is no trade: exercise, assignment, expiry."""
    fill = Fill(
        order_id=OrderId(""), at=at, exec_id=ExecId(state.uuid()), symbol=symbol, side=side, qty=Quantity(qty),
        price=Price(price), fee=ZERO, cum_qty=Quantity(qty), leaves_qty=Quantity(ZERO), is_last=True, maker=False,
    )  # fmt: skip
    book(state, fill)


def _day(at: datetime) -> date:
    return at.astimezone(NEW_YORK).date()
