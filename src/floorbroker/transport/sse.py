"""Server-sent events: a decoder without I/O, and a socket made of an HTTP stream.

Document: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from floorbroker.domain.errors import StreamLost
from floorbroker.transport.replies import Listened, asked_for, opened
from floorbroker.transport.types import ByteStream, Frame, Http, Request, Socket, SocketTarget

_BOM = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event; `id` is the last one seen, for `Last-Event-ID`.  `comment` events have no data: signs of life."""

    data: bytes
    event: str = "message"
    id: str = ""
    comment: bool = False


class SseTooLong(Exception):
    """A line or an event is longer than the bound."""


class SseDecoder:
    """Bytes in, events out, however they are cut."""

    def __init__(self, *, max_event: int = 1 << 20) -> None:
        self._max_event = max_event
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._skip_lf = False
        self._at_start = True
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self.last_id = ""
        self.retry_ms: int | None = None

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events these bytes complete; raises `SseTooLong`."""
        events: list[SseEvent] = []
        for line in self._lines(chunk):
            event = self._line(line)
            if event is not None:
                events.append(event)
        if self._pending_size + self._size > self._max_event:
            raise SseTooLong
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Whole lines; CR, LF and CRLF all end one, and a CRLF may be cut in two.

        Only the chunk is looked at: a long line that comes byte by byte is not read anew with each.
        """
        if not chunk:
            return []
        if self._skip_lf:
            chunk = chunk.removeprefix(b"\n")
        self._skip_lf = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if lines:
            lines[0] = b"".join((*self._pending, lines[0]))
            self._pending.clear()
            self._pending_size = 0
        self._pending.append(rest)
        self._pending_size += len(rest)
        if lines and self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _line(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if not name:
            return SseEvent(b"", comment=True, id=self.last_id)
        self._field(name, value.removeprefix(b" "))
        return None

    def _field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
            if self._size > self._max_event:
                raise SseTooLong
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self.last_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry_ms = int(value)

    def _dispatch(self) -> SseEvent | None:
        data, event = self._data, self._event
        self._data, self._size, self._event = [], 0, ""
        return SseEvent(b"\n".join(data), event or "message", self.last_id) if data else None


class SseSocket(Listened):
    """Each event's data is a text frame, each comment an empty one."""

    def __init__(self, stream: ByteStream, *, max_event: int, seen: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(stream)
        self._decoder = SseDecoder(max_event=max_event)
        self._seen = seen

    async def __aiter__(self) -> AsyncIterator[Frame]:
        try:
            async for chunk in self._stream:
                for event in self._decoder.feed(chunk):
                    yield Frame(event.data, text=True)
                    self._seen(event.id)
        except SseTooLong as error:
            raise StreamLost("an event is longer than the bound") from error


class SseConnect:
    """`Connect` for server-sent events: opens `target.url` on the read shell.

    `sign` adds the credentials.  With `resume` the last event id seen is sent as `Last-Event-ID` on the next connection.
    """

    def __init__(self, http: Http, *, sign: Callable[[Request], Request] = lambda r: r, resume: bool = True) -> None:
        self._http = http
        self._sign = sign
        self._resume = resume
        self._last_id = ""

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises what `opened` raises."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._resume and self._last_id:
            headers["Last-Event-ID"] = self._last_id
        stream = await opened(self._http, self._sign(asked_for(target, headers)))
        return SseSocket(stream, max_event=target.max_frame, seen=self._note)

    def _note(self, event_id: str) -> None:
        self._last_id = event_id
