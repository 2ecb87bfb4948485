"""Bugs of what is durable, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from floorbroker.domain.facts import Sending
from floorbroker.domain.ports import Entry, FactEntry, Journal, KeyEntry, Record
from floorbroker.domain.values import ProfileName
from tests.simulation.house import Plant
from tests.simulation.teeth.bug import Bug, killed
from tests.simulation.teeth.ports import JournalAround


class WritesBehind(JournalAround):
    """The sequence numbers it tells are a promise."""

    def __init__(self, honest: Journal) -> None:
        super().__init__(honest)
        self._behind: set[asyncio.Task[None]] = set()
        self._seq = honest.last_seq
        self._ahead = asyncio.Lock()

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        at = next((e.fact.at for e in entries if isinstance(e, FactEntry)), None)
        if at is None:
            return ()
        self._seq += len(entries)
        task = asyncio.get_running_loop().create_task(self._later(entries))
        self._behind.add(task)
        first = self._seq - len(entries) + 1
        return tuple(Record(seq=first + place, epoch=1, at=at, entry=entry) for place, entry in enumerate(entries))

    async def _later(self, entries: Sequence[Entry]) -> None:
        async with self._ahead:
            await asyncio.sleep(1.0)
            await self.honest.commit(entries)


class ForgetsKeys(JournalAround):
    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return None

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        return await self.honest.commit([entry for entry in entries if not isinstance(entry, KeyEntry)])


class ForgetsThePast(JournalAround):
    def __init__(self, honest: Journal) -> None:
        super().__init__(honest)
        self._opened_at = honest.last_seq

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.honest.read(after=max(after, self._opened_at), limit=limit, kinds=kinds)


class ForgetsSending(JournalAround):
    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        kept = [e for e in entries if not (isinstance(e, FactEntry) and isinstance(e.fact, Sending))]
        return await self.honest.commit(kept)


BUGS = (
    Bug(
        name="answer before durable",
        what="The journal answers at once and writes a second later.",
        breaks="I2, I19",
        plant=Plant(journal=WritesBehind),
    ),
    Bug(
        name="keys not kept",
        what="Idempotency keys live in no journal, so a repeated call places a second order.",
        breaks="I20",
        plant=Plant(journal=ForgetsKeys),
    ),
    Bug(
        name="SENDING in memory alone",
        what="That an order is being sent is not journaled, so a restart takes it for one that never was.",
        breaks="I2",
        plant=Plant(journal=ForgetsSending),
    ),
    Bug(
        name="past forgotten at restart",
        what="A start reads nothing of what was there when the journal was opened.",
        breaks="I26",
        plant=Plant(journal=ForgetsThePast),
        wants=killed,
    ),
)
