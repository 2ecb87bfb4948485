"""Which schema the databases of a home have, and bringing them to this build's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from floorbroker.app.exclusive import nobody_else
from floorbroker.app.home import Home
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store import ddl
from floorbroker.store.desk import database
from floorbroker.store.desk import migrate as of_desk
from floorbroker.store.migrate import upgrade


@dataclass(frozen=True, slots=True)
class Schema:
    """One database: the schema it has, the newest this build knows, and what was, or is to be, done."""

    path: Path
    schema: str
    newest: str
    was: str = ""

    @property
    def is_behind(self) -> bool:
        return self.schema < self.newest

    @property
    def state(self) -> str:
        if self.schema > self.newest:
            return "newer than this build: update Floorbroker"
        if self.is_behind:
            return "to be migrated"
        return f"migrated from {self.was}" if self.was not in ("", self.schema) else "current"


def schemas(home: Home) -> list[Schema]:
    """Every database that is there.  Raises `JournalFault` for one that cannot be read."""
    paths = [(home.journal(environment), ddl.HEAD) for environment in Environment]
    return [
        Schema(path, _version(path), newest) for path, newest in [*paths, (home.desk, database.HEAD)] if path.exists()
    ]


def migrated(home: Home) -> list[Schema]:
    """Bring each to the newest schema.  Raises `Conflict` while a desk has the home."""
    with nobody_else(home):
        before = schemas(home)
        for found in before:
            if found.is_behind:
                (of_desk.upgrade if found.path == home.desk else upgrade)(found.path)
        return [Schema(s.path, _version(s.path), s.newest, was=s.schema) for s in before]


def _version(path: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise JournalFault(f"{path} cannot be read: {error}") from error
    return "" if row is None else str(row[0])
