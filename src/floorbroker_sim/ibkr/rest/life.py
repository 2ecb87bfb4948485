"""One function for each thing the matching engine says about an order: what is recorded, and what the program tells.

The order of messages is that of the fact sheet, C7.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import TRIGGERED, ZERO, OrderId, OrderType, Quantity
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
    NotOpen,
    Rejected,
    Replaced,
    Restated,
    Triggered,
    Working,
    by_name,
)
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.rest import trailing
from floorbroker_sim.ibkr.rest.records import Executed, Record
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.contracts import Contract
from floorbroker_sim.ibkr.wire.frames import Words

if TYPE_CHECKING:
    from floorbroker_sim.ibkr.rest.state import Client, State

_WAITING = TRIGGERED | {OrderType.TRAILING_STOP}
_REASONS = {"user": "", "expired": "Order expired at the end of its time in force"}


def told(state: State, record: Record, event: Event) -> None:
    """Bring the record up to date and send what the program sends."""
    match event:
        case Accepted():
            move(state, record, "PreSubmitted")
            opens = _opening(state, record)
            state.complain(
                record, errors.message(f"Warning: your order will not be placed at the exchange until {opens}")
            )
        case Working():
            move(state, record, "PreSubmitted" if record.order.order_type in _WAITING else "Submitted")
        case Triggered():
            move(state, record, "Submitted")
        case Fill():
            _filled(state, record, event)
        case Busted() | Corrected():
            _reconsidered(state, record, event)
        case DoneForDay():
            move(state, record, "PreSubmitted")
        case Canceled() | Expired() | Rejected():
            _over(state, record, event)
        case Replaced() | Restated():
            _other_terms(record, event)
        case Held():
            raise AssertionError("families are kept by the venue, not by the engine")


def _other_terms(record: Record, event: Replaced | Restated) -> None:
    record.order = event.order
    if isinstance(event, Restated):
        record.stop_px, record.hwm = event.stop_px, event.hwm


def leg_told(state: State, record: Record, event: Event) -> None:
    """A leg of a combination: only its executions are told, under the number of the whole."""
    match event:
        case Fill():
            _book(state, record, event)
        case Busted() | Corrected():
            _reconsidered(state, record, event)
        case _:
            pass  # the head says what becomes of the order


def move(state: State, record: Record, status: str) -> None:
    """Another word for where the order stands, told with the order."""
    record.status, record.why_held = status, ""
    state.show(record)


def _opening(state: State, record: Record) -> str:
    symbol = record.order.legs[0].symbol if record.order.legs else record.order.symbol
    instrument = state.market.instrument(symbol)
    at = by_name(instrument.calendar).next_open(state.clock.now(), extended=record.order.extended_hours)
    return f"{at.astimezone(info.ZONE):%Y-%m-%d %H:%M:%S} {info.ZONE_NAME}"


# --- Executions ------------------------------------------------------------------------------------------------------


def _filled(state: State, record: Record, fill: Fill) -> None:
    record.filled += fill.qty
    record.spent += fill.qty * fill.price
    record.last_px = fill.price
    executed = _book(state, record, fill)
    if fill.is_last:
        record.status, record.closed_at, record.closed_text = "Filled", fill.at, f"Filled Size: {executed.total}"
        state.show(record)
    else:
        state.show_status(record)
    _tell_fee(state, record, executed)
    _tell_group(state, record, fill)
    if fill.is_last:
        _release(state, record)


def _book(state: State, record: Record, fill: Fill) -> Executed:
    """Move the money, remember the execution and tell it.  A combination's own line moves nothing: its legs do."""
    before = state.ledger.position(fill.symbol).realized
    state.ledger.apply(fill)
    gained = state.ledger.position(fill.symbol).realized - before
    executed = Executed(
        exec_id=fill.exec_id,
        contract=record.contract if fill.is_summary else _named(state, record, fill),
        symbol=fill.symbol,
        bought=(record.order.side if fill.is_summary else fill.side).sign > 0,
        qty=fill.qty,
        price=abs(fill.price) if fill.is_summary else fill.price,
        fee=fill.fee,
        realized=None if fill.is_summary or not gained else gained - fill.fee,
        at=fill.at,
        total=fill.cum_qty,
        average=fill.price if fill.is_summary or record.order.legs else record.average,
        maker=fill.maker,
        summary=fill.is_summary,
    )
    record.executions.append(executed)
    state.executed.append((record, executed))
    tell_execution(state.owner(record), record, executed)
    if not fill.is_summary:
        if record.order.legs:
            _tell_fee(state, record, executed)
        for client in tuple(state.clients.values()) if state.link_up else ():
            client.account_changed(fill.symbol)
    return executed


def _named(state: State, record: Record, fill: Fill) -> Contract:
    return record.contract if not record.order.legs else state.catalogue.contract(fill.symbol)


def tell_execution(client: Client | None, record: Record, executed: Executed, *, request: int = errors.NOBODY) -> None:
    """`execDetails`, live or as an answer."""
    if client is not None:
        client.send(execution_words(record, executed, request, client.version))


