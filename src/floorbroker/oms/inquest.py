"""What people see of an order whose fate is not known, and what they may do about it.  Pure: `resolving.py` acts.

Nothing here sends an order, now or later (I4).  A person can have the venue asked again, say which of its orders ours is where no
id tells, declare an order not placed that the rules presume so, or ended that
the venue has forgotten, and take note; each is kept with who did it and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import NoteEntry, Record
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import IntentId, ProfileName, Word
from floorbroker.oms.candidates import by_terms
from floorbroker.oms.questions import Question
from floorbroker.oms.resolve import NEGATIVES

RESOLUTION = "resolution"
LONG_TAKEN = timedelta(seconds=60)  # no venue shows an order that late


class Standing(Word):
    """What is doubtful about an order."""

    SETTLED = "settled"
    UNKNOWN = "unknown"  # it left, or may have, and no evidence says what became of it
    PRESUMED = "presumed"  # not found by any rule, and still watched
    CONTRADICTED = "contradicted"  # the venue said what cannot both be true
    FORGOTTEN = "forgotten"  # the venue took it, and does not know it any more
    CHANGING = "changing"  # a change of it is not answered


class Act(Word):
    """What a person may do."""

    ASK = "ask"
    ATTRIBUTE = "attribute"
    DECLARE = "declare_not_placed"
    CLOSE = "declare_ended"
    WATCH = "watch"


@frozen
class Offer:
    """One act, whether it is allowed now, and why not or what it does."""

    act: Act
    allowed: bool
    detail: str


@frozen
class Deed:
    """An act of a person, as the journal has it."""

    seq: int
    at: datetime
    act: str
    by: str
    reason: str
    outcome: str


@frozen
class Inquest:
    """Everything known about a doubt.  `horizon` is when negatives begin to count (UTC by our clock), None where nothing waits
    for it; `negatives` of `needed` have counted.
    """

    order: Order
    standing: Standing
    bound_s: float
    bound_enforced: bool
    horizon: datetime | None
    negatives: int
    needed: int
    questions: tuple[Question, ...]
    candidates: tuple[ExecutionReport, ...]
    offers: tuple[Offer, ...]
    deeds: tuple[Deed, ...]


def standing_of(order: Order, *, is_forgotten: bool) -> Standing:
    """What is doubtful about an order, the worst first."""
    if order.in_doubt:
        return Standing.UNKNOWN
    if order.presumed:
        return Standing.PRESUMED
    if is_forgotten:
        return Standing.FORGOTTEN
    if order.alerts:
        return Standing.CONTRADICTED
    return Standing.CHANGING if order.pending_replace else Standing.SETTLED


def may_be_forgotten(order: Order, now: datetime) -> bool:
    """Whether a venue that does not know an order by name has lost it (a test network was reset, say): it took it a while ago."""
    return order.is_open and not order.in_doubt and order.order_id is not None and now - order.updated_at >= LONG_TAKEN


def offers_of(
    order: Order,
    info: BrokerInfo,
    standing: Standing,
    *,
    horizon: datetime | None,
    now: datetime,
    negatives: int,
    found: tuple[ExecutionReport, ...],
    is_in_reach: bool = True,
) -> tuple[Offer, ...]:
    """Every act, allowed or not, each with its reason.  `is_in_reach`: whether the venue's lists go back to the order."""
    is_open_doubt = standing is not Standing.SETTLED
    settled = "nothing is in doubt about this order"
    return (
        Offer(
            act=Act.ASK,
            allowed=is_open_doubt,
            detail="asks every source of the venue once; nothing is sent to its market" if is_open_doubt else settled,
        ),
        _attribution(order, info, found),
        _declaration(standing, horizon=horizon, now=now, negatives=negatives, is_in_reach=is_in_reach),
        _ending(standing),
        Offer(
            act=Act.WATCH,
            allowed=is_open_doubt,
            detail="notes that you have seen it; the desk goes on watching" if is_open_doubt else settled,
        ),
    )


def _attribution(order: Order, info: BrokerInfo, found: tuple[ExecutionReport, ...]) -> Offer:
    if not by_terms(order, info):
        why = "this venue names orders by our own id: an order without it is not this one"
    elif order.state is not OrderState.UNKNOWN:
        why = "only an unknown order can be told to be one of the venue's"
    elif not found:
        why = "no order of the venue's has these terms and this time"
    else:
        return Offer(act=Act.ATTRIBUTE, allowed=True, detail="says which of the venue's orders this one is")
    return Offer(act=Act.ATTRIBUTE, allowed=False, detail=why)


def _declaration(
    standing: Standing, *, horizon: datetime | None, now: datetime, negatives: int, is_in_reach: bool
) -> Offer:
    """Only what the rules presume not placed: before that, evidence is what is missing, and no person's word replaces it (I3).

    Where the venue lists nothing of that day any more, its statement is the evidence, and only a person can read it.
    """
    if standing is Standing.PRESUMED:
        why = "asks every source once more, and ends the watch when all answer and none knows it"
        return Offer(act=Act.DECLARE, allowed=True, detail=why)
    if standing is not Standing.UNKNOWN:
        why = "only an order that is presumed not placed can be declared so"
    elif not is_in_reach and (horizon is None or now >= horizon):
        why = "the venue lists nothing of that day any more: look at its statement, which is what you declare"
        return Offer(act=Act.DECLARE, allowed=True, detail=why)
    elif horizon is not None and now < horizon:
        why = f"it may still arrive: negatives count in {(horizon - now).total_seconds():.0f} s"
    else:
        why = f"{negatives} of {NEGATIVES} complete negatives: the desk concludes by itself when it has them"
    return Offer(act=Act.DECLARE, allowed=False, detail=why)


def _ending(standing: Standing) -> Offer:
    """That an order is over is the venue's to say, unless it cannot say anything of it any more."""
    is_gone = standing is Standing.FORGOTTEN
    why = (
        "asks every source once more, and takes the order as cancelled when all answer and none knows it"
        if is_gone
        else "only an order that its venue took, and does not know any more, can be declared ended"
    )
    return Offer(act=Act.CLOSE, allowed=is_gone, detail=why)


def note_of(
    profile: ProfileName, intent_id: IntentId, act: Act, *, by: str, reason: str, outcome: str, candidate: str = ""
) -> NoteEntry:
    """An act as a note."""
    data = {"intent": intent_id, "act": act.value, "by": by, "reason": reason, "outcome": outcome}
    return NoteEntry(profile=profile, topic=RESOLUTION, data=data | ({"candidate": candidate} if candidate else {}))


def deeds_of(records: Iterable[Record], intent_id: IntentId) -> tuple[Deed, ...]:
    """What people did about one order, oldest first."""
    return tuple(
        Deed(
            seq=record.seq,
            at=record.at,
            act=entry.data["act"],
            by=entry.data["by"],
            reason=entry.data["reason"],
            outcome=entry.data["outcome"],
        )
        for record in records
        if isinstance(entry := record.entry, NoteEntry) and entry.data.get("intent") == intent_id
    )
