"""The HTTP client of order commands: it writes each request once, and knows whether it wrote.

A library that may send a request again can never say "not sent".  So these bytes are ours: the request leaves in one
`write`, there is no redirect, no retry, and no second write on another connection.  Every failure before that write is
NOT_SENT, every failure after it UNKNOWN (RELIABILITY 2.4 and 2.5).

A pooled connection is used only if it is still quiet and open at that moment: closed, half-closed or readable ones are
discarded unwritten, which is not a resend because nothing was sent.  Half the time-out is for getting a connection, so
that a slow one ends as a proven NOT_SENT before any layer's own time-out.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from floorbroker.domain.errors import ApiError, ConnectionFailed, Outcome, Timeout, VenueError
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING
from floorbroker.transport.message import Origin, encode_request, parse_origin
from floorbroker.transport.reach import Resolve, assert_private, assert_verifies
from floorbroker.transport.reply import ReplyFault, ReplyReader
from floorbroker.transport.types import Lane, Request, Response

_IDLE_MAX_S = 45.0  # common load balancers close idle connections after 60 s; we let go first
_CONNECTIONS_MAX = 32  # at once for cancels, and as many again for everything else
_IDLE_KEPT = _CONNECTIONS_MAX  # a crowd of orders comes in waves; the next wave should pay for no handshakes
_HEAD_START_S = 0.25  # of one address family before the other is tried too

T = TypeVar("T")


class _Connection(asyncio.Protocol):
    """One socket: idle, or with exactly one request on it."""

    def __init__(self, reader: ReplyReader, loop: asyncio.AbstractEventLoop) -> None:
        self._reader = reader
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Response] | None = None
        self._is_quiet: Callable[[], bool] = lambda: False
        self._sent_at = 0.0
        self._usable = False
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = loop.create_future()

    @property
    def is_free(self) -> bool:
        """Open and idle, as far as the loop has heard."""
        return self._usable and self._waiter is None

    @property
    def usable(self) -> bool:
        """Open, idle, and nothing has arrived since the last reply, not even an end of file."""
        return self.is_free and self._is_quiet()

    def abort(self) -> None:
        """Close at once; what the peer still sends is not read."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    async def exchange(self, data: bytes, timeout_s: float, written: Callable[[], None] | None = None) -> Response:
        """Write `data` once, call `written`, and wait for the reply; every error from here on is UNKNOWN."""
        assert self._transport is not None  # a connection is handed out after it was made
        self._reader.begin()
        self._waiter = waiter = self._loop.create_future()
        self._sent_at = self._loop.time()
        timer = self._loop.call_later(timeout_s, self._expire)
        try:
            self._transport.write(data)
            if written is not None:
                written()
            return await waiter
        except BaseException:  # whatever broke it off: the reply on its way must not be taken for the next one's
            self.abort()
            raise
        finally:
            self._waiter = None
            timer.cancel()
            self.idle_since = self._loop.time()

    def _expire(self) -> None:
        self._fail(Timeout("no reply in time", outcome=Outcome.UNKNOWN))
        self.abort()

    def _fail(self, error: VenueError) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # loops give stream transports to a `Protocol`
        self._is_quiet = _quiet_check(self._transport)
        self._usable = True
        self.idle_since = self._loop.time()

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.abort()  # nobody asked: whatever this is, it must not be taken for the next reply
            return
        try:
            if not self._reader.feed(data):
                return
        except ReplyFault as fault:
            self._fail(ApiError(f"the reply cannot be used: {fault}", outcome=Outcome.UNKNOWN))
            self.abort()
            return
        waiter.set_result(self._reader.take(self._loop.time() - self._sent_at))
        if not self._reader.keep_alive:
            self.abort()

    def eof_received(self) -> bool:
        self._usable = False
        self._fail(ConnectionFailed("the connection was closed before the reply was complete", outcome=Outcome.UNKNOWN))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._usable = False
        self._fail(ConnectionFailed("the connection broke before the reply was complete", outcome=Outcome.UNKNOWN))
        if not self.lost.done():
            self.lost.set_result(None)


def _quiet_check(transport: asyncio.Transport) -> Callable[[], bool]:
    """Asks the kernel whether bytes or an end of file wait on the socket that the loop has not read yet."""
    fileno = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):
        return lambda: not transport.is_closing() and not select.select([fileno], [], [], 0)[0]
    poller = select.poll()
    poller.register(fileno, select.POLLIN)
    return lambda: not transport.is_closing() and not poller.poll(0)


