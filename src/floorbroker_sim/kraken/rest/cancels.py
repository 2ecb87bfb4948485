"""Taking orders out: one, many, all, and all of them if nobody calls again in time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.rest import working
from floorbroker_sim.kraken.rest.life import USER
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import Record
from floorbroker_sim.kraken.rest.state import State


def named(state: State, name: str) -> list[Record]:
    """The open orders of an id, or of a user reference."""
    record = state.orders.get(name)
    if record is not None:
        return [record] if record.is_open else []
    return by_userref(state, name)


def by_userref(state: State, name: str) -> list[Record]:
    return [r for r in state.open.values() if r.wish.userref is not None and str(r.wish.userref) == name]


def take_out(state: State, records: list[Record]) -> int:
    """Cancel open orders at the user's wish; how many."""
    count = 0
    for record in records:
        if not record.is_open:
            continue
        at = state.clock.stamp()
        state.limits.engine(record.pair.symbol, "cancel", at, fixed=Decimal(0), since=record.touched_at)
        working.cancel(state, record, reason=USER, at=at)
        count += 1
    return count


def _settle(state: State, records: list[Record]) -> None:
    """Let the orders meet the present price first: a fill that was due comes before the cancel."""
    for symbol in sorted({record.pair.symbol for record in records}):
        state.refresh(symbol)


def one(state: State, name: str | None, client: str | None) -> int:
    """By id, user reference or client id.  Raises `Refused` when nothing of that name is open."""
    if (name is None) == (client is None):
        raise invalid("txid")
    record = None if client is None else state.open_by_client_id(client)
    records = named(state, name) if name is not None else [] if record is None else [record]
    _settle(state, records)
    if not any(record.is_open for record in records):
        raise Refused(errors.UNKNOWN_ORDER)
    return take_out(state, records)


def cancel_order(state: State, params: Params) -> object:
    """`CancelOrder`."""
    return {"count": one(state, params.text("txid"), params.text("cl_ord_id"))}


def cancel_batch(state: State, params: Params) -> object:
    """`CancelOrderBatch`."""
    return {"count": many(state, params.names("orders"), params.names("cl_ord_ids"))}


def many(state: State, names: list[str], clients: list[str]) -> int:
    """Up to fifty at once; those that are not open are passed over, none at all is refused."""
    if not 1 <= len(names) + len(clients) <= info.BATCH_CANCEL_MAX:
        raise invalid("orders")
    records = [record for name in names for record in named(state, name)]
    records += [record for name in clients if (record := state.open_by_client_id(name)) is not None]
    _settle(state, records)
    if not any(record.is_open for record in records):
        raise Refused(errors.UNKNOWN_ORDER)
    return take_out(state, records)


def every(state: State) -> int:
    """All open orders."""
    records = list(state.open.values())
    _settle(state, records)
    return take_out(state, records)


def cancel_all(state: State, _params: Params) -> object:
    """`CancelAll`."""
    return {"count": every(state)}


def dead_man(state: State, params: Params) -> object:
    """`CancelAllOrdersAfter`: each call sets the timer anew, zero turns it off."""
    timeout_s = params.whole("timeout", high=info.DEAD_MAN_MAX_S - 1)
    if timeout_s is None:
        raise invalid("timeout")
    now = state.clock.now()
    state.dead_man = now + timedelta(seconds=timeout_s) if timeout_s else None
    trigger = "0" if state.dead_man is None else f"{state.dead_man:%Y-%m-%dT%H:%M:%SZ}"
    return {"currentTime": f"{now:%Y-%m-%dT%H:%M:%SZ}", "triggerTime": trigger}
