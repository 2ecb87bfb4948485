"""`cancelOrder` and `reqGlobalCancel`.  A cancel is asked for; that it is done comes as a status of its own, and code 202."""

from __future__ import annotations

from floorbroker_sim.ibkr import errors
from floorbroker_sim.ibkr.rest import life
from floorbroker_sim.ibkr.rest.records import Record
from floorbroker_sim.ibkr.rest.state import Client, State, status_words


def cancel(state: State, client: Client, order_id: int) -> None:
    """Raises `Refused` for an order that is not there, or over."""
    record = state.by_id.get((client.client_id, order_id))
    if record is None:
        used = order_id <= state.highest.get(client.client_id, 0)
        raise errors.no_such_order(order_id) if used else errors.unknown_order(order_id)
    if record.status == "PendingCancel":
        raise errors.not_cancellable(record.perm_id)
    if not record.is_open:
        raise errors.cannot_cancel(order_id, record.status)
    _ask(state, record)


def cancel_all(state: State) -> None:
    """Every open order of the account, whoever placed it."""
    for record in state.open_orders():
        if record.is_open and record.status != "PendingCancel":
            _ask(state, record)


def _ask(state: State, record: Record) -> None:
    if record.transmitted:
        record.before_cancel, record.status = record.status, "PendingCancel"
        client = state.clients.get(record.client_id)
        if client is not None:  # the program's own word: it needs no link
            client.send(status_words(record))
    if state.link_up:
        life.end(state, record)
    else:
        state.queued.append(lambda: life.end(state, record) if record.is_open else None)
