"""The single writer of one account: facts in, one commit for all that came meanwhile, then fold and announce."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.domain.facts import Cum, Fact, Source
from floorbroker.domain.ports import NO_STEPS, Entry, FactEntry, Journal, Log, Record, Steps
from floorbroker.domain.values import IntentId
from floorbroker.oms.book import Change, OrderBook
from floorbroker.oms.unforeseen import ours
from floorbroker.store import StaleEpoch

MAX_HELD = 10_000
RETRY_S = 1.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Batch:
    entries: Sequence[Entry]
    done: asyncio.Future[None] | None


@dataclass(slots=True)
class Writer:
    """Writes what is already true (facts, notes, audit of acts done) in groups, and the wish of an act on its own.

    While the journal cannot be written, entries wait in a bounded ring and are tried again; nothing is folded before it is
    durable, and whoever waits for it hears of the fault at once.
    """

    journal: Journal
    book: OrderBook
    clock: Clock
    log: Log
    on_change: Callable[[Change], None]
    on_fault: Callable[[JournalFault], None]
    steps: Steps = NO_STEPS
    _inbox: deque[_Batch] = field(default_factory=deque[_Batch])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _fault: JournalFault | None = None

    async def commit_act(self, entries: Sequence[Entry]) -> None:
        """The transaction an act begins with: durable and folded when this returns.

        Raises `Conflict` and `JournalFault`; then the act must not happen.
        """
        try:
            records = await self.journal.commit(entries)
        except JournalFault as fault:
            self.on_fault(fault)
            raise
        self._fold(records)

    def put(self, entries: Sequence[Entry]) -> None:
        """Hand over entries; they become durable soon."""
        self._append(_Batch(entries, None))

    async def write(self, entries: Sequence[Entry]) -> None:
        """Hand over entries and wait until they are durable and folded.  Raises `JournalFault` when they are not.

        While the journal is known to fail nobody waits for its next try: a cancel must not stand behind a full disk.
        """
        if self._fault is not None:
            self._append(_Batch(entries, None))
            raise JournalFault(self._fault.detail, fatal=self._fault.fatal)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._append(_Batch(entries, done))
        await done

    def _append(self, batch: _Batch) -> None:
        if len(self._inbox) >= MAX_HELD:
            dropped = self._inbox.popleft()
            _tell(dropped, JournalFault("the journal cannot keep up; this was dropped"))
            self.log.error("journal.ring_full", entries=len(dropped.entries))
        self._inbox.append(batch)
        self._wake.set()
        self._idle.clear()

    async def idle(self) -> None:
        """Wait until everything handed over so far is durable."""
        while self._inbox:
            self._idle.clear()
            await self._idle.wait()

    async def run(self) -> None:
        """The writer's task; ends by cancellation.  After it nobody waits for a write that cannot come."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._inbox:
                    if not await self._flush():
                        await self.clock.sleep(RETRY_S)
                self._idle.set()
        finally:
            self._fault = JournalFault("the writer has stopped")
            for batch in self._inbox:
                _tell(batch, self._fault)
                batch.done = None

    async def _flush(self) -> bool:
        batches = list(self._inbox)
        entries = self._news(entry for batch in batches for entry in batch.entries)
        try:
            await self._commit(entries)
        except JournalFault as fault:
            self._fail(batches, fault)
            return False
        self._fault = None
        for batch in batches:
            if self._inbox and self._inbox[0] is batch:
                self._inbox.popleft()
            _tell(batch, None)
        return True

    async def _commit(self, entries: Sequence[Entry]) -> None:
        """All in one transaction; when one entry is objected to, one by one, so that only that one stays out."""
        if not entries:
            return
        try:
            self._fold(await self._durable(entries))
        except JournalFault:
            raise
        except FloorbrokerError as error:
            self.log.warning("journal.conflict", detail=error.detail, entries=len(entries))
            await self._commit_each(entries)

    async def _commit_each(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            try:
                self._fold(await self._durable([entry]))
            except JournalFault:
                raise
            except FloorbrokerError as error:
                self.log.error("journal.entry_refused", detail=error.detail)

    async def _durable(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """A journal that belongs to another owner by now takes nothing more: a fault, never a mere conflict (I18)."""
        try:
            with ours(self.log, "journal.unforeseen"):  # an entry that cannot even be encoded must not end the writer
                self.steps.reach("event.E3")
                records = await self.journal.commit(entries)
                self.steps.reach("event.E4")
                return records
        except StaleEpoch as stale:
            raise JournalFault(stale.detail) from stale

    def _fold(self, records: Iterable[Record]) -> None:
        """Into the book, and told.  What one record does to a listener must not keep the next from being folded."""
        for record in records:
            try:
                with ours(self.log, "journal.unforeseen", seq=record.seq):
                    change = self.book.apply(record)
                    if change is not None:
                        self.on_change(change)
                        self.steps.reach("event.E5")
            except FloorbrokerError as error:  # the record is durable; an act that waits for it must go on
                self.log.error("journal.fold_failed", seq=record.seq, detail=error.detail)

    def _news(self, entries: Iterable[Entry]) -> list[Entry]:
        """What the book does not hold yet, each thing once."""
        seen = set[tuple[IntentId, Fact]]()
        news: list[Entry] = []
        for entry in entries:
            if isinstance(entry, FactEntry):
                mark = (entry.intent_id, _bare(entry.fact))
                if mark in seen or not self.book.is_news(entry.intent_id, entry.fact):
                    continue
                seen.add(mark)
            news.append(entry)
        return news

    def _fail(self, batches: list[_Batch], fault: JournalFault) -> None:
        """Waiters hear of it; the entries stay and are tried again."""
        self._fault = fault
        self.on_fault(fault)
        for batch in batches:
            _tell(batch, fault)
            batch.done = None


def _tell(batch: _Batch, fault: JournalFault | None) -> None:
    if batch.done is None or batch.done.done():
        return
    if fault is None:
        batch.done.set_result(None)
    else:
        batch.done.set_exception(fault)


def _bare(fact: Fact) -> Fact:
    """The fact without where and when we learned it: two sources of one thing are one thing."""
    bare = replace(fact, source=Source.OWN, at=_NEVER, venue_time=None)
    return replace(bare, asked_at=None) if isinstance(bare, Cum) else bare
