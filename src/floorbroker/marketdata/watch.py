"""One consumer of a book: it is shown the book as it stands, and told how much it was not shown.

Nothing is queued.  A consumer that is slower than the venue sees the newest book with `conflated` updates behind it, and one
that stops looking costs a counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from floorbroker.marketdata.native import AnyBook
from floorbroker.marketdata.readings import BookView


class Watch:
    """Made by `BookKeeper.watch`.  An async iterator of views; closing it twice is harmless."""

    def __init__(self, book: AnyBook, *, depth: int, on_close: Callable[[Watch], None]) -> None:
        self.book = book
        self._depth = depth
        self._on_close = on_close
        self._pending = 0
        self._rings = asyncio.Event()
        self._closed = False

    def ring(self) -> None:
        """The book changed."""
        self._pending += 1
        if self._pending == 1:
            self._rings.set()

    def look(self) -> BookView:
        """The book as it stands; what was pending is seen with it."""
        conflated, self._pending = max(0, self._pending - 1), 0
        self._rings.clear()
        return self.book.depth(self._depth, conflated=conflated)

    async def next(self) -> BookView:
        """The book after its next change, at once when it changed since it was last looked at.

        Raises `StopAsyncIteration` once the watch is closed.
        """
        if not self._closed:
            await self._rings.wait()
        if self._closed:
            raise StopAsyncIteration
        return self.look()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> BookView:
        return await self.next()

    def close(self) -> None:
        """Look no more; whoever waits is let go."""
        if not self._closed:
            self._closed = True
            self._rings.set()
            self._on_close(self)
