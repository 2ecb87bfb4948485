"""HTTP/1.1 with keep-alive and a WebSocket beside it, as little of both as a venue's fixed replies need."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Protocol, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

END = b"/bench/end"
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


class Venue(Protocol):
    """What all connections share."""

    def reply(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """One HTTP reply; what nobody should ask is a 404 that names it."""
        ...

    def end(self) -> list[bytes]:
        """Cancel what is open; what the private stream says of it, a message each."""
        ...

    def on_message(self, message: dict[str, object]) -> dict[str, object]:
        """The answer to what a client says on the private stream."""
        ...


class Door:
    """A venue with its streams.  `POST /bench/end` is no venue's call: it cancels what is open and tells it on the streams."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.streams: set[Client] = set()

    def reply(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """The venue's, or that of the one call that is ours."""
        if (method, target) != (b"POST", END):
            return self.venue.reply(method, target, body)
        told = self.venue.end()
        for client in self.streams:
            client.tell(told)
        return reply_of(b"200 OK", json.dumps({"ended": len(told)}).encode())


class Client(asyncio.Protocol):
    """One connection: HTTP, or the private stream once it asks for `/stream`."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # loops give stream transports to a `Protocol`

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.streams.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._stream is None and not self._held and data.startswith(b"GET /stream "):
            self._stream = Stream(self._door.venue)
            self._door.streams.add(self)
        if self._stream is not None:
            self._write(self._stream.feed(data))
            return
        self._held = self._held + data if self._held else data
        while (found := split(self._held)) is not None:
            method, target, body, self._held = found
            self._write([self._door.reply(method, target, body)])

    def tell(self, messages: list[bytes]) -> None:
        """Messages on the private stream."""
        assert self._stream is not None
        self._write(self._stream.say(messages))

    def _write(self, chunks: list[bytes]) -> None:
        assert self._transport is not None
        for chunk in chunks:
            self._transport.write(chunk)


def split(data: bytes) -> tuple[bytes, bytes, bytes, bytes] | None:
    """Method, target and body of the first request, and what follows it; None until it is complete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end]
    length = _LENGTH.search(head)
    whole = end + 4 + (int(length[1]) if length else 0)
    if len(data) < whole:
        return None
    method, target, _ = head.split(b" ", 2)
    return method, target, data[end + 4 : whole], data[whole:]


def reply_of(status: bytes, body: bytes) -> bytes:
    """A reply with a JSON body."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


class Stream:
    """The private stream: what the venue answers to each message, and what it tells by itself."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._protocol = ServerProtocol()

    def feed(self, data: bytes) -> list[bytes]:
        """What to write back."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Handshake):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                self._protocol.send_binary(json.dumps(self._venue.on_message(json.loads(event.data))).encode())
        return self._chunks()

    def say(self, messages: list[bytes]) -> list[bytes]:
        """The frames of these messages."""
        for message in messages:
            self._protocol.send_binary(message)
        return self._chunks()

    def _chunks(self) -> list[bytes]:
        return [chunk for chunk in self._protocol.data_to_send() if chunk]
