"""Long work beside the desk: one at a time, a few waiting, each to be looked at and cancelled by its id.

Nothing here is durable: a desk that ends cancels what it does, and the next one knows nothing of it.  What came of it is kept
by the work itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, Hint, NotFound, RateLimitExceeded
from floorbroker.domain.values import Word

WAITING_MAX = 8
KEPT_MAX = 200  # that are over
LONGEST_S = 3600.0
Told = Callable[[int, int], None]
Work = Callable[[Told], Awaitable[str]]  # returns where the result is


class Stage(Word):
    """How it stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True)
class Operation:
    """`percent` of the work is done; `result` is its path once it is, `detail` why it is not."""

    id: str
    name: str
    made_at: datetime
    work: Work
    state: Stage = Stage.WAITING
    percent: int = 0
    ended_at: datetime | None = None
    detail: str = ""
    result: str = ""

    def tell(self, done: int, total: int) -> None:
        """So many of so many."""
        self.percent = min(99, done * 100 // total) if total else 0


@dataclass(slots=True)
class Operations:
    """Everything that was asked for since the start, as far as it is remembered."""

    clock: Clock
    _known: dict[str, Operation] = field(default_factory=dict[str, Operation])
    _waiting: deque[Operation] = field(default_factory=deque[Operation])
    _working: tuple[Operation, asyncio.Task[None]] | None = None
    _drain: asyncio.Task[None] | None = None

    def start(self, name: str, work: Work) -> Operation:
        """Put it in the queue.  Raises `RateLimitExceeded` when that is full."""
        if len(self._waiting) >= WAITING_MAX:
            detail = f"{WAITING_MAX} are waiting already: cancel one, or come back later"
            raise RateLimitExceeded(detail, hint=Hint(retry_after_s=30))
        made = Operation(id=secrets.token_hex(8), name=name, made_at=self.clock.now(), work=work)
        self._known[made.id] = made
        self._waiting.append(made)
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._until_empty())
        return made

    def get(self, id: str) -> Operation:
        """Raises `NotFound`."""
        if id not in self._known:
            raise NotFound("no such operation; those of an earlier start are forgotten")
        return self._known[id]

    def cancel(self, id: str) -> Operation:
        """Ends it at once; what is over stays as it is.  Raises `NotFound`.

        Its task is called off once only: a second time would call off its tidying up.
        """
        one = self.get(id)
        if one.ended_at is not None:
            return one
        if one.state is Stage.WAITING:
            self._waiting.remove(one)
            self._end(one, Stage.CANCELLED)
        elif self._working is not None and self._working[0] is one:
            self._working[1].cancel()
            self._end(one, Stage.CANCELLED)
        return one

    async def close(self) -> None:
        """Cancel everything and wait until it is gone."""
        for one in [*self._waiting, *([self._working[0]] if self._working else [])]:
            self.cancel(one.id)
        if self._drain is not None:
            await self._drain

    async def _until_empty(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            one.state = Stage.RUNNING
            task = asyncio.create_task(self._one(one))
            self._working = one, task
            await asyncio.wait({task})
            self._working = None
            if not task.cancelled() and (error := task.exception()) is not None:
                self._end(one, Stage.FAILED, f"a bug in us: {type(error).__name__}")

    async def _one(self, one: Operation) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                one.result = await one.work(one.tell)
        except TimeoutError:
            self._end(one, Stage.FAILED, f"it took longer than {LONGEST_S:g} s")
        except FloorbrokerError as error:
            self._end(one, Stage.FAILED, error.detail)
        else:
            self._end(one, Stage.DONE)

    def _end(self, one: Operation, state: Stage, detail: str = "") -> None:
        if one.ended_at is not None:
            return
        one.state, one.detail, one.ended_at = state, detail, self.clock.now()
        one.percent = 100 if state is Stage.DONE else one.percent
        over = [id for id, known in self._known.items() if known.ended_at is not None]
        for id in over[:-KEPT_MAX]:
            del self._known[id]
