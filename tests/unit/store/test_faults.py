"""Disks that are full, disks that fail, and executors that break: nothing half is ever left."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store import JournalReader, Reserve, SqliteJournal
from floorbroker.store.connect import open_writer
from floorbroker.store.executors import Work
from floorbroker.store.lock import ProcessLock
from floorbroker.store.writer import Writer
from tests.unit.store.making import START, note, opened, submit

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal-paper.db"


# --- Executors that break --------------------------------------------------------------------------------------------


class Breaking:
    """Breaks at the n-th commit, before or after the work."""

    def __init__(self, at: int, fault: Callable[[], Exception], *, after: bool) -> None:
        self._left = at
        self._fault = fault
        self._after = after

    def alone(self, work: Work) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise self._fault()
        work()
        if self._left == 0:
            raise self._fault()

    async def together(self, work: Work) -> None:
        self.alone(work)

    def close(self) -> None:
        """Holds nothing."""


def of_code(code: int) -> Callable[[], sqlite3.Error]:
    def make() -> sqlite3.Error:
        error = sqlite3.OperationalError("injected")
        error.sqlite_errorcode = code
        return error

    return make


FAULTS = {
    "ours": lambda: JournalFault("injected"),
    "the system's": lambda: OSError(5, "injected"),
    "the pool's": lambda: RuntimeError("injected"),
    "busy": of_code(sqlite3.SQLITE_BUSY),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("at", [1, 2, 5])
async def test_a_commit_that_breaks_before_its_work_leaves_nothing(
    path: Path, fault: Callable[[], Exception], at: int
) -> None:
    journal = opened(path, executor=Breaking(at, fault, after=False))
    outcomes = [await outcome(journal, number) for number in range(6)]
    assert [type(o) for o in outcomes] == [tuple] * (at - 1) + [JournalFault] + [tuple] * (6 - at)
    kept = [number for number in range(6) if number != at - 1]
    assert [r.entry for r in journal.replay()] == [entry for number in kept for entry in submit(number)]
    assert [r.seq for r in journal.replay()] == list(range(1, 21))
    await journal.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_commit_that_breaks_after_its_work_is_looked_up_and_found_durable(
    path: Path, fault: Callable[[], Exception]
) -> None:
    """The outcome of a broken-off commit is read from the journal, never guessed."""
    journal = opened(path, executor=Breaking(2, fault, after=True))
    outcomes = [await outcome(journal, number) for number in range(3)]
    assert [r for records in outcomes if isinstance(records, tuple) for r in records] == list(journal.replay())
    assert journal.last_seq == 12
    await journal.close()


async def test_a_group_that_breaks_fails_each_of_its_callers_and_no_later_one(path: Path) -> None:
    journal = opened(path, executor=Breaking(2, FAULTS["ours"], after=False))
    results = await asyncio.gather(*(outcome(journal, number) for number in range(10)))
    assert [type(r) for r in results] == [tuple] + [JournalFault] * 9
    assert (await journal.commit(submit(20)))[0].seq == 5
    await journal.close()


async def outcome(journal: SqliteJournal, number: int) -> tuple[object, ...] | JournalFault:
    try:
        return await journal.commit(submit(number))
    except JournalFault as fault:
        return fault


# --- Disks that fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB])
async def test_an_input_or_output_error_is_fatal_and_nothing_is_tried_again(path: Path, code: int) -> None:
    journal = opened(path, executor=Breaking(2, of_code(code), after=True))
    await journal.commit(submit(1))
    for number in (2, 3):
        with pytest.raises(JournalFault, match="process must stop") as fault:
            await journal.commit(submit(number))
        assert fault.value.fatal
    assert not journal.is_writable
    assert not journal.recover()
    await journal.close()
    reader = JournalReader(path)
    assert reader.meta("clean") == "no"
    reader.close()


class Roomy(Reserve):
    """A reserve that, given back, makes room in a database whose size is bounded."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, pages: int) -> None:
        super().__init__(path, size=1000)
        self._connection = connection
        self._pages = pages

    def release(self) -> bool:
        self._connection.execute(f"PRAGMA max_page_count = {self._pages}")
        return super().release()


def small(path: Path, *, spare_pages: int) -> tuple[SqliteJournal, sqlite3.Connection]:
    """A journal whose database may grow by a few pages, and by more once its reserve is given back."""
    lock = ProcessLock(path.with_name("lock"))
    lock.acquire()
    connection = open_writer(path, environment=Environment.PAPER, instance_tag=0)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    reserve = Roomy(path.with_name("reserve"), connection, pages=pages + 2 + spare_pages)
    reserve.hold()
    writer = Writer(connection=connection, epoch=1, reserve=reserve)
    writer.claim()
    executor = Breaking(0, FAULTS["ours"], after=False)
    journal = SqliteJournal(
        writer=writer, reader=JournalReader(path), lock=lock, clock=ManualClock(START), executor=executor
    )
    return journal, connection


async def test_a_full_disk_gets_the_reserve_and_then_refuses(path: Path) -> None:
    journal, connection = small(path, spare_pages=4)
    acknowledged = 0
    while journal.is_writable:
        await journal.commit([note(text="x" * 500)])
        acknowledged += 1
    assert acknowledged > 2  # the commit that met the full disk is durable: the reserve made room for it
    refused: JournalFault | None = None
    while refused is None:
        try:
            await journal.commit([note(text="x" * 500)])
            acknowledged += 1
        except JournalFault as fault:
            refused = fault
    assert "disk is full" in refused.detail
    assert not refused.fatal
    assert [r.seq for r in journal.replay()] == list(range(1, acknowledged + 1))
    assert journal.last_seq == acknowledged

    connection.execute("PRAGMA max_page_count = 100000")
    assert journal.recover()
    assert (await journal.commit([note(text="room")]))[0].seq == acknowledged + 1
    await journal.close()


async def test_a_reserve_stands_on_the_disk_and_is_given_back_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", size=3_000_000)
    assert not reserve.is_held
    assert reserve.hold()
    assert reserve.hold()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 3_000_000  # real blocks, not a hole
    assert reserve.release()
    assert not reserve.release()


async def test_a_reserve_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "no such folder" / "reserve")
    assert not reserve.hold()
    assert not reserve.is_held


async def test_a_journal_without_its_reserve_takes_no_new_orders(path: Path) -> None:
    journal = opened(path, reserve=Reserve(path.with_name("missing") / "reserve"))
    assert not journal.is_writable
    assert await journal.commit([note(text="facts are still written")])
    path.with_name("missing").mkdir()
    assert journal.recover()
    await journal.close()
