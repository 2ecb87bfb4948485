"""One connection to a program that behaves in ways no simulator of it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from floorbroker.brokers.ibkr.rest import link as room
from floorbroker.brokers.ibkr.rest.link import Link
from floorbroker.brokers.ibkr.stream.session import ApiSession
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import StreamLost
from floorbroker.domain.ports import NoLog
from floorbroker.transport.types import Frame


class Deaf:
    """Reads the first words and answers them, then reads nothing more."""

    def __init__(self) -> None:
        self.sent = 0
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Frame]:
        yield Frame(b"176\x0020260302 10:00:00 EST\x00", text=False)
        await self.closed.wait()

    async def send(self, data: bytes | str) -> None:
        self.sent += 1
        if self.sent > 1:
            await self.closed.wait()

    async def close(self) -> None:
        self.closed.set()


@pytest.mark.asyncio
async def test_a_program_that_does_not_read_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SAY_S", 0.01)
    socket = Deaf()
    link = Link(socket, ApiSession(17), clock=SystemClock(), log=NoLog(), on_pace=lambda: None)
    async with asyncio.timeout(5):
        with pytest.raises(StreamLost, match="does not read"):
            await link.greet()
    assert not link.is_open
    await link.close("the test is over")
