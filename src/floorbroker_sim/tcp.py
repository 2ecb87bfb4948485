"""Venues that speak a protocol of their own over plain TCP: a listener that hands each connection to the venue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

from floorbroker_sim.gate import Cut

_CHUNK = 1 << 16
Read = Callable[[], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]


@runtime_checkable
class Talks(Protocol):
    """A venue of that kind.  `talk` is one connection and raises `Cut` for an end without a word."""

    async def talk(self, read: Read, write: Write) -> None: ...


async def listen(venue: Talks, listener: socket.socket) -> asyncio.Server:
    """Serve a bound socket until the answer is closed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def read() -> bytes:
            with suppress(ConnectionError):
                return await reader.read(_CHUNK)
            return b""

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            await venue.talk(read, write)
        except (Cut, ConnectionError):
            writer.transport.abort()
        finally:
            writer.close()

    return await asyncio.start_server(connected, sock=listener)
