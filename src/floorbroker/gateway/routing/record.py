"""The record of a route: why an order went where it went, as a note in the transaction of its intent.

`Order.route` is its sentence.  The note holds the rest: every candidate with its score and arithmetic, everybody who was dropped
and why, and the journey of an intent that moved.  It is found beside the order's first fact, so nobody has to keep it in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Journal, NoteEntry, Record
from floorbroker.domain.values import IntentId, ProfileName, text_of, time_text
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.gateway.routing.strategies import Choice, Ranking

ROUTE = "route"
MOVED = "route.moved"
BOUND = "profile.bound"  # a profile began here for the first time
_BESIDE = 8  # records behind an order's first fact, among which its note is: they are one commit
_IN_ORDER = frozenset({Strategy.PRIMARY, Strategy.ROUND_ROBIN, Strategy.FAILOVER})  # who reckon nothing
_STRATEGIES = frozenset(strategy.value for strategy in Strategy)
_JSON = msgspec.json.Encoder(order="deterministic")
_OF_SPLIT = " of split order "


@frozen
class Seen:
    """One profile as the route saw it: where it stood, its score and sum, or why it was dropped."""

    profile: ProfileName
    taken: bool
    reason: str
    score: str = ""
    arithmetic: Mapping[str, str]


@frozen
class Journey:
    """Where an intent has been: the first one, when that was made, how often it moved, and every profile that had it."""

    first: IntentId
    first_at: datetime
    moves: int = 0
    moved_from: IntentId | None = None
    tried: tuple[ProfileName, ...] = ()


@frozen
class PartOf:
    """Which part of which split order an intent is."""

    parent: IntentId
    number: int


@frozen
class RouteRecord:
    """All of it, as people read it.  `rule` is the name of the rule that chose, `strategy` the strategy it uses."""

    intent_id: IntentId
    profile: ProfileName
    rule: str
    strategy: str
    reason: str
    seen: tuple[Seen, ...]
    journey: Journey
    principal: str
    via: str
    part: PartOf | None = None
    only: tuple[ProfileName, ...] = ()  # the profiles that the order itself allowed, where it said so

    @property
    def sentence(self) -> str:
        """What public surfaces show as `route`."""
        told = f"{self.strategy}: {self.reason}"
        if self.part is not None:
            told += f"; part {self.part.number}{_OF_SPLIT}{self.part.parent}"
        return f"{told}; moved from order {self.journey.moved_from}" if self.journey.moved_from else told

    def note(self) -> NoteEntry:
        """As the journal keeps it."""
        journey = self.journey
        return NoteEntry(
            profile=self.profile,
            topic=ROUTE,
            data={
                "intent": self.intent_id,
                "rule": self.rule,
                "strategy": self.strategy,
                "reason": self.reason,
                "seen": seen_text(self.seen),
                "first": journey.first,
                "first_at": time_text(journey.first_at),
                "moves": str(journey.moves),
                "moved_from": journey.moved_from or "",
                "tried": " ".join(journey.tried),
                "principal": self.principal,
                "via": self.via,
                **({"only": " ".join(self.only)} if self.only else {}),
                **({} if self.part is None else {"split_of": self.part.parent, "part": str(self.part.number)}),
            },
        )


NOBODY = ProfileName("")
"""Who is taken where nobody is, or several are."""


def no_route(told: Iterable[tuple[ProfileName, str]]) -> str:
    """That nobody takes a wish, with what each says."""
    return "no route takes it: " + "; ".join(f"{profile}: {detail}" for profile, detail in told)


def seen_of(ranking: Ranking, taken: ProfileName, refused: Mapping[ProfileName, str]) -> tuple[Seen, ...]:
    """Every candidate of a ranking, in its order; then those that were dropped."""
    names = [choice.profile for choice in ranking.choices]
    place = names.index(taken) if taken in names and ranking.uses in _IN_ORDER else len(names)
    found = [_seen(choice, taken, refused, is_behind=at > place) for at, choice in enumerate(ranking.choices)]
    dropped = [
        Seen(profile=profile, taken=False, reason=f"{verdict.control}: {verdict.detail}", arithmetic={})
        for profile, verdict in ranking.dropped
    ]
    return tuple(found + dropped)


def _seen(choice: Choice, taken: ProfileName, refused: Mapping[ProfileName, str], *, is_behind: bool) -> Seen:
    reason = choice.reason
    if is_behind:
        reason = f"not asked: {'demoted, and ' if choice.demoted else ''}behind {taken}"
    if choice.profile in refused:
        reason = f"refused: {refused[choice.profile]}"
    return Seen(
        profile=choice.profile,
        taken=choice.profile == taken,
        reason=reason,
        score="" if choice.score is None else text_of(choice.score),
        arithmetic=choice.arithmetic,
    )


def moved_note(profile: ProfileName, *, old: IntentId, new: IntentId, why: str) -> NoteEntry:
    """The link between an intent and the one that took its place, in the transaction of the new one."""
    return NoteEntry(profile=profile, topic=MOVED, data={"from": old, "to": new, "why": why})


def record_of(note: NoteEntry) -> RouteRecord:
    """A route as its note tells it.  Raises `JournalFault` for one that does not tell it."""
    data = note.data
    try:
        return RouteRecord(
            intent_id=IntentId(data["intent"]),
            profile=note.profile,
            rule=data["rule"],
            strategy=data["strategy"],
            reason=data["reason"],
            seen=seen_from(data["seen"]),
            journey=Journey(
                first=IntentId(data["first"]),
                first_at=datetime.fromisoformat(data["first_at"]),
                moves=int(data["moves"]),
                moved_from=IntentId(data["moved_from"]) if data["moved_from"] else None,
                tried=tuple(ProfileName(name) for name in data["tried"].split()),
            ),
            principal=data["principal"],
            via=data["via"],
            part=PartOf(parent=IntentId(data["split_of"]), number=int(data["part"])) if "split_of" in data else None,
            only=tuple(ProfileName(name) for name in data.get("only", "").split()),
        )
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise JournalFault(f"a route in the journal cannot be read: {error}") from error


def seen_text(seen: Sequence[Seen]) -> str:
    """Candidates as a note keeps them."""
    return _JSON.encode(seen).decode()


def seen_from(text: str) -> tuple[Seen, ...]:
    """Candidates as a note kept them.  Raises `ValueError`, `KeyError` or an error of the decoder for what is none."""
    return tuple(_seen_of(one) for one in msgspec.json.decode(text))


def _seen_of(told: object) -> Seen:
    if not isinstance(told, dict):
        raise ValueError("a candidate is no object")  # noqa: TRY004 - one kind of error for whatever does not read
    one = cast("dict[str, Any]", told)
    return Seen(
        profile=ProfileName(one["profile"]),
        taken=bool(one["taken"]),
        reason=str(one["reason"]),
        score=str(one["score"]),
        arithmetic={str(name): str(text) for name, text in one["arithmetic"].items()},
    )


def was_routed(order: Order) -> bool:
    """Whether a strategy chose where an order went, as its sentence tells; nothing is read for the others."""
    return order.route.partition(":")[0] in _STRATEGIES


def whole_of(order: Order) -> IntentId | None:
    """The split order that an order is a part of, as its sentence tells; None for one that is whole."""
    told = order.route.partition(_OF_SPLIT)[2].partition(";")[0]
    return IntentId(told) if told and was_routed(order) else None


def route_of(journal: Journal, intent_id: IntentId, facts: Sequence[Record]) -> RouteRecord | None:
    """The route of an order, found behind its first fact; None for an order that was not routed."""
    if not facts:
        return None
    for record in journal.read(after=facts[0].seq, limit=_BESIDE):
        entry = record.entry
        if isinstance(entry, NoteEntry) and entry.topic == ROUTE and entry.data.get("intent") == intent_id:
            return record_of(entry)
    return None
