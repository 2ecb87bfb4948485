"""Streams in memory: one line with two directions, and what the weather does to the frames that come down it."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Self, TypeVar

from floorbroker.brokers.ibkr.codec import Splitter
from floorbroker.domain.errors import StreamLost
from floorbroker.transport.types import Frame, Request, SocketTarget
from floorbroker_sim.gate import Cut
from tests.simulation.asgi import App, Message, http_scope, socket_scope, start_of
from tests.simulation.spoken import Mouth
from tests.simulation.twist import NO_WORDS, twisted
from tests.simulation.weather import Weather

PATIENCE_S = 30.0  # after which a venue gives up on a half-open connection
Later = Callable[..., None]
Talk = Callable[[Callable[[], Awaitable[bytes]], Callable[[bytes], Awaitable[None]]], Awaitable[None]]
T = TypeVar("T")


class Line:
    """One connection.  `up` carries the client's frames to the venue in order; `down` the venue's, through the weather.

    `accepted` resolves to the status of the handshake.  A *broken* line tells both ends; a *mute* one tells nobody and
    carries nothing: the half-open connection.  A `whole` line loses and reorders nothing, short of breaking: an
    answer with an end, which the protocol below it keeps in one piece.
    """

    def __init__(
        self,
        weather: Weather,
        later: Later,
        *,
        whole: bool = False,
        words: re.Pattern[bytes] = NO_WORDS,
        at: str = "",
    ) -> None:
        self._weather = weather
        self._at = at  # whose account
        self._whole = whole
        self._words = words
        self._later = later
        self._up_at = 0.0
        self._down_at = 0.0
        self._held: Frame | None = None
        self._mute = False
        self._late_s = 0.0
        self._is_broken = False
        self.is_over = False
        self.accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.mouth: Mouth | None = None  # of a line over which commands go
        self.to_venue = Inbox[Frame]()
        self.to_client = Inbox[Frame]()

    # -- what the client does -----------------------------------------------------------------------------------------

    def send_up(self, frame: Frame) -> None:
        """Raises `StreamLost` on a broken line; a mute one takes it and says nothing."""
        if self._is_broken:
            raise StreamLost("the stream is closed")
        if not self._mute and (self.mouth is None or not self.mouth.says(frame)):
            self.pass_up(0.0, frame)

    def pass_up(self, lag_s: float, frame: Frame) -> None:
        """A frame on its way to the venue; what follows it comes after it."""
        self._up_at = self._deliver(self._up_at, lag_s, self.to_venue.put, frame)

    @property
    def arrives_at(self) -> float:
        """When the last frame for the venue arrives."""
        return self._up_at

    def hang_up(self) -> None:
        """The client leaves in good order; over a mute line the venue learns of it when its own patience ends."""
        self._is_broken = True
        self._later(PATIENCE_S if self._mute else self._weather.latency_s(), self.to_venue.end)
        self.to_client.end()

    def break_off(self) -> None:
        """The connection is gone; each end hears of it in its own time, the client of a mute one never."""
        self._is_broken = True
        self._later(self._weather.latency_s(), self.to_venue.end)
        if not self._mute:
            self._later(self._weather.latency_s(), self.to_client.end, "the connection broke")

    # -- what the venue does ------------------------------------------------------------------------------------------

    def send_down(self, frame: Frame) -> None:
        """One frame towards the client, and whatever befalls it."""
        if self._mute or self._is_broken:
            return
        if self.mouth is not None and self.mouth.speaks:
            self._answer(self.mouth, frame)
        else:
            self._meet_weather(frame)

    def _answer(self, mouth: Mouth, frame: Frame) -> None:
        """A frame of a line that carries commands."""
        heard, late_s = mouth.hears(frame)
        if heard is not None:
            self._down(heard, lag_s=late_s)

    def _meet_weather(self, frame: Frame) -> None:
        what = self._weather.strike("stream", self._at)
        if self._whole and what in {"drop", "reorder"}:
            what = None
        match what:
            case "cut":
                self.break_off()
            case "mute":
                self._mute = True
            case "drop":
                pass
            case "reorder" if self._held is None:
                self._held = frame
                self._later(1.0, self._release)
            case "garble" | "odd_types" | "huge" | "deep" | "not_text" | "strange":
                self._down(Frame(twisted(what, frame.data, self._words), frame.text))
            case "skew":
                self._late_s = self._weather.between(2, 15)
                self._down(frame)
            case _:
                self._down(frame, lag_s=self._weather.between(1, 10) if what == "lag" else 0.0)
                if what == "duplicate":
                    self._down(frame)
                self._release()

    def end_down(self) -> None:
        """The venue closes in good order, which nobody hears of over a line that broke: an end would vouch for what was lost."""
        self._release()
        self.is_over = True
        if not self._mute and not self._is_broken:
            self._down_at = self._deliver(self._down_at, 0.0, self.to_client.end)

    def venue_left(self) -> None:
        """The venue's side is done; without a goodbye, that is a break."""
        if not self.is_over:
            self.break_off()

    def _down(self, frame: Frame, *, lag_s: float = 0.0) -> None:
        self._down_at = self._deliver(self._down_at, lag_s + self._late_s, self.to_client.put, frame)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._down(held)

    def _deliver(self, not_before: float, lag_s: float, callback: Callable[..., object], *args: object) -> float:
        """In order: never before what was sent earlier."""
        now = asyncio.get_running_loop().time()
        at = max(not_before, now + self._weather.latency_s() + lag_s)
        self._later(at - now, callback, *args)
        return at


