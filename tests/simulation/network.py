"""The network between a desk and its venues, in memory: `Http`, `OrderHttp` and `Connect` over ASGI apps.

These are the cuts at which the real shells are replaced, so they keep the shells' word: a failure before the first
byte is NOT_SENT, everything after it UNKNOWN, time-outs included.  What has left travels on in the world outside: it
reaches the venue although its sender gave up, or died.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from floorbroker.domain.errors import ApiError, AuthenticationFailed, ConnectionFailed, InvalidRequest, Outcome, Timeout
from floorbroker.transport.message import encode_request, parse_origin
from floorbroker.transport.types import ByteStream, Request, Response, Socket, SocketTarget
from tests.simulation.asgi import App, Cut, Reply, whole_reply
from tests.simulation.footsteps import Footsteps
from tests.simulation.loop import SimulatedLoop, current_node
from tests.simulation.spoken import Framed, Mouth, Spoken
from tests.simulation.streams import (
    BodyStream,
    Line,
    SimulatedSocket,
    Talk,
    serve_body,
    serve_socket,
    serve_talk,
)
from tests.simulation.twist import NO_WORDS, twisted
from tests.simulation.weather import Journey, Weather, journey

_HTML = b"<html><head><title>%s</title></head><body><hr>nginx</body></html>"
_PAGES = {
    "page": Reply(502, {"content-type": "text/html"}, _HTML % b"502 Bad Gateway"),
    "throttle": Reply(429, {"content-type": "application/json"}, b'{"code":42910000,"message":"rate limit exceeded"}'),
    "unauthorized": Reply(401, {"content-type": "application/json"}, b'{"message":"unauthorized."}'),
    "ban": Reply(418, {"content-type": "application/json", "retry-after": "5"}, b'{"message":"access forbidden."}'),
    "maintenance": Reply(503, {"content-type": "text/html", "retry-after": "3"}, _HTML % b"503 Service Unavailable"),
    "lost_page": Reply(404, {"content-type": "text/html"}, _HTML % b"404 Not Found"),
}
ACTS_S = 0.0005  # until a venue has acted on a frame that has arrived
_NEVER_OPENED = {"page": 502, "ban": 418, "maintenance": 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who listens at an address: the venue's app, whose account it is, and how its messages look.

    `words` finds members that may become strange, `spoken` the commands that go over sockets.  A venue behind a bare TCP socket
    talks instead of having an app.
    """

    app: App
    at: str = ""
    talk: Talk | None = None
    words: re.Pattern[bytes] = NO_WORDS
    spoken: Spoken | None = None


