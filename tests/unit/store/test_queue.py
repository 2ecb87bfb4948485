"""Commits that wait are always answered, whatever happens to the writer."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from floorbroker.domain.errors import JournalFault
from floorbroker.store import ThreadExecutor
from floorbroker.store.executors import Work
from floorbroker.store.queue import CommitQueue
from floorbroker.store.writer import Batch
from tests.unit.store.making import note, opened, submit

pytestmark = pytest.mark.asyncio


class Held:
    """Groups wait until they are let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    def alone(self, work: Work) -> None:
        work()

    async def together(self, work: Work) -> None:
        await self.gate.wait()
        work()

    def close(self) -> None:
        """Holds nothing."""


async def test_commits_that_come_while_a_group_is_written_form_the_next_group(tmp_path: Path) -> None:
    held = Held()
    journal = opened(tmp_path / "j.db", executor=held)
    first = [asyncio.ensure_future(journal.commit(submit(number))) for number in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    late = asyncio.ensure_future(journal.commit(submit(9)))
    for _ in range(3):
        await asyncio.sleep(0)
    assert [task.done() for task in [*first, late]] == [True, False, False, False]
    held.gate.set()
    assert [r[0].seq for r in await asyncio.gather(*first, late)] == [1, 5, 9, 13]
    await journal.close()


async def test_after_a_shared_flush_the_next_waits_for_company_until_one_has_waited_in_vain(tmp_path: Path) -> None:
    held = Held()
    held.gate.set()
    journal = opened(tmp_path / "j.db", executor=held)
    await asyncio.gather(*(journal.commit(submit(number)) for number in range(3)))
    await asyncio.sleep(0)
    alone = []
    for number in (11, 12):
        commit = asyncio.ensure_future(journal.commit(submit(number)))
        await asyncio.sleep(0)
        alone.append(commit.done())
        await commit
        await asyncio.sleep(0)
    assert alone == [False, True]
    await journal.close()


async def test_when_the_writer_is_cancelled_nobody_waits_for_ever(tmp_path: Path) -> None:
    """As at the end of a loop that cancels every task."""
    held = Held()
    journal = opened(tmp_path / "j.db", executor=held)
    callers = [asyncio.ensure_future(journal.commit(submit(number))) for number in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    late = asyncio.ensure_future(journal.commit(submit(9)))
    await asyncio.sleep(0)
    (writer,) = [task for task in asyncio.all_tasks() if task.get_name() == "journal-commits"]
    writer.cancel()
    results = await asyncio.gather(*callers, late, return_exceptions=True)
    assert [type(r) for r in results] == [tuple, JournalFault, JournalFault, JournalFault]
    assert journal.last_seq == 4
    held.gate.set()
    assert (await journal.commit([note()]))[0].seq == 5
    await journal.close()


async def test_a_cancelled_hop_waits_for_its_thread() -> None:
    executor = ThreadExecutor()
    started, go = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        started.set()
        go.wait(10)
        ended.append(True)

    hop = asyncio.ensure_future(executor.together(work))
    await asyncio.to_thread(started.wait, 10)
    hop.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await hop
    assert ended == [True]
    executor.close()


async def test_a_queue_that_is_full_refuses_and_the_others_go_through() -> None:
    held = Held()
    queue = CommitQueue(held, prepare=lambda group: lambda: None, settle=lambda group, error: None, max_waiting=2)
    callers = [asyncio.ensure_future(queue.put(Batch.of([note()]))) for _ in range(5)]
    await asyncio.sleep(0)
    held.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(r) for r in results] == [type(None)] * 3 + [JournalFault] * 2
