"""The journal with the last filter in front of it: what venues and errors say is cleaned before it becomes durable.

Everything that doors, pages and lists show of an order comes out of the journal, so this is the one place for the words of
venues.  Identifiers, quantities and the wish itself are written as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.facts import FACTS, Fact
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, Journal, KeyEntry, NoteEntry, Record, Redactor
from floorbroker.domain.values import ProfileName

Clean = Callable[[str], str]
_WORDS = frozenset({"reason", "venue_text", "text"})
# The facts that hold words of others, and where.
TELLING: dict[type[Any], tuple[str, ...]] = {
    kind: names for kind in FACTS.values() if (names := tuple(f.name for f in fields(kind) if f.name in _WORDS))
}
_FILTERED = "broker"  # rows of exchanges were cleaned at the wire


def _nobody(took_s: float) -> None:
    del took_s


@dataclass(frozen=True, slots=True)
class CleanJournal:
    """Implements `ports.Journal`; `seconds` hears how long each commit took, when it was made."""

    inner: Journal
    redactor: Redactor
    clock: Clock = field(default_factory=SystemClock)
    seconds: Callable[[float], None] = _nobody

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        clean = self.redactor.clean
        cleaned, began_s = [clean_entry(entry, clean) for entry in entries], self.clock.monotonic()
        records = await self.inner.commit(cleaned)
        self.seconds(self.clock.monotonic() - began_s)
        return records

    def replay(self, after: int = 0) -> Iterator[Record]:
        return self.inner.replay(after)

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.inner.read(after=after, limit=limit, kinds=kinds)

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        return self.inner.notes(topic, newest=newest)

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        return self.inner.notes_before(topic, profile, before=before, limit=limit)

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return self.inner.find_key(principal=principal, profile=profile, key=key)

    @property
    def last_seq(self) -> int:
        return self.inner.last_seq

    @property
    def is_writable(self) -> bool:
        return self.inner.is_writable

    def recover(self) -> bool:
        return self.inner.recover()

    async def close(self) -> None:
        await self.inner.close()


def clean_entry(entry: Entry, clean: Clean) -> Entry:
    """The entry with every word of others cleaned; itself when there was nothing to do."""
    if isinstance(entry, FactEntry):
        return _fact_entry(entry, clean) if type(entry.fact) in TELLING else entry
    if isinstance(entry, AuditEntry):
        return entry if entry.via == _FILTERED else _audit_entry(entry, clean)
    if isinstance(entry, NoteEntry) and not _is_clean(entry.data.values(), clean):
        return replace(entry, data=_values(entry.data, clean))
    return entry


def _fact_entry(entry: FactEntry, clean: Clean) -> FactEntry:
    fact: Fact = entry.fact
    changed: dict[str, Any] = {}
    for name in TELLING[type(fact)]:
        text: str | None = getattr(fact, name)
        if text and (told := clean(text)) != text:
            changed[name] = told
    return replace(entry, fact=replace(fact, **changed)) if changed else entry


def _audit_entry(entry: AuditEntry, clean: Clean) -> AuditEntry:
    if _is_clean((entry.reason, *entry.detail.values()), clean):
        return entry
    return replace(entry, reason=clean(entry.reason), detail=_values(entry.detail, clean))


def _is_clean(texts: Iterable[str], clean: Clean) -> bool:
    """All in one look: every order passes here."""
    text = "\n".join(texts)
    return clean(text) == text


def _values(given: Mapping[str, str], clean: Clean) -> Mapping[str, str]:
    return {name: clean(text) for name, text in given.items()}
