"""Runs the migrations of a database from inside the program; the journal's are the ones of this folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from floorbroker.domain.errors import JournalFault

FOLDER = Path(__file__).parent / "migrations"


def upgrade(path: Path, revision: str = "head") -> None:
    """Bring the database at `path` up to `revision`, whole or not at all.  Raises `JournalFault`."""
    migrate(path, revision, folder=FOLDER, up=True)


def downgrade(path: Path, revision: str = "base") -> None:
    """Take the database at `path` back to `revision`; `base` drops every table.  Raises `JournalFault`."""
    migrate(path, revision, folder=FOLDER, up=False)


def migrate(path: Path, revision: str, *, folder: Path, up: bool) -> None:
    """Walk the migrations in `folder` up or down to `revision`, whole or not at all.  Raises `JournalFault`."""
    # Python's own transaction handling would commit before each CREATE: a broken-off migration would leave half a
    # schema.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path, isolation_level=None), poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)
    except (CommandError, SQLAlchemyError) as error:
        raise JournalFault(f"{path} cannot be migrated: {error}") from error


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
