"""The private streams of one account: supervised connections that bring order events, shared by everybody who listens.

What is said on them is the venue's (`brokers/<venue>/stream`); that they are opened, kept open, and told of is the same at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, VenueError
from floorbroker.domain.ports import Log, Meter, OrderEvents
from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.actions import Session
from floorbroker.transport.supervise import Supervisor
from floorbroker.transport.types import Connect, SocketTarget

DENIED_PAUSE_S = 60.0
Target = Callable[[], Awaitable[SocketTarget]]


@dataclass(frozen=True, slots=True)
class Up:
    """The stream listens; whatever happened before may have been missed."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The venue does not accept the credentials: coming back at once does not help."""

    detail: str


OrderEvent = ExecutionReport | Up | Denied


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every stream needs from outside.  `broker` is its code, for names and errors."""

    broker: str
    clock: Clock
    random: Random
    log: Log
    meter: Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One connection that brings order events: its session, how it is opened, and where."""

    name: str
    session: Session[OrderEvent]
    connect: Connect
    target: Target


class OrderStream:
    """The private streams of one account; up when every line is."""

    def __init__(self, lines: Sequence[Line], around: Surroundings) -> None:
        self._lines = lines
        self._around = around
        self._handlers: list[OrderEvents] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._supervisors: list[Supervisor[OrderEvent]] = []
        self._up: set[str] = set()
        self.is_up = False
        self.detail = "not subscribed"
        self.denied = False

    @property
    def silence_s(self) -> float | None:
        """How long the most silent line has said nothing; None while none is open."""
        return longest(supervisor.silence_s for supervisor in self._supervisors)

    def subscribe(self, handler: OrderEvents) -> OrderSubscription:
        """The first handler opens the stream; a later one is told at once where it stands."""
        self._handlers.append(handler)
        if self.is_up:
            handler.on_stream(True, "up")
        if not self._tasks:
            self.denied = False
            self._tasks = [self._start(line) for line in self._lines]
        return OrderSubscription(self, handler)

    async def leave(self, handler: OrderEvents) -> None:
        """The last handler closes the stream."""
        if handler in self._handlers:
            self._handlers.remove(handler)
        if not self._handlers:
            await self.close()

    async def close(self) -> None:
        """Close every line and wait for it."""
        self._handlers.clear()
        tasks, self._tasks = self._tasks, []
        await end(tasks)
        self._supervisors.clear()
        self._up.clear()
        self.is_up, self.detail = False, "closed"

    def _start(self, line: Line) -> asyncio.Task[None]:
        async def emit(event: OrderEvent) -> None:
            self._on_event(line.name, event)

        supervisor = Supervisor(
            line.session,
            connect=line.connect,
            target=line.target,
            emit=emit,
            clock=self._around.clock,
            random=self._around.random,
            on_down=lambda loss: self._on_down(line.name, loss),
        )
        self._supervisors.append(supervisor)
        return asyncio.create_task(self._keep(line.name, supervisor), name=f"{self._around.broker} {line.name}")

    async def _keep(self, name: str, supervisor: Supervisor[OrderEvent]) -> None:
        """Also after a denial, though seldom: a venue that turned everybody away for a while knows the keys again.

        Whatever else waiting does not mend at once is treated alike: no word of a venue ends an order stream for good (I24).
        """
        while True:
            try:
                await supervisor.run()
            except AuthenticationFailed as denial:
                self._around.log.error("stream.denied", stream=name, again_in_s=DENIED_PAUSE_S)
                self.denied = True
                self._on_down(name, denial)
            except Exception as error:  # noqa: BLE001 - a bug that a frame meets included: it is told, and the stream comes back
                self._around.log.error(
                    "stream.ended", stream=name, error=type(error).__name__, again_in_s=DENIED_PAUSE_S
                )
                is_ours = isinstance(error, FloorbrokerError)
                self._on_down(name, error if is_ours else VenueError(f"ended by {type(error).__name__}"))
            await self._around.clock.sleep(DENIED_PAUSE_S)

    def _on_event(self, name: str, event: OrderEvent) -> None:
        match event:
            case Up():
                self._on_up(name)
            case Denied(detail):
                raise AuthenticationFailed(detail, broker=self._around.broker)
            case report:
                for handler in tuple(self._handlers):
                    handler.on_report(report)

    def _on_up(self, name: str) -> None:
        self._up.add(name)
        self._around.meter.count("stream_up", stream=name)
        if len(self._up) == len(self._lines):
            self.denied = False
            self._tell(is_up=True, detail="up")

    def _on_down(self, name: str, loss: FloorbrokerError) -> None:
        self._up.discard(name)
        self._around.meter.count("stream_lost", stream=name)
        self._tell(is_up=False, detail=f"{name}: {loss.detail}")

    def _tell(self, *, is_up: bool, detail: str) -> None:
        if not is_up and not self.is_up and self.detail == detail:
            return  # one more failed attempt is no news
        self.is_up, self.detail = is_up, detail
        for handler in tuple(self._handlers):
            handler.on_stream(is_up, detail)


class OrderSubscription:
    """One handler's part of the private stream."""

    def __init__(self, stream: OrderStream, handler: OrderEvents) -> None:
        self._stream = stream
        self._handler = handler
        self._closed = False

    async def close(self) -> None:
        """Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            await self._stream.leave(self._handler)


def longest(silences: Iterable[float | None]) -> float | None:
    """The longest of those that are known."""
    return max((silence_s for silence_s in silences if silence_s is not None), default=None)


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Stop them, and wait until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
