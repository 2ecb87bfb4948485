"""The journal commits, refuses and replays."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from floorbroker.domain.errors import Conflict, JournalFault, NotFound
from floorbroker.domain.facts import Source
from floorbroker.domain.ports import Journal
from floorbroker.domain.values import Environment, ExecId
from floorbroker.store import InlineExecutor, JournalReader, SqliteJournal, ThreadExecutor
from floorbroker.store.executors import Work
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
    sending,
    submit,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal-paper.db"


async def test_what_was_committed_is_replayed_by_the_next_owner(path: Path) -> None:
    journal = opened(path)
    records = [*await journal.commit(submit(1)), *await journal.commit([execution(1, "e1"), note(state="open")])]
    await journal.close()

    after = opened(path)
    assert list(after.replay()) == records
    assert [r.seq for r in records] == [1, 2, 3, 4, 5, 6]
    assert {(r.epoch, r.at) for r in records} == {(1, START)}
    assert (after.last_seq, after.epoch) == (6, 2)
    await after.close()


async def test_replay_and_read_begin_after_a_record(path: Path) -> None:
    journal = opened(path)
    for number in range(1, 4):
        await journal.commit(submit(number))
    assert [r.seq for r in journal.replay(after=10)] == [11, 12]
    assert [r.seq for r in journal.read(after=2, limit=3)] == [3, 4, 5]
    assert [r.entry for r in journal.read(kinds=frozenset({"key", "audit"}), limit=3)] == [
        keyed(1),
        audited(1),
        keyed(2),
    ]
    assert journal.read(kinds=frozenset()) == []
    await journal.close()


async def test_the_journal_is_what_its_port_says(path: Path) -> None:
    journal: Journal = opened(path)
    assert journal.is_writable
    await journal.close()


async def test_only_its_owner_may_read_the_files(path: Path) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        f"journal-paper.db{end}": 0o600 for end in ("", "-wal", "-shm", ".lock")
    }
    await journal.close()


async def test_a_journal_that_cannot_be_read_is_a_fault_and_a_missing_one_is_not_found(path: Path) -> None:
    with pytest.raises(NotFound):
        JournalReader(path)
    await opened(path).close()
    reader = JournalReader(path)
    reader.close()
    with pytest.raises(JournalFault, match="cannot be used"):
        reader.read()


async def test_an_empty_commit_writes_nothing(path: Path) -> None:
    journal = opened(path)
    assert await journal.commit([]) == ()
    assert journal.last_seq == 0
    await journal.close()


@pytest.mark.parametrize(
    ("again", "says"),
    [
        (prepared(1, cl_ord_id="other"), "intent is already prepared"),
        (prepared(2, cl_ord_id="fb-1"), "client order id"),
        (keyed(3, "key-1"), "idempotency key"),
    ],
    ids=["intent", "client id", "key"],
)
async def test_a_uniqueness_rule_refuses_the_whole_batch(path: Path, again: object, says: str) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    with pytest.raises(Conflict, match=says):
        await journal.commit([note(n="1"), again, audited(9)])  # type: ignore[list-item]
    (record,) = await journal.commit([note(n="2")])
    assert record.seq == 5  # nothing of the refused batch stayed, and no number is missing
    assert [number for number, _, _ in journal.reader.audit_rows()] == [1]
    await journal.close()


async def test_a_second_source_of_an_execution_is_a_record_but_no_second_execution(path: Path) -> None:
    """I6: the journal knows one execution, however often it is told."""
    journal = opened(path)
    await journal.commit(submit(1))
    await journal.commit([execution(1, "e1")])
    await journal.commit([execution(1, "e1", source=Source.HISTORY, later_s=60)])
    assert journal.last_seq == 6
    assert journal.reader.first_execution(profile=PROFILE, intent_id=intent(1), exec_id=ExecId("e1")) == 5
    assert journal.reader.first_execution(profile=PROFILE, intent_id=intent(1), exec_id=ExecId("e2")) is None
    await journal.close()


async def test_a_key_is_found_with_its_order(path: Path) -> None:
    """I20: the same key leads to the same order."""
    journal = opened(path)
    await journal.commit(submit(1))
    assert journal.find_key(principal="owner", profile=PROFILE, key="key-1") == keyed(1)
    assert journal.find_key(principal="stranger", profile=PROFILE, key="key-1") is None
    await journal.close()


async def test_the_records_of_an_intent_are_read_again_after_a_doubtful_commit(path: Path) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    await journal.commit(submit(2))
    assert [r.entry for r in journal.records_of(intent(2))] == [prepared(2), keyed(2), sending(2)]
    assert journal.records_of(intent(3)) == ()
    await journal.close()


async def test_records_can_neither_be_changed_nor_removed(path: Path) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    await journal.close()
    raw = sqlite3.connect(path)
    for statement in ("UPDATE records SET profile = 'x'", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            raw.execute(statement)
    raw.close()


# --- Owners ----------------------------------------------------------------------------------------------------------


async def test_a_journal_has_one_owner_at_a_time(path: Path) -> None:
    journal = opened(path)
    with pytest.raises(Conflict, match="open in another process"):
        opened(path)
    await journal.close()
    await opened(path).close()


async def test_a_stale_epoch_cannot_open(path: Path) -> None:
    await opened(path, epoch=7).close()
    with pytest.raises(Conflict, match="epoch 6 is stale"):
        opened(path, epoch=6)
    await opened(path, epoch=7).close()  # the same owner, restarted


async def test_a_stale_owner_cannot_append(path: Path) -> None:
    """I18: whoever lost the journal learns it at the next append, inside the transaction."""
    journal = opened(path, epoch=3)
    await journal.commit(submit(1))
    usurp(path, epoch=4)
    for _ in range(2):
        with pytest.raises(Conflict, match="epoch 4 owns"):
            await journal.commit(submit(2))
    assert not journal.is_writable
    assert journal.reader.last_seq == 4
    usurp(path, epoch=5)  # the stale owner holds no lock on the database
    await journal.close()
    reader = JournalReader(path)
    assert reader.meta("clean") == "no"  # and marks nothing on its way out
    reader.close()


def usurp(path: Path, *, epoch: int) -> None:
    raw = sqlite3.connect(path, isolation_level=None, timeout=0)
    raw.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (str(epoch),))
    raw.close()


async def test_the_journal_of_another_environment_is_refused(path: Path) -> None:
    """I17."""
    journal = opened(path)
    clock = journal._clock  # noqa: SLF001 - the same clock will do
    await journal.close()
    with pytest.raises(Conflict, match="journal of paper, not of live"):
        SqliteJournal.open(path, environment=Environment.LIVE, clock=clock)
    await opened(path).close()  # the refused try let go of the lock


async def test_the_instance_tag_is_chosen_once(path: Path) -> None:
    await opened(path, instance_tag=0xABC).close()
    journal = opened(path, instance_tag=0x123)
    assert (journal.instance_tag, journal.environment) == (0xABC, Environment.PAPER)
    await journal.close()


async def test_a_closed_journal_says_so(path: Path) -> None:
    journal = opened(path)
    await journal.close()
    await journal.close()
    assert not journal.is_writable
    with pytest.raises(JournalFault, match="closed"):
        await journal.commit(submit(1))


async def test_an_abandoned_journal_leaves_what_a_killed_process_leaves(path: Path) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    journal.abandon()
    reader = JournalReader(path)
    assert reader.meta("clean") == "no"
    reader.close()
    after = opened(path)
    assert after.last_seq == 4
    await after.close()


async def test_the_outbox_moves_forward_only(path: Path) -> None:
    journal = opened(path)
    assert journal.reader.published("audit") == 0
    await journal.mark_published("audit", 12)
    await journal.mark_published("audit", 7)
    assert journal.reader.published("audit") == 12
    await journal.close()


# --- Groups ----------------------------------------------------------------------------------------------------------


class Counting:
    """Runs work inline, and counts."""

    def __init__(self) -> None:
        self.lone = 0
        self.groups = 0

    def alone(self, work: Work) -> None:
        self.lone += 1
        work()

    async def together(self, work: Work) -> None:
        self.groups += 1
        work()

    def close(self) -> None:
        """Holds nothing."""


async def test_a_lone_commit_runs_before_the_call_yields(path: Path) -> None:
    journal = opened(path)
    commit = journal.commit(submit(1))
    with pytest.raises(StopIteration) as done:
        commit.send(None)
    assert [r.seq for r in done.value.value] == [1, 2, 3, 4]
    await asyncio.sleep(0)
    await journal.close()


async def test_commits_one_after_the_other_each_go_alone(path: Path) -> None:
    counting = Counting()
    journal = opened(path, executor=counting)
    for number in range(5):
        await journal.commit(submit(number))
        await asyncio.sleep(0)
    assert (counting.lone, counting.groups) == (5, 0)
    await journal.close()


async def test_commits_that_come_together_share_one_transaction(path: Path) -> None:
    counting = Counting()
    journal = opened(path, executor=counting)
    results = await asyncio.gather(*(journal.commit(submit(number)) for number in range(100)))
    assert (counting.lone, counting.groups) == (1, 1)
    assert [r for records in results for r in records] == list(journal.replay())
    await journal.close()


class Slow(Counting):
    """Writes a group when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_write = asyncio.Event()

    async def together(self, work: Work) -> None:
        await self.may_write.wait()
        work()


