"""The one door of a simulator: an ASGI app that counts requests, lets the fault plan act, and calls plain handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from floorbroker.domain.clock import Clock
from floorbroker_sim.faults import REFUSALS, Fault, FaultPlan
from floorbroker_sim.http import MAX_BODY, Command, Reply, Request, SocketSession, TakesCommands, dated, request_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WS = "WS"  # the method of commands that come over a socket, in fault plans and in the request log
CUT = "floorbroker.cut"  # scope extension: closes the transport under the request
SILENCE_S = 60.0  # how long a dropped request may hang before the connection is cut
REORDER_S = 1.0  # how long a reordered request waits to be overtaken
FRAME_FAULTS = frozenset({"drop", "delay", "duplicate", "reorder", "cut", "malformed", "mute"})


class Cut(Exception):
    """The connection ends here, without a word."""


@dataclass(slots=True)
class Seen:
    """One request that reached the venue."""

    n: int
    method: str
    path: str
    at: datetime
    status: int | None = None
    client: str | None = None


class Venue(Protocol):
    """What the gate stands in front of."""

    def handle(self, request: Request) -> Reply: ...
    def socket(self, request: Request) -> SocketSession | Reply: ...
    def client_id(self, request: Request) -> str | None:
        """The client's own order id inside a request, for the request log."""
        ...

    def refusal(self, fault: Fault, request: Request) -> Reply:
        """The venue's own words for a status, throttle, ban, maintenance or token expiry."""
        ...


