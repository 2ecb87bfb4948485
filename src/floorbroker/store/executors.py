"""Where a commit runs: on the loop's own thread, or on the writer thread.

With one order in flight a commit is the one permitted block of the event loop: a hop to another thread and back costs
more than it saves.  When several commits wait, they go together, away from the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

Work = Callable[[], None]


class CommitExecutor(Protocol):
    """Runs the journal's transactions, one at a time.  Whatever `work` raises passes through."""

    def alone(self, work: Work) -> None:
        """Run one commit that nobody waits behind, before returning."""
        ...

    async def together(self, work: Work) -> None:
        """Run a group of commits that piled up."""
        ...

    def close(self) -> None: ...


class InlineExecutor:
    """Everything on the loop's thread: small desks, tests, and simulations, where it keeps the order of events."""

    def alone(self, work: Work) -> None:
        work()

    async def together(self, work: Work) -> None:
        work()

    def close(self) -> None:
        """Holds nothing."""


class ThreadExecutor:
    """Lone commits inline, groups on one writer thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-writer")

    def alone(self, work: Work) -> None:
        work()

    async def together(self, work: Work) -> None:
        running = self._pool.submit(work)
        try:
            await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            wait([running])  # nobody may touch the connection while the thread still writes
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=True)
