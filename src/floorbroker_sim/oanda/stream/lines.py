"""What both streams are: lines of JSON without an end, and a heartbeat every five seconds.  There is no replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from floorbroker_sim.http import Outbox
from floorbroker_sim.oanda import info
from floorbroker_sim.oanda.mapping import render

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

BEAT = timedelta(seconds=info.HEARTBEAT_S)


class Stream(Protocol):
    """One client on a stream."""

    outbox: Outbox
    instruments: frozenset[str]  # whose prices somebody waits for

    def on_time(self, at: datetime) -> None: ...
    def beat(self, at: datetime) -> None: ...
    def closed(self) -> None: ...


class Lines:
    """The part that both have: writing a line, and the heartbeat."""

    instruments: frozenset[str] = frozenset()

    def __init__(self, state: State, *, unix: bool, beat: Callable[[datetime], dict[str, object]]) -> None:
        self.outbox = Outbox()
        self._unix = unix
        self._beat = beat
        self._beat_at = state.clock.now() + BEAT

    def say(self, value: object) -> None:
        """One line; a client that does not read is let go."""
        if not self.outbox.put(render(value, unix=self._unix) + b"\n"):
            self.outbox.close()

    def on_time(self, at: datetime) -> None:
        """The heartbeat, when it is due."""
        if at >= self._beat_at:
            self.beat(at)

    def beat(self, at: datetime) -> None:
        """A heartbeat now; the next is due five seconds later."""
        self._beat_at = at + BEAT
        self.say(self._beat(at))


async def body(stream: Stream) -> AsyncIterator[bytes]:
    """The lines of a reply, until the client is gone."""
    try:
        while (frame := await stream.outbox.get()) is not None:
            yield frame.encode() if isinstance(frame, str) else frame
    finally:
        stream.closed()
