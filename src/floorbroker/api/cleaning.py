"""The last look at every reply: no long spelling of a secret leaves by this door, whatever put it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOLD = ("application/json", "application/problem+json", "text/html", "text/plain", "text/event-stream")


@dataclass(frozen=True, slots=True)
class CleanReplies:
    """ASGI.  Documents, pages and events pass `clean`; scripts and pictures are ours and stay as they are."""

    app: ASGIApp
    _: KW_ONLY
    clean: Callable[[bytes], bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Cleaning(send, self.clean))


class _Cleaning:
    """One reply.  A head that promises a length waits for the body, which may become shorter."""

    def __init__(self, send: Send, clean: Callable[[bytes], bytes]) -> None:
        self._send = send
        self._clean = clean
        self._is_told = False
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and self._is_told:
            await self._go_on(message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = Headers(raw=message["headers"])
        self._is_told = headers.get("content-type", "").partition(";")[0] in _TOLD
        if self._is_told and "content-length" in headers:
            self._head = message
        else:
            await self._send(message)

    async def _go_on(self, message: Message) -> None:
        body: bytes = message.get("body", b"")
        head, self._head = self._head, None
        if head is not None and message.get("more_body", False):
            self._is_told = False  # a file sent in parts: its length is promised, and it is one of ours
            await self._send(head)
            await self._send(message)
            return
        cleaned = self._clean(body)
        if head is not None:
            MutableHeaders(scope=head)["content-length"] = str(len(cleaned))
            await self._send(head)
        await self._send({**message, "body": cleaned})
