"""The two outer layers of the server, plain ASGI: `Envelope` around every reply, `Perimeter` before every request.

`Envelope` gives the request its id, the reply its security headers, the log a line and the meter a count.  `Perimeter`
refuses by default: names this server does not answer to, giant headers and bodies, callers without token or session, and
state changes that another site may have started (RELIABILITY 12).
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from floorbroker.api.auth import Doorkeeper
from floorbroker.api.body import BODY_MAX
from floorbroker.api.cors import is_preflight, leave, origin_in, shown_to
from floorbroker.api.deprecation import Deprecated, Deprecations
from floorbroker.api.headers import stamp
from floorbroker.api.pace import TURNED_AWAY, Pace, charge, stops
from floorbroker.api.problems import on_http_exception
from floorbroker.app.people.passes import Refusal
from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import NO_TRACER, Log, Meter, Tracer
from floorbroker.people.identity import Identity

HEADERS_MAX = 16 * 1024
CSRF_HEADER = "x-floorbroker-request"
ACTIVE_HEADER = "x-floorbroker-active"
FREE = frozenset({"/healthz", "/readyz"})  # whoever watches a desk must not take a flood of others for its death
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Outermost layer."""

    app: ASGIApp
    _: KW_ONLY
    clock: Clock
    log: Log
    meter: Meter
    tracer: Tracer = NO_TRACER
    deprecated: Deprecations = field(default_factory=dict[str, Deprecated])
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else self.new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        began_s, status, traceparent = self.clock.monotonic(), 500, ""

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                stamp(headers, request_id, tls=scope.get("scheme") == "https")
                if traceparent:
                    headers["traceparent"] = traceparent
                if (going := self.deprecated.get(_route(scope))) is not None:
                    for name, value in going.headers():
                        headers.append(name, value)
            await send(message)

        offered = Headers(scope=scope).get("traceparent", "")
        with self.tracer.span("door.request", traceparent=offered, method=_known(scope["method"])) as span:
            traceparent = span.traceparent
            try:
                await self.app(scope, receive, stamped)
            finally:
                span.note(route=_route(scope), status=str(status))
                self._tell(scope, request_id, status, self.clock.monotonic() - began_s)

    def _tell(self, scope: Scope, request_id: str, status: int, took_s: float) -> None:
        route = _route(scope)
        self.meter.count("http_requests_total", method=_known(scope["method"]), route=route, status=str(status))
        self.meter.observe("http_request_seconds", took_s, route=route)
        say = self.log.error if status >= 500 else self.log.info
        members = {
            "method": _known(scope["method"]),
            "route": route,
            "path": ascii(scope["path"][:200]),
            "status": status,
        }
        say("http_request", **members, request_id=request_id, took_s=round(took_s, 6))


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "name", "") or "unmatched")


