"""Runs the migrations of `desk.db` from inside the program."""

from __future__ import annotations

from pathlib import Path

from floorbroker.store.migrate import migrate

FOLDER = Path(__file__).parent / "migrations"


def upgrade(path: Path, revision: str = "head") -> None:
    """Bring the database at `path` up to `revision`, whole or not at all.  Raises `JournalFault`."""
    migrate(path, revision, folder=FOLDER, up=True)


def downgrade(path: Path, revision: str = "base") -> None:
    """Take the database at `path` back to `revision`; `base` drops every table.  Raises `JournalFault`."""
    migrate(path, revision, folder=FOLDER, up=False)
