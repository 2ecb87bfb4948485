"""A TCP proxy inside the test's own loop, which does to connections what networks do: delay, cut, half-open, slow drip,
an accept that nothing follows.

```python
async with Proxy(upstream_port) as proxy:
    client = make_client(port=proxy.port)
    proxy.half_open()  # nothing arrives any more, and nobody is told
```

Settings can be changed at any time and count for open connections too.  `to_server` is what clients say, `to_client` what
comes back; `passed` counts the bytes that really went on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(slots=True)
class Direction:
    """How bytes travel one way."""

    delay_s: float = 0.0
    drip: int | None = None  # so many bytes at a time, `delay_s` before each
    cut_after: int | None = None  # reset both sides when so many bytes have passed
    swallow: bool = False  # read, and pass nothing on: a half-open connection
    passed: int = 0


class Proxy:
    """Listens on a loopback port of its own and passes on to `upstream_port` on loopback."""

    def __init__(self, upstream_port: int, *, host: str = "127.0.0.1") -> None:
        self._host = host
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = True
        self._answering = True
        self.to_server = Direction()
        self.to_client = Direction()
        self.connections = 0
        self.port = 0

    @property
    def origin(self) -> str:
        """For http clients."""
        return f"http://{self._host}:{self.port}"

    @property
    def secure_origin(self) -> str:
        """For https clients: TLS is between them and the server behind, and passes as it is."""
        return f"https://{self._host}:{self.port}"

    def cut(self) -> None:
        """Reset every open connection now."""
        for writer in list(self._writers):
            writer.transport.abort()

    def half_open(self) -> None:
        """From now on nothing arrives on either side, and no side is told."""
        self.to_server.swallow = self.to_client.swallow = True

    def heal(self) -> None:
        """New bytes pass again, undelayed; what was swallowed stays lost."""
        self.to_server, self.to_client = Direction(), Direction()
        self._accepting, self._answering = True, True

    def ignore(self) -> None:
        """Accept new connections, and do nothing with them: what clients send is never read."""
        self._answering = False

    def refuse(self) -> None:
        """Reset new connections as soon as they are made."""
        self._accepting = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if not self._accepting:
            writer.transport.abort()
            return
        if not self._answering:
            self._writers.add(writer)
            return
        task = asyncio.get_running_loop().create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._upstream_port)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(far_writer)
        try:
            await asyncio.gather(self._carry(reader, far_writer, up=True), self._carry(far_reader, writer, up=False))
        finally:
            for one in (writer, far_writer):
                one.transport.abort()
                self._writers.discard(one)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        try:
            while data := await reader.read(65536):
                await self._pass_on(data, writer, up=up)
            if not (self.to_server if up else self.to_client).swallow:
                writer.write_eof()
        except ConnectionError:
            writer.transport.abort()

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data:
            way = self.to_server if up else self.to_client
            piece, data = (data, b"") if way.drip is None else (data[: way.drip], data[way.drip :])
            if way.delay_s:
                await asyncio.sleep(way.delay_s)
            if way.swallow:
                continue
            await self._write(piece, writer, way)

    async def _write(self, piece: bytes, writer: asyncio.StreamWriter, way: Direction) -> None:
        if way.cut_after is not None and way.passed + len(piece) >= way.cut_after:
            writer.write(piece[: max(0, way.cut_after - way.passed)])
            way.passed = way.cut_after
            await writer.drain()
            self.cut()
            raise ConnectionResetError
        way.passed += len(piece)
        writer.write(piece)
        await writer.drain()
