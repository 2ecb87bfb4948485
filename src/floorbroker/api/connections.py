"""One connection of a client, bounded: so long and so much for its headers, so long for a body, and so many connections in all.

uvicorn waits for headers as long as a client likes, and takes as many as it sends; a few slow clients would hold every place
(RELIABILITY 12).  A request that comes in one piece costs nothing here: a timer runs only while something is missing.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S, BODY_S = 10.0, 20.0  # who reads a body gives up sooner; the rest is for bodies that nobody reads
HEAD_MOST = 64 * 1024
CONNECTIONS_MOST = 2048
_LATE, _LONG = b"408 Request Timeout", b"431 Request Header Fields Too Large"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, with the bounds.  What is late or too long is answered and closed, what is one too many is closed."""

    head_s, body_s = HEAD_S, BODY_S
    head_most, connections_most = HEAD_MOST, CONNECTIONS_MOST

    def __init__(self, *args: Any, **members: Any) -> None:
        super().__init__(*args, **members)
        self._missing_s = self._timed_s = 0.0  # for what is missing; 0 while nothing is
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    # -- asyncio's callbacks ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wired = cast("asyncio.Transport", transport)  # uvloop's is one by what it does, not by its class
        super().connection_made(wired)
        if len(self.connections) > self.connections_most:
            wired.abort()
            return
        self._missing_s = self.head_s
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._missing_s != self._timed_s:
            self._watch()
        if self._missing_s and self._missing_s == self.head_s:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_most:
                self._refuse(_LONG)

    def connection_lost(self, exc: Exception | None) -> None:
        self._missing_s = 0.0
        self._watch()
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

    # -- within -----------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Run a timer for what is missing, and none where nothing is."""
        if self._timer is not None:
            self._timer.cancel()
        self._timed_s = self._missing_s
        self._timer = self.loop.call_later(self._timed_s, self._refuse, _LATE) if self._timed_s else None

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        answering = getattr(self, "cycle", None)  # before the first request there is none
        if answering is None or answering.response_complete:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