def execution_words(record: Record, executed: Executed, request: int, version: int) -> Words:
    return frames.execution(
        request, record.order_id, executed.contract, exec_id=executed.wire_id, at=executed.at, account=record.account,
        exchange=executed.contract.primary or executed.contract.exchange, bought=executed.bought, qty=executed.qty,
        price=executed.price, perm_id=record.perm_id, client_id=record.client_id, total=executed.total,
        average=executed.average, order_ref=record.placed.text("orderRef"), maker=executed.maker, version=version,
    )  # fmt: skip


def _tell_fee(state: State, record: Record, executed: Executed) -> None:
    """The commission of an execution comes behind it; a combination as such has none."""
    client = state.owner(record)
    if client is not None and not executed.summary:
        client.send(fee_words(executed))


def fee_words(executed: Executed) -> Words:
    return frames.commission(executed.wire_id, executed.fee, info.CURRENCY, executed.realized)


def _reconsidered(state: State, record: Record, event: Busted | Corrected) -> None:
    """The same execution id with a higher last part; a bust leaves no units."""
    before = event.before if isinstance(event, Corrected) else event.fill
    executed = next(e for e in record.executions if e.exec_id == before.exec_id)
    state.ledger.undo(before)
    executed.version += 1
    qty, price = (event.fill.qty, event.fill.price) if isinstance(event, Corrected) else (Quantity(ZERO), before.price)
    if isinstance(event, Corrected):
        state.ledger.apply(event.fill)
    executed.fee = event.fill.fee if isinstance(event, Corrected) else ZERO
    if not record.order.legs:
        record.filled += qty - before.qty
        record.spent += qty * price - before.qty * before.price
    executed.total += qty - before.qty
    executed.qty, executed.price, executed.average = qty, price, record.average
    tell_execution(state.owner(record), record, executed)
    _tell_fee(state, record, executed)
    state.show_status(record)
    for client in tuple(state.clients.values()) if state.link_up else ():
        client.account_changed(before.symbol)


# --- The family ------------------------------------------------------------------------------------------------------


def _tell_group(state: State, record: Record, fill: Fill) -> None:
    """One cancels all: type 1 ends the others, 2 and 3 take from them what was filled, by the same share."""
    left_before = fill.leaves_qty + fill.qty
    for other in state.group(record):
        share = fill.qty / left_before if left_before else Decimal(1)
        keep = (other.leaves * (1 - share)).to_integral_value()
        if fill.is_last or record.oca_type <= 1 or keep <= 0:
            end(state, other)
        else:
            _shrink(state, other, other.filled + keep)


def _shrink(state: State, record: Record, total: Decimal) -> None:
    if record.entered:
        changes = OrderChanges(order_qty=Quantity(total))
        state.absorb(state.engine.replace(OrderId(record.key), changes, at=state.clock.stamp()))
    else:
        record.order = replace(record.order, order_qty=Quantity(total))
    state.show(record)


def enter(state: State, record: Record) -> None:
    """Let an order work: at the engine, or under the venue's own eye where its stop trails towards a limit."""
    for symbol in [leg.symbol for leg in record.order.legs] or [record.order.symbol]:
        state.refresh(symbol)
    if trailing.is_trailing_limit(record):
        move(state, record, "PreSubmitted")
        trade = state.market.last_trade(record.order.symbol)
        if trade is not None:
            trailing.watch(state, record, trade.price)
        return
    record.entered = True
    state.absorb(state.engine.submit(OrderId(record.key), record.order, at=state.clock.stamp()))


def _release(state: State, parent: Record) -> None:
    """The entry is filled: its exits work from now on."""
    for child in parent.children:
        if child.is_open and child.transmitted and not child.entered:
            enter(state, child)


def end(state: State, record: Record) -> None:
    """Take an order out because of another, or because somebody asked."""
    if record.entered:
        try:
            events = state.engine.cancel(OrderId(record.key), at=state.clock.stamp())
        except NotOpen:
            return
        state.absorb(events)
    else:
        close(state, record, "Cancelled" if record.transmitted else "ApiCancelled", "")


def close(state: State, record: Record, status: str, reason: str) -> None:
    """The order is over without the engine, or the engine said so; its waiting children go with it."""
    record.status, record.why_held, record.closed_at = status, "", state.clock.now()
    record.closed_text = reason or "Cancelled by Trader"
    state.show_status(record)
    state.complain(record, errors.canceled(reason))
    for child in record.children:
        if child.is_open and not child.entered:
            close(state, child, "Cancelled", reason)


def _over(state: State, record: Record, event: Canceled | Expired | Rejected) -> None:
    if isinstance(event, Canceled) and event.reason == "bust":
        record.status, record.closed_at = "Cancelled", event.at
        state.show_status(record)
        return
    reason = _REASONS["expired"] if isinstance(event, Expired) else _REASONS.get(event.reason, "")
    close(state, record, "Cancelled", reason)
