"""What survives when power, process or file end in the middle."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import Record
from tests.unit.store.making import intent, note, opened, submit

ROOT = Path(__file__).parents[3]
BATCHES = 12

pytestmark = pytest.mark.asyncio


# --- The file, cut anywhere ------------------------------------------------------------------------------------------


Torn = tuple[bytes, bytes, tuple[Record, ...]]
_TORN: list[Torn] = []


async def torn() -> Torn:
    """The bytes of a journal that was never closed (database, write-ahead log), and what was committed to it."""
    if not _TORN:
        _TORN.append(await made_torn())
    return _TORN[0]


async def made_torn() -> Torn:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal-paper.db")
        journal = opened(path)
        for number in range(BATCHES):
            await journal.commit([*submit(number), note(n=str(number))])
        database, log = path.read_bytes(), path.with_name("journal-paper.db-wal").read_bytes()
        records = tuple(journal.replay())
        journal.abandon()
    return database, log, records


async def survivors(database: bytes, log: bytes) -> list[Record]:
    """What a start finds in these files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal-paper.db")
        path.write_bytes(database)
        path.with_name("journal-paper.db-wal").write_bytes(log)
        journal = opened(path)
        found = list(journal.replay())
        (record,) = await journal.commit([note(after="restart")])
        assert record.seq == len(found) + 1
        await journal.close()
    return found


def is_prefix_of_whole_batches(found: list[Record], written: tuple[Record, ...]) -> bool:
    return found == list(written[: len(found)]) and len(found) % 5 == 0


@given(share=st.floats(0, 1))
async def test_a_log_cut_at_any_byte_replays_to_a_prefix(share: float) -> None:
    database, log, written = await torn()
    found = await survivors(database, log[: int(len(log) * share)])
    assert is_prefix_of_whole_batches(found, written)


@given(share=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
async def test_a_log_with_a_wrong_byte_anywhere_replays_to_a_prefix(share: float, mask: int) -> None:
    database, log, written = await torn()
    spoilt = bytearray(log)
    spoilt[int(len(log) * share)] ^= mask
    assert is_prefix_of_whole_batches(await survivors(database, bytes(spoilt)), written)


FRAME, HEADER, FRAME_HEADER = (
    4096 + 24,
    32,
    24,
)  # SQLite: a frame is a page behind its header; every frame has its checksum


async def test_a_log_cut_around_every_edge_of_its_last_transactions_replays_to_a_prefix() -> None:
    """Inside a frame one cut is like another, since its checksum covers all of it: each edge, and the byte on either side."""
    database, log, written = await torn()
    frames = range(HEADER, len(log), FRAME)
    edges = {
        start + at
        for start in frames[-24:]
        for at in (-1, 0, 1, 4, 8, 16, FRAME_HEADER - 1, FRAME_HEADER, FRAME_HEADER + 1)
    }
    kept = {len(await _checked(database, log[:cut], written)) for cut in sorted(edges)}
    assert len(kept) > 2  # the cuts fall into several transactions


async def _checked(database: bytes, log: bytes, written: tuple[Record, ...]) -> list[Record]:
    found = await survivors(database, log)
    assert is_prefix_of_whole_batches(found, written)
    return found


async def checkpointed() -> bytes:
    """The database after everything in the log was copied into it."""
    database, log, _ = await torn()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal-paper.db")
        path.write_bytes(database)
        path.with_name("journal-paper.db-wal").write_bytes(log)
        raw = sqlite3.connect(path)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
        return path.read_bytes()


@given(random=st.randoms(use_true_random=False), length=st.floats(0, 1))
async def test_a_checkpoint_broken_off_anywhere_with_torn_pages_loses_nothing(random: Random, length: float) -> None:
    """Some pages are new, some old, some half and half, and the file may be short: the log still has all of them."""
    (database, log, written), whole = await torn(), await checkpointed()
    sectors = [slice(at, at + 512) for at in range(0, len(whole), 512)]
    before = database.ljust(len(whole), b"\0")
    share = random.random()
    mixed = b"".join((whole if random.random() < share else before)[sector] for sector in sectors)
    kept = max(len(database), int(len(whole) * length) // 512 * 512)
    assert await survivors(mixed[:kept], log) == list(written)


@given(share=st.floats(0, 1))
async def test_a_database_cut_short_without_a_log_is_refused(share: float) -> None:
    """Nothing of ours cuts it; a failing disk may."""
    whole, (_, _, written) = await checkpointed(), await torn()
    kept = whole[: int(len(whole) * share)]
    if len(kept) in (0, len(whole)):  # a new journal, or all of this one
        assert len(await survivors(kept, b"")) == (len(written) if kept else 0)
        return
    with pytest.raises(JournalFault) as refused:
        await survivors(kept, b"")
    assert refused.value.fatal


async def test_a_whole_log_replays_to_all_of_it() -> None:
    database, log, written = await torn()
    assert await survivors(database, log) == list(written)
    assert len(written) == BATCHES * 5


# --- The process, killed anywhere ------------------------------------------------------------------------------------


def worker(path: Path, executor: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.unit.store.worker", str(path), executor]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("executor", ["inline", "thread"])
@pytest.mark.parametrize("acknowledged", [1, 60, 250])
async def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path, executor: str, acknowledged: int) -> None:
    """I19: what was told to be durable is there after kill -9."""
    path = tmp_path / "journal-paper.db"
    process = worker(path, executor)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(acknowledged)]
    process.kill()
    told += process.communicate()[0].splitlines(keepends=True)

    journal = opened(path)
    kept = {record.seq: record.entry for record in journal.replay()}
    for line in [line for line in told if line.endswith("\n")]:
        number, seq = (int(word) for word in line.split())
        assert [kept[s] for s in range(seq - 3, seq + 1)] == submit(number)
    assert len(kept) % 4 == 0  # no batch in part
    assert sorted(kept) == list(range(1, len(kept) + 1))
    await journal.close()


async def test_two_processes_cannot_own_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal-paper.db"
    owner = worker(path, "inline")
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith(("0 ", "1 "))
    with pytest.raises(Conflict, match="another process"):
        opened(path)
    second = worker(path, "inline")
    assert "open in another process" in second.communicate()[0]
    assert second.returncode == 13
    owner.kill()
    owner.communicate()
    journal = opened(path)  # the system let go of the dead owner's lock
    assert journal.records_of(intent(0))
    await journal.close()


async def test_a_copy_of_a_journal_in_use_is_a_journal(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal-paper.db")
    await journal.commit(submit(1))
    (tmp_path / "copy").mkdir()
    for file in tmp_path.glob("journal-paper.db*"):
        shutil.copy(file, tmp_path / "copy" / file.name)
    copy = opened(tmp_path / "copy" / "journal-paper.db")
    assert list(copy.replay()) == list(journal.replay())
    await copy.close()
    await journal.close()
