"""What crosses a wire, and the ports the shells and the layers share.

A `Transport` turns one `Request` into one `Response` or raises a `VenueError` whose `outcome` says what is known.
Layers are Transports around Transports.  `Http`, `OrderHttp` and `Connect` are the cuts at which a simulation replaces
the real network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from floorbroker.domain.frozen import frozen

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Lane(IntEnum):
    """Who goes first when tokens are scarce (RELIABILITY 11); lower goes first."""

    CANCEL = 0
    RESOLVE = 1
    REDUCE = 2
    NEW = 3
    RECONCILE = 4
    QUERY = 5


@frozen
class Request:
    """One HTTP request.  `origin` is scheme, host and port without a path; `query` is in wire order.

    `endpoint` names the rate-limit bucket and metric (`orders.submit`); `weight` is its cost in tokens.  `decided_at`
    is the monotonic time of the decision behind an order command (the send gate checks its age).  `secret_headers`
    names headers that are in `headers` too and are never written to any record.
    """

    method: str
    origin: str
    path: str
    endpoint: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    body: bytes = b""
    lane: Lane = Lane.QUERY
    weight: int = 1
    timeout_s: float = 5.0
    decided_at: float | None = None
    order: str | None = None  # our client order id, for the audit
    secret_headers: frozenset[str] = frozenset()

    def with_secrets(self, headers: Mapping[str, str]) -> Request:
        """The same with headers that are written to no record.  Every command comes through here, so it is spelled out."""
        return Request(
            method=self.method,
            origin=self.origin,
            path=self.path,
            endpoint=self.endpoint,
            query=self.query,
            headers={**self.headers, **headers},
            body=self.body,
            lane=self.lane,
            weight=self.weight,
            timeout_s=self.timeout_s,
            decided_at=self.decided_at,
            order=self.order,
            secret_headers=self.secret_headers | headers.keys(),
        )


@frozen
class Response:
    """One HTTP reply; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    body: bytes = b""
    elapsed_s: float = 0.0


class Transport(Protocol):
    """One request in, one reply out."""

    async def send(self, request: Request) -> Response:
        """Raises `VenueError`s only; their `outcome` is NOT_SENT only when no byte of the request left."""
        ...


class ByteStream(Protocol):
    """A reply whose body is read as it comes (server-sent events)."""

    status: int

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


class Http(Transport, Protocol):
    """The shell under the read stack, with streaming; closing it closes its connections."""

    async def open_stream(self, request: Request) -> ByteStream: ...

    async def close(self) -> None: ...


class OrderHttp(Transport, Protocol):
    """The shell under the command stack: never resends, never follows, one request a connection at a time."""

    async def close(self) -> None: ...


class Tap(Protocol):
    """Takes messages off a socket before they are queued."""

    def take(self, frame: bytes) -> bool:
        """Whether the message is dealt with.  Raises nothing."""
        ...


class FrameListener(Protocol):
    """What a WebSocket library calls with its own transport and frame."""

    def on_frame(self, transport: Any, frame: Any) -> None: ...


@runtime_checkable
class ListeningTap(Protocol):
    """A tap that wants the library's frames as they are, without Python in between."""

    def listen(self, otherwise: Callable[[Any, Any], object], amid: Callable[[], bool]) -> FrameListener:
        """`otherwise` gets what is not taken; `amid` tells whether a message came in part so far."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole WebSocket message (fragments joined)."""

    data: bytes
    text: bool


class Socket(Protocol):
    """An open WebSocket.  Iteration ends when the peer closes; a broken connection raises `StreamLost`.

    `send` raises `StreamLost` only when nothing of its data was written.
    """

    def __aiter__(self) -> AsyncIterator[Frame]: ...

    async def send(self, data: bytes | str) -> None: ...

    async def close(self) -> None: ...


@frozen
class SocketTarget:
    """Where to open a WebSocket and with which headers.

    `tap` is shown every whole message before anybody else, on the event loop; one that it takes goes no further.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = 10.0
    max_frame: int = 1 << 22
    tap: Tap | None = None


class Connect(Protocol):
    """Opens WebSockets."""

    async def __call__(self, target: SocketTarget) -> Socket: ...