def _known(method: str) -> str:
    return method if method in {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"} else "other"


@dataclass(frozen=True, slots=True)
class Perimeter:
    """Decides who gets further.  `public` are paths open to all, `forms` state changes that plain HTML forms may make; what ends
    in `/*` is everything below.

    A browser that asks for a page and has no session is shown the `way_in`, where there is one.  Pages of `origins` may ask with
    a token; `pace` is how much anybody may ask.
    """

    app: ASGIApp
    _: KW_ONLY
    keeper: Doorkeeper
    hosts: frozenset[str]
    public: tuple[str, ...]
    forms: tuple[str, ...] = ()
    way_in: str = ""
    origins: frozenset[str] = frozenset()
    pace: Pace | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        send = self._told(request, send)
        if is_preflight(request.method, request.headers) and (origin := self._other(request)):
            await leave(origin)(scope, receive, send)  # a browser shows no token with it, and it tells nothing else
            return
        try:
            self._admit(request)
        except HTTPException as refusal:
            await self._refuse(request, refusal, scope, receive, send)
            return
        await self._note(request)
        await self.app(scope, _bounded(receive), send)

    async def _refuse(
        self, request: Request, refusal: HTTPException, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if refusal.status_code == 401 and "authorization" in request.headers:
            why = getattr(request.state, "refused", "") or "wrong token"
            await self.keeper.acts.turned_away(via="api", action="door.token", outcome=why, address=address_of(request))
        if refusal.status_code == 401 and self._is_visit(request):
            reply = RedirectResponse(self.way_in, status_code=303)
        else:
            reply = await on_http_exception(request, refusal)
        await reply(scope, receive, send)

    async def _note(self, request: Request) -> None:
        """Who comes by a token from a new address is in the audit; when somebody was here last is noted."""
        identity, via = request.state.identity, request.state.via
        if identity is None:
            return
        address = address_of(request)
        if via == "api" and self.keeper.acts.is_new(identity.principal, via, address):
            await self.keeper.acts.first_use(identity.principal, via=via, address=address)
        if self.keeper.people is not None:
            await self.keeper.people.note_use(identity)

    def _admit(self, request: Request) -> None:
        if sum(len(name) + len(value) for name, value in request.scope["headers"]) > HEADERS_MAX:
            raise HTTPException(431, f"the headers are larger than {HEADERS_MAX // 1024} KiB")
        if host_name(request.headers.get("host", "")) not in self.hosts:
            raise HTTPException(403, "this server does not answer to that host name")
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > BODY_MAX:
            raise HTTPException(413, f"the body is larger than {BODY_MAX // 1024} KiB")
        self._recognise(request)
        is_open = _is_in(request.scope["path"], self.public)
        self._keep_pace(request, turned_away=request.state.identity is None and not is_open)
        if request.state.identity is None and not is_open:
            told = {"WWW-Authenticate": 'Bearer realm="floorbroker"'}
            raise HTTPException(401, "send the token as: Authorization: Bearer TOKEN", headers=told)
        if request.method not in SAFE_METHODS:
            self._same_site(request)

    def _told(self, request: Request, send: Send) -> Send:
        """What this layer knows of every reply: the pace of its caller, and for whom else it is."""
        other = self._other(request)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._pace_headers(request) | (dict(shown_to(other)) if other else {}))
            await send(message)

        return telling

    def _other(self, request: Request) -> str:
        """The other origin that asks, where it may."""
        return origin_in(request.headers, request.scope["path"], self.origins) if self.origins else ""

    def _keep_pace(self, request: Request, *, turned_away: bool) -> None:
        if request.scope["path"] in FREE:
            return
        only_stops = request.method not in SAFE_METHODS and stops(request.method, request.scope["path"])
        if self.pace is not None:
            identity = request.state.identity
            request.state.taken = self.pace.parts(identity, address_of(request), only_stops=only_stops)
            charge(request, self.pace, 1 + TURNED_AWAY * turned_away)
        if not only_stops:
            self._in_its_rate(request)

    def _pace_headers(self, request: Request) -> dict[str, str]:
        taken = getattr(request.state, "taken", None)
        found = {} if self.pace is None or taken is None else self.pace.headers(taken)
        identity, people = getattr(request.state, "identity", None), self.keeper.people
        if identity is None or people is None or identity.per_minute is None:
            return found
        left, again_s = people.passes.left(identity)
        own = {
            "RateLimit-Policy": f'"token";q={identity.per_minute};w=60',
            "RateLimit": f'"token";r={left};t={again_s}',
        }
        return {name: ", ".join(filter(None, (text, found.get(name, "")))) for name, text in own.items()}

    def _recognise(self, request: HTTPConnection) -> None:
        """Who this is, for everything behind: `state.identity`, its `principal`, and `via` which way it came."""
        found = self._caller(request)
        state, identity = request.state, None if isinstance(found, Refusal) else found
        state.identity, state.principal = identity, None if identity is None else identity.principal
        state.via = "api" if _bearer(request) is not None else "page"
        state.refused = found.why if isinstance(found, Refusal) else ""

    def _caller(self, request: HTTPConnection) -> Identity | Refusal | None:
        token = _bearer(request)
        if token is not None:
            host = host_name(request.headers.get("host", ""))
            return self.keeper.by_token(token, address=address_of(request), host=host)
        reference = session_reference(request)
        if not reference:
            return None
        return self.keeper.by_cookie(reference) if _is_a_person_s(request) else self.keeper.still_by_cookie(reference)

    def _is_visit(self, request: Request) -> bool:
        """Whether a person's browser asks for a page: it navigates, and shows no token."""
        headers, path = request.headers, request.scope["path"]
        wants = request.method == "GET" and "text/html" in headers.get("accept", "")
        return bool(self.way_in) and wants and not path.startswith("/api/") and "authorization" not in headers

    def _in_its_rate(self, request: Request) -> None:
        identity, people = request.state.identity, self.keeper.people
        if identity is None or people is None:
            return
        if (wait_s := people.passes.wait_s(identity)) > 0:
            detail = f"this token may ask {identity.per_minute} times a minute"
            raise HTTPException(429, detail, headers={"Retry-After": str(math.ceil(wait_s))})

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: the host and the site it comes from are looked at before it is accepted, and who it is.

        A stranger gets as far as the route, which waits for a token in the first message.
        """
        socket = HTTPConnection(scope)
        origin = socket.headers.get("origin")
        other = origin_in(socket.headers, socket.url.path, self.origins) if self.origins else ""
        if host_name(socket.headers.get("host", "")) not in self.hosts or (
            origin is not None and not _is_own(origin, socket) and not other
        ):
            await send({"type": "websocket.close", "code": 4403, "reason": "another site or host"})
            return
        if not other:  # a page of another origin says its token; a cookie that came along is not its own
            self._recognise(socket)
        await self.app(scope, receive, send)

    def _same_site(self, request: Request) -> None:
        if self._other(request) and request.state.via == "api":
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site != "same-origin":
            raise HTTPException(403, "another site may not change anything here")
        # Under `no-referrer` a browser sends a plain form with `Origin: null`; then `Sec-Fetch-Site` is the proof.
        if origin is not None and not (origin == "null" and site == "same-origin") and not _is_own(origin, request):
            raise HTTPException(403, "the Origin header names another site")
        by_cookie = request.state.identity is not None and request.state.via == "page"
        if by_cookie and not _is_in(request.scope["path"], self.forms) and CSRF_HEADER not in request.headers:
            raise HTTPException(403, "a session changes things only with the header X-Floorbroker-Request: 1")


def look_again(request: HTTPConnection, keeper: Doorkeeper) -> Identity | None:
    """Who a connection that goes on belongs to by now; None when its token or session ended.  Uses neither."""
    token = _bearer(request)
    if token is None:
        return keeper.still_by_cookie(session_reference(request) or "")
    found = keeper.by_token(token, address=address_of(request), host=host_name(request.headers.get("host", "")))
    return None if isinstance(found, Refusal) else found


def _is_a_person_s(request: HTTPConnection) -> bool:
    """Whether a request shows that somebody is there: a page is opened, something is changed, or the page says that a key was
    pressed.  What a page asks by itself keeps no session from ending.
    """
    headers = request.headers
    by_itself = headers.get("sec-fetch-mode", "navigate") != "navigate" and ACTIVE_HEADER not in headers
    return not by_itself or request.scope.get("method", "GET") not in SAFE_METHODS


def address_of(request: HTTPConnection) -> str:
    """Where somebody comes from, as the socket says; empty where it does not."""
    return request.client.host if request.client else ""


def _bearer(request: HTTPConnection) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_in(path: str, known: Iterable[str]) -> bool:
    return any(path == one or (one.endswith("/*") and path.startswith(one[:-1])) for one in known)


def session_reference(request: HTTPConnection) -> str | None:
    """The session reference in the request's cookie."""
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return None
    found = cookies.get(Doorkeeper.cookie_name(secure=is_secure(request)))
    return None if found is None else found.value


def host_name(host: str) -> str:
    """The name in a Host header, without port, brackets and case."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def host_names(names: Iterable[str]) -> frozenset[str]:
    """An allow-list of Host names."""
    return frozenset(host_name(name) if name.count(":") < 2 else name.strip("[]") for name in names)


def is_secure(request: HTTPConnection) -> bool:
    """Whether it came over TLS."""
    return request.url.scheme in {"https", "wss"}


def _is_own(origin: str, request: HTTPConnection) -> bool:
    scheme = "https" if is_secure(request) else "http"
    return origin.lower() == f"{scheme}://{request.headers.get('host', '')}".lower()


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_MAX:
            raise HTTPException(413, f"the body is larger than {BODY_MAX // 1024} KiB")
        return message

    return counted
