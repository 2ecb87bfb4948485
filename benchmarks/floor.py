"""The least that a durable order can take on this machine: a flush, one bare POST, a flush, and nothing else at all.

No validation, no risk, no fold, no audit, no SQLite: bytes of a fixed size are appended to a file that is set aside (one
`pwrite` with `O_DSYNC` each), and the request is written to a socket and its reply taken as bytes.  An order of ours is flushed
twice, since both what is sent and what was answered are durable before anybody is told (RELIABILITY I2 and I19).

    BROKER_URL=... python -m benchmarks.floor --folder FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from benchmarks.peers.speak import prepare, serve_async, timed_async

SET_ASIDE, SENT, ANSWERED = (
    8 << 20,
    1_200,
    1_800,
)  # bytes: the file, and what our journal keeps of an order before and after
BODY = (
    b'{"symbol":"AAPL","qty":"2","side":"buy","type":"limit","time_in_force":"day","limit_price":"150.25",'
    b'"client_order_id":"fb-01a21e94-0be5-7199-b9e3-d56ebb5c2ed7"}'
)


class Log:
    """A file set aside, whose appends are durable when they return."""

    def __init__(self, folder: Path) -> None:
        handle, path = tempfile.mkstemp(dir=folder)
        os.write(handle, bytes(SET_ASIDE))
        os.fsync(handle)
        os.close(handle)
        self._file = os.open(path, os.O_RDWR | os.O_DSYNC)
        self._at = 0

    def append(self, size: int) -> None:
        """So many bytes, behind the last ones."""
        os.pwrite(self._file, bytes(size), self._at)
        self._at = (self._at + size) % (SET_ASIDE - SENT - ANSWERED)


class Wire(asyncio.Protocol):
    """One connection that is asked one thing at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head = self._held.find(b"\r\n\r\n")
        at = self._held.find(b"Content-Length: ")
        if head < 0 or len(self._held) < head + 4 + int(self._held[at + 16 : self._held.find(b"\r\n", at)]):
            return
        assert self._answer is not None
        self._answer.set_result(self._held[head + 4 :])
        self._held = b""

    async def ask(self, request: bytes) -> bytes:
        """One request, its body back."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def main(folder: Path) -> None:
    place = urlsplit(os.environ["BROKER_URL"])
    _, wire = await asyncio.get_running_loop().create_connection(Wire, place.hostname or "", place.port)
    head = f"POST /v2/orders HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    log = Log(folder)

    async def once() -> None:
        log.append(SENT)
        await wire.ask(head + BODY)

    async def twice() -> None:
        log.append(SENT)
        await wire.ask(head + BODY)
        log.append(ANSWERED)

    def rounds(act: Callable[[], Awaitable[None]]) -> Callable[[int], Awaitable[dict[str, object]]]:
        return lambda count: timed_async(act, count)

    await serve_async({"once": rounds(once), "sequential": rounds(twice)}, "uvloop")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.floor", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    prepare(cpu=0)
    import uvloop

    uvloop.run(main(chosen.folder))
