"""Reads HTTP/1.1 replies from bytes, without I/O: one reply at a time, bounded, and strict about where it ends.

A reply to an order command is evidence.  One whose end is not certain (no length, more bytes than announced, two
framings) is a fault, never a shorter reply.  Document: RFC 9112, sections 4 to 7.
"""

from __future__ import annotations

import httptools

from floorbroker.transport.types import Response

_NO_BODY = frozenset({204, 304})


class ReplyFault(Exception):
    """The peer does not speak HTTP as we can trust it; the text says how, without quoting the peer."""


class ReplyReader:
    """Bytes in, `complete` when the final reply is there; `take` gives it.  Interim (1xx) replies are skipped."""

    def __init__(self, *, max_head: int, max_body: int) -> None:
        self._max_head = max_head
        self._max_body = max_body
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect the next reply on this connection."""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_size = 0
        self._seen = 0
        self._status = 0
        self._past_head = False
        self._fault: str | None = None
        self.complete = False
        self.keep_alive = False

    def feed(self, data: bytes) -> bool:
        """True when the reply is complete; raises `ReplyFault`, the same however the bytes are cut."""
        room = self._max_head - self._seen
        if not self._past_head and 0 < room < len(data):
            self._parse(data[:room])  # a head ends within its bound, also when all of it comes at once
            data = data[room:]
        self._parse(data)
        return self.complete

    def _parse(self, data: bytes) -> None:
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fault = "it switches to another protocol"
        except httptools.HttpParserError as error:
            self._fault = self._fault or f"it is not HTTP ({type(error).__name__})"
        self._check_size()
        if self._fault is not None:
            raise ReplyFault(self._fault)

    def take(self, elapsed_s: float) -> Response:
        """The reply that `feed` completed."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return Response(status=self._status, headers=self._headers, body=body, elapsed_s=elapsed_s)

    def _check_size(self) -> None:
        if not self._past_head and not self.complete and self._seen >= self._max_head:
            self._fault = self._fault or f"its head is longer than {self._max_head} bytes"
        # Chunk sizes and trailers come on top of a body; twice its bound is room enough for any honest peer.
        elif self._seen > self._max_head + 2 * self._max_body:
            self._fault = self._fault or f"it is longer than {self._max_body} bytes allow"

    # What the parser calls.  Nothing is raised through it: a fault is kept, and `feed` raises it.

    def on_message_begin(self) -> None:
        if self.complete:
            self._fault = "more bytes follow than it announces"

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._past_head:
            return  # a trailer: nothing we act on may stand there
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        self._past_head = True
        self._status = status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        if status < 200:
            return
        chunked = self._headers.get("transfer-encoding", "").lower().endswith("chunked")
        if not chunked and "content-length" not in self._headers and status not in _NO_BODY:
            self._fault = "nothing tells where its body ends"

    def on_body(self, data: bytes) -> None:
        self._body_size += len(data)
        if self._body_size <= self._max_body:
            self._body.append(data)
        else:
            self._body.clear()
            self._fault = f"its body is longer than {self._max_body} bytes"

    def on_message_complete(self) -> None:
        if self._status < 200:
            self._headers = {}
            self._past_head = False
        else:
            self.complete = True
