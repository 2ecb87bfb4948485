"""One connection of a client, bounded: so long and so much for its headers, so long for a body, and so many connections in all
and from one address.

uvicorn waits for headers as long as a client likes, and takes as many as it sends; a few slow clients would hold every place
(RELIABILITY 12).  A request that comes in one piece costs nothing here: a timer runs only while something is missing.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from floorbroker.api.crowd import Crowd, Full
from floorbroker.api.headers import SECURITY_HEADERS
from floorbroker.api.problems import MEDIA_TYPE, RETRYABLE, Problem
from floorbroker.domain.errors import Outcome

HEAD_S, BODY_S = 10.0, 20.0  # who reads a body gives up sooner; the rest is for bodies that nobody reads
HEAD_MOST = 64 * 1024
PARTING_S = (
    1.0  # for who is refused to ask and to read why: a close in the middle of a request could take the answer along
)
LAST_WORD_S = 20.0  # for a reader to come to why it is closed
_LATE = (408, "Request Timeout", "invalid_request", "the request did not come to an end in time")
_LONG = (431, "Request Header Fields Too Large", "invalid_request", "the headers are too large")
_FULL = {
    Full.ALL: (503, "Service Unavailable", "not_ready", "as many connections are open as this desk takes"),
    Full.ADDRESS: (
        429,
        "Too Many Requests",
        "rate_limit_exceeded",
        "as many connections are open from your address as one may have: close some",
    ),
}
_AGAIN_S = 5


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, with the bounds.  What is late, too long or one too many is answered and closed."""

    head_s, body_s = HEAD_S, BODY_S
    head_most = HEAD_MOST
    crowd = Crowd()  # of the server: `bounded` gives each its own

    def __init__(self, *args: Any, **members: Any) -> None:
        super().__init__(*args, **members)
        self._missing_s = self._timed_s = 0.0  # for what is missing; 0 while nothing is
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._place: str | None = None  # the address it counts for
        self._parting = b""  # what is said to who found no place
        self._is_said = False

    # -- asyncio's callbacks ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wired = cast("asyncio.Transport", transport)  # uvloop's is one by what it does, not by its class
        super().connection_made(wired)
        address = self.client[0] if self.client else ""
        if (why := self.crowd.enter(address)) is not None:
            self._part(why)
            return
        self._place = address
        self._missing_s = self.head_s
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self._parting:
            self._say_why()
            return
        super().data_received(data)
        if self._missing_s != self._timed_s:
            self._watch()
        if self._missing_s and self._missing_s == self.head_s:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_most:
                self._refuse(*_LONG)

    def connection_lost(self, exc: Exception | None) -> None:
        self._missing_s = 0.0
        self._watch()
        if self._parting:
            self.crowd.parted()
        elif self._place is not None:
            self.crowd.leave(self._place)
        super().connection_lost(exc)

    # -- the parser's callbacks -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._missing_s = self.head_s
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._missing_s, self._head_bytes = self.body_s, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._missing_s = 0.0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._missing_s = 0.0  # from here on it is the other protocol's
        self._watch()
        super().handle_websocket_upgrade()
        other = self.transport.get_protocol()
        if isinstance(other, BoundedSocket):
            other.place, self._place = self._place, None

    # -- within -----------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Run a timer for what is missing, and none where nothing is."""
        if self._timer is not None:
            self._timer.cancel()
        self._timed_s = self._missing_s
        self._timer = self.loop.call_later(self._timed_s, self._refuse, *_LATE) if self._timed_s else None

    def _refuse(self, status: int, title: str, code: str, detail: str) -> None:
        if self.transport.is_closing():
            return
        answering = getattr(self, "cycle", None)  # before the first request there is none
        if answering is None or answering.response_complete:
            self.transport.write(_answer(status, title, code, detail))
        self.transport.close()

    def _part(self, why: Full) -> None:
        """Wait for what is asked, say why there is no place, and hear the rest, which nobody reads."""
        if not self.crowd.part():
            self.transport.abort()
            return
        self._parting = _answer(*_FULL[why])
        self._timer = self.loop.call_later(PARTING_S, self._cut)

    def _say_why(self) -> None:
        """Once, and that it was the last."""
        if not self._is_said and not self.transport.is_closing():
            self._is_said = True
            self.transport.write(self._parting)
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def _cut(self) -> None:
        self._say_why()
        self.transport.close()


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket keeps the place of the request that it was.

    Why it is closed is said behind whatever its reader has not read yet, without waiting for that; a reader who does not come
    to it in time is cut.
    """

    crowd = Crowd()
    place: str | None = None
    last_word_s = LAST_WORD_S
    _cutting: asyncio.TimerHandle | None = None

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()  # nothing follows it that would have to wait
            self._cut_later()
        await super().send(message)

    def keepalive_timeout(self) -> None:
        self._cut_later()
        super().keepalive_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
        if self.place is not None:
            self.crowd.leave(self.place)
        super().connection_lost(exc)

    def _cut_later(self) -> None:
        """A transport that closes waits for its reader, for ever if need be."""
        if self._cutting is None:
            self._cutting = self.loop.call_later(self.last_word_s, self.transport.abort)


def bounded(crowd: Crowd, **bounds: float) -> tuple[type[BoundedProtocol], type[BoundedSocket]]:
    """Both protocols of one server, which share a crowd; `bounds` are `head_s`, `body_s`, `head_most` and `last_word_s`."""
    last_word_s = bounds.pop("last_word_s", LAST_WORD_S)
    protocol = type("BoundedProtocol", (BoundedProtocol,), {"crowd": crowd, **bounds})
    return protocol, type("BoundedSocket", (BoundedSocket,), {"crowd": crowd, "last_word_s": last_word_s})


@cache
def _answer(status: int, title: str, code: str, detail: str) -> bytes:
    """A whole answer that closes, by no request: there may be none yet."""
    retryable = code in RETRYABLE
    body = msgspec.json.encode(
        Problem(
            type=f"/docs/errors/{code}",
            title=title,
            status=status,
            detail=detail,
            instance="",
            code=code,
            outcome=Outcome.NOT_SENT.value,
            retryable=retryable,
            request_id="",
            retry_after_s=_AGAIN_S if retryable else None,
        )
    )
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
    headers |= SECURITY_HEADERS | {"cache-control": "no-store"} | ({"retry-after": str(_AGAIN_S)} if retryable else {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {title}\r\n{lines}\r\n".encode() + body
