"""The door of the socket: joins sessions to bytes, counts messages and lets the fault plan act, as the gate does for HTTP.

A fault plan knows messages by the method `TWS` and a path such as `/placeOrder`; what a message brings back is its `reply`,
everything the client gets is the `stream`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from floorbroker.domain.clock import Clock
from floorbroker_sim.faults import REFUSALS, Fault, FaultPlan
from floorbroker_sim.gate import REORDER_S, Cut, Frames, Seen, stop
from floorbroker_sim.ibkr.codec import BadLength, Splitter, framed
from floorbroker_sim.ibkr.stream.session import Named, Session

METHOD, STREAM = "TWS", "/socket"
Read = Callable[[], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]


class Door:
    """`seen` is every message that reached the venue, those included whose answer was lost."""

    def __init__(
        self,
        *,
        plan: FaultPlan,
        clock: Clock,
        new_session: Callable[[], Session],
        is_deaf: Callable[[datetime], bool],
        is_down: Callable[[datetime], bool],
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._new_session = new_session
        self._is_deaf = is_deaf
        self._is_down = is_down
        self._cuts: dict[Session, asyncio.Event] = {}
        self._overtaken: list[asyncio.Event] = []
        self._background: set[asyncio.Task[None]] = set()
        self.seen: list[Seen] = []

    def sessions(self) -> list[Session]:
        """Connections that stand."""
        return list(self._cuts)

    def cut_all(self) -> None:
        """Every connection ends here, without a word."""
        for cut in self._cuts.values():
            cut.set()

    async def talk(self, read: Read, write: Write) -> None:
        """One connection, until either side ends it; `read` answers no bytes at the end.

        Raises `Cut` for an end without a word.
        """
        if self._is_down(self._clock.now()):
            raise Cut
        session, cut = self._new_session(), asyncio.Event()
        self._cuts[session] = cut
        tasks = [
            asyncio.ensure_future(self._hear(session, read)),
            asyncio.ensure_future(self._say(session, write)),
            asyncio.ensure_future(cut.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._cuts[session]
            session.closed()
            await stop(*tasks)
        for task in tasks:
            if task in done:
                task.result()
        if cut.is_set():
            raise Cut

    # --- In -----------------------------------------------------------------------------------------------------------

    async def _hear(self, session: Session, read: Read) -> None:
        splitter = Splitter()
        while data := await read():
            try:
                for body in splitter.feed(data):
                    self._message(session, body)
            except BadLength as error:
                raise Cut from error

    def _message(self, session: Session, body: bytes) -> None:
        """Faults on the way in, then the venue.  Raises `Cut`."""
        named, now = session.named(body), self._clock.now()
        if self._is_deaf(now):
            return
        for fault in self._plan.decide("request", METHOD, named.path, now):
            if fault.what in REFUSALS:
                session.fault(fault)
                return
            if fault.what in {"delay", "reorder"}:
                event = self._overtakable() if fault.what == "reorder" else None
                self._later(self._late(session, body, named, fault, event))
                return
            if fault.what == "duplicate":
                self._note(named)
                session.received(body, at_s=self._clock.monotonic())
            elif fault.what == "malformed":
                session.received(body[: len(body) // 2], at_s=self._clock.monotonic())
                return
            elif fault.what == "drop":
                return
            else:
                raise Cut
        self._obey(session, body, named)

    def _obey(self, session: Session, body: bytes, named: Named) -> None:
        self._note(named)
        mark = session.outbox.waiting
        session.received(body, at_s=self._clock.monotonic())
        for fault in self._plan.decide("reply", METHOD, named.path, self._clock.now()):
            said = session.outbox.take_after(mark)
            if fault.what in REFUSALS:
                session.fault(fault)
            elif fault.what == "malformed":
                _put_all(session, [frame[: max(1, len(frame) // 2)] for frame in said])
            elif fault.what in {"delay", "reorder"}:
                self._later(self._said_late(session, said, fault))
            elif fault.what == "cut":
                raise Cut

    async def _late(
        self, session: Session, body: bytes, named: Named, fault: Fault, event: asyncio.Event | None
    ) -> None:
        seconds = fault.args.seconds if fault.args.seconds is not None else 1.0
        if event is None:
            await self._clock.sleep(seconds)
        else:
            bound = asyncio.ensure_future(self._clock.sleep(fault.args.seconds or REORDER_S))
            waiting = asyncio.ensure_future(event.wait())
            try:
                await asyncio.wait({bound, waiting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await stop(bound, waiting)
        if session not in self._cuts:
            return  # the connection it came over is gone, and the message with it
        try:
            self._obey(session, body, named)
        except Cut:
            self._cuts[session].set()

    async def _said_late(self, session: Session, said: list[bytes | str], fault: Fault) -> None:
        await self._clock.sleep(fault.args.seconds if fault.args.seconds is not None else 1.0)
        _put_all(session, said)

    def _note(self, named: Named) -> None:
        self.seen.append(Seen(len(self.seen) + 1, METHOD, named.path, self._clock.now(), client=named.client))
        for event in self._overtaken:
            event.set()
        self._overtaken.clear()

    def _overtakable(self) -> asyncio.Event:
        event = asyncio.Event()
        self._overtaken.append(event)
        return event

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # --- Out ----------------------------------------------------------------------------------------------------------

    async def _say(self, session: Session, write: Write) -> None:
        frames = Frames(self._plan, self._clock, STREAM)
        while (body := await session.outbox.get()) is not None:
            out = await frames.through(body)
            if out:
                await write(b"".join(framed(one if isinstance(one, bytes) else one.encode()) for one in out))


def _put_all(session: Session, frames: list[bytes | str]) -> None:
    for frame in frames:
        session.outbox.put(frame)
