"""`db`: migrate, backup, verify and restore, as people type them."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.store.ddl import HEAD
from floorbroker.store.migrate import downgrade
from floorbroker.store.sqlite import SqliteJournal
from tests.unit.cli.running import document, run


def write(root: Path, *topics: str) -> None:
    """Notes in the journal of paper."""

    async def work() -> None:
        home = Home.at(root)
        journal = SqliteJournal.open(
            home.journal(Environment.PAPER), clock=SystemClock(), environment=Environment.PAPER, instance_tag=6
        )
        for topic in topics:
            await journal.commit([NoteEntry(profile=ProfileName("*"), topic=topic, data={})])
        await journal.close()

    asyncio.run(work())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / "home", "one", "two")
    return tmp_path / "home"


def test_a_backup_is_made_proven_and_restored(home: Path, tmp_path: Path) -> None:
    made = document(run(home, "db", "backup", str(tmp_path / "backups"), "--json"))
    assert made["journals"] == {"paper": 2}
    proven = document(run(home, "db", "verify", made["folder"], "--json"))
    assert proven["ok"]
    assert [line["found"] for line in proven["lines"]] == ["every page is whole", "2 read"]
    shutil.rmtree(home)
    done = document(run(home, "db", "restore", made["folder"], "--json"))
    assert done["aside"] == ""
    state = document(run(home, "kill", "status", "--json"))
    assert "restored from the backup" in state["sentinels"][0]["reason"]


def test_a_newer_journal_is_not_replaced_by_an_older_one_unasked(home: Path, tmp_path: Path) -> None:
    made = document(run(home, "db", "backup", str(tmp_path / "backups"), "--json"))
    write(home, "three")
    refused = run(home, "db", "restore", made["folder"])
    assert refused.exit_code == 13
    assert "--accept-older" in refused.stderr
    done = document(run(home, "db", "restore", made["folder"], "--accept-older", "--json"))
    assert (Path(done["aside"]) / "journal-paper.db").exists()


def test_a_backup_that_was_changed_is_not_proven(home: Path, tmp_path: Path) -> None:
    made = document(run(home, "db", "backup", str(tmp_path / "backups"), "--json"))
    with (Path(made["folder"]) / "journal-paper.db").open("ab") as file:
        file.write(b"x")
    assert run(home, "db", "verify", made["folder"]).exit_code == 11
    refused = run(home, "db", "restore", made["folder"])
    assert (refused.exit_code, "use another backup" in refused.stderr) == (13, True)
    assert run(home, "db", "verify", str(tmp_path)).exit_code == 5


def test_a_backup_inside_the_home_is_a_wrong_use_and_no_fault_of_the_configuration(home: Path) -> None:
    refused = run(home, "db", "backup", str(home / "copies"))
    assert (refused.exit_code, "config" in refused.stderr) == (2, False)


def test_old_backups_are_removed_when_asked(home: Path, tmp_path: Path) -> None:
    for _ in range(3):
        made = document(run(home, "db", "backup", str(tmp_path / "backups"), "--keep", "2", "--json"))
    assert len(list((tmp_path / "backups").iterdir())) == 2
    assert len(made["removed"]) == 1


def test_databases_are_brought_to_the_newest_schema(home: Path) -> None:
    assert document(run(home, "db", "migrate", "--json"))["items"][0]["state"] == "current"
    downgrade(home / "journal-paper.db", "0002")
    checked = run(home, "db", "migrate", "--check")
    assert checked.exit_code == 11
    assert "to be migrated" in checked.stdout
    assert document(run(home, "db", "migrate", "--json"))["items"][0]["state"] == "migrated from 0002"
    with closing(sqlite3.connect(home / "journal-paper.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    assert "newer than this build" in run(home, "db", "migrate", "--check").stdout
