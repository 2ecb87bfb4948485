"""Whole books beside the stream of their changes.

The venue's own procedure: gather changes, ask for the whole book, and ask again while it is older than the first change that was
gathered.  Who keeps the book drops the changes that the whole one has inside.
Document: developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#how-to-manage-a-local-order-book-correctly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log
from floorbroker.domain.records import BookDelta
from floorbroker.transport.private import end

_TRIES = 10
_PAUSE_S = 1.0


class Books:
    """One question at a time for each symbol; a newer one takes the place of an older."""

    def __init__(
        self,
        *,
        fetch: Callable[[str], Awaitable[BookDelta]],
        hand: Callable[[BookDelta], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self._fetch = fetch
        self._hand = hand
        self._clock = clock
        self._log = log
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, symbol: str, first: int) -> None:
        """Changes of `symbol` are gathered from number `first` on: bring a whole book that they can follow."""
        if (running := self._tasks.pop(symbol, None)) is not None:
            running.cancel()
        task = asyncio.create_task(self._bring(symbol, first), name=f"book {symbol}")
        self._tasks[symbol] = task
        task.add_done_callback(lambda done: self._forget(symbol, done))

    def _forget(self, symbol: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(symbol) is done:
            del self._tasks[symbol]
        if not done.cancelled() and (error := done.exception()) is not None:
            self._log.error("book.ended", symbol=symbol, error=type(error).__name__)

    async def _bring(self, symbol: str, first: int) -> None:
        for _ in range(_TRIES):
            try:
                whole = await self._fetch(symbol)
            except FloorbrokerError as error:
                self._log.warning("book.failed", symbol=symbol, code=error.code, detail=error.detail)
                await self._clock.sleep(max(_PAUSE_S, error.hint.retry_after_s or 0.0))
                continue
            if whole.sequence is not None and whole.sequence >= first - 1:
                self._hand(whole)
                return
            await self._clock.sleep(_PAUSE_S)
        self._log.error("book.missing", symbol=symbol, tries=_TRIES)

    async def close(self) -> None:
        tasks, self._tasks = list(self._tasks.values()), {}
        await end(tasks)