class Gate:
    """ASGI.  `seen` is every request that reached the venue, those included whose answer was lost."""

    def __init__(self, venue: Venue, *, plan: FaultPlan, clock: Clock) -> None:
        self._venue = venue
        self._plan = plan
        self._clock = clock
        self._overtaken: list[asyncio.Event] = []
        self._background: set[asyncio.Task[None]] = set()
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        try:
            await (self._http if scope["type"] == "http" else self._socket)(scope, receive, send)
        except Cut:
            if cut := scope.get("extensions", {}).get(CUT):
                cut()

    # --- HTTP --------------------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope, await read_body(receive))
        answer = await self._before(request, receive)
        if answer is None:
            entry = self._log(request)
            answer = self._venue.handle(request)
            entry.status = answer.status
            answer = await self._after(request, answer, receive, send)
        answer = dated(answer, self._clock.now())
        if answer.stream is None:
            await send_reply(send, answer)
        else:
            await self._send_stream(request, answer, receive, send)

    async def _before(self, request: Request, receive: Receive) -> Reply | None:
        """Faults on the way in; an answer means the venue never sees the request."""
        for fault in self._plan.decide("request", request.method, request.path, self._clock.now()):
            if fault.what in REFUSALS:
                return self._refuse(fault, request)
            if fault.what == "malformed":
                return self._venue.handle(_torn(request))
            if fault.what == "duplicate":
                self._log(request).status = self._venue.handle(request).status
            elif fault.what == "reorder":
                await self._be_overtaken(fault)
            else:
                await self._hold(fault, receive)
        return None

    async def _after(self, request: Request, answer: Reply, receive: Receive, send: Send) -> Reply:
        for fault in self._plan.decide("reply", request.method, request.path, self._clock.now()):
            if fault.what in REFUSALS:
                answer = self._refuse(fault, request)
            elif fault.what == "malformed":
                answer = _garbled(answer)
            elif fault.what == "reorder":
                await self._be_overtaken(fault)
            elif fault.what == "cut":
                await _send_half(send, answer)
                raise Cut
            else:
                await self._hold(fault, receive)
        return answer

    def _refuse(self, fault: Fault, request: Request) -> Reply:
        return self._venue.refusal(fault, request)

    async def _hold(self, fault: Fault, receive: Receive) -> None:
        """A delay, or a drop: silence until the client gives up."""
        if fault.what == "delay":
            await self._clock.sleep(fault.args.seconds if fault.args.seconds is not None else 1.0)
            return
        if fault.what == "drop":
            await self._silence(fault.args.seconds if fault.args.seconds is not None else SILENCE_S, receive)
        raise Cut

    async def _silence(self, seconds: float, receive: Receive) -> None:
        gone = asyncio.ensure_future(_gone(receive))
        bound = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({gone, bound}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop(gone, bound)

    async def _be_overtaken(self, fault: Fault, event: asyncio.Event | None = None) -> None:
        event = event or self._overtakable()
        waiting = asyncio.ensure_future(event.wait())
        bound = asyncio.ensure_future(self._clock.sleep(fault.args.seconds or REORDER_S))
        try:
            await asyncio.wait({waiting, bound}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop(waiting, bound)

    def _overtakable(self) -> asyncio.Event:
        """Set when the next request is logged."""
        event = asyncio.Event()
        self._overtaken.append(event)
        return event

    def _log(self, request: Request) -> Seen:
        return self._note(request.method, request.path, self._venue.client_id(request))

    def _note(self, method: str, path: str, client: str | None) -> Seen:
        entry = Seen(len(self.seen) + 1, method, path, self._clock.now(), client=client)
        self.seen.append(entry)
        for event in self._overtaken:
            event.set()
        self._overtaken.clear()
        return entry

    # --- Streams -----------------------------------------------------------------------------------------------------

    async def _send_stream(self, request: Request, answer: Reply, receive: Receive, send: Send) -> None:
        assert answer.stream is not None
        await send(_start(answer, chunked=True))
        frames = Frames(self._plan, self._clock, request.path)

        async def pump() -> None:
            assert answer.stream is not None
            async for chunk in answer.stream:
                for out in await frames.through(chunk):
                    await send({"type": "http.response.body", "body": _bytes(out), "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        await _race(asyncio.ensure_future(pump()), asyncio.ensure_future(_gone(receive)))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        request = request_of(scope)
        session = self._handshake(request)
        if isinstance(session, Reply):
            await _deny(scope, send, session)
            return
        await send({"type": "websocket.accept"})
        session.opened()
        inbound = asyncio.ensure_future(self._read(session, receive))
        outbound = asyncio.ensure_future(self._write(session, request, send))
        patience = asyncio.ensure_future(self._patience(session))
        try:
            await _race(inbound, outbound)
        finally:
            await stop(patience)
            session.closed()

    def _handshake(self, request: Request) -> SocketSession | Reply:
        for fault in self._plan.decide("stream", "GET", request.path, self._clock.now(), among=REFUSALS):
            return self._venue.refusal(fault, request)
        entry = self._log(request)
        session = self._venue.socket(request)
        entry.status = session.status if isinstance(session, Reply) else 101
        return session

    async def _read(self, session: SocketSession, receive: Receive) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            data: bytes | str = text if text is not None else message.get("bytes") or b""
            command = session.command(data) if isinstance(session, TakesCommands) else None
            if command is None:
                session.received(data)
            else:
                await self._command(session, command, data)  # type: ignore[arg-type]

    async def _command(self, session: TakesCommands, command: Command, data: bytes | str) -> None:
        """One order command of a socket: faults on its way in and on its answer, as over HTTP."""
        now = self._clock.now()
        for fault in self._plan.decide("request", WS, command.path, now):
            if fault.what in REFUSALS:
                session.refuse(fault, data)
                return
            if fault.what in {"delay", "reorder"}:
                event = self._overtakable() if fault.what == "reorder" else None
                self._later(self._late_command(session, command, data, fault, event))
                return
            if fault.what == "duplicate":
                self._note(WS, *command)
                session.received(data)
            elif fault.what == "malformed":
                session.received(data[: len(data) // 2])
                return
            elif fault.what == "drop":
                return
            else:
                raise Cut
        self._obey(session, command, data)

    def _obey(self, session: TakesCommands, command: Command, data: bytes | str) -> None:
        self._note(WS, *command)
        mark = session.outbox.waiting
        session.received(data)
        for fault in self._plan.decide("reply", WS, command.path, self._clock.now()):
            said = session.outbox.take_after(mark)
            if fault.what in REFUSALS:
                session.refuse(fault, data)
            elif fault.what == "malformed":
                _put_all(session, [frame[: max(1, len(frame) // 2)] for frame in said])
            elif fault.what in {"delay", "reorder"}:
                self._later(self._said_late(session, said, fault))
            elif fault.what == "cut":
                raise Cut

    async def _late_command(
        self, session: TakesCommands, command: Command, data: bytes | str, fault: Fault, event: asyncio.Event | None
    ) -> None:
        if event is not None:
            await self._be_overtaken(fault, event)
        else:
            await self._clock.sleep(fault.args.seconds if fault.args.seconds is not None else 1.0)
        try:
            self._obey(session, command, data)
        except Cut:
            session.outbox.close(1011)  # the reader, whose it is to cut, is somewhere else by now

    async def _said_late(self, session: TakesCommands, said: list[bytes | str], fault: Fault) -> None:
        await self._clock.sleep(fault.args.seconds if fault.args.seconds is not None else 1.0)
        _put_all(session, said)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _write(self, session: SocketSession, request: Request, send: Send) -> None:
        frames = Frames(self._plan, self._clock, request.path)
        while (frame := await session.outbox.get()) is not None:
            for out in await frames.through(frame):
                kind = "text" if isinstance(out, str) else "bytes"
                await send({"type": "websocket.send", kind: out})
        await send({"type": "websocket.close", "code": session.outbox.close_code or 1000})

    async def _patience(self, session: SocketSession) -> None:
        if session.patience_s is not None:
            await self._clock.sleep(session.patience_s)
            session.impatient()


class Frames:
    """The faults of one stream connection, in the order its frames leave."""

    def __init__(self, plan: FaultPlan, clock: Clock, path: str) -> None:
        self._plan = plan
        self._clock = clock
        self._path = path
        self._held: list[bytes | str] = []
        self._mute = False

    async def through(self, frame: bytes | str) -> list[bytes | str]:
        """What leaves in place of `frame`.  Raises `Cut`."""
        out: list[bytes | str] = [frame]
        faults = self._plan.decide("stream", "GET", self._path, self._clock.now(), among=FRAME_FAULTS)
        for fault in faults:
            out = await self._one(fault, frame, out)
        if self._mute:
            return []
        if out and self._held and not any(fault.what == "reorder" for fault in faults):
            out, self._held = [*out, *self._held], []
        return out

    async def _one(self, fault: Fault, frame: bytes | str, out: list[bytes | str]) -> list[bytes | str]:
        match fault.what:
            case "cut":
                raise Cut
            case "delay":
                await self._clock.sleep(fault.args.seconds if fault.args.seconds is not None else 1.0)
            case "duplicate":
                return [*out, frame]
            case "reorder":
                self._held.append(frame)
                return []
            case "malformed":
                return [frame[: max(1, len(frame) // 2)]]
            case "mute" if fault.args.seconds is None:
                self._mute = True
            case _:
                return []
        return out


# --- ASGI in small pieces --------------------------------------------------------------------------------------------


async def lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Cut
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= MAX_BODY else b""


def _put_all(session: TakesCommands, frames: list[bytes | str]) -> None:
    for frame in frames:
        session.outbox.put(frame)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
        pass


async def _race(first: asyncio.Future[None], second: asyncio.Future[None]) -> None:
    """Until one is done; the other is stopped, and an error of the finished one is raised."""
    try:
        done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(first, second)
    for future in sorted(done, key=lambda f: f is second):
        future.result()


async def stop(*futures: asyncio.Future[Any]) -> None:
    """Cancel what still runs and wait for its end; a cut and a lost socket are ends like others."""
    for future in futures:
        future.cancel()
    for future in futures:
        with suppress(asyncio.CancelledError, Cut, OSError):
            await future


def _start(answer: Reply, *, chunked: bool = False) -> Message:
    headers = [_pair("content-type", answer.content_type)] if answer.body or chunked else []
    headers += [_pair(name, value) for name, value in answer.headers.items()]
    if not chunked:
        headers.append(_pair("content-length", str(len(answer.body))))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


@lru_cache(maxsize=1024)
def _pair(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.encode()


async def send_reply(send: Send, answer: Reply) -> None:
    start = _start(answer)
    if answer.status == 204:
        start["headers"] = [pair for pair in start["headers"] if pair[0] != b"content-length"]
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})


async def _send_half(send: Send, answer: Reply) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})


async def _deny(scope: Scope, send: Send, answer: Reply) -> None:
    """Refuse a WebSocket handshake with the venue's own HTTP answer, where the server can."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    start = _start(answer)
    await send({**start, "type": "websocket.http.response.start"})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _torn(request: Request) -> Request:
    """What arrives when a request loses its second half: half a body, or a path nobody knows."""
    if request.body:
        return replace(request, body=request.body[: len(request.body) // 2])
    return replace(request, segments=(*request.segments, ""))


def _garbled(answer: Reply) -> Reply:
    """A page from something that is not the venue's program."""
    body = b'{"id":"' + answer.body[8:40] if answer.body else b"<html><body>Bad Gateway</body>"
    return Reply(status=answer.status, body=body, content_type=answer.content_type)


def _bytes(frame: bytes | str) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
