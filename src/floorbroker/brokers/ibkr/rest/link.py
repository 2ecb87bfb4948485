"""One open connection to the program: its reader, whoever waits for answers on it, and the lines that listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.rest.collect import Collector
from floorbroker.brokers.ibkr.stream.session import ApiSession, Heard, LinkBack, LinkLost, Over, Ready, Say, Step
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConnectionFailed, FloorbrokerError, Outcome, StreamLost
from floorbroker.domain.ports import Log
from floorbroker.transport.private import end
from floorbroker.transport.types import Frame, Socket

LINE_MAX = 20_000  # messages that wait for one listener
PACE_CODE = 100
SAY_S = 10.0
_TICK_S = 1.0
Kinds = tuple[type[wire.Wire], ...]
Pay = Callable[[], Awaitable[None]]


class Link:
    """One open connection: its reader, its questions, its lines.  `lost` says why the broker's servers are out of reach,
    `losses` how often they were."""

    def __init__(
        self, socket: Socket, session: ApiSession, *, clock: Clock, log: Log, on_pace: Callable[[], None]
    ) -> None:
        self._socket = socket
        self.session = session
        self._clock = clock
        self._log = log
        self._on_pace = on_pace
        self._waiting: dict[int, tuple[Collector, asyncio.Future[None]]] = {}
        self._lines: list[Line] = []
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self.is_open = True
        self.lost = ""
        self.losses = 0

    async def greet(self) -> None:
        """Raises why it does not come to be ready."""
        await self._socket.send(self.session.on_open(self._clock.monotonic()))
        self._tasks = [
            asyncio.create_task(self._read(), name="program reader"),
            asyncio.create_task(self._tick(), name="program keeper"),
        ]
        await self._greeted

    async def write(self, frames: bytes) -> None:
        """Raises `StreamLost` only when nothing of this was written."""
        if not self.is_open:
            raise StreamLost("the connection to the program is closed")
        await self._socket.send(frames)

    def wait_for(self, collector: Collector) -> asyncio.Future[None]:
        """Done when the collector heard enough; fails with the connection."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_open:
            self._waiting[id(collector)] = (collector, future)
        else:
            future.set_exception(ConnectionFailed("the connection to the program is closed", outcome=Outcome.UNKNOWN))
            future.exception()  # what is written on it fails before anybody waits
        return future

    def forget(self, collector: Collector) -> None:
        _, future = self._waiting.pop(id(collector), (None, None))
        if future is not None and future.done() and not future.cancelled():
            future.exception()  # whoever waited has gone

    def line(self, kinds: Kinds, pay: Pay) -> Line:
        """A socket that brings messages of these kinds, as their payloads, until this connection or its link is lost."""
        line = Line(self, kinds, pay)
        self._lines.append(line)
        return line

    def leave(self, line: Line) -> None:
        if line in self._lines:
            self._lines.remove(line)

    async def close(self, why: str) -> None:
        self._end(ConnectionFailed(f"the connection to the program: {why}", broker=BROKER, outcome=Outcome.UNKNOWN))
        current = asyncio.current_task()
        await end([task for task in self._tasks if task is not current])
        await self._socket.close()

    # -- reading ------------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                for step in self.session.on_payload(frame.data, self._clock.monotonic()):
                    await self._take(step)
            self._end(StreamLost("the program closed the connection", broker=BROKER))
        except FloorbrokerError as loss:
            self._end(loss)
        finally:
            await self._socket.close()

    async def _tick(self) -> None:
        while self.is_open:
            await self._clock.sleep(_TICK_S)
            try:
                for step in self.session.on_tick(self._clock.monotonic()):
                    await self._take(step)
            except FloorbrokerError as loss:
                self._end(loss)
                await self._socket.close()
                return

    async def _take(self, step: Step) -> None:
        match step:
            case Say(frame):
                await self._say(frame)
            case Ready():
                if not self._greeted.done():
                    self._greeted.set_result(None)
            case Heard(message, payload):
                self._hand(message, payload)
            case LinkLost(detail):
                self._lose(detail)
            case LinkBack(data_lost):
                self.lost = ""
                self._log.info("program.link_back", data_lost=data_lost)
                if data_lost:
                    self._end_lines(StreamLost("market data was lost with the link", broker=BROKER))
            case Over(error):
                raise error

    async def _say(self, frame: bytes) -> None:
        """Raises `StreamLost` when the program does not read: whoever waits for it would notice no silence."""
        try:
            async with asyncio.timeout(SAY_S):
                await self._socket.send(frame)
        except TimeoutError:
            raise StreamLost("the program does not read", broker=BROKER) from None

    def _hand(self, message: wire.Wire, payload: bytes) -> None:
        if isinstance(message, wire.Error) and message.code == PACE_CODE:
            self._log.warning("program.too_fast")
            self._on_pace()
        for key, (collector, future) in tuple(self._waiting.items()):
            if collector.take(message):
                del self._waiting[key]
                if not future.done():
                    future.set_result(None)
        for line in tuple(self._lines):
            line.offer(message, payload)

    def _lose(self, detail: str) -> None:
        """Lists under way would come from memory, so `losses` voids them; the program may answer commands yet."""
        self.lost = detail
        self.losses += 1
        self._log.warning("program.link_lost", detail=detail)
        self._end_lines(StreamLost(f"the program has lost the broker's servers: {detail}", broker=BROKER))

    def _end_lines(self, loss: StreamLost) -> None:
        for line in tuple(self._lines):
            line.lose(loss)

    def _end(self, loss: FloorbrokerError) -> None:
        """Nobody waits longer; what was written is in doubt."""
        if not self.is_open:
            return
        self.is_open = False
        if not self._greeted.done():
            self._greeted.set_exception(loss)
            self._greeted.exception()  # whoever waits for it hears of it; nobody may
        waiting, self._waiting = self._waiting, {}
        for _, future in waiting.values():
            if not future.done():
                future.set_exception(
                    ConnectionFailed(f"the connection was lost: {loss.detail}", broker=BROKER, outcome=Outcome.UNKNOWN)
                )
                future.exception()
        self._end_lines(StreamLost(loss.detail, broker=BROKER))


