"""Acts on the vault, made durable in every journal there is: what was done, by whom, and the newest generation seen.

The journals are the vault's memory.  One that this process has open is written through it; one that lies in the home unopened is
opened for the moment.  Where that is not possible, because another process has it, the act is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from floorbroker.app.home import Home
from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import AuditEntry, Entry, Journal, NoteEntry, Record
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.kill import GLOBAL
from floorbroker.store import JournalReader, Reserve, SqliteJournal
from floorbroker.vault import Known

GENERATION = "vault.generation"


@dataclass(slots=True)
class Acts:
    """The journals of a home.  `opened` are those of this process."""

    home: Home
    clock: Clock
    opened: dict[Environment, Journal] = field(default_factory=dict[Environment, Journal])

    async def record(self, entries: Sequence[Entry], *, only: Environment | None = None) -> None:
        """Commit to every journal, or to one.  Raises `Conflict` for one that another process has, `JournalFault` for a disk."""
        for environment in Environment:
            if only in (None, environment):
                await self._commit(environment, entries)

    async def _commit(self, environment: Environment, entries: Sequence[Entry]) -> None:
        if (journal := self.opened.get(environment)) is not None:
            await journal.commit(entries)
        elif (path := self.home.journal(environment)).exists():
            moment = SqliteJournal.open(
                path, clock=self.clock, environment=environment, reserve=Reserve(self.home.reserve)
            )
            try:
                await moment.commit(entries)
            finally:
                await moment.close()

    def known(self) -> Known | None:
        """The newest state of the vault that any journal remembers; None where none does.

        Which vault it is, the newest note says; how far it had come, the highest of its notes.
        """
        told = [_told(record) for environment in Environment for record in self._notes(environment)]
        if not told:
            return None
        _, newest = max(told, key=lambda pair: pair[0])
        return max(
            (known for _, known in told if known.vault_id == newest.vault_id), key=lambda known: known.generation
        )

    def _notes(self, environment: Environment) -> list[Record]:
        if (journal := self.opened.get(environment)) is not None:
            return journal.notes(GENERATION, newest=True)
        path = self.home.journal(environment)
        if not path.exists():
            return []
        reader = JournalReader(path)
        try:
            return reader.notes(GENERATION, newest=True)
        finally:
            reader.close()


def _told(record: Record) -> tuple[datetime, Known]:
    entry = record.entry
    assert isinstance(entry, NoteEntry)
    data = entry.data
    return record.at, Known(vault_id=data["vault"], generation=int(data["generation"]), digest=data["digest"])


def note_of(known: Known) -> NoteEntry:
    """What is remembered of a vault."""
    data = {"vault": known.vault_id, "generation": str(known.generation), "digest": known.digest}
    return NoteEntry(profile=GLOBAL, topic=GENERATION, data=data)


def row_of(
    caller: Caller,
    action: str,
    object_: str,
    outcome: str,
    *,
    profile: ProfileName = GLOBAL,
    reason: str = "",
    detail: Mapping[str, str] | None = None,
) -> AuditEntry:
    """One act as an audit row.  No value of a secret is ever part of it."""
    return AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action=action,
        object=object_,
        profile=profile,
        outcome=outcome,
        reason=reason,
        req=caller.request_id,
        detail=detail or {},
    )
