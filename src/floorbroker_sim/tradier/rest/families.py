"""One triggers other, one cancels other, and both: who follows whom.

https://documentation.tradier.com/brokerage-api/trading/place-oto-order and its neighbours.  A triggered order is checked when it
starts to work, not before.  What a partial fill of one half of a pair means for the other half, the documents leave open: here
it takes its part, so that a pair never trades more than one of its halves.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from floorbroker.matching import Busted, Corrected, Event, Fill
from floorbroker_sim.tradier.rest.records import Record
from floorbroker_sim.tradier.rest.working import begin, end, shrink

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State


def start(state: State, head: Record) -> None:
    """The first order of an OTO or OTOCO works, both of an OCO do."""
    first = head.legs if head.kind == "oco" else head.legs[:1]
    for leg in head.legs[len(first) :]:
        state.become(leg, "held", at=head.created_at)
    for leg in first:
        if leg.is_open:
            _begin(state, head, leg)
    stand(state, head, at=head.created_at)


def _begin(state: State, head: Record, leg: Record) -> None:
    """One of the family starts; when the risk system rejects it, the others go."""
    begin(state, leg)
    if leg.status == "rejected":
        for other in head.legs:
            if other.is_open:
                end(state, other, at=state.clock.now())


def follow(state: State, record: Record, event: Event) -> None:
    """After a step of one order of a family: the others."""
    head = record.parent
    if head is None or not head.is_family or isinstance(event, Busted | Corrected):
        return
    if isinstance(event, Fill):
        _after_fill(state, head, record, event)
    elif not record.is_open:
        _after_end(state, head, record, at=event.at)
    stand(state, head, at=event.at)


def _after_fill(state: State, head: Record, record: Record, event: Fill) -> None:
    if head.kind != "oco" and record is head.legs[0]:
        if record.status == "filled":
            for leg in head.legs[1:]:
                if leg.status == "held":
                    _begin(state, head, leg)
        return
    for rival in _rivals(head, record):
        if rival.is_open and record.status == "filled":
            end(state, rival, at=event.at)
        elif rival.is_open:
            shrink(state, rival, event.qty)


def _after_end(state: State, head: Record, record: Record, *, at: datetime) -> None:
    """An order that ended without a fill takes what waits for it along; half of a pair takes the other half."""
    if record.status == "filled":
        return
    others = head.legs if head.kind == "oco" or record is head.legs[0] else _rivals(head, record)
    for other in others:
        if other is not record and other.is_open:
            end(state, other, at=at, status="expired" if record.status == "expired" else "canceled")


def _rivals(head: Record, record: Record) -> list[Record]:
    pair = head.legs if head.kind == "oco" else head.legs[1:]
    return [leg for leg in pair if leg is not record] if head.kind != "oto" else []


def stand(state: State, head: Record, *, at: datetime) -> None:
    """How the head stands, from its legs."""
    if not head.is_open:
        return
    status = _status(head)
    if status != head.status:
        reason = next((leg.reason for leg in head.legs if leg.reason), "")
        state.become(head, status, at=at, reason=reason if status == "rejected" else "")


def _status(head: Record) -> str:
    words = [leg.status for leg in head.legs]
    if any(leg.is_open for leg in head.legs):
        return "pending" if set(words) <= {"pending", "held"} else "open"
    for word in ("filled", "rejected", "expired"):
        if word in words:
            return word
    return "canceled"