class Inbox(Generic[T]):
    """What has arrived at one end; `end` closes it, with a reason when the line broke."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._fault: str | None = None

    def put(self, item: T) -> None:
        if not self._ended:
            self._items.append(item)
            self._wake()

    def end(self, fault: str | None = None) -> None:
        if not self._ended:
            self._ended, self._fault = True, fault
            self._wake()

    async def get(self) -> T | None:
        """The next item; None after an orderly end.  Raises `StreamLost` after any other."""
        while not self._items:
            if self._ended:
                if self._fault is not None:
                    raise StreamLost(self._fault)
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._items.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class SimulatedSocket:
    """`Socket`: the client's end of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        frame = await self._line.to_client.get()
        if frame is None:
            raise StopAsyncIteration
        return frame

    async def send(self, data: bytes | str) -> None:
        is_text = isinstance(data, str)
        self._line.send_up(Frame(data.encode() if isinstance(data, str) else data, is_text))

    async def close(self) -> None:
        self._line.hang_up()


class BodyStream:
    """`ByteStream`: a reply body, piece by piece."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.status = line.accepted.result()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        frame = await self._line.to_client.get()
        if frame is None:
            raise StopAsyncIteration
        return frame.data

    async def close(self) -> None:
        self._line.hang_up()


async def serve_socket(app: App, target: SocketTarget, line: Line) -> None:
    """The venue's end of a WebSocket, from handshake to goodbye."""
    opening: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if opening:
            return opening.pop()
        frame = await line.to_venue.get()
        if frame is None:
            return {"type": "websocket.disconnect", "code": 1006}
        if frame.text:
            return {"type": "websocket.receive", "text": frame.data.decode()}
        return {"type": "websocket.receive", "bytes": frame.data}

    async def send(message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                _accept(line, 101)
            case "websocket.send":
                text = message.get("text")
                data = text.encode() if text is not None else message["bytes"]
                line.send_down(Frame(data, text is not None))
            case "websocket.http.response.start":
                _accept(line, start_of(message)[0])
            case "websocket.close":
                _accept(line, 403)
                line.end_down()

    await app(socket_scope(target, line.break_off), receive, send)
    line.venue_left()


async def serve_talk(talk: Talk, line: Line) -> None:
    """The venue's end of a bare TCP connection: bytes up, whole messages down."""
    splitter = Splitter()

    async def read() -> bytes:
        frame = await line.to_venue.get()
        return b"" if frame is None else frame.data

    async def write(data: bytes) -> None:
        for payload in splitter.feed(data):
            line.send_down(Frame(payload, text=False))

    _accept(line, 101)
    with suppress(Cut):
        await talk(read, write)
        line.end_down()
    line.venue_left()


async def serve_body(app: App, request: Request, line: Line) -> None:
    """The venue's end of a reply without an end."""
    opening: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Message:
        if opening:
            return opening.pop()
        while await line.to_venue.get() is not None:
            pass
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            _accept(line, start_of(message)[0])
        elif message.get("body"):
            line.send_down(Frame(message["body"], text=False))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            line.end_down()

    await app(http_scope(request, line.break_off), receive, send)
    line.venue_left()


def _accept(line: Line, status: int) -> None:
    if not line.accepted.done():
        line.accepted.set_result(status)
