"""What a venue is asked before an order is decided: once for all who want to know it, and nobody waits long for the answer.

A trader who hears in five seconds that the price is missing can still do something; one whose order leaves half a minute after
the wish cannot.  The question itself goes on without those who waited, so that the next one finds the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from floorbroker.domain.errors import NotReady, Outcome, Timeout

T = TypeVar("T")

PATIENCE_S = 5.0
STEPS = 5  # a machine that stands still for a while uses up one of them


@dataclass(slots=True)
class Asking:
    """The questions of one account that are under way, by what they are about."""

    patience_s: float = PATIENCE_S
    _tasks: dict[str, asyncio.Task[Any]] = field(default_factory=dict[str, asyncio.Task[Any]])

    async def ask(self, what: str, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to a question, or what it raises.

        Raises `Timeout` (NOT_SENT) when it does not come in time, `NotReady` when the account is let go meanwhile.
        """
        task: asyncio.Task[T] | None = self._tasks.get(what)
        if task is None:
            task = self._tasks[what] = asyncio.get_running_loop().create_task(question(), name=f"asked:{what}")
            task.add_done_callback(lambda done: self._answered(what, done))
        for _ in range(STEPS):
            if not task.done():
                await asyncio.wait([task], timeout=self.patience_s / STEPS)
        if task.cancelled():
            raise NotReady(f"the profile stopped before the venue told {what}")
        if not task.done():
            raise Timeout(f"the venue did not tell {what} within {self.patience_s:g} s", outcome=Outcome.NOT_SENT)
        return task.result()

    async def stop(self) -> None:
        """Nobody asks any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, what: str, task: asyncio.Task[Any]) -> None:
        del self._tasks[what]
        if not task.cancelled():
            task.exception()  # taken notice of: there may be nobody left who waits for it
