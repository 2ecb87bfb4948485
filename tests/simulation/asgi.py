"""Calling an ASGI app as a server would, without a server: scopes from requests, replies from messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from itertools import starmap
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from floorbroker.transport.message import parse_origin, wire_target
from floorbroker.transport.types import Request, SocketTarget

Message = MutableMapping[str, Any]
App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

CUT = "floorbroker.cut"  # the simulators' scope extension: called, it closes the connection under the request


class Reply(NamedTuple):
    """A whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cut(Exception):
    """The venue closed the connection under the request."""


def http_scope(request: Request, cut: Callable[[], None]) -> dict[str, Any]:
    """The scope of one HTTP request."""
    target = wire_target(request)
    path, _, query = target.partition("?")
    origin = parse_origin(request.origin)
    headers = [_pair("host", origin.authority), *(_pair(name, value) for name, value in request.headers.items())]
    if request.body or request.method == "POST":  # as the real shells do
        headers.append(_pair("content-length", str(len(request.body))))
    scope = _scope("http", path, query, headers, cut)
    scope["method"] = request.method
    scope["scheme"] = "https" if origin.secure else "http"
    return scope


def socket_scope(target: SocketTarget, cut: Callable[[], None]) -> dict[str, Any]:
    """The scope of one WebSocket handshake."""
    parts = urlsplit(target.url)
    headers = [_pair("host", parts.netloc), *(_pair(name, value) for name, value in target.headers.items())]
    extensions = {CUT: cut, "websocket.http.response": {}}
    made = _scope("websocket", parts.path or "/", parts.query, headers, cut)
    return made | {"scheme": parts.scheme, "subprotocols": [], "extensions": extensions}


@lru_cache(maxsize=1024)
def _pair(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")


@lru_cache(maxsize=1024)
def _texts(name: bytes, value: bytes) -> tuple[str, str]:
    return bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")


def _scope(
    kind: str, path: str, query: str, headers: list[tuple[bytes, bytes]], cut: Callable[[], None]
) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": unquote(path) if "%" in path else path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "extensions": {CUT: cut},
    }


def start_of(message: Message) -> tuple[int, dict[str, str]]:
    """Status and headers out of a `http.response.start` (or its WebSocket twin)."""
    return message["status"], dict(starmap(_texts, message.get("headers", ())))


async def whole_reply(app: App, request: Request, gone: asyncio.Event) -> Reply:
    """The app's answer to one request.  `gone` is set when the client has left.  Raises `Cut`."""
    was_cut = False
    status, headers, parts = 0, dict[str, str](), list[bytes]()
    incoming: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

    def cut() -> None:
        nonlocal was_cut
        was_cut = True

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = start_of(message)
        else:
            parts.append(message.get("body", b""))

    await app(http_scope(request, cut), receive, send)
    if was_cut or not status:
        raise Cut
    return Reply(status, headers, b"".join(parts))


async def ask(app: App, method: str, path: str, body: bytes = b"", *, origin: str = "http://127.0.0.1:1") -> Reply:
    """One request without any network between."""
    headers = {"content-type": "application/json"} if body else {}
    request = Request(method=method, origin=origin, path=path, endpoint="direct", headers=headers, body=body)
    return await whole_reply(app, request, asyncio.Event())
