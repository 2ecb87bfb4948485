"""The word to everybody who follows a stream that the desk stops: each ends in its own way before the server cuts it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 1.0


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class Farewell:
    """Said once.  `readers` are those who follow a stream now."""

    readers: int = 0
    _said: asyncio.Event = field(default_factory=asyncio.Event)
    _alone: asyncio.Event = field(default_factory=_set)

    @property
    def is_said(self) -> bool:
        return self._said.is_set()

    @contextmanager
    def reading(self) -> Generator[None]:
        """While somebody follows a stream."""
        self.readers += 1
        self._alone.clear()
        try:
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                self._alone.set()

    async def said(self) -> None:
        """Wait for it."""
        await self._said.wait()

    async def say(self) -> None:
        """Say it, and wait until nobody reads any more, for a bounded time."""
        self._said.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._alone.wait()

    async def until(self, events: AsyncIterator[T]) -> AsyncIterator[T]:
        """What happens, until it is said."""
        over = asyncio.ensure_future(self._said.wait())
        step: asyncio.Future[T] | None = None
        try:
            while not self.is_said:
                step = asyncio.ensure_future(anext(events))
                await asyncio.wait({step, over}, return_when=asyncio.FIRST_COMPLETED)
                if not step.done():
                    return
                try:
                    event = step.result()
                except StopAsyncIteration:
                    return
                yield event
        finally:
            over.cancel()
            if step is not None and not step.done():
                step.cancel()
                await asyncio.wait({step})
