"""The stream of a desk on which things happen at a pace: the real server, hub and outboxes, no orders behind them.

python -m benchmarks.stream_server      says {"url", "token"}, then answers `emit COUNT`, `memory 0`
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import uvicorn

from benchmarks.peers.speak import Answer, Line, prepare
from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.connections import bounded
from floorbroker.api.crowd import Crowd
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Desk, DeskEvent, ProfileStatus

TOKEN, EVERY_S = "bench", 0.01
MEMBERS = {f"member_{number:02}": "0192f3c1-5f91-75f1-92b2-4b6c3ee4dcbf" for number in range(12)}


class Ticking:
    """As much of a desk as the stream asks of one."""

    def __init__(self) -> None:
        self.told: list[DeskEvent] = []
        self._news = asyncio.Event()

    def happen(self) -> None:
        event = DeskEvent(
            seq=len(self.told) + 1, at=datetime.now(UTC), channel="orders", key=str(len(self.told)),
            profile=ProfileName("paper"), data=MEMBERS,
        )  # fmt: skip
        self.told.append(event)
        self._news.set()
        self._news = asyncio.Event()

    async def events(
        self, *, after: int | None = None, channels: frozenset[str] | None = None
    ) -> AsyncIterator[DeskEvent]:
        del channels
        seen = len(self.told) if after is None else after
        while True:
            while seen < len(self.told):
                seen += 1
                yield self.told[seen - 1]
            await self._news.wait()

    def past(self, after: int) -> Iterator[DeskEvent]:
        return iter(self.told[after:])

    def orders(self, where: object = None) -> list[object]:
        del where
        return []

    def last_seq(self) -> int:
        return len(self.told)

    def profiles(self) -> tuple[ProfileStatus, ...]:
        return ()


def resident_mb() -> float:
    """What this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def main() -> None:
    line, desk = Line(), Ticking()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    app = create_app(
        desks={Environment.PAPER: cast("Desk", desk)},
        token=HashedToken(token_digest(TOKEN)),
        clock=SystemClock(),
        version="bench",
    )
    http, ws = bounded(Crowd())  # as the desk bounds them
    config = uvicorn.Config(
        app, http=http, ws=ws, log_level="error", lifespan="off", ws_per_message_deflate=False, backlog=4096
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    line.say({"url": f"ws://127.0.0.1:{listener.getsockname()[1]}/api/v1/paper/stream", "token": TOKEN})
    while (asked := await asyncio.to_thread(line.hear)) is not None:
        line.say(await _emitted(desk, asked[1]) if asked[0] == "emit" else {"mb": resident_mb()})
    server.should_exit = True
    await running


async def _emitted(desk: Ticking, count: int) -> Answer:
    """So many events, a hundred a second."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began_s + number * EVERY_S - loop.time()))
        desk.happen()
    return {"emitted": count, "seconds": loop.time() - began_s, "mb": resident_mb()}


if __name__ == "__main__":
    prepare(cpu=0)
    import uvloop

    uvloop.run(main())
