"""A database copied while it is in use, and what a journal says of itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from floorbroker.domain.errors import JournalFault
from floorbroker.store.connect import meta, open_reader
from floorbroker.store.faults import fault_of

SHARED = 64 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How far a journal has come, and whose it is."""

    environment: str
    instance_tag: int
    epoch: int
    last_seq: int
    schema: str


def copy_database(source: Path, target: Path) -> None:
    """One snapshot of a SQLite file, as of this moment, beside whoever writes it; durable when it returns.

    The copy is one whole file that needs no log beside it.  Raises `JournalFault`.
    """
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(open_reader(source)) as held, closing(sqlite3.connect(target, isolation_level=None)) as copy:
            held.backup(copy)  # in one step: a writer beside it makes a backup in several begin anew each time
            copy.execute("PRAGMA journal_mode = DELETE")
        sync_file(target)
    except sqlite3.Error as error:
        raise fault_of(error) from error
    except OSError as error:
        raise JournalFault(f"{target} cannot be written: {error.strerror}") from error


def copy_file(source: Path, target: Path) -> None:
    """The bytes of a file that is replaced whole or only grows; durable when it returns.  Raises `OSError`."""
    with source.open("rb") as held, os.fdopen(os.open(target, _NEW, 0o600), "wb") as copy:
        while data := held.read(SHARED):
            copy.write(data)
        copy.flush()
        os.fsync(copy.fileno())


def sync_file(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk.  Raises `OSError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # where folders cannot be opened they need no flush
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def facts_of(path: Path) -> Facts:
    """What a journal says of itself.  Raises `JournalFault` for a file that cannot be read as one."""
    try:
        with closing(open_reader(path)) as connection:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            last = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0]
            return Facts(
                environment=meta(connection, "environment") or "",
                instance_tag=int(meta(connection, "instance_tag") or 0),
                epoch=int(meta(connection, "epoch") or 0),
                last_seq=last,
                schema="" if version is None else version[0],
            )
    except (sqlite3.Error, ValueError) as error:
        raise JournalFault(f"{path} cannot be read as a journal: {error}") from error


def is_whole(path: Path) -> str:
    """What SQLite finds wrong with every page of a database; empty where nothing is."""
    try:
        with closing(open_reader(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else str(found)
