"""A stream of lines over HTTP: one message a line, the reply never ends.  A decoder without I/O, and a socket made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl, urlsplit

from floorbroker.domain.errors import ApiError, AuthenticationFailed, Hint, NotSupported, RateLimitExceeded, StreamLost
from floorbroker.transport.types import ByteStream, Frame, Http, Lane, Request, Socket, SocketTarget

_DENIED = frozenset({401, 403})
_TOO_MANY = 429
_PAUSE_S = 5.0


class LineTooLong(Exception):
    """A line is longer than the bound."""


class LineDecoder:
    """Bytes in, whole lines out, however they are cut; what is between two ends of line and empty is no message."""

    def __init__(self, *, max_line: int = 1 << 20) -> None:
        self._max_line = max_line
        self._pending: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines these bytes complete; raises `LineTooLong`.  A long line that comes in pieces is not read anew with each."""
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._pending, lines[0]))
            self._pending.clear()
            self._size = 0
        if rest:
            self._pending.append(rest)
            self._size += len(rest)
        if self._size > self._max_line or any(len(line) > self._max_line for line in lines):
            raise LineTooLong
        return [stripped for line in lines if (stripped := line.strip())]


class LineSocket:
    """A `Socket` one can only listen to: each line is a text frame."""

    def __init__(self, stream: ByteStream, *, max_line: int) -> None:
        self._stream = stream
        self._decoder = LineDecoder(max_line=max_line)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        try:
            async for chunk in self._stream:
                for line in self._decoder.feed(chunk):
                    yield Frame(line, text=True)
        except LineTooLong as error:
            raise StreamLost("a line is longer than the bound") from error

    async def send(self, data: bytes | str) -> None:
        """Raises `NotSupported`: nothing is sent over a reply."""
        raise NotSupported("nothing can be sent over a stream of lines")

    async def close(self) -> None:
        await self._stream.close()


class LineConnect:
    """`Connect` for streams of lines: opens `target.url` (http or https) by GET on the read shell, signed by `sign`."""

    def __init__(self, http: Http, *, sign: Callable[[Request], Request] = lambda r: r) -> None:
        self._http = http
        self._sign = sign

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises `AuthenticationFailed` (401, 403), `RateLimitExceeded` (429), `ApiError` for any other status but 200."""
        stream = await self._http.open_stream(self._sign(_request(target)))
        if stream.status == 200:
            return LineSocket(stream, max_line=target.max_frame)
        await stream.close()
        told = f"the stream was refused with status {stream.status}"
        if stream.status == _TOO_MANY:
            raise RateLimitExceeded(told, hint=Hint(retry_after_s=_PAUSE_S))
        raise (AuthenticationFailed if stream.status in _DENIED else ApiError)(told)


def _request(target: SocketTarget) -> Request:
    parts = urlsplit(target.url)
    return Request(
        method="GET",
        origin=f"{parts.scheme}://{parts.netloc}",
        path=parts.path or "/",
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        endpoint="stream",
        headers=target.headers,
        lane=Lane.QUERY,
        timeout_s=target.timeout_s,
    )