async def test_a_key_is_not_found_before_its_commit_is_durable(path: Path) -> None:
    """I20: while a group is being written its rows are laid down, and none of them may be told yet."""
    slow = Slow()
    journal = opened(path, executor=slow)
    commits = [asyncio.ensure_future(journal.commit(submit(number))) for number in range(3)]
    await asyncio.sleep(0.01)  # the first went alone, the others are laid down and wait for their flush
    found = [journal.find_key(principal="owner", profile=PROFILE, key=f"key-{number}") for number in range(3)]
    assert found == [keyed(0), None, None]
    slow.may_write.set()
    await asyncio.gather(*commits)
    found = [journal.find_key(principal="owner", profile=PROFILE, key=f"key-{number}") for number in range(3)]
    assert found == [keyed(0), keyed(1), keyed(2)]
    await journal.close()


@pytest.mark.parametrize("executor", [InlineExecutor, ThreadExecutor])
async def test_a_refused_batch_fails_alone_in_its_group(path: Path, executor: type) -> None:
    journal = opened(path, executor=executor())
    batches = [submit(1), submit(2), [note(n="1"), *submit(2)], submit(3)]
    results = await asyncio.gather(*(journal.commit(batch) for batch in batches), return_exceptions=True)
    assert [type(r) for r in results] == [tuple, tuple, Conflict, tuple]
    assert [r.seq for r in journal.replay()] == list(range(1, 13))
    assert [r.entry for r in journal.replay()] == [*submit(1), *submit(2), *submit(3)]
    await journal.close()


async def test_a_cancelled_caller_takes_no_other_commit_along(path: Path) -> None:
    journal = opened(path, executor=ThreadExecutor())
    tasks = [asyncio.ensure_future(journal.commit(submit(number))) for number in range(20)]
    await asyncio.sleep(0)
    tasks[5].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[5], asyncio.CancelledError)
    assert sum(isinstance(r, tuple) for r in results) == 19
    await journal.close()
    assert len(list(opened_records(path))) == 80


def opened_records(path: Path) -> list[object]:
    reader = JournalReader(path)
    records: list[object] = list(reader.replay())
    reader.close()
    return records


async def test_close_finishes_what_waits(path: Path) -> None:
    journal = opened(path, executor=ThreadExecutor())
    tasks = [asyncio.ensure_future(journal.commit(submit(number))) for number in range(10)]
    await asyncio.sleep(0)
    await journal.close()
    assert all(isinstance(r, tuple) for r in await asyncio.gather(*tasks))
