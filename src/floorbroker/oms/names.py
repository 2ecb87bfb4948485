"""Which order an id leads to: our client ids and the venue's ids, each with its rightful owner.

Ownership follows the journal alone, never the order in which things were learned: a client id belongs to whoever had it
first, a venue's id to whoever was called by it last (a venue may use an id twice), and the id that a replace left behind
to its order unless it is somebody's anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from floorbroker.domain import facts as f
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import IntentId
from floorbroker.store.seals import CLIENT, VENUE

Name = tuple[str, str]  # kind, id
_Rank = tuple[int, int]


def claims_of(fact: f.Fact, seq: int) -> Iterator[tuple[Name, _Rank]]:
    """The ids that one fact claims for its order, and how strongly; the greater rank owns."""
    if isinstance(fact, f.Prepared | f.Adopted | f.ReplaceAsked):
        yield (CLIENT, fact.cl_ord_id), (0, -seq)
    order_id: str | None = getattr(fact, "order_id", None)
    if order_id is not None:
        yield (VENUE, order_id), (1, seq)
    if isinstance(fact, f.ReplaceDone):
        yield (VENUE, fact.orig_order_id), (0, -seq)


def names_of(records: Iterable[Record]) -> set[Name]:
    """Every id in an order's facts."""
    facts = ((record.entry.fact, record.seq) for record in records if isinstance(record.entry, FactEntry))
    return {name for fact, seq in facts for name, _ in claims_of(fact, seq)}


@dataclass(slots=True)
class Names:
    """The ids of orders in memory.  `elsewhere` tells who owns an id among the sealed orders."""

    elsewhere: Callable[[Name], IntentId | None]
    _owners: dict[Name, tuple[_Rank, IntentId]] = field(default_factory=dict[Name, tuple[_Rank, IntentId]])
    _contested: set[Name] = field(default_factory=set[Name])

    def learn(self, intent_id: IntentId, fact: f.Fact, seq: int) -> None:
        """Take in what one fact of an order claims."""
        for name, rank in claims_of(fact, seq):
            held = self._owners.get(name)
            if held is None:
                # A client id that carries its own intent's id was nobody's before.
                if rank[0] == 1 or name[1].endswith(intent_id) or self.elsewhere(name) in (None, intent_id):
                    self._owners[name] = (rank, intent_id)
                continue
            if held[1] != intent_id:
                self._contested.add(name)
            if rank > held[0]:
                self._owners[name] = (rank, intent_id)

    def owner(self, kind: str, text: str) -> IntentId | None:
        """Whose id it is, in memory or sealed."""
        name = (kind, text)
        return self.in_memory(name) or self.elsewhere(name)

    def in_memory(self, name: Name) -> IntentId | None:
        """Whose id it is among the orders in memory."""
        held = self._owners.get(name)
        return held[1] if held is not None else None

    def sole(self, intent_id: IntentId, names: Iterable[Name]) -> bool:
        """Whether these ids lead to one order and never led to another, so that they may leave memory with it."""
        return all(
            name not in self._contested
            and self.in_memory(name) == intent_id
            and self.elsewhere(name) in (None, intent_id)
            for name in names
        )

    def forget(self, names: Iterable[Name]) -> None:
        """The ids of an order that leaves memory."""
        for name in names:
            self._owners.pop(name, None)
