"""The stream of a desk over one WebSocket, read message by message.

async with desk.stream(["orders", "quotes:paper:AAPL"]) as stream:
    async for told in stream:
        print(told.type, told.channel, told.data)
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from floorbroker.client.door import DeskError, Problem, Unreachable
from floorbroker.client.shapes import Shape

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.exceptions import ConnectionClosed

FRAME_MAX = 4 * 1024 * 1024


class Told(Shape, frozen=True):
    """One message: `type` is ack, snapshot, event, gap, error or bye; `conflated` prices before it were not shown."""

    type: str
    ts: datetime
    channel: str = ""
    seq: int | None = None
    key: str = ""
    profile: str = ""
    id: str = ""
    code: str = ""
    detail: str = ""
    channels: tuple[str, ...] = ()
    data: Any = None
    conflated: int = 0


class StreamEnded(DeskError):
    """The desk, or the way to it, ended the stream.  Come back with `after=seq`: nothing of what is durable is missed."""

    def __init__(self, problem: Problem, *, code: int, seq: int | None) -> None:
        super().__init__(problem)
        self.code = code
        self.seq = seq


_FRAME = msgspec.json.Decoder(Told | list[Told])


@dataclass(slots=True)
class Stream:
    """An open stream; `seq` is the number of the last fact that was told."""

    socket: ClientConnection
    seq: int | None = None
    _waiting: deque[Told] = field(default_factory=deque[Told])

    async def subscribe(self, channels: Sequence[str], *, after: int | None = None, id: str = "") -> None:
        """Hear of more; the desk answers with `ack` or `error`.  `after` tells the past behind a number first."""
        wish = {"op": "subscribe", "channels": list(channels), "id": id} | ({} if after is None else {"after": after})
        await self._say(wish)

    async def unsubscribe(self, channels: Sequence[str], *, id: str = "") -> None:
        """Hear of these no more."""
        await self._say({"op": "unsubscribe", "channels": list(channels), "id": id})

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Told:
        """The next message.  Raises `StreamEnded`."""
        while not self._waiting:
            self._waiting.extend(await self._frame())
        told = self._waiting.popleft()
        if told.type == "event" and told.seq is not None:
            self.seq = told.seq
        return told

    async def _frame(self) -> list[Told]:
        from websockets.exceptions import ConnectionClosed

        try:
            found: Told | list[Told] = _FRAME.decode(await self.socket.recv())
        except ConnectionClosed as closed:
            raise self._ended(closed) from closed
        return found if isinstance(found, list) else [found]

    async def _say(self, wish: dict[str, Any]) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self.socket.send(msgspec.json.encode(wish).decode())
        except ConnectionClosed as closed:
            raise self._ended(closed) from closed

    def _ended(self, closed: ConnectionClosed) -> StreamEnded:
        frame = closed.rcvd
        code, why = (1006, "") if frame is None else (frame.code, frame.reason)
        detail = f"the stream ended ({code}){f': {why}' if why else ''}"
        return StreamEnded(Problem(detail=detail, code="connection_failed", retryable=True), code=code, seq=self.seq)


@asynccontextmanager
async def open_stream(
    http: httpx2.AsyncClient, path: str, channels: Sequence[str], *, after: int | None = None
) -> AsyncGenerator[Stream]:
    """A stream at the address and with the credentials of `http`.  Raises `Unreachable`."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidMessage

    url = http.base_url.join(path)
    url = url.copy_with(scheme="wss" if url.scheme == "https" else "ws")
    shown = {name: http.headers[name] for name in ("Authorization",) if name in http.headers}
    if cookies := "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar):
        shown["Cookie"] = cookies
    try:
        socket = await connect(str(url), additional_headers=shown, max_size=FRAME_MAX, proxy=None)
    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
        detail = f"no stream at {url}: {error or type(error).__name__}"
        raise Unreachable(
            Problem(detail=detail, code="connection_failed", outcome="not_sent", retryable=True)
        ) from error
    async with socket:
        stream = Stream(socket)
        await stream.subscribe(channels, after=after)
        yield stream
