"""Reading a journal: replay, pages, look-ups.  Works beside the writer, from any process, and never writes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from floorbroker.domain.errors import NotFound
from floorbroker.domain.ports import KeyEntry, NoteEntry, Record
from floorbroker.domain.values import Environment, ExecId, IntentId, ProfileName
from floorbroker.store.codec import Row, decode
from floorbroker.store.connect import open_reader
from floorbroker.store.faults import fault_of

PAGE = 1000
_COLUMNS = "seq, epoch, at, kind, profile, intent_id, body"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Columns = tuple[int, int, int, str, str, str | None, bytes]


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, as the journal stores times."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(at: int) -> datetime:
    """The reverse of `microseconds`."""
    return _EPOCH + timedelta(microseconds=at)


class JournalReader:
    """A read-only view of the file at `path`, as of each call.

    Raises `NotFound` when there is no such file; every call raises `JournalFault` when the file cannot be read.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        """`connection` is one that is open already, where somebody else closes it."""
        if not path.exists():
            raise NotFound(f"no journal at {path}")
        self.path = path
        self._connection = open_reader(path) if connection is None else connection
        self._lists_notes = False  # whether notes have their table: once it is there it stays

    def replay(self, after: int = 0) -> Iterator[Record]:
        """Every record after `after`, in order.  Reads page by page, so that a slow consumer holds no old snapshot
        open.
        """
        for columns in self.rows(after):
            yield record_of(columns)

    def rows(self, after: int = 0) -> Iterator[Columns]:
        """Every stored row after `after`, in order, as it stands in the database."""
        while page := self._page(after, PAGE):
            yield from page
            after = page[-1][0]

    def read(self, *, after: int = 0, limit: int = PAGE, kinds: frozenset[str] | None = None) -> list[Record]:
        """A page of records; `kinds` out of `fact audit key note`."""
        return [record_of(columns) for columns in self._page(after, limit, kinds)]

    def records_of(self, intent_id: IntentId) -> tuple[Record, ...]:
        """Everything that names one intent: how the outcome of a doubtful commit is read again (RELIABILITY 2.8)."""
        query = f"SELECT {_COLUMNS} FROM records WHERE intent_id = ? ORDER BY seq"  # noqa: S608 - our own constant
        return tuple(record_of(columns) for columns in self._all(query, intent_id))

    def touched(self, profile: ProfileName, *, after: int, upto: int) -> list[tuple[IntentId, int]]:
        """Intents of a profile with facts numbered after `after` and up to `upto`, and how many facts each."""
        query = (
            "SELECT intent_id, count(*) FROM records "
            "WHERE seq > ? AND seq <= ? AND kind = 'fact' AND profile = ? GROUP BY intent_id"
        )
        return self._all(query, after, upto, profile)

    def fingerprint(self, seq: int) -> str | None:
        """A digest of one record as it is stored; None when there is none."""
        rows = self._all(f"SELECT {_COLUMNS} FROM records WHERE seq = ?", seq)  # noqa: S608 - our own constant
        return hashlib.sha256(repr(rows[0]).encode()).hexdigest() if rows else None

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        """Every note about one topic, in order; `newest` asks for the last one of each profile alone.

        A journal whose schema is older than that index, read beside its owner, is read through.
        """
        if not self._has_notes:
            return self._noted(topic, newest=newest)
        chosen = "max(seq)" if newest else "seq"
        grouped = "GROUP BY profile" if newest else ""
        query = f"SELECT {_COLUMNS} FROM records WHERE seq IN (SELECT {chosen} FROM notes WHERE topic = ? {grouped}) ORDER BY seq"  # noqa: S608 - our own words
        return [record_of(columns) for columns in self._all(query, topic)]

    def notes_after(self, topic: str, *, after: int, upto: int, limit: int = PAGE) -> list[Record]:
        """A page of the notes about one topic, numbered behind `after` and up to `upto`."""
        if not self._has_notes:
            return [record for record in self._noted(topic, newest=False) if after < record.seq <= upto][:limit]
        chosen = "SELECT seq FROM notes WHERE topic = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        query = f"SELECT {_COLUMNS} FROM records WHERE seq IN ({chosen}) ORDER BY seq"  # noqa: S608 - our own words
        return [record_of(columns) for columns in self._all(query, topic, after, upto, limit)]

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        """The newest notes about one topic of one profile, newest first; those numbered below `before`, where it is given."""
        end = self.last_seq + 1 if before is None else before
        if not self._has_notes:
            told = [r for r in self._noted(topic, newest=False) if r.entry.profile == profile and r.seq < end]
            return told[::-1][:limit]
        chosen = "SELECT seq FROM notes WHERE topic = ? AND profile = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        query = f"SELECT {_COLUMNS} FROM records WHERE seq IN ({chosen}) ORDER BY seq DESC"  # noqa: S608 - our own words
        return [record_of(columns) for columns in self._all(query, topic, profile, end, limit)]

    @property
    def _has_notes(self) -> bool:
        self._lists_notes = self._lists_notes or self._has("notes")
        return self._lists_notes

    def _has(self, table: str) -> bool:
        return self._first("SELECT 1 FROM sqlite_master WHERE name = ?", table) is not None

    def _noted(self, topic: str, *, newest: bool) -> list[Record]:
        query = f"SELECT {_COLUMNS} FROM records WHERE kind = 'note' ORDER BY seq"  # noqa: S608 - our own constant
        told = [record for record in map(record_of, self._all(query)) if _topic(record) == topic]
        return sorted({r.entry.profile: r for r in told}.values(), key=lambda r: r.seq) if newest else told

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        """The key as it was first used, with its body's hash and its intent; None when it never was."""
        where = 'WHERE seq = (SELECT seq FROM keys WHERE principal = ? AND profile = ? AND "key" = ?)'
        columns = self._first(f"SELECT {_COLUMNS} FROM records {where}", principal, profile, key)  # noqa: S608 - our own words
        entry = None if columns is None else record_of(columns).entry
        return entry if isinstance(entry, KeyEntry) else None

    def first_execution(
        self, *, profile: ProfileName, intent_id: IntentId, exec_id: ExecId, version: int = 0
    ) -> int | None:
        """The sequence number under which an execution was first recorded, however many sources told of it since."""
        query = "SELECT seq FROM executions WHERE profile = ? AND intent_id = ? AND exec_id = ? AND version = ?"
        row = self._first(query, profile, intent_id, exec_id, version)
        return None if row is None else row[0]

    def audit_rows(self, after: int = 0, limit: int = PAGE) -> list[tuple[int, int, Record]]:
        """Audit records numbered after `after`: (number, monotonic microseconds, record)."""
        query = f"SELECT number, mono_us, {_COLUMNS} FROM {self._numbered} WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608 - our own words
        return [(row[0], row[1], record_of(row[2:])) for row in self._all(query, after, limit)]

    @property
    def audit_count(self) -> int:
        """How many audit rows there are, which is the number of the last."""
        return self._all(f"SELECT coalesce(max(number), 0) FROM {self._numbered} WHERE number IS NOT NULL")[0][0]  # noqa: S608 - our own words

    @property
    def _numbered(self) -> str:
        """Where the numbers of audit rows stand: a journal of an older schema, read beside its owner, has a table of them."""
        return "audit JOIN records USING (seq)" if self._has("audit") else "records"

    def published(self, consumer: str) -> int:
        """How far a consumer of the outbox has come; 0 for one that never began."""
        row = self._first("SELECT published FROM outbox WHERE consumer = ?", consumer)
        return 0 if row is None else row[0]

    def meta(self, key: str) -> str | None:
        """One line of the journal's own description: `environment instance_tag epoch clean`."""
        row = self._first("SELECT value FROM meta WHERE key = ?", key)
        return None if row is None else row[0]

    @property
    def environment(self) -> Environment:
        """Whose journal it is."""
        return Environment(self.meta("environment"))

    @property
    def last_seq(self) -> int:
        return self._all("SELECT coalesce(max(seq), 0) FROM records")[0][0]

    def close(self) -> None:
        self._connection.close()

    def _page(self, after: int, limit: int, kinds: frozenset[str] | None = None) -> list[Columns]:
        wanted = sorted(kinds) if kinds is not None else []
        chosen = f"AND kind IN ({', '.join('?' * len(wanted))})" if kinds is not None else ""
        query = f"SELECT {_COLUMNS} FROM records WHERE seq > ? {chosen} ORDER BY seq LIMIT ?"  # noqa: S608 - marks only
        return self._all(query, after, *wanted, limit)

    def _first(self, query: str, *values: str | int) -> tuple[Any, ...] | None:
        rows = self._all(query, *values)
        return rows[0] if rows else None

    def _all(self, query: str, *values: str | int) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise fault_of(error) from error


def _topic(record: Record) -> str:
    return record.entry.topic if isinstance(record.entry, NoteEntry) else ""


def record_of(columns: Columns) -> Record:
    """A stored row as a record."""
    seq, epoch, at, kind, profile, intent_id, body = columns
    row = Row(
        kind=kind, profile=ProfileName(profile), intent_id=None if intent_id is None else IntentId(intent_id), body=body
    )
    return Record(seq=seq, epoch=epoch, at=moment_of(at), entry=decode(row))
