"""Opening the journal's file: settings set and asserted, application and schema checked (RELIABILITY 10)."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store.ddl import APPLICATION_ID, HEAD, SCRIPT

BUSY_TIMEOUT_MS = 5000
_SET = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: flush the drive's own cache as well
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA trusted_schema = OFF",
)
_ASSERTED: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": BUSY_TIMEOUT_MS,
    "application_id": APPLICATION_ID,
}
# File systems whose locks or flushes another machine answers for.
_SPACE = "\\040"  # as /proc/mounts writes it
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs", "glusterfs", "fuse.glusterfs", "ceph"}
)


def open_writer(path: Path, *, environment: Environment, instance_tag: int) -> sqlite3.Connection:
    """The one writing connection, on a checked database; a new file is made whole in one transaction.

    `instance_tag` is stored in a new journal only.  Raises `JournalFault` for a file that is no journal of ours, that
    a newer build made, or that is damaged; `Conflict` for the journal of another environment.
    """
    _assert_local(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the mode of this one
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _assert_ours(connection, path)
        for statement in _SET:
            connection.execute(statement)
        if not _tables(connection):
            _create(connection, environment, instance_tag)
        _migrate(connection, path)
        assert_settings(connection)
        _assert_environment(connection, environment)
        _check_file(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def assert_settings(connection: sqlite3.Connection) -> None:
    """Raises `JournalFault` naming the first setting that durability needs and the database does not have."""
    for name, wanted in _ASSERTED.items():
        found = pragma(connection, name)
        if found != wanted:
            raise JournalFault(f"the journal's {name} is {found}, and must be {wanted}")


def pragma(connection: sqlite3.Connection, name: str) -> str | int:
    """The value of one setting."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    """One line of the journal's own description."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
    )


def filesystem_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`, from the text of `/proc/mounts`; empty when it does not say."""
    best, kind = "", ""
    within = f"{path}/"
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ", 3)
        inside = within.startswith(f"{point.replace(_SPACE, ' ').rstrip('/')}/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def _assert_local(path: Path) -> None:
    if not sys.platform.startswith("linux"):
        return
    kind = filesystem_of(path.resolve(), Path("/proc/mounts").read_text(encoding="utf-8"))
    if kind in _REMOTE:
        raise JournalFault(f"{path} is on {kind}; the journal needs a local file system")


def _tables(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _assert_ours(connection: sqlite3.Connection, path: Path) -> None:
    found = pragma(connection, "application_id")
    if found != APPLICATION_ID and (found != 0 or _tables(connection)):
        raise JournalFault(f"{path} is a database of another program")


def _create(connection: sqlite3.Connection, environment: Environment, instance_tag: int) -> None:
    connection.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {SCRIPT}")
    described = {"environment": environment.value, "instance_tag": str(instance_tag), "epoch": "0", "clean": "yes"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", described.items())
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    version = "" if row is None else row[0]
    if version > HEAD:
        raise JournalFault(f"{path} has schema {version}, this build knows {HEAD}; update Floorbroker")
    if version != HEAD:
        from floorbroker.store.migrate import upgrade  # noqa: PLC0415 - alembic is slow to load and rarely needed

        upgrade(path)


def _assert_environment(connection: sqlite3.Connection, environment: Environment) -> None:
    stored = meta(connection, "environment")
    if stored != environment.value:
        raise Conflict(f"this is the journal of {stored}, not of {environment.value}")


def _check_file(connection: sqlite3.Connection, path: Path) -> None:
    """The whole file after an unclean stop; after a clean one only that it has all its pages."""
    _assert_whole(connection, path)
    if meta(connection, "clean") == "yes":
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise JournalFault(f"{path} is damaged: {found}", fatal=True)


def _assert_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Pages that are not in the file are in the log, or lost."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:
        return
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if path.stat().st_size < pages * size:
        raise JournalFault(f"{path} is damaged: it is shorter than its {pages} pages", fatal=True)
