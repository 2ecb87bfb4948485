"""One function for each thing the matching engine says about an order: what the venue records, and what it announces."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import NewOrder
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
from floorbroker_sim.alpaca.rest.records import Activity, Record

if TYPE_CHECKING:
    from floorbroker_sim.alpaca.rest.state import State

_COIN_STEP = Decimal("0.000000001")
_CENT = Decimal("0.01")


def told(state: State, record: Record, event: Event) -> None:
    """Bring the record up to date and send its trade updates."""
    match event:
        case Accepted():
            record.status = "accepted"
            state.announce("accepted", record, at=event.at)
        case Working():
            _working(state, record, event)
        case Held():
            record.status = "held"
        case Triggered():
            pass  # the venue says nothing when a stop is elected
        case Fill():
            _filled(state, record, event)
        case Busted() | Corrected():
            _reconsidered(state, record, event)
        case Canceled() | Expired() | DoneForDay() | Rejected():
            _over(state, record, event)
        case Replaced():
            _replaced(state, record, event)
        case Restated():
            _restated(record, event)


def _working(state: State, record: Record, event: Working) -> None:
    _take_terms(record, state.engine.order(event.order_id).order)  # an exit works for what its entry really filled
    if record.status == "pending_new":
        state.announce("pending_new", record, at=event.at)
    record.status = "partially_filled" if record.filled_qty else "new"
    state.announce("new", record, at=event.at)


def _filled(state: State, record: Record, event: Fill) -> None:
    record.filled_qty += event.qty
    record.spent += event.qty * event.price
    record.status = "filled" if event.is_last else "partially_filled"
    record.filled_at = event.at if event.is_last else None
    if not event.is_summary:
        state.ledger.apply(event)
        state.log(_fill_activity(record, event))
    state.announce("fill" if event.is_last else "partial_fill", record, at=event.at, fill=event)
    if not event.is_summary:
        _take_coin_fee(state, record, event)
        state.equity_points.append((event.at, state.standing().equity))


def _fill_activity(record: Record, event: Fill) -> Activity:
    return Activity(
        id=activity_id(event.at, event.exec_id), type="FILL", at=event.at, symbol=event.symbol, side=event.side,
        qty=event.qty, price=event.price, fee=event.fee, order_id=record.id, exec_id=event.exec_id,
        client_order_id=record.client_order_id, cum_qty=record.filled_qty, leaves_qty=event.leaves_qty,
        order_status=record.status, is_last=event.is_last,
    )  # fmt: skip


def _take_coin_fee(state: State, record: Record, event: Fill) -> None:
    """The venue takes its crypto fee from what is received: coins of a buy, dollars of a sell."""
    rate = state.settings.crypto_fee_bps / 10_000
    if record.asset_class != "crypto" or not rate:
        return
    fee_id = state.uuid()
    coins = (event.qty * rate).quantize(_COIN_STEP) if event.side is Side.BUY else ZERO
    dollars = ZERO if event.side is Side.BUY else (event.qty * event.price * rate).quantize(_CENT)
    if coins:
        # They leave at no price: what they cost is a loss, the rest keeps its average.
        gone = replace(event, exec_id=ExecId(fee_id), side=Side.SELL, qty=Quantity(coins), price=Price(ZERO), fee=ZERO)
        state.ledger.apply(gone)
    state.ledger.cash -= dollars
    state.log(
        Activity(
            id=activity_id(event.at, fee_id), type="CFEE", at=event.at, symbol=event.symbol, side=event.side, qty=coins,
            price=event.price, fee=dollars or coins * event.price, order_id=record.id, exec_id=fee_id,
        )
    )  # fmt: skip


def _reconsidered(state: State, record: Record, event: Busted | Corrected) -> None:
    """What was traded, was traded otherwise or not at all."""
    if isinstance(event, Busted):
        _busted(state, record, event)
    else:
        _corrected(state, record, event)


def _busted(state: State, record: Record, event: Busted) -> None:
    state.ledger.undo(event.fill)
    record.filled_qty -= event.fill.qty
    record.spent -= event.fill.qty * event.fill.price
    record.filled_at = None
    if state.engine.order(OrderId(record.id)).is_open:
        record.status = "partially_filled" if record.filled_qty else "new"
    index, activity = _activity_of(state, event.fill.exec_id)
    state.activities[index] = replace(activity, busted=True)
    state.tell(replace(activity, busted=True, at=event.at, ref="", corrects=""))


def _corrected(state: State, record: Record, event: Corrected) -> None:
    before, fill = event.before, event.fill
    state.ledger.undo(before)
    state.ledger.apply(fill)
    record.filled_qty += fill.qty - before.qty
    record.spent += fill.qty * fill.price - before.qty * before.price
    if state.engine.order(OrderId(record.id)).is_open:
        record.status = "partially_filled"
    index, activity = _activity_of(state, fill.exec_id)
    state.activities[index] = replace(
        activity,
        qty=fill.qty,
        price=fill.price,
        listed=activity.listed or (activity.qty, activity.price),
        ref=state.uuid(),
        corrects=activity.ref or activity.exec_id,
    )
    state.tell(replace(state.activities[index], at=event.at))


def _activity_of(state: State, exec_id: str) -> tuple[int, Activity]:
    """A fill, and where it stands; every execution has been told as one."""
    return next((index, one) for index, one in enumerate(state.activities) if one.exec_id == exec_id and one.is_fill)


def _over(state: State, record: Record, event: Canceled | Expired | DoneForDay | Rejected) -> None:
    match event:
        case Canceled():
            record.status, record.canceled_at = "canceled", event.at
        case Expired():
            record.status, record.expired_at = "expired", event.at
        case Rejected():
            record.status, record.failed_at = "rejected", event.at
        case DoneForDay():
            record.status = "done_for_day"
    state.announce(record.status, record, at=event.at)


def _replaced(state: State, record: Record, event: Replaced) -> None:
    record.status = "pending_replace"
    state.announce("pending_replace", record, at=event.at)
    record.status, record.replaced_at, record.replaced_by = "replaced", event.at, event.new_order_id
    state.announce("replaced", record, at=event.at)


def _restated(record: Record, event: Restated) -> None:
    _take_terms(record, event.order)
    record.stop_px = event.stop_px if event.stop_px is not None else record.stop_px
    record.hwm = event.hwm if event.hwm is not None else record.hwm


def _take_terms(record: Record, terms: NewOrder) -> None:
    record.order = terms
    if terms.order_qty is not None:
        record.qty = terms.order_qty + record.carried


def activity_id(at: datetime, name: str) -> str:
    """`20260302150406123::uuid`: sorts by time."""
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{name}"
