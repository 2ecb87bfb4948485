"""The embedded journal: one SQLite file, one writing process, readers beside it.  Implements `domain.ports.Journal`.

A commit is durable when it returns (WAL, synchronous=FULL).  Every append carries the epoch of its owner and is
refused once a later owner has claimed the file.  Starting is always recovering: there is no other way to open a
journal than this one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import Entry, KeyEntry, Record
from floorbroker.domain.values import Environment, IntentId, ProfileName
from floorbroker.store.connect import meta, open_writer
from floorbroker.store.executors import CommitExecutor, InlineExecutor, Work
from floorbroker.store.faults import fault_of
from floorbroker.store.lock import ProcessLock
from floorbroker.store.queue import CommitQueue
from floorbroker.store.reader import PAGE, JournalReader
from floorbroker.store.reserve import Reserve
from floorbroker.store.writer import Batch, Stamp, Writer


class SqliteJournal:
    """Made by `open`.  Lives on one event loop; `close` it, or `abandon` it where a crash is played."""

    def __init__(
        self, *, writer: Writer, reader: JournalReader, lock: ProcessLock, clock: Clock, executor: CommitExecutor
    ) -> None:
        self.reader = reader
        self._near = JournalReader(reader.path, writer.connection)
        self._writer = writer
        self._lock = lock
        self._clock = clock
        self._executor = executor
        self._queue = CommitQueue(executor, prepare=self._prepared, settle=writer.settle)
        self._is_open = True

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        environment: Environment,
        epoch: int | None = None,
        executor: CommitExecutor | None = None,
        instance_tag: int = 0,
        reserve: Reserve | None = None,
    ) -> SqliteJournal:
        """Open or create the journal at `path`.

        `epoch` is the owner's; None takes the next one after the last owner's.  `instance_tag` (12 bits) is stored in
        a new journal and read from an old one.  Raises `Conflict` when another process has it open, when the epoch is
        stale and for the journal of another environment; `JournalFault` when the file is damaged, foreign, too new, or
        cannot be kept safe.
        """
        with ExitStack() as undo:
            lock = ProcessLock(path.with_name(f"{path.name}.lock"))
            lock.acquire()
            undo.callback(lock.release)
            try:
                connection = open_writer(path, environment=environment, instance_tag=instance_tag)
                undo.callback(connection.close)
                writer = _claimed(connection, epoch, reserve)
                reader = JournalReader(path)
            except sqlite3.Error as error:
                raise fault_of(error) from error
            except OSError as error:
                raise JournalFault(f"{path} cannot be opened: {error.strerror}") from error
            undo.pop_all()
        if reserve is not None:
            writer.is_full = not reserve.hold()
        return cls(writer=writer, reader=reader, lock=lock, clock=clock, executor=executor or InlineExecutor())

    @property
    def epoch(self) -> int:
        return self._writer.epoch

    @property
    def instance_tag(self) -> int:
        """The 12 bits that mark the intent ids of this installation."""
        return int(self.reader.meta("instance_tag") or 0)

    @property
    def environment(self) -> Environment:
        return self.reader.environment

    @property
    def last_seq(self) -> int:
        return self._writer.last_seq

    @property
    def is_writable(self) -> bool:
        """Whether new orders may be taken.  While the disk is full, facts are still written as far as the reserve
        goes.
        """
        return self._is_open and not self._writer.is_full and self._writer.stopped_by is None

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Make all entries durable in one transaction, or none; see `domain.ports.Journal.commit`.

        `JournalFault.fatal` tells whether the process must stop.  When this call is cancelled the outcome is unknown
        to the caller: `records_of` reads it again.
        """
        self._assert_open()
        if not entries:
            return ()
        batch = Batch.of(entries)
        await self._queue.put(batch)
        return batch.outcome()

    def replay(self, after: int = 0) -> Iterator[Record]:
        """Every record after `after`, in order."""
        return self.reader.replay(after)

    def read(self, *, after: int = 0, limit: int = PAGE, kinds: frozenset[str] | None = None) -> list[Record]:
        """A page of records; `kinds` out of `fact audit key note`."""
        return self.reader.read(after=after, limit=limit, kinds=kinds)

    def records_of(self, intent_id: IntentId) -> tuple[Record, ...]:
        """Every durable record that names one intent."""
        return self.reader.records_of(intent_id)

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        """Every note about one topic, in order; or the newest of each profile."""
        return self.reader.notes(topic, newest=newest)

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        """The newest notes about one topic of one profile, newest first; those numbered below `before`, where it is given."""
        return self.reader.notes_before(topic, profile, before=before, limit=limit)

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        """As `JournalReader.find_key`.  Asked for each order: between commits the writing connection answers, whose pages are
        still in memory, where those of another are stale after every commit.
        """
        is_between = self._is_open and self._queue.is_quiet and not self._writer.connection.in_transaction
        reader = self._near if is_between else self.reader
        return reader.find_key(principal=principal, profile=profile, key=key)

    async def mark_published(self, consumer: str, position: int) -> None:
        """Remember how far a consumer of the outbox has come; it never goes back."""
        await self._queue.settled()  # the connection is in no transaction then
        self._assert_open()
        self._writer.mark_published(consumer, position)

    def recover(self) -> bool:
        """After a full disk: set the reserve aside again.  True when new orders may be taken."""
        if self._writer.is_full and (self._writer.reserve is None or self._writer.reserve.hold()):
            self._writer.is_full = False
        return self.is_writable

    async def close(self) -> None:
        """Finish what waits, mark a clean stop, and let go."""
        if not self._is_open:
            return
        self._is_open = False
        await self._queue.settled()
        self._executor.close()
        if self._writer.stopped_by is None:
            self._writer.retire()
        self._release()

    def abandon(self) -> None:
        """Leave as a killed process does: nothing finished, no clean mark, the lock freed.  For simulated crashes."""
        if self._is_open:
            self._is_open = False
            self._executor.close()
            self._writer.rollback()
            self._release()

    def _prepared(self, group: Sequence[Batch]) -> Work:
        stamp = Stamp(at=self._clock.now(), mono_us=int(self._clock.monotonic() * 1_000_000))
        return self._writer.stage(group, stamp)

    def _assert_open(self) -> None:
        if not self._is_open:
            raise JournalFault("the journal is closed")

    def _release(self) -> None:
        self.reader.close()
        self._writer.connection.close()
        self._lock.release()


def _claimed(connection: sqlite3.Connection, epoch: int | None, reserve: Reserve | None) -> Writer:
    stored = int(meta(connection, "epoch") or 0)
    wanted = stored + 1 if epoch is None else epoch
    if wanted < stored:
        raise Conflict(f"epoch {wanted} is stale: epoch {stored} owns this journal")
    writer = Writer(connection=connection, epoch=wanted, reserve=reserve)
    writer.claim()
    return writer
