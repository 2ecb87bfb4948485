"""The pump between a socket and a session: it awaits, and never decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import StreamLost
from floorbroker.transport.actions import Action, Emit, Reconnect, Send, Session
from floorbroker.transport.types import Socket

E = TypeVar("E")
Emitter = Callable[[E], Awaitable[None]]


class Pump(Generic[E]):
    """Runs one session over one socket at a time.

    Decisions and their actions are performed under one lock, in order, so events come out in the order of the frames,
    and a slow consumer holds back the socket instead of filling memory.
    """

    def __init__(self, session: Session[E], *, clock: Clock, emit: Emitter[E], tick_s: float = 1.0) -> None:
        self._session = session
        self._clock = clock
        self._emit = emit
        self._tick_s = tick_s
        self._lock = asyncio.Lock()
        self._socket: Socket | None = None
        self._lost: asyncio.Future[None] | None = None
        self.heard_s: float | None = None  # monotonic: the last frame, or the opening; None without a connection

    async def run(self, socket: Socket, *, opened: Callable[[], None] = lambda: None) -> None:
        """Pump until the stream is lost: always ends with `StreamLost` (or what `emit` raised, or cancellation).

        `opened` is called once the session's first words are sent.
        """
        self._socket, self.heard_s = socket, self._clock.monotonic()
        self._lost = lost = asyncio.get_running_loop().create_future()
        try:
            async with self._lock:
                await self._perform(self._session.on_open(self._clock.monotonic()))
            opened()
            await _first_to_end(self._read(socket), self._tick(), lost)
        finally:
            self._socket = self._lost = self.heard_s = None

    async def tell(self, decide: Callable[[], Sequence[Action[E]]]) -> None:
        """Let the session decide something from outside (subscribe to more), and perform it.

        Without an open socket only events are performed: what is to be sent, `on_open` will ask for again.
        """
        async with self._lock:
            await self._perform(decide())

    def lose(self, loss: StreamLost) -> None:
        """End the present run, if there is one, with this loss."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(loss)

    async def _read(self, socket: Socket) -> None:
        async for frame in socket:
            async with self._lock:
                clock = self._clock
                self.heard_s = now_s = clock.monotonic()
                await self._perform(self._session.on_frame(frame.data, clock.now(), now_s))
        raise StreamLost("the peer closed the stream")

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._tick_s)
            async with self._lock:
                await self._perform(self._session.on_tick(self._clock.monotonic()))

    async def _perform(self, actions: Sequence[Action[E]]) -> None:
        for action in actions:
            match action:
                case Send(data):
                    if self._socket is not None:
                        await self._socket.send(data)
                case Emit(event):
                    await self._emit(event)
                case Reconnect(reason):
                    raise StreamLost(reason)


async def _first_to_end(*jobs: Awaitable[None]) -> None:
    """Run them together until one ends; the others are cancelled and waited for, and its error is raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
