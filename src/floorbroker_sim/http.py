"""Plain values for one HTTP exchange and one socket session, so that handlers are functions without a server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import starmap
from typing import Any, NamedTuple, Protocol, runtime_checkable
from urllib.parse import unquote, unquote_plus

import msgspec

from floorbroker.domain.frozen import frozen
from floorbroker_sim.faults import Fault

MAX_BODY = 1 << 20
_JSON = msgspec.json.Encoder(decimal_format="string")
_EXACT = msgspec.json.Encoder(decimal_format="number")


@frozen
class Request:
    """One request as it came: `segments` are the decoded parts of the path, header names are lower case.

    `raw_query` is the text behind the question mark, byte for byte: some venues sign it.  `scheme` is `http` or `https`.
    """

    method: str
    path: str
    segments: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    raw_query: str = ""
    scheme: str = "http"


@frozen
class Reply:
    """One answer.  `stream` replaces `body` for replies without an end (server-sent events)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json; charset=UTF-8"
    stream: AsyncIterator[bytes] | None = None


def dated(answer: Reply, now: datetime) -> Reply:
    """The same with the venue's own time on it, to the second, as every server writes it (RFC 9110)."""
    headers = {**answer.headers, "date": _date(int(now.timestamp()))}
    return Reply(
        status=answer.status,
        body=answer.body,
        headers=headers,
        content_type=answer.content_type,
        stream=answer.stream,
    )


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)


Handler = Callable[[Request], Reply]


def json_reply(value: Any, *, status: int = 200, exact_numbers: bool = False) -> Reply:
    """A JSON answer; decimals become text, or exact numbers where the venue writes numbers."""
    return Reply(status=status, body=(_EXACT if exact_numbers else _JSON).encode(value))


def problem(status: int, code: str, detail: str, *, field_name: str | None = None) -> Reply:
    """RFC 9457 problem details, naming the offending field where there is one."""
    body: dict[str, object] = {"type": "about:blank", "title": code.replace("_", " "), "status": status}
    body |= {"code": code, "detail": detail}
    if field_name is not None:
        body["field"] = field_name
    return Reply(status=status, body=_JSON.encode(body), content_type="application/problem+json")


def request_of(scope: Mapping[str, Any], body: bytes = b"") -> Request:
    """The request an ASGI scope describes.  The raw path is used, so that `%2F` inside a segment survives."""
    raw = bytes(scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    query = scope.get("query_string", b"").decode("latin-1")
    segments = raw.strip("/").split("/")
    return Request(
        method=scope.get("method", "GET"),
        path=scope["path"],
        segments=tuple([unquote(part) for part in segments] if "%" in raw else segments),
        query=parsed_query(query) if query else {},
        headers=dict(starmap(_header, scope.get("headers", ()))),
        body=body,
        raw_query=query,
        scheme=scope.get("scheme", "http"),
    )


def parsed_query(text: str) -> dict[str, str]:
    """As `dict(parse_qsl(…, keep_blank_values=True))` gives it; a name said twice has its last value."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            found[_plain(name)] = _plain(value)
    return found


def _plain(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


@lru_cache(maxsize=1024)
def _header(name: bytes, value: bytes) -> tuple[str, str]:
    return name.decode("latin-1").lower(), value.decode("latin-1")


Found = tuple[Callable[..., Reply], list[str]]  # a handler, and the values of its path


class _Route(NamedTuple):
    number: int
    method: str
    pattern: tuple[str, ...]
    handler: Callable[..., Reply]


class Router:
    """`METHOD /a/{x}/b` to a handler; the values of the braces are handed over in order, decoded."""

    def __init__(self) -> None:
        self._routes: dict[tuple[int, str], list[_Route]] = {}  # by the length of the path and its last literal part
        self._open: dict[int, list[_Route]] = {}  # routes of such a length that end in a brace
        self._count = 0

    def add(self, method: str, path: str, handler: Callable[..., Reply]) -> None:
        """Earlier routes win over later ones."""
        pattern = tuple(path.strip("/").split("/"))
        self._count += 1
        route = _Route(self._count, method, pattern, handler)
        if pattern[-1].startswith("{"):
            self._open.setdefault(len(pattern), []).append(route)
        else:
            self._routes.setdefault((len(pattern), pattern[-1]), []).append(route)

    def find(self, request: Request) -> Found | None:
        """The handler and the values it takes, or None."""
        for route in self._candidates(request):
            if route.method == request.method:
                values = _match(route.pattern, request.segments)
                if values is not None:
                    return route.handler, values
        return None

    def knows(self, request: Request) -> bool:
        """Whether the path exists under some method."""
        return any(_match(route.pattern, request.segments) is not None for route in self._candidates(request))

    def _candidates(self, request: Request) -> list[_Route]:
        length = len(request.segments)
        closed, opened = self._routes.get((length, request.segments[-1])), self._open.get(length)
        if closed and opened:
            return sorted([*closed, *opened], key=lambda route: route.number)
        return closed or opened or []


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> list[str] | None:
    values: list[str] = []
    for want, have in zip(pattern, segments, strict=True):
        if want[:1] == "{":
            values.append(have)
        elif want != have:
            return None
    return values


class Outbox:
    """Frames that wait for a socket, bounded; the last word is a close code.  `put` never waits."""

    def __init__(self, limit: int = 10_000) -> None:
        self._frames: deque[bytes | str] = deque()
        self._limit = limit
        self._wake = asyncio.Event()
        self.close_code: int | None = None

    def put(self, frame: bytes | str) -> bool:
        """Queue a frame; False when the reader is too slow and the frame was refused."""
        if len(self._frames) >= self._limit or self.close_code is not None:
            return False
        self._frames.append(frame)
        self._wake.set()
        return True

    def close(self, code: int = 1000) -> None:
        """Nothing follows what is queued."""
        if self.close_code is None:
            self.close_code = code
            self._wake.set()

    @property
    def waiting(self) -> int:
        """How many frames nobody has taken yet."""
        return len(self._frames)

    def pop(self) -> bytes | str:
        """The next frame, for readers that do not wait.  Raises `IndexError` when there is none."""
        return self._frames.popleft()

    def take_after(self, mark: int) -> list[bytes | str]:
        """Take back what was queued since `waiting` was `mark`."""
        taken = list(self._frames)[mark:]
        for _ in taken:
            self._frames.pop()
        return taken

    async def get(self) -> bytes | str | None:
        """The next frame; None when closed and empty."""
        while not self._frames:
            if self.close_code is not None:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._frames.popleft()


class SocketSession(Protocol):
    """One client on one socket, without the socket.  Frames go out through `outbox`."""

    outbox: Outbox
    patience_s: float | None  # how long the client may take to introduce itself

    def opened(self) -> None: ...
    def received(self, data: bytes | str) -> None: ...
    def impatient(self) -> None:
        """`patience_s` are over."""
        ...

    def closed(self) -> None: ...


class Command(NamedTuple):
    """A command that came over a socket: its name as a path (`/order.place`), for fault plans and the request log, and the
    client's own order id inside.
    """

    path: str
    client: str | None = None


@runtime_checkable
class TakesCommands(Protocol):
    """A `SocketSession` that takes orders.  Its `received` answers a command before it returns, or later by itself."""

    outbox: Outbox

    def command(self, data: bytes | str) -> Command | None:
        """The command in a frame; None for everything else (pings, subscriptions, nonsense)."""
        ...

    def refuse(self, fault: Fault, data: bytes | str) -> None:
        """Answer a command with the venue's own words for a status, throttle, ban, maintenance or token expiry."""
        ...

    def received(self, data: bytes | str) -> None: ...
