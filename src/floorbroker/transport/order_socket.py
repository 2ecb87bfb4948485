"""Order commands over a WebSocket, with the promises of the HTTP client of orders: each is written once, and what is known
of it afterwards is exact.

A command is a `Request` like any other, so the stack above is the same; the venue's `Dialect` spells it and tells which frame
answers it.  Everything that fails before the frame is handed to the socket is NOT_SENT; everything after it, the loss of the
connection included, is UNKNOWN.  The connection is opened when a command needs one, kept by pings, and shared by all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    FloorbrokerError,
    Outcome,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING
from floorbroker.transport.actions import Send
from floorbroker.transport.layers.gate import Check
from floorbroker.transport.private import Target, end
from floorbroker.transport.types import Connect, Request, Response, Socket

T = TypeVar("T")

_IDLE_MAX_S = 30.0
_SILENCES = 2.5  # how many ping intervals may pass without a word before the connection counts as dead


@dataclass(frozen=True, slots=True)
class Ready:
    """Logged in: commands may follow."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue does not take the log-in."""

    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to command `number`, shaped like one over HTTP, so that the same reader reads both."""

    number: int
    response: Response


Told = Ready | Refused | Answer | Send


class Dialect(Protocol):
    """How a venue's order socket is spoken: pure, without a socket.  `ping_s` is how often it wants a sign of life."""

    ping_s: float

    def opening(self) -> Sequence[bytes | str]:
        """The log-in of a new connection; nothing where commands may be sent at once."""
        ...

    def words(self, request: Request, number: int) -> bytes | str:
        """A command as a frame.  `number` grows with each one and must come back with its answer."""
        ...

    def ping(self) -> bytes | str: ...

    def on_frame(self, frame: bytes) -> Sequence[Told]:
        """What a frame says; nothing for frames that are none of ours.  Never raises, whatever the frame holds."""
        ...


class OrderSocket:
    """`OrderHttp` over one WebSocket.

    `check` is the send gate's check, asked once more when getting the connection made a command wait.  `prepare` fetches what
    the log-in needs, before each connection; what it raises is NOT_SENT to the command that needed it.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        connect: Connect,
        target: Target,
        check: Check,
        clock: Clock,
        prepare: Callable[[], Awaitable[None]] | None = None,
        steps: Steps = NO_STEPS,
        connect_timeout_s: float = 3.0,
    ) -> None:
        self._dialect = dialect
        self._connect = connect
        self._target = target
        self._check = check
        self._clock = clock
        self._prepare = prepare
        self._steps = steps
        self._connect_timeout_s = connect_timeout_s
        self._opening = asyncio.Lock()
        self._connection: _Connection | None = None
        self._leaving: dict[asyncio.Task[None], _Connection] = {}
        self._number = 0
        self._closed = False

    async def send(self, request: Request) -> Response:
        """Send once.  Raises a `VenueError` whose `outcome` tells whether the command may have left."""
        deadline = self._clock.monotonic() + request.timeout_s
        connection = await self._ready(request, min(self._connect_timeout_s, request.timeout_s / 2))
        self._number += 1
        words = self._dialect.words(request, self._number)
        named = SENDING.get(request.endpoint)
        if named is not None:
            self._steps.reach(named.connected)
        response = await connection.exchange(
            self._number,
            words,
            timeout_s=max(0.0, deadline - self._clock.monotonic()),
            written=None if named is None else lambda: self._steps.reach(named.written),
        )
        if named is not None:
            self._steps.reach(named.replied)
        return response

    async def warm(self) -> None:
        """Open and log in ahead of need.  Raises what stands in the way."""
        await self._opened(self._connect_timeout_s)

    def renew(self) -> None:
        """Log in anew for the next command: the venue takes no more on this connection.  Who waits there still gets an answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            leaving = asyncio.create_task(connection.close_when_idle(), name="order socket leaving")
            self._leaving[leaving] = connection
            leaving.add_done_callback(lambda done: self._leaving.pop(done, None))

    async def close(self) -> None:
        """Close the connection; commands still waiting end UNKNOWN, later ones are NOT_SENT."""
        self._closed = True
        connection, self._connection = self._connection, None
        leaving = dict(self._leaving)
        await end(tuple(leaving))
        for one in (*leaving.values(), *((connection,) if connection is not None else ())):
            await one.close()

    async def _ready(self, request: Request, timeout_s: float) -> _Connection:
        connection = self._connection
        if connection is not None and connection.is_open and not self._closed:
            return connection
        connection = await self._opened(timeout_s)
        self._check(request)  # the gate looked before the wait
        return connection

    async def _opened(self, timeout_s: float) -> _Connection:
        try:
            async with asyncio.timeout(timeout_s), self._opening:
                if self._closed:
                    raise ConnectionFailed("the order socket is closed")
                if self._connection is None or not self._connection.is_open:
                    self._connection = await self._new()
                return self._connection
        except TimeoutError:
            raise Timeout("no order socket in time", outcome=Outcome.NOT_SENT) from None
        except VenueError as error:
            error.outcome = Outcome.NOT_SENT  # no command was written yet
            raise

    async def _new(self) -> _Connection:
        if self._prepare is not None:
            await self._prepare()
        connection = _Connection(await self._connect(await self._target()), self._dialect, self._clock)
        try:
            await connection.log_in()
        except BaseException:
            await connection.close()
            raise
        return connection


