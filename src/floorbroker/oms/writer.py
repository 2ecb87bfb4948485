"""The single writer of one account: facts in, one commit for all that came meanwhile, then fold and announce."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.domain.facts import Cum, Fact, ReplaceDone, Source
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import NO_STEPS, Entry, FactEntry, Journal, Log, NoteEntry, Record, Steps
from floorbroker.domain.values import IntentId
from floorbroker.oms.book import Change, OrderBook
from floorbroker.oms.unforeseen import ours
from floorbroker.store import StaleEpoch

MAX_HELD = 10_000
RETRY_S = 1.0
LINGER_S = 0.002
Told = Callable[[Record, dict[IntentId, Order | None]], None]
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FOLDED = (FactEntry, NoteEntry)  # audit rows and keys change no order


@dataclass(slots=True)
class _Batch:
    entries: Sequence[Entry]
    done: asyncio.Future[None] | None
    is_taken: bool = False  # a commit under way has it
    is_through: bool = False


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
    linger_s: float = LINGER_S
    _inbox: deque[_Batch] = field(default_factory=deque[_Batch])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _fault: JournalFault | None = None
    _linger: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many batches are not durable yet."""
        return len(self._inbox)

    @property
    def is_failing(self) -> bool:
        """Whether the journal took nothing lately: what waits is bounded then, and the oldest of it is lost."""
        return self._fault is not None

    async def commit_act(self, entries: Sequence[Entry]) -> None:
        """The transaction an act begins with: durable and folded when this returns.  What waits to be written goes along.

        Raises `Conflict` and `JournalFault`; then the act must not happen.
        """
        waiting = self._take_waiting()
        try:
            if waiting:
                records = await self._commit_with(waiting, entries)
            else:
                records = await self.journal.commit(entries)
        except JournalFault as fault:
            self.on_fault(fault)
            raise
        self._fold(records)

    async def _commit_with(self, waiting: list[_Batch], entries: Sequence[Entry]) -> tuple[Record, ...]:
        """One flush for both; an act is never refused for what was only waiting."""
        news = self._news(entry for batch in waiting for entry in batch.entries)
        try:
            with ours(self.log, "journal.unforeseen"):
                records = await self.journal.commit([*news, *entries])
        except asyncio.CancelledError:  # the journal takes nothing back: writing them again would write them twice
            self._through(waiting, JournalFault("the desk stopped while this was being written"))
            raise
        except FloorbrokerError as error:
            self._give_back(waiting)
            if isinstance(error, JournalFault):
                raise
            return await self.journal.commit(entries)
        self._through(waiting, None)
        return records

    def _take_waiting(self) -> list[_Batch]:
        """What is in nobody's hands yet; nothing while the journal is known to fail."""
        return [] if self._fault is not None else self._taken()

    def _taken(self) -> list[_Batch]:
        """All that is free, in this caller's hands now.  It stays in the inbox until it is through, so `idle` waits for it."""
        free = [batch for batch in self._inbox if not batch.is_taken]
        for batch in free:
            batch.is_taken = True
        return free

    def _give_back(self, batches: Sequence[_Batch]) -> None:
        for batch in batches:
            batch.is_taken = False
        self._wake.set()

    def _through(self, batches: Sequence[_Batch], fault: JournalFault | None) -> None:
        """Out of the inbox, each as soon as nothing older is left in it."""
        for batch in batches:
            batch.is_through = True
            _tell(batch, fault)
        while self._inbox and self._inbox[0].is_through:
            self._inbox.popleft()
        if not self._inbox:
            self._idle.set()

    def _is_waiting(self) -> bool:
        return any(not batch.is_taken for batch in self._inbox)

    def put(self, entries: Sequence[Entry]) -> None:
        """Hand over entries; they become durable at once, as far as that goes."""
        self._append(_Batch(entries, None))

    def leave(self, entries: Sequence[Entry]) -> None:
        """Hand over entries that nobody waits for: durable with the next commit, and within `linger_s` anyway."""
        self._append(_Batch(entries, None), lingers=True)

    async def write(self, entries: Sequence[Entry], *, alone: bool = False) -> None:
        """Hand over entries and wait until they are durable and folded.  Raises `JournalFault` when they are not.

        `alone` says that nobody else is likely to write just now: then the caller writes at once what only waits for company,
        and pays for no hop to the writer's task and back.  While the journal is known to fail nobody waits for its next try:
        a cancel must not stand behind a full disk.
        """
        if self._fault is not None:
            self._append(_Batch(entries, None))
            raise JournalFault(self._fault.detail, fatal=self._fault.fatal)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if alone and all(batch.done is None and not batch.is_taken for batch in self._inbox):
            self._append(_Batch(entries, done), wakes=False)
            await self._flush_here()
        else:
            self._append(_Batch(entries, done))
        await done

    async def _flush_here(self) -> None:
        """Write what is in the inbox in the caller's own task, when nobody else waits for any of it."""
        batches = self._taken()
        try:
            is_written = await self._write_all(batches)
        except asyncio.CancelledError:  # the journal takes nothing back, and who waited for it is gone
            self._through(batches, None)
            raise
        if not is_written:
            self._wake.set()

    def _append(self, batch: _Batch, *, lingers: bool = False, wakes: bool = True) -> None:
        if self._fault is not None and batch.done is None:  # room for what is new: the same lists come again and again
            batch.entries = self._news(batch.entries)
            if not batch.entries:
                return
        if len(self._inbox) >= MAX_HELD:
            self._drop_oldest()
        self._inbox.append(batch)
        self._idle.clear()
        if not lingers:
            if wakes:
                self._wake.set()
        elif self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(self.linger_s, self._linger_no_more)

    def _drop_oldest(self) -> None:
        """The oldest that no commit under way has: what is being written is not lost."""
        dropped = next((batch for batch in self._inbox if not batch.is_taken), None)
        if dropped is None:
            return
        self._inbox.remove(dropped)
        _tell(dropped, JournalFault("the journal cannot keep up; this was dropped"))
        self.log.error("journal.ring_full", entries=len(dropped.entries))

    def _linger_no_more(self) -> None:
        self._linger = None
        if self._inbox:
            self._wake.set()

    async def idle(self) -> None:
        """Wait until everything handed over so far is durable."""
        while self._inbox:
            self._idle.clear()
            self._wake.set()
            await self._idle.wait()

    async def run(self) -> None:
        """The writer's task; ends by cancellation.  After it nobody waits for a write that cannot come."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._is_waiting():
                    if not await self._flush():
                        await self.clock.sleep(RETRY_S)
        finally:
            self._fault = JournalFault("the writer has stopped")
            for batch in self._inbox:
                _tell(batch, self._fault)
                batch.done = None

    async def _flush(self) -> bool:
        return await self._write_all(self._taken())

    async def _write_all(self, batches: list[_Batch]) -> bool:
        """False when the journal failed: waiters have heard of it, and the entries are in nobody's hands again."""
        entries = self._news(entry for batch in batches for entry in batch.entries)
        try:
            await self._commit(entries)
        except JournalFault as fault:
            self._fail(batches, fault)
            return False
        self._fault = None
        self._through(batches, None)
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

    def _fold(self, records: Sequence[Record]) -> None:
        """Into the book, and told."""
        before: dict[IntentId, Order | None] = {}
        told = [record for record in records if isinstance(record.entry, _FOLDED)]
        self._each(told, self._join, before)
        self._each(told, self._announce, before)

    def _join(self, record: Record, before: dict[IntentId, Order | None]) -> None:
        self.book.join(record, before)

    def _announce(self, record: Record, before: dict[IntentId, Order | None]) -> None:
        change = self.book.change(record, before)
        if change is not None:
            self.on_change(change)
            self.steps.reach("event.E5")

    def _each(self, records: Sequence[Record], work: Told, before: dict[IntentId, Order | None]) -> None:
        """What one record does to a listener must not keep the next from being folded."""
        done = 0
        while done < len(records):
            try:
                with ours(self.log, "journal.unforeseen"):
                    for record in islice(records, done, None):
                        done += 1
                        work(record, before)
            except FloorbrokerError as error:  # the record is durable; an act that waits for it must go on
                self.log.error("journal.fold_failed", seq=records[done - 1].seq, detail=error.detail)

    def _news(self, entries: Iterable[Entry]) -> list[Entry]:
        """What the book does not hold yet, each thing once."""
        news: list[Entry] = []
        seen = _Seen()
        for entry in entries:
            if isinstance(entry, FactEntry) and not (
                self.book.is_news(entry.intent_id, entry.fact) and seen.is_new(entry.intent_id, entry.fact)
            ):
                continue
            news.append(entry)
        return news

    def _fail(self, batches: list[_Batch], fault: JournalFault) -> None:
        """Waiters hear of it; the entries stay and are tried again."""
        self._fault = fault
        self.on_fault(fault)
        for batch in batches:
            _tell(batch, fault)
            batch.done = None
            batch.is_taken = False


