"""Pump and supervisor: order, ticks, losses, and coming back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import AuthenticationFailed, ConnectionFailed, FloorbrokerError, StreamLost, VaultLocked
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.backoff import Backoff
from floorbroker.transport.pump import Pump
from floorbroker.transport.supervise import Supervisor
from floorbroker.transport.types import Frame, Socket, SocketTarget
from tests.unit.transport.fakes import START, MovedClock, clock

pytestmark = pytest.mark.asyncio


class Line:
    """A socket whose other end the test holds."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[Frame | Exception | None] = asyncio.Queue()
        self.sent: list[bytes | str] = []
        self.closed = False

    def say(self, data: bytes) -> None:
        self._frames.put_nowait(Frame(data, text=True))

    def end(self, how: Exception | None = None) -> None:
        self._frames.put_nowait(how)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (item := await self._frames.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def send(self, data: bytes | str) -> None:
        self.sent.append(data)

    async def close(self) -> None:
        self.closed = True


@dataclass
class Echo:
    """A session that subscribes on opening, hands frames on, and gives up after 20 s of silence."""

    wanted: list[str] = field(default_factory=lambda: ["AAPL"])
    heard_s: float | None = None
    at: datetime | None = None  # when the last frame came, by the wall clock

    def on_open(self, now_s: float) -> Sequence[Action[str]]:
        self.heard_s = now_s
        return [Send("login"), *(Send(f"subscribe {symbol}") for symbol in self.wanted)]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Sequence[Action[str]]:
        self.heard_s = now_s
        self.at = at
        if frame == b"bye":
            return [Emit("bye"), Reconnect("asked to leave"), Emit("never")]
        return [Emit(frame.decode()), Send(b"ack " + frame)]

    def on_tick(self, now_s: float) -> Sequence[Action[str]]:
        assert self.heard_s is not None
        return [Reconnect("20 s of silence")] if now_s - self.heard_s >= 20 else []

    def subscribe(self, symbol: str) -> Sequence[Action[str]]:
        self.wanted.append(symbol)
        return [Send(f"subscribe {symbol}")]


def pump(time: ManualClock, events: list[str]) -> Pump[str]:
    async def emit(event: str) -> None:
        events.append(event)

    return Pump(Echo(), clock=time, emit=emit)


async def lost(task: asyncio.Task[None], time: ManualClock) -> str:
    await time.advance(0)
    with pytest.raises(StreamLost) as caught:
        await task
    return caught.value.detail


async def test_actions_are_performed_in_order() -> None:
    time, line, events = clock(), Line(), list[str]()
    task = asyncio.create_task(pump(time, events).run(line))
    line.say(b"one")
    line.say(b"two")
    line.say(b"bye")
    assert await lost(task, time) == "asked to leave"
    assert line.sent == ["login", "subscribe AAPL", b"ack one", b"ack two"]
    assert events == ["one", "two", "bye"]


async def test_ticks_notice_silence() -> None:
    time, line, events = clock(), Line(), list[str]()
    task = asyncio.create_task(pump(time, events).run(line))
    await time.advance(19)
    line.say(b"one")
    await time.advance(19)
    assert not task.done()
    await time.advance(1)
    assert await lost(task, time) == "20 s of silence"


@pytest.mark.parametrize("by_h", [-2, 2])
async def test_a_wall_clock_that_is_moved_neither_hides_silence_nor_makes_it(by_h: int) -> None:
    time, line, session, events = MovedClock(START), Line(), Echo(), list[str]()

    async def emit(event: str) -> None:
        events.append(event)

    task = asyncio.create_task(Pump(session, clock=time, emit=emit).run(line))
    line.say(b"one")
    await time.advance(0)
    time.moved = timedelta(hours=by_h)
    await time.advance(19)
    assert (task.done(), events, session.at) == (False, ["one"], START)
    await time.advance(1)
    assert await lost(task, time) == "20 s of silence"


@pytest.mark.parametrize(("how", "reason"), [(None, "the peer closed the stream"), (StreamLost("reset"), "reset")])
async def test_every_end_of_the_socket_is_a_lost_stream(how: Exception | None, reason: str) -> None:
    time, line = clock(), Line()
    task = asyncio.create_task(pump(time, []).run(line))
    line.end(how)
    assert await lost(task, time) == reason


async def test_a_slow_consumer_holds_back_ticks_and_frames() -> None:
    time, line, events, release = clock(), Line(), list[str](), asyncio.Event()

    async def emit(event: str) -> None:
        await release.wait()
        events.append(event)

    task = asyncio.create_task(Pump(Echo(), clock=time, emit=emit).run(line))
    line.say(b"one")
    line.say(b"two")
    await time.advance(0.5)
    assert line.sent == ["login", "subscribe AAPL"]
    release.set()
    await time.advance(0)
    assert events == ["one", "two"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Exchange:
    """What a supervisor connects to: gives lines, or errors, in order."""

    def __init__(self, *plan: Line | Exception) -> None:
        self._plan = list(plan)
        self.attempts: list[float] = []
        self.time = clock()
        self.status: list[str] = []
        self.events: list[str] = []

    async def connect(self, target: SocketTarget) -> Socket:
        self.attempts.append(self.time.monotonic())
        step = self._plan.pop(0) if len(self._plan) > 1 else self._plan[0]
        if isinstance(step, Exception):
            raise step
        return step

    async def target(self) -> SocketTarget:
        return SocketTarget(url="wss://stream.venue.example")

    async def emit(self, event: str) -> None:
        self.events.append(event)

    def down(self, loss: FloorbrokerError) -> None:
        self.status.append(loss.detail)

    def supervise(self, session: Echo) -> Supervisor[str]:
        return Supervisor(
            session,
            connect=self.connect,
            target=self.target,
            emit=self.emit,
            clock=self.time,
            random=Random(3),
            on_up=lambda: self.status.append("up"),
            on_down=self.down,
            backoff=Backoff(base_s=0.5, cap_s=60),
        )


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lost_stream_comes_back_and_subscribes_to_everything_again() -> None:
    first, second = Line(), Line()
    venue, session = Exchange(first, ConnectionFailed("refused"), second), Echo()
    supervisor = venue.supervise(session)
    task = asyncio.create_task(supervisor.run())
    await venue.time.advance(0)
    await supervisor.tell(lambda _: session.subscribe("MSFT"))
    first.end(StreamLost("reset"))
    await venue.time.advance(2)
    assert first.sent == ["login", "subscribe AAPL", "subscribe MSFT"]
    assert second.sent == ["login", "subscribe AAPL", "subscribe MSFT"]
    assert venue.status == ["up", "reset", "refused", "up"]
    assert (first.closed, supervisor.is_up) == (True, True)
    await stop(task)
    assert second.closed
    assert not supervisor.is_up


async def test_a_wish_while_the_stream_is_down_is_asked_for_when_it_is_up() -> None:
    line, session = Line(), Echo()
    venue = Exchange(ConnectionFailed("refused"), line)
    supervisor = venue.supervise(session)
    await supervisor.tell(lambda _: session.subscribe("MSFT"))
    task = asyncio.create_task(supervisor.run())
    await venue.time.advance(1)
    assert line.sent == ["login", "subscribe AAPL", "subscribe MSFT"]
    await stop(task)


async def test_a_wish_to_reconnect_is_followed() -> None:
    first, second = Line(), Line()
    venue, session = Exchange(first, second), Echo()
    supervisor = venue.supervise(session)
    task = asyncio.create_task(supervisor.run())
    await venue.time.advance(0)
    await supervisor.tell(lambda _: [Reconnect("new token")])
    await venue.time.advance(1)
    assert venue.status == ["up", "new token", "up"]
    await stop(task)


async def test_waits_grow_with_full_jitter_up_to_a_minute() -> None:
    venue = Exchange(ConnectionFailed("refused"))
    task = asyncio.create_task(venue.supervise(Echo()).run())
    await venue.time.advance(3600)
    gaps = [later - earlier for earlier, later in zip(venue.attempts, venue.attempts[1:], strict=False)]
    assert all(gap <= min(60, 0.5 * 2**number) + 1e-6 for number, gap in enumerate(gaps))
    assert 60 >= max(gaps) > 30
    assert len(venue.attempts) < 200
    await stop(task)


async def test_a_venue_that_accepts_and_hangs_up_is_not_hammered() -> None:
    class HangUp(Line):
        async def __aiter__(self) -> AsyncIterator[Frame]:
            raise StreamLost("connection limit")
            yield Frame(b"", text=True)

    venue = Exchange(HangUp())
    task = asyncio.create_task(venue.supervise(Echo()).run())
    await venue.time.advance(600)
    assert 8 < len(venue.attempts) < 60
    await stop(task)


async def test_a_connection_that_lived_long_ends_the_back_off() -> None:
    lines = [Line() for _ in range(3)]
    venue = Exchange(*[ConnectionFailed("refused")] * 8, *lines)
    task = asyncio.create_task(venue.supervise(Echo()).run())
    await venue.time.advance(200)
    tries = len(venue.attempts)
    assert venue.status[-1] == "up" or tries > 9
    current = next(line for line in reversed(lines) if line.sent)
    current.end(StreamLost("reset"))
    await venue.time.advance(0.5)
    assert len(venue.attempts) == tries + 1
    await stop(task)


async def test_a_locked_vault_is_waited_for() -> None:
    line = Line()
    venue = Exchange(VaultLocked("the vault is locked"), VaultLocked("the vault is locked"), line)
    task = asyncio.create_task(venue.supervise(Echo()).run())
    await venue.time.advance(10)
    assert venue.status == ["the vault is locked", "the vault is locked", "up"]
    await stop(task)


async def test_what_waiting_does_not_mend_ends_the_supervision() -> None:
    venue = Exchange(AuthenticationFailed("wrong key"))
    with pytest.raises(AuthenticationFailed):
        await venue.supervise(Echo()).run()
    assert len(venue.attempts) == 1
