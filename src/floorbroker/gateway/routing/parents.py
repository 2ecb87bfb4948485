"""A split order: what the journal tells of it, and how it stands, as one order made of its children.

A parent is no order at any venue.  It is a plan, durable before any of its children, under a topic of its own, where each child
names itself in the transaction that makes it durable.  How it stands is a plain function of that and of its children; nothing
of it is kept in memory.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.ports import Entry, KeyEntry, NoteEntry, Record
from floorbroker.domain.standing import public_status
from floorbroker.domain.values import (
    WIDE,
    ZERO,
    ClOrdId,
    IntentId,
    ProfileName,
    Quantity,
    time_text,
    total_of,
)
from floorbroker.gateway.kill import GLOBAL
from floorbroker.gateway.routing.moving import is_dead
from floorbroker.gateway.routing.record import PartOf, Seen, seen_from, seen_text

ONCE = ":split"  # whose keys say that a part was begun; no principal is called so
NEVER_BEGAN = "the desk stopped before this part was sent"
_TOPIC = "split:"
_WISH = msgspec.json.Decoder(NewOrder)
_JSON = msgspec.json.Encoder(order="deterministic")
_LIVELIEST = (  # how a parent stands whose children stand differently: the first of these that one of them is
    OrderState.UNKNOWN,
    OrderState.WORKING,
    OrderState.HELD,
    OrderState.ACKED,
    OrderState.SENDING,
    OrderState.PREPARED,
)
_ENDED = (OrderState.REJECTED, OrderState.NOT_PLACED, OrderState.NOT_SENT)


@frozen
class PlannedPart:
    """One part as it was planned: who was to have how many units, and the numbers why."""

    number: int
    profile: ProfileName
    qty: Decimal
    arithmetic: Mapping[str, str]


@frozen
class Child:
    """An intent that was begun for a part; a part has another one when an earlier was proven dead and moved on."""

    number: int
    profile: ProfileName
    intent_id: IntentId


@frozen
class Parent:
    """All that is durable of a split order.  `left` says why a part got no order; `notes` counts what is known, for versions."""

    intent_id: IntentId
    wish: NewOrder
    rule: str
    strategy: str
    reason: str
    seen: tuple[Seen, ...]
    parts: tuple[PlannedPart, ...]
    principal: str
    via: str
    at: datetime
    children: tuple[Child, ...] = ()
    left: Mapping[int, str]
    cancel_asked: bool = False
    notes: int = 1

    @property
    def sentence(self) -> str:
        """What public surfaces show as `route`."""
        return f"{self.strategy}: split: {self.reason}"

    def unseen(self, children: Sequence[Order]) -> tuple[Child, ...]:
        """The newest child of each part of which nothing is known here: its profile was let go, and it may be alive or filled."""
        newest = {child.number: child for child in self.children}
        seen = {order.intent_id for order in children}
        return tuple(child for _, child in sorted(newest.items()) if child.intent_id not in seen)

    def waiting(self) -> tuple[PlannedPart, ...]:
        """Parts that have no order, and of which nothing is said yet."""
        begun = {child.number for child in self.children}
        return tuple(part for part in self.parts if part.number not in begun and part.number not in self.left)


# -- in the journal -----------------------------------------------------------------------------------------------------------


def topic_of(parent: str) -> str:
    """Where all notes of one split order are: the topic is their index."""
    return _TOPIC + parent


def planned_note(parent: Parent) -> NoteEntry:
    """The plan, before any child."""
    data = {
        "what": "planned",
        "wish": _JSON.encode(parent.wish).decode(),
        "rule": parent.rule,
        "strategy": parent.strategy,
        "reason": parent.reason,
        "seen": seen_text(parent.seen),
        "parts": _JSON.encode(parent.parts).decode(),
        "principal": parent.principal,
        "via": parent.via,
        "at": time_text(parent.at),
    }
    return NoteEntry(profile=GLOBAL, topic=topic_of(parent.intent_id), data=data)


def child_entries(part: PartOf, profile: ProfileName, intent_id: IntentId, *, first: bool) -> Iterable[Entry]:
    """What makes an intent a child, in its own transaction.  The first of a part takes a key that nobody can have twice."""
    data = {"what": "child", "part": str(part.number), "intent": intent_id}
    yield NoteEntry(profile=profile, topic=topic_of(part.parent), data=data)
    if first:
        key = f"{part.parent}/{part.number}"
        yield KeyEntry(principal=ONCE, profile=GLOBAL, key=key, body_hash="", intent_id=intent_id)


def left_note(part: PartOf, why: str) -> NoteEntry:
    """A part that got no order, and why."""
    data = {"what": "left", "part": str(part.number), "why": why}
    return NoteEntry(profile=GLOBAL, topic=topic_of(part.parent), data=data)


def cancel_note(parent: IntentId, *, by: str, reason: str) -> NoteEntry:
    """Somebody asked for the cancel of all of it: no part begins or moves any more."""
    return NoteEntry(profile=GLOBAL, topic=topic_of(parent), data={"what": "cancel_asked", "by": by, "reason": reason})


def parent_of(intent_id: IntentId, records: Sequence[Record]) -> Parent | None:
    """A split order as its notes tell it; None without any.  Raises `JournalFault` for notes that do not tell it."""
    notes = [record.entry for record in records if isinstance(record.entry, NoteEntry)]
    if not notes:
        return None
    try:
        return _parent(intent_id, notes)
    except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise JournalFault(f"a split order in the journal cannot be read: {error}") from error


def _parent(intent_id: IntentId, notes: Sequence[NoteEntry]) -> Parent:
    planned = next(note.data for note in notes if note.data["what"] == "planned")
    children = [note for note in notes if note.data["what"] == "child"]
    return Parent(
        intent_id=intent_id,
        wish=_WISH.decode(planned["wish"]),
        rule=planned["rule"],
        strategy=planned["strategy"],
        reason=planned["reason"],
        seen=seen_from(planned["seen"]),
        parts=tuple(_part(told) for told in msgspec.json.decode(planned["parts"])),
        principal=planned["principal"],
        via=planned["via"],
        at=datetime.fromisoformat(planned["at"]),
        children=tuple(
            Child(number=int(note.data["part"]), profile=note.profile, intent_id=IntentId(note.data["intent"]))
            for note in children
        ),
        left={int(note.data["part"]): note.data["why"] for note in notes if note.data["what"] == "left"},
        cancel_asked=any(note.data["what"] == "cancel_asked" for note in notes),
        notes=len(notes),
    )


def _part(told: object) -> PlannedPart:
    one = cast("dict[str, Any]", told)
    return PlannedPart(
        number=int(one["number"]),
        profile=ProfileName(one["profile"]),
        qty=Decimal(str(one["qty"])),
        arithmetic={str(name): str(text) for name, text in one["arithmetic"].items()},
    )


# -- as one order -------------------------------------------------------------------------------------------------------------


def rolled_up(parent: Parent, children: Sequence[Order], *, under_way: Container[int] = ()) -> Order:
    """The parent as one order.

    `under_way` are the numbers of its parts that are being placed, or moved: they keep it open, for whoever is told that it has
    ended may place what is missing once more.  So do a child in doubt, and one that is not to be seen; `cum_qty` and `avg_px`
    are those of all fills, `leaves_qty` what may still fill.  What was refused, or never sent, is in neither.
    """
    wanted = parent.wish.order_qty
    assert wanted is not None  # only such are split
    unseen = [child for child in parent.unseen(children) if child.number not in under_way]
    alive = {number for number, child in _by_part(parent, children) if not is_dead(child)}
    waiting = total_of(p.qty for p in parent.parts if p.number in under_way and p.number not in alive)
    hidden = total_of(part.qty for part in parent.parts if part.number in {child.number for child in unseen})
    cum = total_of(child.cum_qty for child in children)
    state = OrderState.UNKNOWN if unseen else _state(parent, children, cum, wanted, waiting)
    executions = sorted((e for child in children for e in child.executions), key=lambda e: (e.transact_time, e.exec_id))
    reason, text = _refusal(parent, children) if state in _ENDED or state is OrderState.CANCELLED else (None, None)
    pending = parent.cancel_asked and any(child.is_open and child.pending_cancel for child in children)
    return Order(
        intent_id=parent.intent_id,
        cl_ord_id=ClOrdId(parent.intent_id),
        profile=GLOBAL,
        terms=parent.wish,
        state=state,
        ord_status=public_status(state, cum=cum, pending_cancel=pending, pending_replace=False),
        order_id=None,
        order_ids=(),
        order_qty=wanted,
        price=parent.wish.price,
        stop_px=parent.wish.stop_px,
        cum_qty=Quantity(cum),
        leaves_qty=Quantity(waiting + hidden + total_of(_leaves(child) for child in children)),
        avg_px=_average(children, cum),
        executions=tuple(executions),
        created_at=parent.at,
        updated_at=max((child.updated_at for child in children), default=parent.at),
        version=parent.notes + sum(child.version for child in children),
        pending_cancel=pending,
        presumed=any(child.presumed for child in children),
        reject_reason=reason,
        venue_text=text,
        evidence=tuple(
            [_of(child, why) for child in children for why in child.evidence]
            + [f"{child.profile} {child.intent_id}: this desk does not have that profile now" for child in unseen]
        ),
        alerts=_alerts(children, cum, wanted),
        needs_executions=any(child.needs_executions for child in children),
        route=parent.sentence,
        tif=parent.wish.tif,
    )


def _state(parent: Parent, children: Sequence[Order], cum: Decimal, wanted: Decimal, waiting: Decimal) -> OrderState:
    alive = {child.state for child in children if child.is_open}
    if waiting:
        alive.add(OrderState.PREPARED)
    if alive:
        found = next(state for state in _LIVELIEST if state in alive)
        return OrderState.WORKING if cum > 0 and found is not OrderState.UNKNOWN else found
    if cum >= wanted:
        return OrderState.FILLED
    states = {child.state for child in children}
    if any(child.presumed for child in children):
        return OrderState.PRESUMED_NOT_PLACED
    if OrderState.CANCELLED in states or (parent.cancel_asked and children):
        return OrderState.CANCELLED
    if OrderState.EXPIRED in states:
        return OrderState.EXPIRED
    if cum > 0:
        return OrderState.CANCELLED  # some of it filled, and the rest has no order any more
    return next((state for state in _ENDED if state in states), OrderState.NOT_SENT)


def _leaves(child: Order) -> Decimal:
    if not child.is_open:
        return ZERO
    return child.leaves_qty if child.leaves_qty is not None else child.terms.order_qty or ZERO


def _average(children: Sequence[Order], cum: Decimal) -> Decimal | None:
    """The price of all fills; None while there is none, or one of them has no price yet."""
    filled = [child for child in children if child.cum_qty]
    if not cum or any(child.avg_px is None for child in filled):
        return None
    return total_of(WIDE.multiply(child.cum_qty, child.avg_px) for child in filled if child.avg_px is not None) / cum


def _refusal(parent: Parent, children: Sequence[Order]) -> tuple[str | None, str | None]:
    """Why what is missing is missing: the last word of each part that came to nothing."""
    last = dict(_by_part(parent, children))
    told = [(child.reject_reason, child.venue_text) for child in last.values() if child.reject_reason]
    told += [(why, None) for why in parent.left.values()]
    told += [(NEVER_BEGAN, None) for _ in parent.waiting()]
    return told[0] if told else (None, None)


def _by_part(parent: Parent, children: Sequence[Order]) -> Iterable[tuple[int, Order]]:
    by_id = {child.intent_id: child for child in children}
    return ((child.number, by_id[child.intent_id]) for child in parent.children if child.intent_id in by_id)


def _alerts(children: Sequence[Order], cum: Decimal, wanted: Decimal) -> tuple[str, ...]:
    found = [_of(child, alert) for child in children for alert in child.alerts]
    if cum > wanted:
        found.append("more of it is filled than was asked for")
    return tuple(found)


def _of(child: Order, text: str) -> str:
    return f"{child.profile} {child.intent_id}: {text}"
