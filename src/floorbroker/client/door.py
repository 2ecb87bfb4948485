"""One request and its answer: what is known when something goes wrong is said exactly.

A request that never left raises `Unreachable` and may be sent again.  One that left and was not answered raises `NoAnswer`: a
change must not be repeated then, unless under the idempotency key that it carried.  An answer that says no raises `Refused`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx2
import msgspec

from floorbroker.domain.errors import FieldError, InvalidRequest

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Params = Mapping[str, str | int | None]
TIMEOUT_S = 30.0
_NEVER_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,  # a header that may not be written is seen before the first byte
)


def segment(id: str) -> str:
    """An id as one segment of a path.

    Raises `InvalidRequest` for what a path swallows: `DELETE /orders/.` is `DELETE /orders`, which cancels every order.
    """
    if not id.strip("."):
        detail = f"{id!r} is no id"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/id", code="not_valid", detail=detail),))
    return quote(id, safe="", errors="replace")


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong member of a request: where, a stable code, and what would be right."""

    pointer: str = ""
    code: str = ""
    detail: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457, with our members).  `outcome` is not_sent, refused or unknown."""

    detail: str
    code: str = "unknown"
    outcome: str = "unknown"
    type: str = ""
    title: str = ""
    status: int = 0
    instance: str = ""
    retryable: bool = False
    retry_after_s: int | None = None
    recovery: str | None = None
    request_id: str = ""
    broker: str | None = None
    broker_text: str | None = None
    control: str | None = None
    limit: str | None = None
    value: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    order: dict[str, Any] | None = None
    idempotency_key: str | None = None  # ours: under which key the request that was not answered can be looked up


class DeskError(Exception):
    """Root of what this client raises; `problem` holds all that is known."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Refused(DeskError):
    """The desk answered, and the answer is no."""


class Unreachable(DeskError):
    """No desk was reached: nothing was sent, trying again is safe."""


class NoAnswer(DeskError):
    """It was sent and no answer came: a change may have happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that is no problem: status, headers and the document as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The document as plain values; numbers with a meaning are text in it."""
        return msgspec.json.decode(self.body)

    @property
    def replayed(self) -> bool:
        """Whether the idempotency key had placed this order before."""
        return self.headers.get("idempotency-replayed") == "true"


@dataclass(frozen=True, slots=True)
class Door:
    """Requests to one desk.  Made by `open_door`, or around any `httpx2.AsyncClient` that knows its base URL."""

    http: httpx2.AsyncClient

    async def call(
        self,
        method: Method,
        path: str,
        *,
        params: Params | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """One request, sent once.  Raises `Refused`, `Unreachable` and `NoAnswer`; durations in seconds."""
        told = dict(headers or {})
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            told["Content-Type"] = "application/json"
        request = self.http.build_request(
            method,
            path,
            params={name: value for name, value in (params or {}).items() if value is not None},
            content=content,
            headers=told,
            timeout=httpx2.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s,
        )
        try:
            reply = await self.http.send(request)
        except httpx2.TransportError as error:
            raise _lost(error, request) from error
        if reply.status_code >= 400:
            raise Refused(problem_of(reply))
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, reply.content)

    async def events(self, path: str, *, params: Params | None = None) -> AsyncIterator[httpx2.ServerSentEvent]:
        """Server-sent events until the server ends them."""
        given = {name: value for name, value in (params or {}).items() if value is not None}
        timeout = httpx2.Timeout(TIMEOUT_S, read=45.0)  # a comment comes every 15 quiet seconds
        try:
            async with self.http.stream("GET", path, params=given, timeout=timeout) as reply:
                if reply.status_code >= 400:
                    await reply.aread()
                    raise Refused(problem_of(reply))
                async for event in httpx2.EventSource(reply):
                    yield event
        except httpx2.TransportError as error:
            raise _lost(error, error.request) from error


@asynccontextmanager
async def open_door(url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> AsyncGenerator[Door]:
    """The door at `url`; without a token only what is open to all.  No redirects, no proxy, and nothing is sent twice."""
    # A session in a cookie changes things only with this header, which another site's page cannot send.
    headers = {"Accept": "application/json", "X-Floorbroker-Request": "1"} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    limits = httpx2.Limits(max_keepalive_connections=4)
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, timeout=timeout_s, follow_redirects=False, trust_env=False, limits=limits
    ) as http:
        yield Door(http)


def problem_of(reply: httpx2.Response) -> Problem:
    """The problem that a reply tells; one of our own making when it speaks another language."""
    try:
        return msgspec.json.decode(reply.content, type=Problem)
    except msgspec.MsgspecError:
        detail = f"the server answered {reply.status_code} without saying why; is it a Floorbroker?"
        return Problem(detail=detail, code="api_error", status=reply.status_code)


def _lost(error: httpx2.TransportError, request: httpx2.Request) -> DeskError:
    where, told = str(request.url.copy_with(query=None)), str(error) or type(error).__name__
    if isinstance(error, _NEVER_LEFT):
        problem = Problem(
            detail=f"no desk answers at {where}: {told}", code="connection_failed", outcome="not_sent", retryable=True
        )
        return Unreachable(problem)
    is_read = request.method == "GET"
    problem = Problem(
        detail=f"the desk was asked at {where}, and did not answer: {told}",
        code="timeout" if isinstance(error, httpx2.TimeoutException) else "connection_failed",
        outcome="not_sent" if is_read else "unknown",
        retryable=is_read,
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    return NoAnswer(problem)