class _Pool:
    """The connections of one origin."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.idle: list[_Connection] = []
        self._orders = asyncio.Semaphore(_CONNECTIONS_MAX)
        self._cancels = asyncio.Semaphore(_CONNECTIONS_MAX)

    def slots(self, lane: Lane) -> asyncio.Semaphore:
        """Cancels have their own, so that a flood of orders cannot keep them waiting."""
        return self._cancels if lane is Lane.CANCEL else self._orders

    def take(self, now: float) -> _Connection | None:
        """The warmest connection that can be written to, if any; the others are closed on the way."""
        while self.idle:
            connection = self.idle.pop()
            if connection.usable and now - connection.idle_since < _IDLE_MAX_S:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: _Connection) -> None:
        """Keep it for the next request; what arrives on it until then is looked for when it is taken."""
        if connection.is_free and len(self.idle) < _IDLE_KEPT:
            self.idle.append(connection)
        else:
            connection.abort()


class OrderHttpClient:
    """`OrderHttp` over real sockets; made and used inside one running loop.

    `tls` is used for https origins.  `check` is the send gate's check: when getting a connection made the request wait,
    it is asked once more just before the write, and its refusal is NOT_SENT (RELIABILITY 2.3).
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        check: Callable[[Request], None] | None = None,
        steps: Steps = NO_STEPS,
        connect_timeout_s: float = 3.0,
        max_head: int = 64 * 1024,
        max_body: int = 4 * 1024 * 1024,
        resolve: Resolve | None = None,
    ) -> None:
        assert_verifies(tls)
        self._tls = tls
        self._resolve = resolve
        self._check = check
        self._steps = steps
        self._connect_timeout_s = connect_timeout_s
        self._max_head = max_head
        self._max_body = max_body
        self._pools: dict[str, _Pool] = {}
        self._open: set[_Connection] = set()
        self._closed = False

    async def send(self, request: Request) -> Response:
        """Send once.  Raises `InvalidRequest`, or a `VenueError` whose `outcome` tells whether a byte may have left."""
        data = encode_request(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeout_s
        pool = self._pool(request.origin)
        slots = pool.slots(request.lane)
        if slots.locked():
            await _before_sending(slots.acquire(), request.timeout_s / 2)
        else:
            await slots.acquire()  # does not suspend
        try:
            connection = await self._connection(pool, request, deadline - loop.time())
            try:
                return await self._exchange(connection, request, data, deadline)
            finally:
                pool.give_back(connection)
        finally:
            slots.release()

    async def _exchange(self, connection: _Connection, request: Request, data: bytes, deadline: float) -> Response:
        loop, steps = asyncio.get_running_loop(), self._steps
        if (named := SENDING.get(request.endpoint)) is None:
            return await connection.exchange(data, _left_s(deadline, loop))
        steps.reach(named.connected)
        response = await connection.exchange(data, _left_s(deadline, loop), lambda: steps.reach(named.written))
        steps.reach(named.replied)
        return response

    async def warm(self, origin: str) -> None:
        """Open a connection ahead of need, so that the next order pays for no handshake; raises `ConnectionFailed`."""
        pool = self._pool(origin)
        if connection := pool.take(asyncio.get_running_loop().time()):
            pool.give_back(connection)
        else:
            pool.give_back(await self._connect(pool.origin, self._connect_timeout_s))

    async def close(self) -> None:
        """Close every connection; requests still waiting end UNKNOWN, later ones are NOT_SENT."""
        self._closed = True
        doomed = list(self._open)
        for connection in doomed:
            connection.abort()
        await asyncio.gather(*(connection.lost for connection in doomed))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def _pool(self, origin: str) -> _Pool:
        if self._closed:
            raise ConnectionFailed("the client is closed")
        pool = self._pools.get(origin)
        if pool is None:
            place = parse_origin(origin)
            assert_private(place.host, secure=place.secure)
            pool = self._pools[origin] = _Pool(place)
        return pool

    async def _connection(self, pool: _Pool, request: Request, left_s: float) -> _Connection:
        connection = pool.take(asyncio.get_running_loop().time())
        if connection is not None:
            return connection
        connection = await self._connect(pool.origin, min(self._connect_timeout_s, left_s / 2))
        try:
            if self._check is not None:
                self._check(request)
        except BaseException:
            pool.give_back(connection)
            raise
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def _made(self, origin: Origin) -> _Connection:
        """A connection to one of the addresses behind the name, each tried once."""
        if self._resolve is None:
            return await self._reached(origin, origin.host, origin.port, **_both_families(asyncio.get_running_loop()))
        failure = _unresolved(origin.host)
        for address in await self._resolve(origin.host, origin.port):
            try:
                return await self._reached(origin, address.host, address.port, family=address.family)
            except OSError as error:
                failure = error
        raise failure

    async def _reached(self, origin: Origin, host: str, port: int, **how: Any) -> _Connection:
        loop = asyncio.get_running_loop()
        reader = ReplyReader(max_head=self._max_head, max_body=self._max_body)
        if origin.secure:
            how |= {"ssl": self._tls_context(), "server_hostname": origin.host}
        _, connection = await loop.create_connection(lambda: _Connection(reader, loop), host, port, **how)
        return connection

    async def _connect(self, origin: Origin, timeout_s: float) -> _Connection:
        connection = await _before_sending(self._made(origin), timeout_s)
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        if self._closed:
            connection.abort()
            raise ConnectionFailed("the client is closed")
        return connection


def _unresolved(host: str) -> OSError:
    return OSError(f"{host} leads to no address")


def _both_families(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """asyncio's own loops race IPv6 and IPv4 when told to; uvloop knows no such option and takes one address after the other."""
    return {"happy_eyeballs_delay": _HEAD_START_S} if isinstance(loop, asyncio.BaseEventLoop) else {}


async def _before_sending(work: Awaitable[T], timeout_s: float) -> T:
    """What happens before the first byte: whatever goes wrong here is proven not sent."""
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        raise Timeout("no connection in time", outcome=Outcome.NOT_SENT) from None
    except OSError as error:
        raise ConnectionFailed(f"no connection: {type(error).__name__}", outcome=Outcome.NOT_SENT) from error


def _left_s(deadline: float, loop: asyncio.AbstractEventLoop) -> float:
    left_s = deadline - loop.time()
    if left_s <= 0:
        raise Timeout("no time was left to send", outcome=Outcome.NOT_SENT)
    return left_s
