"""Order life as a join of facts (RELIABILITY 3, I7): the same set gives the same order, in any order, with duplicates.

`OrderFold.add` joins one fact into the `Evidence`; `view` answers from the evidence alone (`standing.py` holds the answers).
Joins are unions and maxima by a total order, so they commute, associate and repeat without effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.orders import Order
from floorbroker.domain.standing import Evidence, Link, NoFounding, order_of
from floorbroker.domain.terms import is_repeated
from floorbroker.domain.values import ZERO, ExecId, IntentId, OrderId

__all__ = ["NoFounding", "OrderFold", "fold"]


@dataclass(slots=True)
class OrderFold:
    """The accumulated facts of one order."""

    intent_id: IntentId
    evidence: Evidence = field(default_factory=Evidence)
    _view: Order | None = None

    @property
    def is_founded(self) -> bool:
        return self.evidence.founding is not None

    def add(self, fact: f.Fact) -> bool:
        """Join one fact.  False when the set already holds it."""
        seen = self.evidence.seen
        before = len(seen)
        seen.add(fact)
        if len(seen) == before:
            return False
        self._view = None
        _JOIN[type(fact)](self.evidence, fact)
        return True

    def is_news(self, fact: f.Fact) -> bool:
        """Whether the fact says anything the set does not hold yet (a second source of the same word does not)."""
        evidence = self.evidence
        if isinstance(fact, f.Exec):
            return _is_news_of_execution(evidence, fact)
        if isinstance(fact, f.Void):
            return evidence.root_of(fact.exec_id) not in evidence.voids
        link = evidence.links.get(getattr(fact, "order_id", None) or OrderId(""))
        if isinstance(fact, f.Cum):
            told = max(link.cums)[1] if link is not None and link.cums else ZERO
            return told != fact.cum_qty
        if _JOIN[type(fact)] is _word or (isinstance(fact, f.Reject) and fact.order_id is not None):
            return link is None or fact.kind not in link.words
        if isinstance(fact, f.ReplaceDone):
            return link is None or not is_repeated(fact, link.terms, evidence.asked_at())
        return fact not in evidence.seen

    def view(self) -> Order:
        """The order as its facts show it.  Raises `NoFounding` before a founding fact is in."""
        if self._view is None:
            self._view = order_of(self.intent_id, self.evidence)
        return self._view

    def foresee(self, facts: Iterable[f.Fact]) -> Order:
        """The order as it would stand with these facts too; nothing is joined."""
        ahead = OrderFold(self.intent_id, self.evidence.copy())
        for fact in facts:
            ahead.add(fact)
        return ahead.view()


def fold(intent_id: IntentId, facts: Iterable[f.Fact]) -> Order:
    """The order that a set of facts describes."""
    accumulated = OrderFold(intent_id)
    for fact in facts:
        accumulated.add(fact)
    return accumulated.view()


def _found(evidence: Evidence, fact: f.Prepared | f.Adopted) -> None:
    held = evidence.founding
    if held is None or _founding_rank(fact) < _founding_rank(held):
        evidence.founding = fact
    if isinstance(fact, f.Adopted):
        evidence.link(fact.order_id).words.add("ack")


def _founding_rank(fact: f.Prepared | f.Adopted) -> tuple[int, datetime, str]:
    return (0 if isinstance(fact, f.Prepared) else 1, fact.at, repr(fact))


def _keep(evidence: Evidence, fact: f.Fact) -> None:
    evidence.own.setdefault(fact.kind, set()).add(fact)


def _word(evidence: Evidence, fact: f.Ack | f.Working | f.Held | f.Filled | f.Cancelled | f.Expired) -> None:
    evidence.link(fact.order_id).words.add(fact.kind)


def _reject(evidence: Evidence, fact: f.Reject) -> None:
    if fact.order_id is None:
        _keep(evidence, fact)
        return
    link = evidence.link(fact.order_id)
    link.words.add(fact.kind)
    link.rejects.add((fact.reason, fact.venue_text or ""))


def _exec(evidence: Evidence, fact: f.Exec) -> None:
    evidence.link(fact.order_id)
    if fact.ref is not None and _names(fact):
        _chain(evidence, fact.ref, fact.exec_id)
    versions = evidence.execs.setdefault(evidence.root_of(fact.exec_id), {})
    _put_version(versions, fact)


def _is_news_of_execution(evidence: Evidence, fact: f.Exec) -> bool:
    if _names(fact) and (fact.ref, fact.exec_id) not in evidence.corrections:
        return True
    held = evidence.execs.get(evidence.root_of(fact.exec_id), {}).get(fact.version)
    return held is None or _substance(held) != _substance(fact) or (held.fee is None and fact.fee is not None)


def _names(fact: f.Exec) -> bool:
    """Whether it says under which name the next correction would speak of it."""
    return fact.ref is not None and fact.ref != fact.exec_id


def _put_version(versions: dict[int, f.Exec], fact: f.Exec) -> None:
    held = versions.get(fact.version)
    if held is None or _exec_rank(fact) < _exec_rank(held):
        versions[fact.version] = fact


def _chain(evidence: Evidence, ref: ExecId, before: ExecId) -> None:
    """A correction has a name: what is filed under any name of an execution belongs to the one its chain began with."""
    evidence.corrections.add((ref, before))
    root = evidence.root_of(ref)
    for name in evidence.kin_of(ref) - {root}:
        for fact in evidence.execs.pop(name, {}).values():
            _put_version(evidence.execs.setdefault(root, {}), fact)
        void = evidence.voids.pop(name, None)
        if void is not None:
            _put_void(evidence, root, void)


def _exec_rank(fact: f.Exec) -> tuple[bool, datetime, Decimal, Decimal, str]:
    """Two reports of one execution agree in substance; which one is kept must not depend on arrival."""
    return (fact.fee is None, fact.venue_time or fact.at, fact.last_qty, fact.last_px, repr(fact))


def _substance(fact: f.Exec) -> tuple[object, ...]:
    return (fact.order_id, fact.side, fact.last_qty, fact.last_px)


def _void(evidence: Evidence, fact: f.Void) -> None:
    evidence.link(fact.order_id)
    _put_void(evidence, evidence.root_of(fact.exec_id), fact)


def _put_void(evidence: Evidence, root: ExecId, fact: f.Void) -> None:
    held = evidence.voids.get(root)
    if held is None or _void_rank(fact) > _void_rank(held):
        evidence.voids[root] = fact


def _void_rank(fact: f.Void) -> tuple[Decimal, str]:
    return (fact.last_qty or ZERO, fact.order_id)


def _cum(evidence: Evidence, fact: f.Cum) -> None:
    asked = fact.asked_at or fact.venue_time or fact.at
    evidence.link(fact.order_id).cums.add((asked, fact.cum_qty, fact.avg_px or ZERO))


def _replaced(evidence: Evidence, fact: f.ReplaceDone) -> None:
    _keep(evidence, fact)
    evidence.link(fact.orig_order_id)
    evidence.link(fact.order_id).terms.add(fact)
    if fact.order_id != fact.orig_order_id:
        held = evidence.edges.get(fact.orig_order_id)
        evidence.edges[fact.orig_order_id] = fact.order_id if held is None else min(held, fact.order_id)


def _done_for_day(evidence: Evidence, fact: f.DoneForDay) -> None:
    link: Link = evidence.link(fact.order_id)
    days: set[date] = link.done_days
    days.add(fact.day)


def _unrecognised(evidence: Evidence, fact: f.Unrecognised) -> None:
    _keep(evidence, fact)
    if fact.order_id is not None:
        evidence.link(fact.order_id)


_JOIN: dict[type[f.Fact], Callable[[Evidence, f.Fact], None]] = {  # pyright: ignore[reportAssignmentType]
    f.Prepared: _found,
    f.Adopted: _found,
    f.Sending: _keep,
    f.NotSent: _keep,
    f.InDoubt: _keep,
    f.HorizonPassed: _keep,
    f.Ack: _word,
    f.Working: _word,
    f.Held: _word,
    f.Filled: _word,
    f.Cancelled: _word,
    f.Expired: _word,
    f.Reject: _reject,
    f.Exec: _exec,
    f.Void: _void,
    f.Cum: _cum,
    f.CancelAsked: _keep,
    f.CancelRefused: _keep,
    f.ReplaceAsked: _keep,
    f.ReplaceDone: _replaced,
    f.ReplaceRefused: _keep,
    f.DoneForDay: _done_for_day,
    f.Unrecognised: _unrecognised,
}
