"""Commits on their way to the disk: a lone one goes at once, those that pile up go together.

The first commit of a loop turn runs before `put` returns.  Whoever comes later in the same turn, or while a group is
being written, waits; all who wait are written in one transaction.  After a shared one the next waits for company too, until
one has waited in vain.  So a quiet desk pays no hand-over and a busy one shares its flushes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence

from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.store.executors import CommitExecutor, Work
from floorbroker.store.faults import fault_of
from floorbroker.store.writer import Batch

MAX_GROUP = 256
MAX_WAITING = 20_000

Prepare = Callable[[Sequence[Batch]], Work]
Settle = Callable[[Sequence[Batch], FloorbrokerError | None], None]


class CommitQueue:
    """`prepare` lays a group down and gives the work that makes it durable, `settle` gives each of its batches an outcome;
    both on the loop.
    """

    def __init__(
        self, executor: CommitExecutor, *, prepare: Prepare, settle: Settle, max_waiting: int = MAX_WAITING
    ) -> None:
        self._executor = executor
        self._prepare = prepare
        self._settle = settle
        self._max_waiting = max_waiting
        self._waiting: deque[Batch] = deque()
        self._resting = True
        self._has_company = False  # the last group was one of several
        self._drainer: asyncio.Task[None] | None = None

    async def put(self, batch: Batch) -> None:
        """Returns when the batch has its outcome.  A caller that is cancelled meanwhile takes nothing back."""
        if self._resting:
            self._go_alone(batch)
            return
        if len(self._waiting) >= self._max_waiting:
            raise JournalFault(f"{self._max_waiting} commits wait already; the disk cannot keep up")
        loop = asyncio.get_running_loop()
        batch.done = loop.create_future()
        self._waiting.append(batch)
        if self._drainer is None:
            self._drainer = loop.create_task(self._drain(), name="journal-commits")
        await batch.done

    @property
    def is_quiet(self) -> bool:
        """Whether no transaction is open, nor about to be."""
        return self._drainer is None

    async def settled(self) -> None:
        """Wait until nothing waits."""
        if self._drainer is not None:
            await asyncio.wait([self._drainer])

    def _go_alone(self, batch: Batch) -> None:
        self._resting = False
        asyncio.get_running_loop().call_soon(self._rest)
        self._finish([batch], self._attempt([batch]))

    def _attempt(self, group: Sequence[Batch]) -> FloorbrokerError | None:
        try:
            self._executor.alone(self._prepare(group))
        except (FloorbrokerError, sqlite3.Error, OSError, RuntimeError) as fault:
            return _ours(fault)
        return None

    def _rest(self) -> None:
        self._resting = self._drainer is None and not self._has_company

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), MAX_GROUP)
                await self._go_together([self._waiting.popleft() for _ in range(size)])
        finally:
            self._drainer = None
            self._abandon()
            # Only after those whose commits just went have run: a later commit must not be told before theirs.
            asyncio.get_running_loop().call_soon(self._rest)

    async def _go_together(self, group: list[Batch]) -> None:
        self._has_company = len(group) > 1
        error: FloorbrokerError | None = JournalFault("the commit was broken off; its outcome is read from the journal")
        try:
            await self._executor.together(self._prepare(group))
            error = None
        except (FloorbrokerError, sqlite3.Error, OSError, RuntimeError) as fault:
            error = _ours(fault)
        finally:
            self._finish(group, error)

    def _abandon(self) -> None:
        """Nobody waits for ever: when the drain itself was cancelled, those left over were never written."""
        while self._waiting:
            batch = self._waiting.popleft()
            batch.error = JournalFault("the journal stopped before this commit; nothing was written")
            _wake(batch)

    def _finish(self, group: Sequence[Batch], error: FloorbrokerError | None) -> None:
        self._settle(group, error)
        for batch in group:
            _wake(batch)


def _ours(fault: Exception) -> FloorbrokerError:
    if isinstance(fault, FloorbrokerError):
        return fault
    if isinstance(fault, sqlite3.Error):
        return fault_of(fault)
    return JournalFault(f"the journal's writer failed: {fault}")


def _wake(batch: Batch) -> None:
    if batch.done is not None and not batch.done.done():
        batch.done.set_result(None)
