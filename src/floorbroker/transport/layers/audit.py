"""The audit layer: what exactly crossed the wire, with every secret taken out before anybody sees the record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from functools import lru_cache

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Redactor
from floorbroker.transport.bodies import NO_FIELDS, BodyFields
from floorbroker.transport.types import NO_HEADERS, Request, Response, Transport

# Headers by allow-list (RELIABILITY 9): what is not named here is not recorded.
REQUEST_HEADERS = frozenset({"accept", "content-type", "content-length", "user-agent", "x-request-id", "x-tag"})
REPLY_HEADERS = frozenset(
    {"content-type", "content-length", "date", "retry-after", "server", "x-request-id", "cf-ray"}
    | {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)
_BODY_MAX, _READ_MAX = 16 * 1024, 1024  # of a command, of a read
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")  # BiDi marks too
_QUERY_SECRETS = ("sign", "token", "key", "secret", "password", "auth", "session")


@frozen
class Exchange:
    """One request and what came of it, redacted.  `at` is UTC; `url` has no query, `query` no secret values.

    Exactly one of `status` and `error` is set; `error` is a stable code, and `outcome` what we knew then.  A cancelled
    wait is recorded as `cancelled`, UNKNOWN.  Of bodies the listed fields are shown, at most 16 KiB of a command's and 1 KiB
    of a read's; what is cut says so by `…`.
    """

    at: datetime
    method: str
    url: str
    endpoint: str
    query: tuple[tuple[str, str], ...] = ()
    order: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    body: str = ""
    status: int | None = None
    reply_headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    reply_body: str = ""
    error: str | None = None
    outcome: Outcome | None = None
    elapsed_s: float = 0.0


Tap = Callable[[Exchange], None]


class Audit:
    """Hands an `Exchange` to `tap` for each request that reached the shell.  `tap` must not raise and not wait."""

    def __init__(
        self, inner: Transport, *, tap: Tap, redactor: Redactor, clock: Clock, fields: BodyFields = NO_FIELDS
    ) -> None:
        """`fields` are the members of bodies that this venue's records show."""
        self._inner = inner
        self._tap = tap
        self._redactor = redactor
        self._clock = clock
        self._fields = fields

    async def send(self, request: Request) -> Response:
        at, started = self._clock.now(), self._clock.monotonic()
        try:
            response = await self._inner.send(request)
        except FloorbrokerError as error:
            self._record(request, at, started, error=error.code, outcome=error.outcome)
            raise
        except BaseException:
            self._record(request, at, started, error="cancelled", outcome=Outcome.UNKNOWN)
            raise
        self._record(request, at, started, response=response)
        return response

    def _record(
        self,
        request: Request,
        at: datetime,
        started: float,
        *,
        response: Response | None = None,
        error: str | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        clean = self._redactor.clean
        exchange = Exchange(
            at=at,
            method=request.method,
            url=clean(request.origin + request.path),
            endpoint=request.endpoint,
            query=tuple((name, _query_value(name, value, clean)) for name, value in request.query),
            order=request.order,
            headers=_listed(_public(request), REQUEST_HEADERS, clean),
            body=self._body(request.body, request, clean),
            status=None if response is None else response.status,
            reply_headers=NO_HEADERS if response is None else _listed(response.headers, REPLY_HEADERS, clean),
            reply_body="" if response is None else self._body(response.body, request, clean),
            error=error,
            outcome=outcome,
            elapsed_s=self._clock.monotonic() - started,
        )
        self._tap(exchange)

    def _body(self, body: bytes, request: Request, clean: Callable[[str], str]) -> str:
        """Redacted before it is cut, so that no secret loses its recognisable half at the edge."""
        longest = _READ_MAX if request.method == "GET" else _BODY_MAX
        text = clean(self._fields.shown(body, endpoint=request.endpoint, longest=longest))
        shown = text if len(text) <= longest else text[:longest] + "…"
        return shown if shown.isprintable() else _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], shown)


def _public(request: Request) -> Mapping[str, str]:
    if not request.secret_headers:
        return request.headers
    secret = {name.lower() for name in request.secret_headers}
    return {name: value for name, value in request.headers.items() if name.lower() not in secret}


def _listed(headers: Mapping[str, str], allowed: frozenset[str], clean: Callable[[str], str]) -> dict[str, str]:
    return {key: clean(value) for name, value in headers.items() if (key := name.lower()) in allowed}


def _query_value(name: str, value: str, clean: Callable[[str], str]) -> str:
    return "***" if _is_secret(name) else clean(value)


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _QUERY_SECRETS)