class _Connection:
    """One open socket: its reader, its pings, and the commands that wait for their answers."""

    def __init__(self, socket: Socket, dialect: Dialect, clock: Clock) -> None:
        self._socket = socket
        self._dialect = dialect
        self._clock = clock
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard_s = clock.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self.is_open = True

    async def log_in(self) -> None:
        """Raises `AuthenticationFailed` when the venue says no, `StreamLost` when it hangs up."""
        words = self._dialect.opening()
        if not words:
            self._ready.set_result(None)
        self._tasks = [asyncio.create_task(self._read(), name="order socket reader")]
        for word in words:
            await self._socket.send(word)
        await self._ready
        self._tasks.append(asyncio.create_task(self._keep(), name="order socket pings"))

    async def exchange(
        self, number: int, words: bytes | str, *, timeout_s: float, written: Callable[[], None] | None
    ) -> Response:
        """Write, and wait for the answer with this number."""
        waiter: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(number, words)
                if written is not None:
                    written()
                return await waiter
        except TimeoutError:
            raise Timeout("no reply in time", outcome=Outcome.UNKNOWN) from None
        finally:
            self._waiting.pop(number, None)

    async def _write(self, number: int, words: bytes | str) -> None:
        """`StreamLost` of a socket means that nothing of this was written."""
        if not self.is_open:
            raise ConnectionFailed("the order socket closed before the command was written", outcome=Outcome.NOT_SENT)
        try:
            await self._socket.send(words)
        except StreamLost as loss:
            self._waiting.pop(number, None)  # this one is in no doubt
            self._end("the order socket is lost")
            raise ConnectionFailed(loss.detail, outcome=Outcome.NOT_SENT) from loss

    async def close_when_idle(self) -> None:
        """Each command has its own time-out, so that nobody waits for ever."""
        if self._waiting:
            await asyncio.wait(tuple(self._waiting.values()), timeout=_IDLE_MAX_S)
        await self.close()

    async def close(self) -> None:
        self._end("the order socket was closed")
        await end(self._tasks)
        await self._socket.close()

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self._heard_s = self._clock.monotonic()
                for told in self._dialect.on_frame(frame.data):
                    await self._take(told)
            self._end("the venue closed the order socket")
        except FloorbrokerError as loss:
            self._end(loss.detail)
        finally:
            await self._socket.close()

    async def _take(self, told: Told) -> None:
        match told:
            case Ready():
                if not self._ready.done():
                    self._ready.set_result(None)
            case Refused(detail):
                if not self._ready.done():
                    self._ready.set_exception(AuthenticationFailed(detail, outcome=Outcome.NOT_SENT))
            case Send(data):
                await self._socket.send(data)
            case Answer(number, response):
                waiter = self._waiting.get(number)
                if waiter is not None and not waiter.done():
                    waiter.set_result(response)

    async def _keep(self) -> None:
        """Pings; and an end to a connection that has gone silent."""
        while self.is_open:
            await self._clock.sleep(self._dialect.ping_s)
            if self._clock.monotonic() - self._heard_s > _SILENCES * self._dialect.ping_s:
                self._end("the order socket is silent")
                await self._socket.close()
                return
            with suppress(StreamLost):  # the reader sees it too, and ends it
                await self._socket.send(self._dialect.ping())

    def _end(self, why: str) -> None:
        """Nothing more is written here, and nobody waits longer: what was written is in doubt."""
        self.is_open = False
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(ConnectionFailed(why, outcome=Outcome.UNKNOWN))
        if not self._ready.done():
            self._ready.set_exception(StreamLost(why))
            self._ready.exception()  # whoever waits for it hears of it; nobody may
