"""Sealed orders of one profile: a cache beside the journal, in a file of its own that may be thrown away at any time.

Nothing here is the truth.  A seal says that an order is closed, where it belongs in lists and which ids lead to it; what
the order is comes from its facts in the journal, each time it is asked for.  The `head` is the one row that a start must
believe: it is written in the transaction of the seals it counts, and carries its own digest.

Writing has a connection of its own, so that it may happen on another thread; whatever SQLite objects to is `SealsDamaged`.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floorbroker.domain.errors import JournalFault

FORMAT = 1
_SCRIPT = """
BEGIN;
CREATE TABLE meta (clean INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES (1);
CREATE TABLE head (body BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, intent_id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, status TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, strategy TEXT NOT NULL,
    facts INTEGER NOT NULL, last_seq INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX orders_created ON orders (created, intent_id);
CREATE TABLE names (
    kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID, STRICT;
CREATE INDEX names_number ON names (number);
CREATE TABLE fills (
    number INTEGER NOT NULL, exec_id TEXT NOT NULL, at INTEGER NOT NULL, symbol TEXT NOT NULL, order_id TEXT,
    side TEXT NOT NULL, qty TEXT NOT NULL, px TEXT NOT NULL, counts INTEGER NOT NULL, PRIMARY KEY (number, exec_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX fills_at ON fills (at);
CREATE INDEX fills_symbol ON fills (symbol, at) WHERE counts = 1;
COMMIT;
"""
_SEAL = "number, intent_id, created, status, symbol, side, strategy, facts, last_seq, digest"
CLIENT, VENUE = "client", "venue"


class SealsDamaged(Exception):
    """The seals cannot be read or do not fit the journal: they are to be thrown away."""


@dataclass(frozen=True, slots=True)
class Seal:
    """One sealed order.  `number` is the sequence number of its first fact, `last_seq` of its last; `facts` counts them,
    `digest` is theirs; `created` in microseconds.
    """

    number: int
    intent_id: str
    created: int
    status: str
    symbol: str
    side: str
    strategy: str
    facts: int
    last_seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class SealedFill:
    """One live execution of a sealed order.  `counts` is 0 for what is no part of a position (heads of multi-leg orders)."""

    number: int
    exec_id: str
    at: int
    symbol: str
    order_id: str | None
    side: str
    qty: str
    px: str
    counts: int


@dataclass(frozen=True, slots=True)
class Sealing:
    """Everything that is written about one order: `names` are pairs of kind and id that lead to it alone."""

    seal: Seal
    names: tuple[tuple[str, str], ...]
    fills: tuple[SealedFill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which sealed orders; None means any.  Times in microseconds, `since` inclusive, `until` exclusive."""

    statuses: frozenset[str] | None = None
    symbol: str | None = None
    side: str | None = None
    strategy: str | None = None
    since: int | None = None
    until: int | None = None

    def sql(self) -> tuple[list[str], list[Any]]:
        """Conditions on `orders`, and their values."""
        asked = {"orders.symbol = ?": self.symbol, "orders.side = ?": self.side, "strategy = ?": self.strategy}
        asked |= {"created >= ?": self.since, "created < ?": self.until}
        conditions = [text for text, value in asked.items() if value is not None]
        values: list[Any] = [value for value in asked.values() if value is not None]
        if self.statuses is not None:
            conditions.append(f"status IN ({', '.join('?' * len(self.statuses))})")
            values += sorted(self.statuses)
        return conditions, values


class Seals:
    """The file at `path`.  Made by `open`; `close` it in order, or `abandon` it as a killed process does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_closed = False
        self._writing = _connected(path)
        self._reading = _connected(path)

    @classmethod
    def open(cls, path: Path) -> Seals:
        """The seals at `path`; empty ones when there are none, or none that can be used.  Raises `OSError`."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return cls._opened(path)
        except (sqlite3.Error, SealsDamaged):
            remove(path)
        try:
            return cls._opened(path)
        except (sqlite3.Error, SealsDamaged) as error:
            raise OSError(f"{path} cannot be made: {error}") from error

    @classmethod
    def _opened(cls, path: Path) -> Seals:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        seals = cls(path)
        try:
            seals._begin()
        except BaseException:
            seals.abandon()
            raise
        return seals

    def _begin(self) -> None:
        version = self._writing.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not self._writing.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._writing.executescript(_SCRIPT)
            self._writing.execute(f"PRAGMA user_version = {FORMAT}")
        elif version != FORMAT:
            raise SealsDamaged(f"format {version} is not {FORMAT}")
        elif not self._writing.execute("SELECT clean FROM meta").fetchone()[0]:
            found = self._writing.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise SealsDamaged(found)
        self._writing.execute("UPDATE meta SET clean = 0")

    # -- writing --------------------------------------------------------------------------------------------------------

    def write(self, *, head: bytes, undo: Iterable[str] = (), sealings: Sequence[Sealing] = ()) -> None:
        """One transaction: take off the seals of some intents, put on others, and the head that goes with them."""
        connection = self._writing
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for intent_id in undo:
                    self._remove(intent_id)
                self._insert(sealings)
                connection.execute("DELETE FROM head")
                connection.execute("INSERT INTO head VALUES (?, ?)", (head, _digest(head)))
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _damage(error) from error

    def _remove(self, intent_id: str) -> None:
        row = self._writing.execute("SELECT number FROM orders WHERE intent_id = ?", (intent_id,)).fetchone()
        if row is not None:
            for table in ("names", "fills", "orders"):
                self._writing.execute(f"DELETE FROM {table} WHERE number = ?", row)  # noqa: S608 - our own names

    def _insert(self, sealings: Sequence[Sealing]) -> None:
        write = self._writing.executemany
        write("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_columns(s.seal) for s in sealings])
        write("INSERT INTO names VALUES (?, ?, ?)", [(*n, s.seal.number) for s in sealings for n in s.names])
        write("INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_columns(f) for s in sealings for f in s.fills])

    def patience(self, longest_s: float) -> None:
        """How long a write waits for whoever else holds the file."""
        self._writing.execute(f"PRAGMA busy_timeout = {round(longest_s * 1000)}")

    def close(self) -> None:
        """Mark a clean end, so that the next start need not look through the file."""
        with suppress(sqlite3.Error):
            self._writing.execute("UPDATE meta SET clean = 1")
        self.abandon()

    def abandon(self) -> None:
        """Let go, as a killed process does."""
        self._is_closed = True
        self._reading.close()
        self._writing.close()

    def renewed(self) -> Seals:
        """Empty ones in place of these.  Raises `OSError`."""
        self.discard()
        return Seals.open(self.path)

    def discard(self) -> None:
        """Throw them away."""
        self.abandon()
        remove(self.path)

    # -- reading --------------------------------------------------------------------------------------------------------

    def head(self) -> bytes | None:
        """The head, if there is one and it is whole.  Raises `SealsDamaged` for one that is not."""
        rows = self._all("SELECT body, digest FROM head")
        if not rows:
            return None
        ((body, digest),) = rows
        if _digest(body) != digest:
            raise SealsDamaged("the head does not fit its digest")
        return body

    def count(self) -> int:
        return self._all("SELECT count(*) FROM orders")[0][0]

    def find(self, intent_id: str) -> Seal | None:
        rows = self._all(f"SELECT {_SEAL} FROM orders WHERE intent_id = ?", intent_id)  # noqa: S608 - our own columns
        return Seal(*rows[0]) if rows else None

    def named(self, kind: str, name: str) -> str | None:
        """The intent that a client id or a venue id leads to."""
        rows = self._all(
            "SELECT intent_id FROM names JOIN orders USING (number) WHERE kind = ? AND name = ?", kind, name
        )
        return rows[0][0] if rows else None

    def symbols(self, *, after: int) -> set[str]:
        """What the orders are about whose last fact has a greater number; looks at each order there is."""
        return {row[0] for row in self._all("SELECT DISTINCT symbol FROM orders WHERE last_seq > ?", after)}

    def numbers(self, *, after: int, limit: int) -> list[tuple[int, str]]:
        """Orders by their first fact, oldest first: (number, intent)."""
        return self._all("SELECT number, intent_id FROM orders WHERE number > ? ORDER BY number LIMIT ?", after, limit)

    def page(
        self, where: Where, *, after: tuple[int, str] | None, newest_first: bool, limit: int
    ) -> list[tuple[int, str]]:
        """Orders by (created, intent) behind `after`."""
        conditions, values = where.sql()
        turn, sign = ("DESC", "<") if newest_first else ("ASC", ">")
        if after is not None:
            conditions.append(f"(created, intent_id) {sign} (?, ?)")
            values += after
        query = f"SELECT created, intent_id FROM orders {_where(conditions)} ORDER BY created {turn}, intent_id {turn} LIMIT ?"  # noqa: S608 - marks only
        return self._all(query, *values, limit)

    def fills_page(
        self, where: Where, *, after: tuple[int, str] | None, newest_first: bool, limit: int
    ) -> list[tuple[int, str, str]]:
        """Executions by (time, "intent/execution") behind `after`: (time, intent, execution)."""
        conditions, values = where.sql()
        turn, sign = ("DESC", "<") if newest_first else ("ASC", ">")
        name = "intent_id || '/' || exec_id"
        if after is not None:
            conditions += [f"at {sign}= ?", f"(at, {name}) {sign} (?, ?)"]
            values += [after[0], *after]
        query = f"SELECT at, intent_id, exec_id FROM fills JOIN orders USING (number) {_where(conditions)} ORDER BY at {turn}, {name} {turn} LIMIT ?"  # noqa: S608, E501 - marks only
        return self._all(query, *values, limit)

    def fills_of(self, symbol: str, *, after: int | None, limit: int) -> list[tuple[str, SealedFill]]:
        """Executions of one symbol that count, later than a time, oldest first, whole moments only: (intent, fill)."""
        query = """
            SELECT orders.intent_id, fills.* FROM fills JOIN orders USING (number)
            WHERE counts = 1 AND fills.symbol = ?1 AND at > ?2 AND at <= coalesce(
                (SELECT at FROM fills WHERE counts = 1 AND symbol = ?1 AND at > ?2 ORDER BY at LIMIT 1 OFFSET ?3),
                9223372036854775807)
            ORDER BY at"""
        start = -9_223_372_036_854_775_808 if after is None else after
        return [(row[0], SealedFill(*row[1:])) for row in self._all(query, symbol, start, limit - 1)]

    def _all(self, query: str, *values: Any) -> list[Any]:
        if self._is_closed:
            raise JournalFault("the desk has stopped: its sealed orders cannot be read any more")
        try:
            return self._reading.execute(query, values).fetchall()
        except UnicodeEncodeError:  # half a surrogate pair: no text that was ever written down is like that
            return []
        except sqlite3.Error as error:
            raise _damage(error) from error


def remove(path: Path) -> None:
    """Throw the file away, with what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # NORMAL: a power cut may lose the last seals, which are made again; what is there stays whole.
        for statement in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {statement}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _columns(row: Seal | SealedFill) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.__slots__)


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _damage(error: sqlite3.Error) -> SealsDamaged:
    return SealsDamaged(f"{type(error).__name__}: {error}")
