"""A server on loopback that does to its clients exactly what a script says, and counts what reached it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ARRIVED_S = 60.0


@dataclass(slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Peer:
    """The server's end of one connection, for scripts."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def read_request(self) -> Seen | None:
        """The next whole request, or None when the client is gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        return Seen(method, target, headers, body, self.number)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> None:
        await self.say(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def cut(self) -> None:
        """A reset, as from a machine that went away."""
        self.writer.transport.abort()


Script = Callable[["Hostile", Peer], Awaitable[None]]


@dataclass
class Hostile:
    """What the server saw: `requests` in order, and how many connections were opened."""

    origin: str = ""
    port: int = 0
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    closed_by_client: asyncio.Event = field(default_factory=asyncio.Event)
    peers: list[Peer] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def next_request(self, peer: Peer) -> Seen | None:
        seen = await peer.read_request()
        if seen is not None:
            self.requests.append(seen)
            async with self._news:
                self._news.notify_all()
        return seen

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have come in; who waits for what does not come hears of it."""
        async with asyncio.timeout(ARRIVED_S), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= count)

    async def until_client_closes(self, peer: Peer) -> None:
        """Stay silent until the client hangs up."""
        while True:
            try:
                if not await peer.reader.read(65536):
                    break
            except ConnectionError:
                break
        self.closed_by_client.set()


async def answering(server: Hostile, peer: Peer) -> None:
    """The honest script: a reply to every request, on a connection kept alive."""
    while await server.next_request(peer):
        await peer.reply()


@asynccontextmanager
async def hostile(script: Script = answering, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hostile]:
    """Serve `script` once per connection until the block ends."""
    server = Hostile()
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        peer = Peer(server.connections, reader, writer)
        server.peers.append(peer)
        try:
            await script(server, peer)
        except ConnectionError:
            pass  # the client hung up in the middle of a reply: what the test wanted to see
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(run(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.origin = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in server.peers:
            peer.writer.transport.abort()
