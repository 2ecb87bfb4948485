"""Recovery, the only start there is: every book, latch and watermark comes out of the journal (I26)."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from floorbroker.domain.ports import NoteEntry, Record
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.rounds import ROUND

STATE = frozenset({"fact", "note"})  # audit rows and keys are most of a journal, and make no state
PAGE = 1000


class Pages(Protocol):
    """What can be read by the page: a journal, or a reader beside one."""

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]: ...


def recover(gateway: Gateway) -> None:
    """Bring a wired gateway to where the journal ends.  Raises `JournalFault` when it cannot be read."""
    with _uncollected():
        told: dict[ProfileName, list[Record]] = {name: [] for name in gateway.sessions}
        for record in _state(gateway.journal):
            gateway.kill_switch.restore(record)
            if record.entry.profile in told:
                told[record.entry.profile].append(record)
        for name, records in told.items():
            _restore(gateway.sessions[name], records)


def notes(journal: Pages) -> Iterator[Record]:
    """Every note, in order: latches, rounds, adjustments.  Few, beside facts and audit rows."""
    return _state(journal, kinds=frozenset({"note"}))


def _state(journal: Pages, *, kinds: frozenset[str] = STATE) -> Iterator[Record]:
    """Every record of some kinds, in order."""
    after = 0
    while page := journal.read(after=after, limit=PAGE, kinds=kinds):
        yield from page
        after = page[-1].seq


def _restore(session: ProfileSession, records: list[Record]) -> None:
    session.ctx.book.restore(records)
    for record in records:
        if isinstance(record.entry, NoteEntry) and record.entry.topic == ROUND:
            session.service.reconciler.watermark = datetime.fromisoformat(record.entry.data["started"])


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the garbage collector: a replay makes millions of objects and next to no garbage, and looking through all
    of them for some, again and again, would double its time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