class Network:
    """All connections of one simulated world.  Made outside any node: what it carries belongs to nobody's process.

    `sites` maps an authority (`127.0.0.1:7001`) to what listens there.
    Of order commands, `on_command` hears as each begins, `on_left` as its first byte leaves (both in its sender's context),
    `on_taken` when a venue has acted.
    """

    def __init__(self, *, loop: SimulatedLoop, weather: Weather, sites: Mapping[str, Site]) -> None:
        self.weather = weather
        self._loop = loop
        self._sites = dict(sites)
        self._world = copy_context()
        self.on_command: Callable[[], None] = _nobody
        self.on_left: Callable[[Request], None] = _unseen
        self.on_taken: Callable[[Request], None] = _unseen
        self.sends: Counter[str] = Counter()  # commands that left, by our client order id
        self.doubled: set[str] = set()  # those that the network handed over again after it had passed on the answer
        self.numbered: set[tuple[str, str]] = set()  # orders that left, where numbers name them
        self.under_way = 0  # requests, replies and frames that have not arrived yet

    def app_at(self, authority: str) -> App:
        """Raises `ConnectionFailed` where nobody listens."""
        site = self._sites.get(authority)
        if site is None:
            raise ConnectionFailed(f"nobody listens at {authority}", outcome=Outcome.NOT_SENT)
        return site.app

    def site_of(self, origin: str) -> Site:
        """Who listens there; nobody where nobody does."""
        return self._sites.get(urlsplit(origin).netloc, _NOBODY)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run venue-side work that outlives its client."""
        return self._loop.create_task(work, context=self._world.copy())

    def later(self, delay_s: float, callback: Callable[..., object], *args: object) -> None:
        """Let something happen in the world outside."""
        self.under_way += 1
        self._loop.call_later(delay_s, self._happen, callback, args, context=self._world)

    def _happen(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        self.under_way -= 1
        callback(*args)

    # -- one exchange -------------------------------------------------------------------------------------------------

    async def exchange(
        self,
        request: Request,
        *,
        where: str,
        check: Callable[[Request], None] | None = None,
        footsteps: Footsteps | None = None,
    ) -> Response:
        """One request and its reply, if any comes in `request.timeout_s`.  Raises `VenueError`s as the shells do."""
        encode_request(request)  # refuses what the shells refuse
        if where == "order":
            self.on_command()
        loop = self._loop
        started = loop.now_s
        trip = journey(self.weather.strike(where, self.site_of(request.origin).at), self.weather)
        app = await self._connected(request, trip)
        if check is not None:
            check(request)
        if footsteps is not None:
            footsteps.connected(request)
        answer: asyncio.Future[Reply] = loop.create_future()
        gone = asyncio.Event()
        if where == "order" and request.order is not None:
            self._count(request, trip)
        self._send(app, request, trip, answer, gone)
        if footsteps is not None:
            footsteps.written(request)
        patience = loop.call_at(started + request.timeout_s, _give_up, answer, request.endpoint)
        try:
            reply = await answer
        finally:
            patience.cancel()
            gone.set()
        if footsteps is not None:
            footsteps.replied(request)
        return Response(status=reply.status, headers=reply.headers, body=reply.body, elapsed_s=loop.now_s - started)

    def _count(self, request: Request, trip: Journey) -> None:
        """One order command leaves now."""
        self.count(request)
        if request.endpoint == "orders.submit" and request.order is not None:
            self.doubled |= {request.order} if len(trip.arrivals) > 1 and trip.heard == 0 else set()

    def count(self, command: Request) -> None:
        """The same of any command that names its order."""
        self.on_left(command)
        if command.endpoint == "orders.submit" and command.order is not None:
            self.sends[command.order] += 1

    async def _connected(self, request: Request, trip: Journey) -> App:
        """Until the first byte: what fails here was not sent."""
        if trip.stalled:
            await self._loop.nap(request.timeout_s / 2)
            raise Timeout(f"{request.endpoint}: no connection in time", outcome=Outcome.NOT_SENT)
        await self._loop.nap(trip.connect_s)
        if trip.refused:
            raise ConnectionFailed(f"{request.endpoint}: connection refused", outcome=Outcome.NOT_SENT)
        return self.app_at(parse_origin(request.origin).authority)

    def _send(
        self, app: App, request: Request, trip: Journey, answer: asyncio.Future[Reply], gone: asyncio.Event
    ) -> None:
        """The bytes have left; from here on nothing of it belongs to the sender."""
        for number, delay_s in enumerate(trip.arrivals):
            heard = answer if number == trip.heard else None
            self.later(delay_s, self._arrive, app, request, trip, heard, gone)
        if not trip.arrivals and trip.reply_s is not None:
            self.later(trip.reply_s, _conclude, answer, None if trip.page is None else _PAGES[trip.page])

    def _arrive(
        self, app: App, request: Request, trip: Journey, answer: asyncio.Future[Reply] | None, gone: asyncio.Event
    ) -> None:
        self.start(self._serve(app, request, trip, answer, gone))

    async def _serve(
        self, app: App, request: Request, trip: Journey, answer: asyncio.Future[Reply] | None, gone: asyncio.Event
    ) -> None:
        try:
            reply: Reply | None = await whole_reply(app, request, gone if answer is not None else asyncio.Event())
        except Cut:
            reply = None
        if request.order is not None:
            self.on_taken(request)
        if answer is None or trip.reply_s is None:
            return
        if trip.page is not None:
            reply = _PAGES[trip.page]
        elif trip.twist is not None and reply is not None:
            reply = Reply(
                reply.status, reply.headers, twisted(trip.twist, reply.body, self.site_of(request.origin).words)
            )
        self.later(trip.reply_s, _conclude, answer, None if trip.reset else reply)

    # -- streams ------------------------------------------------------------------------------------------------------

    async def open_socket(self, target: SocketTarget) -> Socket:
        """A WebSocket.  Raises `AuthenticationFailed` (401, 403), `ApiError`, `Timeout` or `ConnectionFailed`."""
        authority, site = urlsplit(target.url).netloc, self.site_of(target.url)
        line = Line(self.weather, self.later, whole=site.talk is not None, words=site.words, at=site.at)
        if site.spoken is not None:
            voice = _Voice(self, line, site, f"http://{authority}")
            line.mouth = Mouth(self.weather, voice, deliver=line.pass_up, break_off=line.break_off)
        talk = site.talk
        await self._opened(
            line,
            site.at,
            target.timeout_s,
            lambda: serve_socket(self.app_at(authority), target, line) if talk is None else serve_talk(talk, line),
        )
        return SimulatedSocket(line)

    async def open_body(self, request: Request) -> ByteStream:
        """A reply whose body is read as it comes."""
        encode_request(request)
        authority, site = parse_origin(request.origin).authority, self.site_of(request.origin)
        is_whole = any(name == "until" for name, _ in request.query)
        line = Line(self.weather, self.later, whole=is_whole, words=site.words, at=site.at)
        await self._opened(line, site.at, request.timeout_s, lambda: serve_body(self.app_at(authority), request, line))
        return BodyStream(line)

    async def _opened(
        self, line: Line, at: str, timeout_s: float, serve: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Until the venue has answered the handshake."""
        what = self.weather.strike("connect", at)
        if what == "refuse":
            await self._loop.nap(self.weather.latency_s())
            raise ConnectionFailed("connection refused", outcome=Outcome.NOT_SENT)
        await self._loop.nap(self.weather.between(1, 12) if what == "slow" else self.weather.latency_s())
        if what == "unauthorized":
            raise AuthenticationFailed("the handshake was answered with 401")
        if what in _NEVER_OPENED:
            raise ApiError(f"the handshake was answered with {_NEVER_OPENED[what]}")
        node = current_node()
        if node is not None:
            node.on_death.append(line.break_off)  # a dead process keeps no connection
        self.start(serve())
        try:
            async with asyncio.timeout(timeout_s):
                status = await line.accepted
        except TimeoutError:
            line.break_off()
            raise Timeout("no answer to the handshake in time") from None
        if status in {401, 403}:
            raise AuthenticationFailed(f"the handshake was answered with {status}")
        if status not in {101, 200}:
            raise ApiError(f"the handshake was answered with {status}")