class Line:
    """`Socket` over a part of what the program says.  What is sent on it is a message, or several, to the program."""

    def __init__(self, link: Link, kinds: Kinds, pay: Pay) -> None:
        self._link = link
        self._kinds = kinds
        self._pay = pay
        self._queue: asyncio.Queue[bytes | StreamLost] = asyncio.Queue()
        self._loss: StreamLost | None = None

    def offer(self, message: wire.Wire, payload: bytes) -> None:
        """Take a message if it is of these kinds; who is too slow to listen loses the line."""
        if self._loss is not None or not isinstance(message, self._kinds):
            return
        if self._queue.qsize() >= LINE_MAX:
            self.lose(StreamLost("too slow to listen to the program", broker=BROKER))
            return
        self._queue.put_nowait(payload)

    def lose(self, loss: StreamLost) -> None:
        """What was heard before it is still told."""
        if self._loss is None:
            self._loss = loss
            self._queue.put_nowait(loss)
            self._link.leave(self)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while True:
            heard = await self._queue.get()
            if isinstance(heard, StreamLost):
                raise heard
            yield Frame(heard, text=False)

    async def send(self, data: bytes | str) -> None:
        """Raises `StreamLost` only when nothing of this was written."""
        if self._loss is not None:
            raise StreamLost(self._loss.detail, broker=BROKER)
        await self._pay()
        await self._link.write(data.encode() if isinstance(data, str) else data)

    async def close(self) -> None:
        """Closing twice is harmless; the connection stays."""
        self._link.leave(self)
        self._loss = self._loss or StreamLost("the line is closed", broker=BROKER)
