"""The writing side: one connection, one transaction per group of batches, each batch whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from floorbroker.domain.errors import Conflict, FloorbrokerError, JournalFault
from floorbroker.domain.facts import Exec, Prepared, ReplaceAsked
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry, NoteEntry, Record
from floorbroker.store.codec import Row, encode
from floorbroker.store.connect import set_meta
from floorbroker.store.executors import Work
from floorbroker.store.faults import FULL, fault_of, primary_code
from floorbroker.store.reader import microseconds
from floorbroker.store.reserve import Reserve

_OWNER = "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch'), 0)"
_INSERT_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST = (
    "SELECT coalesce((SELECT max(seq) FROM records), 0), "
    "coalesce((SELECT max(number) FROM records WHERE number IS NOT NULL), 0)"
)
_INSERT_KEY = "INSERT INTO keys VALUES (?, ?, ?, ?)"
_INSERT_CLIENT_ID = "INSERT INTO client_ids VALUES (?, ?, ?)"
_INSERT_EXECUTION = "INSERT INTO executions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_INSERT_NOTE = "INSERT INTO notes VALUES (?, ?, ?)"
_REFUSED = (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError, UnicodeEncodeError)
_Columns = tuple[int, int, int, str, str, str | None, int | None, int | None, int | None, bytes]
_Claim = tuple[str, tuple[str | int, ...]]
_RETIRE = (
    "UPDATE meta SET value = 'yes' WHERE key = 'clean' "
    "AND (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch') <= ?"
)


class Last(NamedTuple):
    """The last numbers given: of records, and of the audit records among them."""

    seq: int
    number: int


@dataclass(slots=True)
class Batch:
    """The entries of one commit, and what became of them: `records` when durable, else `error`."""

    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]
    records: tuple[Record, ...] = ()
    last: Last | None = None
    error: FloorbrokerError | None = None
    done: asyncio.Future[None] | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Batch:
        """Encoded at once, so that an entry that cannot be stored fails its own caller and nobody else."""
        return cls(entries=tuple(entries), rows=tuple(map(encode, entries)))

    def take(self, last: Last, *, at: datetime, epoch: int) -> None:
        """It is written: its entries are the records up to `last`."""
        numbered = enumerate(self.entries, start=last.seq - len(self.entries) + 1)
        self.records = tuple([Record(seq=seq, epoch=epoch, at=at, entry=entry) for seq, entry in numbered])
        self.last, self.error = last, None

    def outcome(self) -> tuple[Record, ...]:
        if self.error is not None:
            raise self.error
        return self.records


@frozen
class Stamp:
    """When a group was written: wall time, and the monotonic clock in microseconds."""

    at: datetime
    mono_us: int

    @property
    def at_us(self) -> int:
        """Wall time in microseconds since 1970."""
        return microseconds(self.at)


@dataclass(slots=True)
class Writer:
    """Owns the writing connection.  `last` is what is durable; a fault that must stop the process is kept."""

    connection: sqlite3.Connection
    epoch: int
    reserve: Reserve | None = None
    last: Last = field(init=False)
    is_full: bool = field(init=False, default=False)
    stopped_by: FloorbrokerError | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.last = self._stored()

    @property
    def last_seq(self) -> int:
        """The last durable record."""
        return self.last.seq

    def claim(self) -> None:
        """Become the owner: no epoch below ours may append from here on, and the stop is unclean until `retire`."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self._assert_epoch()
            set_meta(self.connection, "epoch", str(self.epoch))
            set_meta(self.connection, "clean", "no")
        except FloorbrokerError:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def retire(self) -> None:
        """Mark a clean stop, unless another owner has the journal by now.  A mark that cannot be written is not
        needed: the next start checks the file instead.
        """
        with suppress(sqlite3.Error):
            self.connection.execute(_RETIRE, (self.epoch,))

    def stage(self, group: Sequence[Batch], stamp: Stamp) -> Work:
        """Lay the whole group down in one open transaction; the work that makes it durable.

        Rows are laid down where the caller runs, because each one costs less than a hop between threads; only the flush
        may be worth another thread.  Raises `Conflict` for a stale epoch and `JournalFault`; batches that break a
        uniqueness rule fail alone, inside.  A full disk gets the reserve and one more try.
        """
        if self.stopped_by is not None:
            raise self.stopped_by
        try:
            self._lay_down(group, stamp)
        except sqlite3.Error as error:
            self._with_room(error, group, stamp)
        return partial(self._commit, group, stamp)

    def _commit(self, group: Sequence[Batch], stamp: Stamp) -> None:
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._with_room(error, group, stamp)
            self._commit_again()

    def _commit_again(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise fault_of(error) from error

    def _with_room(self, error: sqlite3.Error, group: Sequence[Batch], stamp: Stamp) -> None:
        """Lay the group down once more where room can be made; else say what is wrong."""
        if primary_code(error) != FULL or not self._make_room():
            raise fault_of(error) from error
        try:
            self._lay_down(group, stamp)
        except sqlite3.Error as second:
            raise fault_of(second) from second

    def settle(self, group: Sequence[Batch], error: FloorbrokerError | None) -> None:
        """Give each batch its outcome.  After an error the database itself is asked what is durable (RELIABILITY
        2.8).
        """
        if error is not None:
            self._note(error)
        durable = self._durable(group, error)
        for batch in group:
            if batch.error is None and (batch.last is None or batch.last > durable):
                batch.error = error or JournalFault("the commit did not happen")
        self.last = max(self.last, durable)

    def mark_published(self, consumer: str, position: int) -> None:
        """Move a consumer of the outbox forward.  Raises `JournalFault`."""
        query = (
            "INSERT INTO outbox VALUES (?, ?) "
            "ON CONFLICT (consumer) DO UPDATE SET published = max(published, excluded.published)"
        )
        try:
            self.connection.execute(query, (consumer, position))
        except sqlite3.Error as error:
            raise fault_of(error) from error

    def rollback(self) -> None:
        """Drop what a broken-off transaction left."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _make_room(self) -> bool:
        self.is_full = True
        return self.reserve is not None and self.reserve.release()

    def _lay_down(self, group: Sequence[Batch], stamp: Stamp) -> None:
        try:
            self._begin()
            if len(group) == 1:
                self._append_alone(group[0], stamp)
            elif not self._append_together(group, stamp):
                self._begin()
                last = self.last
                for batch in group:
                    last = self._append_beside(batch, stamp, last)
        except (sqlite3.Error, FloorbrokerError):
            with suppress(sqlite3.Error):  # the first error is the one that tells; a lock must not stay behind it
                self.rollback()
            raise

    def _begin(self) -> None:
        self.rollback()
        self.connection.execute("BEGIN IMMEDIATE")
        self._assert_epoch()

    def _append_together(self, group: Sequence[Batch], stamp: Stamp) -> bool:
        """Write several batches as if they were one, which they nearly always can be; False when one of them is refused."""
        try:
            self._insert_all(group, stamp, self.last)
        except _REFUSED:
            return False
        return True

    def _append_beside(self, batch: Batch, stamp: Stamp, last: Last) -> Last:
        """Write one batch of several under a savepoint; the last numbers used."""
        self.connection.execute("SAVEPOINT batch")
        last = self._append(batch, stamp, last, undo="ROLLBACK TO batch")
        self.connection.execute("RELEASE batch")
        return last

    def _append_alone(self, batch: Batch, stamp: Stamp) -> None:
        """Write the only batch of a transaction: when it is refused, nothing is in it."""
        self._append(batch, stamp, self.last, undo="ROLLBACK")
        if batch.error is not None:
            self.connection.execute("BEGIN IMMEDIATE")  # there is always a transaction to commit

    def _append(self, batch: Batch, stamp: Stamp, last: Last, *, undo: str) -> Last:
        batch.records, batch.last, batch.error = (), None, None
        try:
            self._insert_all([batch], stamp, last)
        except _REFUSED as error:
            self.connection.execute(undo)
            batch.error = _refusal(error)
        return batch.last or last

    def _insert_all(self, group: Sequence[Batch], stamp: Stamp, last: Last) -> None:
        """Every row of a group, and then what they claim; each batch learns its records."""
        columns: list[_Columns] = []
        claims: list[_Claim] = []
        reached: list[Last] = []
        for batch in group:
            mine, claimed, last = _laid_out(batch, stamp, last, epoch=self.epoch)
            columns += mine
            claims += claimed
            reached.append(last)
        self.connection.executemany(_INSERT_RECORD, columns)
        for claim in claims:
            self.connection.execute(*claim)
        for batch, end in zip(group, reached, strict=True):
            batch.take(end, at=stamp.at, epoch=self.epoch)

    def _assert_epoch(self) -> None:
        (stored,) = self.connection.execute(_OWNER).fetchone()
        if stored > self.epoch:
            raise StaleEpoch(f"epoch {self.epoch} is stale: epoch {stored} owns this journal")

    def _note(self, error: FloorbrokerError) -> None:
        if isinstance(error, StaleEpoch) or (isinstance(error, JournalFault) and error.fatal):
            self.stopped_by = error

    def _durable(self, group: Sequence[Batch], error: FloorbrokerError | None) -> Last:
        if error is None:
            return max((batch.last for batch in group if batch.last is not None), default=self.last)
        if self.stopped_by is not None:
            return self.last  # nothing is known to be durable past this
        try:
            self.rollback()
            return self._stored()
        except sqlite3.Error as second:
            self._note(fault_of(second))
            return self.last

    def _stored(self) -> Last:
        return Last(*self.connection.execute(_LAST).fetchone())


def _laid_out(batch: Batch, stamp: Stamp, last: Last, *, epoch: int) -> tuple[list[_Columns], list[_Claim], Last]:
    """A batch as rows of `records`, what it claims for good in other tables, and the last numbers it takes."""
    (seq, number), at_us = last, stamp.at_us
    columns: list[_Columns] = []
    claims: list[_Claim] = []
    for entry, row in zip(batch.entries, batch.rows, strict=True):
        seq += 1
        place, counted, mono_us = None, None, None
        match entry:
            case FactEntry():
                place = 0 if isinstance(entry.fact, Prepared) else seq
                if (claim := _claim_of(entry, seq)) is not None:
                    claims.append(claim)
            case KeyEntry():
                place = seq
                claims.append((_INSERT_KEY, (entry.principal, entry.profile, entry.key, seq)))
            case AuditEntry():
                number += 1
                counted, mono_us = number, stamp.mono_us
            case NoteEntry():
                claims.append((_INSERT_NOTE, (entry.topic, entry.profile, seq)))
        columns.append((seq, epoch, at_us, row.kind, row.profile, row.intent_id, place, counted, mono_us, row.body))
    return columns, claims, Last(seq, number)


def _claim_of(entry: FactEntry, seq: int) -> _Claim | None:
    fact = entry.fact
    if isinstance(fact, Prepared | ReplaceAsked):
        return _INSERT_CLIENT_ID, (entry.profile, fact.cl_ord_id, seq)
    if isinstance(fact, Exec):
        # A second source may tell of the same execution (and add its fee): a record, but no second execution.
        return _INSERT_EXECUTION, (entry.profile, entry.intent_id, fact.exec_id, fact.version, seq)
    return None


def _refusal(error: Exception) -> FloorbrokerError:
    if isinstance(error, sqlite3.IntegrityError):
        return fault_of(error)
    return JournalFault(f"an entry cannot be stored: {error}")


class StaleEpoch(Conflict):
    """Another owner took this journal; the process that gets this must stop deciding."""
