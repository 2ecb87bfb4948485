"""The TCP shell for protocols whose messages have their length in front: 4 bytes, big-endian (TWS and IB Gateway).

It cuts what comes into messages, bounds them, and keeps the promise of a `Socket`: `StreamLost` from `send` means that nothing of
this message was handed to the connection.  There is no TLS in such a protocol, so it reaches this machine alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

from floorbroker.domain.errors import ConnectionFailed, StreamLost, Timeout
from floorbroker.transport.reach import LoopbackOnly, Resolve, assert_private, system_resolve
from floorbroker.transport.types import Connect, Frame, Socket, SocketTarget

SCHEME = "tws"
_PREFIX = 4
_CLOSE_WAIT_S = 2.0
_BUFFER_MAX = 1 << 20  # what waits unread before the peer is made to wait


class TcpConnect:
    """`Connect` for `tws://host:port` over real sockets.  Whatever a name says, each address behind it must be this machine's."""

    def __init__(self, *, resolve: Resolve | None = None) -> None:
        self._resolve = LoopbackOnly(resolve or system_resolve)

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises `Timeout` or `ConnectionFailed`: nothing was sent then."""
        scheme, host, port = _parted(target.url)
        if scheme != SCHEME or port is None:
            raise ConnectionFailed(f"a socket without WebSocket has an address like {SCHEME}://127.0.0.1:7497")
        assert_private(host, secure=False)
        try:
            async with asyncio.timeout(target.timeout_s):
                reader, writer = await self._opened(host, port)
        except TimeoutError as error:
            raise Timeout("the socket did not open in time") from error
        except OSError as error:
            raise ConnectionFailed(f"nobody listens there ({type(error).__name__})") from error
        return TcpSocket(reader, writer, frame_max=target.max_frame)

    async def _opened(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first of the addresses that takes one."""
        failure = OSError("the name leads to no address")
        for address in await self._resolve(host, port):
            try:
                return await asyncio.open_connection(address.host, address.port, limit=_BUFFER_MAX)
            except OSError as error:
                failure = error
        raise failure


def _parted(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address; no port where it cannot be read."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", "", None


class ByScheme:
    """`Connect` that opens what the scheme of an address asks for."""

    def __init__(self, *, plain: Connect, otherwise: Connect) -> None:
        self._plain = plain
        self._otherwise = otherwise

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises what the one that opens it raises."""
        is_plain = target.url.partition("://")[0] == SCHEME
        return await (self._plain if is_plain else self._otherwise)(target)


class TcpSocket:
    """`Socket`: iterate over payloads, `send` whole messages with their lengths, `close`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, frame_max: int) -> None:
        self._reader = reader
        self._writer = writer
        self._frame_max = frame_max
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Ends when the peer closes between two messages; raises `StreamLost` for every other end."""
        while (size := await self._size()) is not None:
            yield Frame(await self._exactly(size), text=False)

    async def send(self, data: bytes | str) -> None:
        """Bytes as they are, after waiting for a peer that does not read.  It raises only before anything is written."""
        with suppress(OSError):
            await self._writer.drain()
        if self._ended or self._writer.is_closing() or self._reader.at_eof():
            raise StreamLost("the socket is closed")
        self._writer.write(data.encode() if isinstance(data, str) else data)

    async def close(self) -> None:
        """Send what waits, and close; a peer that does not read is not waited for.  Several may close at once."""
        self._ended = True
        self._writer.close()
        await asyncio.wait(
            [asyncio.ensure_future(self._closed())]
        )  # whoever is cancelled here takes nobody's wait away

    async def _closed(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except OSError:
            return  # it broke before: it is closed all the same

    async def _size(self) -> int | None:
        """How long the next message is; None when the peer closed before it."""
        try:
            prefix = await self._reader.readexactly(_PREFIX)
        except asyncio.IncompleteReadError as error:
            self._ended = True
            if not error.partial:
                return None
            raise StreamLost("the socket closed in the middle of a message") from error
        except OSError as error:
            raise self._broken(error) from error
        size = int.from_bytes(prefix, "big")
        if not 0 < size <= self._frame_max:
            self._ended = True
            raise StreamLost("a message announces no bytes, or too many")
        return size

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            self._ended = True
            raise StreamLost("the socket closed in the middle of a message") from error
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> StreamLost:
        self._ended = True
        return StreamLost(f"the socket broke ({type(error).__name__})")