class _Voice:
    """What one order socket tells the network of its commands."""

    def __init__(self, network: Network, line: Line, site: Site, origin: str) -> None:
        self._network = network
        self._line = line
        self.spoken = site.spoken
        self.origin = origin
        self.at = site.at

    def left(self, command: Request) -> None:
        self._network.on_command()
        if command.order is not None and not self._is_change(command):
            self._network.count(command)

    def _is_change(self, command: Request) -> bool:
        """Where an order is named by a number, the same number and name again."""
        if not isinstance(self.spoken, Framed):
            return False
        named = (command.path, command.order or "")
        if named in self._network.numbered:
            return True
        self._network.numbered.add(named)
        return False

    def taken(self, command: Request) -> None:
        """As soon as the venue has had the time to act on what arrives."""
        if command.order is not None:
            wait_s = self._line.arrives_at - asyncio.get_running_loop().time()
            self._network.later(wait_s + ACTS_S, self._network.on_taken, command)


async def _silence(scope: Any, receive: Any, send: Any) -> None:
    """Nobody listens."""
    del scope, receive, send


_NOBODY = Site(app=_silence)


def _nobody() -> None:
    """Before anybody counts commands."""


def _unseen(request: Request) -> None:
    """Before anybody watches commands."""
    del request


def _give_up(answer: asyncio.Future[Reply], endpoint: str) -> None:
    if not answer.done():
        answer.set_exception(Timeout(f"{endpoint}: no reply in time", outcome=Outcome.UNKNOWN))


def _conclude(answer: asyncio.Future[Reply], reply: Reply | None) -> None:
    if answer.done():
        return
    if reply is None:
        answer.set_exception(ConnectionFailed("the connection broke before the reply", outcome=Outcome.UNKNOWN))
    else:
        answer.set_result(reply)


class SimulatedHttp:
    """`Http` for reads and streams."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._closed = False

    async def send(self, request: Request) -> Response:
        self._assert_open()
        if request.method not in {"GET", "POST"}:
            raise InvalidRequest(f"{request.endpoint}: the read shell sends GET and POST alone")
        return await self._network.exchange(request, where="read")

    async def open_stream(self, request: Request) -> ByteStream:
        self._assert_open()
        return await self._network.open_body(request)

    async def close(self) -> None:
        self._closed = True

    def _assert_open(self) -> None:
        if self._closed:
            raise ConnectionFailed("the client is closed", outcome=Outcome.NOT_SENT)


class SimulatedOrderHttp:
    """`OrderHttp`: sends each command once; `check` is asked once more when the connection stands."""

    def __init__(
        self,
        network: Network,
        *,
        check: Callable[[Request], None] | None = None,
        footsteps: Footsteps | None = None,
    ) -> None:
        self._network = network
        self._check = check
        self._footsteps = footsteps
        self._closed = False

    async def send(self, request: Request) -> Response:
        if self._closed:
            raise ConnectionFailed("the client is closed", outcome=Outcome.NOT_SENT)
        return await self._network.exchange(request, where="order", check=self._check, footsteps=self._footsteps)

    async def close(self) -> None:
        self._closed = True


def connector(network: Network) -> Callable[[SocketTarget], Awaitable[Socket]]:
    """`Connect`."""
    return network.open_socket