@dataclass(slots=True)
class _Seen:
    """Which facts a group holds already.  Nearly every order has one in it, which is then compared with nothing."""

    _first: dict[IntentId, Fact] = field(default_factory=dict[IntentId, Fact])
    _marks: dict[IntentId, set[Fact]] = field(default_factory=dict[IntentId, set[Fact]])

    def is_new(self, intent_id: IntentId, fact: Fact) -> bool:
        """True for the first of each thing said of an order."""
        first = self._first.get(intent_id)
        if first is None:
            self._first[intent_id] = fact
            return True
        marks = self._marks.setdefault(intent_id, {_bare(first)})
        before = len(marks)
        marks.add(_bare(fact))
        return len(marks) > before


def _tell(batch: _Batch, fault: JournalFault | None) -> None:
    if batch.done is None or batch.done.done():
        return
    if fault is None:
        batch.done.set_result(None)
    else:
        batch.done.set_exception(fault)


def _bare(fact: Fact) -> Fact:
    """The fact without where and when we learned it: two sources of one thing are one thing."""
    told_at = fact.venue_time if isinstance(fact, ReplaceDone) else None  # terms may come back to what they were
    bare = replace(fact, source=Source.OWN, at=_NEVER, venue_time=told_at)
    return replace(bare, asked_at=None) if isinstance(bare, Cum) else bare
