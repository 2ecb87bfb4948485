"""An order starts to work, gets other terms, and ends: the venue's hands on the matching engine."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import OrderId
from floorbroker.matching import Event, NotOpen
from floorbroker_sim.tradier.mapping import inside, single_terms, strategy_terms
from floorbroker_sim.tradier.rest import combos, hours, risk
from floorbroker_sim.tradier.rest.records import Record

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State


def begin(state: State, record: Record) -> None:
    """The risk system looks at an order that was taken; then it works, or it is rejected."""
    refusal = risk.refusal(state, record)
    if refusal is not None:
        _reject(state, record, refusal)
        return
    if record.status == "held":
        record.status = "pending"
    if record.kind == "combo":
        combos.enter(state, record)
    else:
        submit(state, record)


def _reject(state: State, record: Record, reason: str) -> None:
    at = state.clock.now()
    for one in (record, *record.legs):
        state.become(one, "rejected", at=at, reason=reason)


def submit(state: State, record: Record) -> None:
    """Give the open rest to the engine under a fresh name."""
    for one in record.legs or [record]:
        state.refresh(inside(one.traded))
    if record.is_strategy:
        combos.submit_strategy(state, record, strategy_terms(record, at_market=False))
        return
    expire_at = hours.extended_end(state, record.duration)
    name = state.name_for_engine(record)
    state.absorb(state.engine.submit(name, single_terms(record, expire_at=expire_at), at=state.clock.stamp()))


def end(state: State, record: Record, *, at: datetime, status: str = "canceled") -> None:
    """Take an order out.  One that filled meanwhile stays as it is."""
    if record in state.waiting:
        combos.withdraw(state, record, status, at)
        return
    if record.engine_id is not None and not _withdraw(state, record):
        return
    for one in (record, *(leg for leg in record.legs if leg.is_open)):
        if one.is_open:
            state.become(one, status, at=at)


def reissue(state: State, record: Record) -> bool:
    """Work with the terms the record has now; False when it filled before they could be taken."""
    if record in state.waiting:
        combos.look(state)
        return True
    if record.engine_id is not None:
        if not _withdraw(state, record):
            return False
        submit(state, record)
    return True


def shrink(state: State, rival: Record, qty: Decimal) -> None:
    """The other half of a pair traded `qty`: this half wants so much less."""
    if rival.leaves <= qty:
        end(state, rival, at=state.clock.now())
        return
    rival.quantity -= qty
    reissue(state, rival)


def _withdraw(state: State, record: Record) -> bool:
    """Take the record out of the engine without a word about it; what else happened meanwhile is told."""
    assert record.engine_id is not None
    try:
        events = state.engine.cancel(OrderId(record.engine_id), at=state.clock.stamp())
    except NotOpen:
        return False
    mine = {record.engine_id, *(leg.engine_id for leg in record.legs)}
    state.absorb(event for event in events if not _is_farewell(event, mine))
    return record.is_open


def _is_farewell(event: Event, mine: set[str | None]) -> bool:
    return event.order_id in mine
