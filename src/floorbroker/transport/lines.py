"""A stream of lines over HTTP: one message a line, the reply never ends.  A decoder without I/O, and a socket made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from floorbroker.domain.errors import StreamLost
from floorbroker.transport.replies import Listened, asked_for, opened
from floorbroker.transport.types import ByteStream, Frame, Http, Request, Socket, SocketTarget


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


class LineSocket(Listened):
    """Each line is a text frame."""

    def __init__(self, stream: ByteStream, *, max_line: int) -> None:
        super().__init__(stream)
        self._decoder = LineDecoder(max_line=max_line)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        try:
            async for chunk in self._stream:
                for line in self._decoder.feed(chunk):
                    yield Frame(line, text=True)
        except LineTooLong as error:
            raise StreamLost("a line is longer than the bound") from error


class LineConnect:
    """`Connect` for streams of lines: opens `target.url` on the read shell, signed by `sign`."""

    def __init__(self, http: Http, *, sign: Callable[[Request], Request] = lambda r: r) -> None:
        self._http = http
        self._sign = sign

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises what `opened` raises."""
        return LineSocket(await opened(self._http, self._sign(asked_for(target))), max_line=target.max_frame)
