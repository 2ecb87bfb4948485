"""The door to `desk.db`: opened at first use, migrated then, closed with the process."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.store.desk.tables import METADATA

APPLICATION_ID = 0x464C4244  # "FLBD", in the header of the file
HEAD = "0002"  # the newest migration
BUSY_TIMEOUT_MS = 5000
_SET = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA trusted_schema = OFF",
)
_READ = "desk_read"


@dataclass(slots=True)
class DeskDatabase:
    """The cold tables of one home.  Making it opens nothing; `begin` and `reading` open it when they are first entered.

    Raises `JournalFault` for a file that is not ours, that a newer build made, or that the disk does not take.
    """

    path: Path
    _engine: AsyncEngine | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction for changes: committed on leaving, rolled back by an error.

        Raises `Conflict` where a constraint says that the row is there already.  Enter it once at a time: another one inside it
        would wait for itself.
        """
        engine = await self.open()
        try:
            async with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _told(error, self.path) from error

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """One snapshot of all tables, beside whoever writes."""
        engine = await self.open()
        try:
            async with engine.connect() as connection:
                yield await connection.execution_options(**{_READ: True})
        except DBAPIError as error:
            raise _told(error, self.path) from error

    async def open(self) -> AsyncEngine:
        """Make and migrate the file, where that is still to be done."""
        async with self._opening:
            if self._engine is None:
                await asyncio.to_thread(_prepare, self.path)
                self._engine = _engine_of(self.path)
            return self._engine

    async def close(self) -> None:
        """Let go of the file.  Harmless twice; the next use opens it again."""
        async with self._opening:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.dispose()


def _engine_of(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", connect_args={"isolation_level": None}, pool_size=4, max_overflow=0
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, record: object) -> None:
    del record
    cursor = connection.cursor()
    for statement in _SET:
        cursor.execute(statement)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READ, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _told(error: DBAPIError, path: Path) -> Conflict | JournalFault:
    """Ours, without the values that stood in the statement."""
    if isinstance(error.orig, sqlite3.IntegrityError):
        return Conflict(f"{path.name}: {error.orig}")
    return JournalFault(f"{path} cannot be read or written: {error.orig}")


def _prepare(path: Path) -> None:
    """A whole file at the newest schema, readable by its owner alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the mode of this one
        with closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            for statement in _SET:
                connection.execute(statement)
            version = _version(connection, path)
            if not version:
                connection.execute("BEGIN IMMEDIATE")
                version = _version(connection, path) or _create(connection)
                connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise JournalFault(f"{path} cannot be opened: {error}") from error
    if version > HEAD:
        raise JournalFault(f"{path} has schema {version}, this build knows {HEAD}; update Floorbroker")
    if version < HEAD:
        from floorbroker.store.desk.migrate import upgrade  # noqa: PLC0415 - alembic is slow to load and rarely needed

        upgrade(path)


def _version(connection: sqlite3.Connection, path: Path) -> str:
    """The schema of the file; empty for a new one."""
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if found != APPLICATION_ID and (found != 0 or tables):
        raise JournalFault(f"{path} is a database of another program")
    if "alembic_version" not in tables:
        return ""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "0000" if row is None else str(row[0])


def _create(connection: sqlite3.Connection) -> str:
    """All tables of `METADATA` in one step, marked as the newest schema."""
    for statement in statements():
        connection.execute(statement)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return HEAD


def statements() -> list[str]:
    """What makes every table and index of `METADATA`, in order."""
    from sqlalchemy.dialects.sqlite import dialect  # noqa: PLC0415 - for a new file alone
    from sqlalchemy.schema import CreateIndex, CreateTable  # noqa: PLC0415 - the same

    made: list[str] = []
    for table in METADATA.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect())))
        made += [str(CreateIndex(index).compile(dialect=dialect())) for index in sorted(table.indexes, key=str)]
    return made


__all__ = ["APPLICATION_ID", "HEAD", "DeskDatabase", "statements"]
