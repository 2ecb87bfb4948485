"""One schema, written three times for three purposes, and equal; and what an open refuses."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.store.connect import assert_settings, filesystem_of, open_writer
from floorbroker.store.ddl import HEAD, SCRIPT
from floorbroker.store.migrate import downgrade, upgrade
from floorbroker.store.schema import METADATA, TRIGGERS
from tests.unit.store.making import (
    PROFILE,
    START,
    audited,
    execution,
    intent,
    keyed,
    note,
    opened,
    prepared,
    submit,
)


def schema_of(path: Path) -> dict[str, str]:
    """Each object of a database with its definition, spaces aside; a table that SQLite made for itself stays for good."""
    raw = sqlite3.connect(path)
    query = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'sqlite_sequence'"
    rows = raw.execute(query).fetchall()
    raw.close()
    return {name: re.sub(r"\s+", "", sql).replace(",", "") for name, sql in rows}


def by_script(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.executescript(SCRIPT)
    raw.close()


def by_tables(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for trigger in TRIGGERS:
            connection.execute(text(trigger))
    engine.dispose()


def test_the_script_and_the_migrations_make_the_same_database(tmp_path: Path) -> None:
    by_script(tmp_path / "a.db")
    upgrade(tmp_path / "b.db")
    assert schema_of(tmp_path / "a.db") == schema_of(tmp_path / "b.db")


def test_the_tables_in_code_are_those_of_the_script(tmp_path: Path) -> None:
    by_script(tmp_path / "a.db")
    by_tables(tmp_path / "b.db")
    scripted = schema_of(tmp_path / "a.db")
    del scripted["table alembic_version"]
    assert schema_of(tmp_path / "b.db") == scripted


def test_every_table_is_strict(tmp_path: Path) -> None:
    by_script(tmp_path / "a.db")
    loose = [
        n for n, sql in schema_of(tmp_path / "a.db").items() if n.startswith("table") and not sql.endswith("STRICT")
    ]
    assert sorted(loose) == ["table alembic_version"]


def test_migrations_go_down_to_nothing_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    upgrade(path)
    made = schema_of(path)
    downgrade(path)
    assert set(schema_of(path)) == {"table alembic_version"}
    upgrade(path)
    assert schema_of(path) == made


# --- What an open refuses --------------------------------------------------------------------------------------------


def execute(statement: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute(statement)
        raw.close()

    return spoil


def scramble(path: Path) -> None:
    """Damage a page of the middle after an unclean stop."""
    execute("UPDATE meta SET value = 'no' WHERE key = 'clean'")(path)
    raw = bytearray(path.read_bytes())
    raw[4096 * 2 : 4096 * 12] = b"\xa5" * (4096 * 10)
    path.write_bytes(raw)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (execute("PRAGMA application_id = 7"), "another program"),
        (execute("UPDATE alembic_version SET version_num = '9999'"), "update Floorbroker"),
        (scramble, "damaged|failed|malformed"),
        (lambda path: path.write_bytes(b"not a database, not at all" * 400), "failed|not a database"),
    ],
    ids=["another program's", "a newer build's", "damaged", "no database"],
)
async def test_a_file_that_cannot_be_trusted_is_not_opened(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "journal-paper.db"
    await opened(path).close()
    spoil(path)
    with pytest.raises(JournalFault, match=says):
        opened(path)


@pytest.mark.asyncio
async def test_after_an_unclean_stop_the_whole_file_is_checked(tmp_path: Path) -> None:
    """Damage in a page that opening does not read."""
    path = tmp_path / "journal-paper.db"
    journal = opened(path)
    for number in range(40):
        await journal.commit([note(text=f"mark-{number:02}" * 100)])
    journal.abandon()
    raw = bytearray(path.read_bytes())
    page = raw.index(b"mark-20") // 4096 * 4096
    raw[page] = 0xFF  # no kind of page
    path.write_bytes(raw)
    with pytest.raises(JournalFault, match="damaged") as fault:
        opened(path)
    assert fault.value.fatal


@pytest.mark.asyncio
async def test_a_schema_that_no_migration_starts_from_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "journal-paper.db"
    await opened(path).close()
    execute("UPDATE alembic_version SET version_num = '0000'")(path)
    with pytest.raises(JournalFault, match="cannot be migrated"):
        opened(path)


def test_a_migration_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    execute("CREATE TABLE outbox (x)")(path)  # stands in the way of the eighth table
    before = schema_of(path)
    with pytest.raises(JournalFault, match="cannot be migrated"):
        upgrade(path)
    assert schema_of(path) == before


def test_each_setting_that_durability_needs_is_asserted(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "j.db", environment=Environment.SIM, instance_tag=1)
    assert_settings(connection)
    for weaker in ("PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = OFF", "PRAGMA busy_timeout = 0"):
        connection.execute(weaker)
        with pytest.raises(JournalFault, match="must be"):
            assert_settings(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
    connection.close()


def test_the_file_system_of_a_path_is_read_from_the_longest_mount() -> None:
    mounts = "/dev/vda / ext4 rw 0 0\nnas:/x /home/me/far\\040away nfs4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
    assert filesystem_of(Path("/home/me/near/j.db"), mounts) == "ext4"
    assert filesystem_of(Path("/home/me/far away/j.db"), mounts) == "nfs4"
    assert filesystem_of(Path("/tmp/j.db"), mounts) == "tmpfs"
    assert filesystem_of(Path("/tmp/j.db"), "") == ""


def test_a_folder_that_is_not_there_is_a_journal_fault(tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match="cannot be opened"):
        SqliteJournal.open(tmp_path / "no" / "j.db", environment=Environment.SIM, clock=ManualClock(START))


def test_the_head_is_the_newest_migration() -> None:
    folder = Path(__file__).parents[3] / "src/floorbroker/store/migrations/versions"
    assert max(p.name for p in folder.glob("r*.py")).startswith(f"r{HEAD}_")


def test_opening_a_journal_loads_no_library_of_migrations(tmp_path: Path) -> None:
    """Starting quickly is a promise; SQLAlchemy and Alembic are for the day a schema changes."""
    code = (
        "import sys; from tests.unit.store.making import opened; from pathlib import Path; "
        "opened(Path(sys.argv[1])); sys.exit(bool({'sqlalchemy', 'alembic'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "j.db")], cwd=root, check=False)
    assert done.returncode == 0


def noted(topic: str, profile: str) -> NoteEntry:
    return NoteEntry(profile=ProfileName(profile), topic=topic, data={"text": f'{topic} "of" {profile}'})


def numbers(reader: JournalReader | SqliteJournal, before: int | None) -> list[int]:
    """Of the newest note about the latch of one profile, behind a place."""
    return [r.seq for r in reader.notes_before("kill.latch", ProfileName("a"), before=before, limit=1)]


@pytest.mark.asyncio
async def test_a_journal_of_the_schema_before_opens_and_its_notes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "journal-paper.db"
    journal = opened(path)
    for entry in (
        noted("kill.latch", "a"),
        noted("recon.round", "a"),
        noted("kill.latch", "b"),
        noted("kill.latch", "a"),
    ):
        await journal.commit([entry])
    await journal.close()
    downgrade(path, "0001")
    assert "table notes" not in schema_of(path)
    beside = JournalReader(path)
    found = [(beside.notes(topic), beside.notes(topic, newest=True)) for topic in ("kill.latch", "recon.round", "none")]
    paged = [numbers(beside, before) for before in (None, 4, 1)]
    beside.close()
    assert [([r.seq for r in every], [r.seq for r in newest]) for every, newest in found] == [
        ([1, 3, 4], [3, 4]),
        ([2], [2]),
        ([], []),
    ]
    again = opened(path)
    await again.commit([noted("recon.round", "b")])
    assert [(again.notes(t), again.notes(t, newest=True)) for t in ("kill.latch", "none")] == [found[0], found[2]]
    assert [r.seq for r in again.notes("recon.round", newest=True)] == [2, 5]
    assert [numbers(again, before) for before in (None, 4, 1)] == paged == [[4], [1], []]
    await again.commit([noted("kill.latch", "a")])
    assert [r.seq for r in again.notes_before("kill.latch", ProfileName("a"), before=None, limit=2)] == [6, 4]
    await again.close()


@pytest.mark.asyncio
async def test_a_journal_before_the_numbers_moved_says_the_same_beside_its_owner_and_after(tmp_path: Path) -> None:
    path = tmp_path / "journal-paper.db"
    journal = opened(path)
    for number in range(3):
        await journal.commit([*submit(number), audited(number)])
    await journal.close()

    def said(reader: JournalReader) -> tuple[object, ...]:
        rows = [(number, mono_us, record.seq) for number, mono_us, record in reader.audit_rows(2, 3)]
        return rows, reader.audit_count, [r.seq for r in reader.records_of(intent(1))], list(reader.rows())

    with closing(JournalReader(path)) as reader:
        expected = said(reader)
    downgrade(path, "0002")
    assert {"table audit", "table intents", "index ix_records_intent"} <= set(schema_of(path))
    with closing(JournalReader(path)) as beside:
        assert said(beside) == expected
    again = opened(path)
    assert said(again.reader) == expected
    assert again.find_key(principal="owner", profile=PROFILE, key="key-1") == keyed(1)
    await again.commit([audited(9)])
    assert [number for number, _, _ in again.reader.audit_rows(5)] == [6, 7]
    await again.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (prepared(1, cl_ord_id="another"), "already prepared"),
        (prepared(77, cl_ord_id="fb-1"), "client order id was already used"),
        (keyed(77, "key-1"), "idempotency key was already used"),
    ],
    ids=["an intent", "a client id", "a key"],
)
async def test_what_a_journal_of_the_schema_before_claimed_stays_claimed(
    tmp_path: Path, entry: Entry, says: str
) -> None:
    path = tmp_path / "journal-paper.db"
    journal = opened(path)
    await journal.commit(submit(1))
    await journal.close()
    downgrade(path, "0002")
    again = opened(path)
    with pytest.raises(Conflict, match=says):
        await again.commit([entry])
    assert again.last_seq == 4
    await again.close()


def test_the_numbers_of_records_are_held_to_by_the_database_itself(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "j.db", environment=Environment.SIM, instance_tag=1)
    insert = "INSERT INTO records VALUES (?, 1, 1, ?, 'p', ?, ?, ?, ?, x'00')"
    connection.execute(insert, (1, "fact", "i", 0, None, None))
    connection.execute(insert, (2, "audit", None, None, 1, 5))
    for row in (
        (3, "fact", "i", 0, None, None),  # prepared twice
        (3, "fact", "i", 7, None, None),  # in no place of its own
        (3, "fact", "i", None, None, None),
        (3, "fact", None, 3, None, None),
        (3, "audit", None, None, 1, 5),  # a number twice
        (3, "audit", None, None, None, None),
        (3, "audit", None, None, 2, None),
        (3, "fact", "i", 3, 2, 5),
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(insert, row)
    connection.execute(insert, (3, "fact", "i", 3, None, None))
    connection.close()


@pytest.mark.asyncio
async def test_a_submit_and_its_answer_touch_few_pages(tmp_path: Path) -> None:
    """Each page costs two writes and a part of the flush: a table or an index more on this way is felt by every order."""
    path, orders = tmp_path / "journal-paper.db", 40
    journal = opened(path)
    log = path.with_name("journal-paper.db-wal")
    before = log.stat().st_size
    for number in range(orders):
        await journal.commit(submit(number))
    between = log.stat().st_size
    for number in range(orders):
        await journal.commit([execution(number, f"e{number}"), audited(number)])
    after = log.stat().st_size
    await journal.close()
    frame = 4096 + 24
    assert (between - before) / frame / orders < 6.3
    assert (after - between) / frame / orders < 4.9
