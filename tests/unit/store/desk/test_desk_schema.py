"""The cold tables, written twice and equal; and what an open makes, keeps and refuses."""

from __future__ import annotations

import re
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.store.desk import SESSIONS, USERS, DeskDatabase
from floorbroker.store.desk.database import APPLICATION_ID, HEAD
from floorbroker.store.desk.migrate import FOLDER, downgrade, upgrade

AT = datetime(2026, 3, 2, 15, 4, 5, 678901, tzinfo=UTC)
PERSON: dict[str, Any] = {
    "id": "u1", "name": "ada", "role": "admin", "environments": "paper", "password": None, "password_short": 0,
    "totp_on": 0, "totp_step": 0, "recovery": "", "disabled": 0, "created_at": AT,
}  # fmt: skip


def schema_of(path: Path) -> dict[str, str]:
    """Each object of a database with its definition, spaces aside."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r"\s+", "", sql).replace(",", "") for name, sql in rows if "alembic" not in name}


async def made(path: Path) -> Path:
    desk = DeskDatabase(path)
    await desk.open()
    await desk.close()
    return path


@pytest.mark.asyncio
async def test_the_tables_in_code_are_those_of_the_migrations(tmp_path: Path) -> None:
    upgrade(tmp_path / "b.db")
    assert schema_of(await made(tmp_path / "a.db")) == schema_of(tmp_path / "b.db")


def test_migrations_go_down_to_nothing_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    upgrade(path)
    full = schema_of(path)
    downgrade(path)
    assert schema_of(path) == {}
    upgrade(path)
    assert schema_of(path) == full


def test_the_head_is_the_newest_migration() -> None:
    newest = max((FOLDER / "versions").glob("r*.py")).name
    assert newest.startswith(f"r{HEAD}_")


@pytest.mark.asyncio
async def test_every_table_is_strict(tmp_path: Path) -> None:
    tables = {n: sql for n, sql in schema_of(await made(tmp_path / "a.db")).items() if n.startswith("table")}
    assert [name for name, sql in tables.items() if not sql.endswith("STRICT")] == []
    assert len(tables) >= 3


@pytest.mark.asyncio
async def test_a_file_of_an_older_schema_is_brought_up_at_first_use(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    upgrade(path)
    full = schema_of(path)
    downgrade(path)
    assert schema_of(await made(path)) == full


@pytest.mark.asyncio
async def test_the_file_and_its_companions_belong_to_their_owner_alone(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")
    async with desk.begin() as connection:
        await connection.execute(insert(USERS).values(PERSON))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await desk.close()
    assert modes["desk.db"] == 0o600
    assert set(modes.values()) == {0o600}


@pytest.mark.asyncio
async def test_settings_hold_on_every_connection(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "application_id": APPLICATION_ID}
    async with desk.begin() as one, desk.reading() as other:
        for connection in (one, other):
            found = {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in wanted}
            assert found == wanted
    await desk.close()


@pytest.mark.asyncio
async def test_times_come_back_to_the_microsecond_and_none_is_without_a_zone(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")
    async with desk.begin() as connection:
        await connection.execute(insert(USERS).values(PERSON))
        assert (await connection.execute(select(USERS.c.created_at))).scalar() == AT
        with pytest.raises(Exception, match="zone"):
            await connection.execute(insert(USERS).values(PERSON | {"id": "2", "created_at": AT.replace(tzinfo=None)}))
    await desk.close()


@pytest.mark.asyncio
async def test_a_change_is_whole_or_not_at_all_and_a_doubled_row_is_a_conflict(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")

    async def twice() -> None:
        async with desk.begin() as connection:
            await connection.execute(insert(USERS).values(PERSON))
            await connection.execute(insert(USERS).values(PERSON | {"name": "bob"}))

    with pytest.raises(Conflict, match=r"users\.id") as told:
        await twice()
    assert "bob" not in told.value.detail
    async with desk.reading() as connection:
        assert (await connection.execute(select(USERS))).all() == []
    await desk.close()


@pytest.mark.asyncio
async def test_sessions_go_with_their_user(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")
    session = {"id": "s", "digest": "d", "user_id": "u1", "opened_at": AT, "used_at": AT, "address": "", "agent": ""}
    async with desk.begin() as connection:
        await connection.execute(insert(USERS).values(PERSON))
        await connection.execute(insert(SESSIONS).values(session))
        await connection.execute(USERS.delete())
        assert (await connection.execute(select(SESSIONS))).all() == []
    await desk.close()


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE theirs (a)")


def _newer(path: Path) -> None:
    upgrade(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_foreign, "another program"),
        (_newer, "update Floorbroker"),
        (lambda path: path.write_bytes(b"no database" * 99), "cannot be opened"),
        (lambda path: path.mkdir(), "cannot be opened"),
    ],
)
@pytest.mark.asyncio
async def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, spoil: Any, told: str) -> None:
    spoil(tmp_path / "desk.db")
    with pytest.raises(JournalFault, match=told):
        await DeskDatabase(tmp_path / "desk.db").open()


@pytest.mark.asyncio
async def test_nothing_is_made_before_it_is_used_and_a_closed_one_opens_again(tmp_path: Path) -> None:
    desk = DeskDatabase(tmp_path / "desk.db")
    await desk.close()
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        async with desk.reading() as connection:
            assert (await connection.execute(select(USERS))).all() == []
        await desk.close()
