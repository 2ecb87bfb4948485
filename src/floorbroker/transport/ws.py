"""The WebSocket shell; the only file that imports picows.

It joins fragments, bounds frames and queue, answers pings, and follows no redirect.  It does not watch for silence:
what counts as a sign of life differs by venue, so sessions do that on their ticks.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator
from urllib.parse import SplitResult, urlsplit

import picows

from floorbroker.domain.errors import ApiError, AuthenticationFailed, ConnectionFailed, StreamLost, Timeout, VenueError
from floorbroker.transport.message import check_headers
from floorbroker.transport.pins import anchored, is_pinned
from floorbroker.transport.reach import Address, Resolve, assert_private, assert_verifies
from floorbroker.transport.types import Frame, ListeningTap, Socket, SocketTarget, Tap

_DENIED = frozenset({401, 403})
_CLOSE_WAIT_S = 2.0


class WsConnect:
    """`Connect` over real sockets.

    When `queue_frames` or `queue_bytes` are waiting, reading stops until the consumer has caught up to half of it.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        queue_frames: int = 4096,
        queue_bytes: int = 16 * 1024 * 1024,
        resolve: Resolve | None = None,
    ) -> None:
        assert_verifies(tls)
        self._tls = tls
        self._resolve = resolve
        self._log = logging.getLogger("floorbroker.transport.ws")
        self._log.setLevel(logging.CRITICAL + 1)  # the library's own lines may quote headers and frames
        self._queue_frames = queue_frames
        self._queue_bytes = queue_bytes

    async def __call__(self, target: SocketTarget) -> Socket:
        """Raises `AuthenticationFailed` (401, 403), `ApiError` (any other refusal), `Timeout` or `ConnectionFailed`."""
        check_headers(target.headers)
        parts = urlsplit(target.url)
        assert_private(parts.hostname or "", secure=parts.scheme == "wss")
        bounds = (target.max_frame, self._queue_frames, self._queue_bytes)
        listener = _Listener(*bounds) if target.tap is None else _Tapped(*bounds, target.tap)
        try:
            async with asyncio.timeout(target.timeout_s):
                transport, _ = await picows.ws_connect(  # pyright: ignore[reportUnknownMemberType]  # untyped options of the loop
                    lambda: listener,
                    target.url,
                    ssl_context=await self._context(parts),
                    websocket_handshake_timeout=target.timeout_s,
                    logger_name=self._log,
                    max_frame_size=target.max_frame,
                    extra_headers=dict(target.headers),
                    max_redirects=0,
                    socket_factory=None if self._resolve is None else self._connected,
                )
        except (picows.WSError, OSError, TimeoutError, ValueError) as error:
            raise _translated(error) from error
        if not listener.opened:  # picows calls a handshake that the peer reset complete, and then never says more
            raise ConnectionFailed("the connection broke in the handshake of the stream")
        return WsSocket(transport, listener)

    async def _context(self, parts: SplitResult) -> ssl.SSLContext | None:
        """The context to hand to the library.

        It shakes hands by itself, without the comparison that a pin is; so the peer is first asked for its certificate, which
        is compared, and then believed alone.  Of the real request nothing is sent before.
        """
        if self._tls is None or parts.scheme != "wss" or not is_pinned(self._tls):
            return self._tls
        host, port = parts.hostname or "", parts.port or 443
        if self._resolve is None:
            _, writer = await asyncio.open_connection(host, port, ssl=self._tls, server_hostname=host)
        else:
            made = await self._reached(host, port)
            _, writer = await asyncio.open_connection(sock=made, ssl=self._tls, server_hostname=host)
        try:
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.close()
        return anchored(der)

    async def _connected(self, url: picows.WSParsedURL) -> socket.socket:
        return await self._reached(url.host, url.port)

    async def _reached(self, host: str, port: int) -> socket.socket:
        """A socket to one of the addresses behind the name, each tried once."""
        assert self._resolve is not None  # else the library is not told of this way
        failure = OSError(f"{host} leads to no address")
        for address in await self._resolve(host, port):
            try:
                return await _socket_to(address)
            except OSError as error:
                failure = error
        raise failure


async def _socket_to(address: Address) -> socket.socket:
    made = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address.host, address.port))
    except BaseException:
        made.close()
        raise
    return made


class WsSocket:
    """`Socket`: iterate to read, `send` with back-pressure, `close`."""

    def __init__(self, transport: picows.WSTransport, listener: _Listener) -> None:
        self._transport = transport
        self._listener = listener

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self._listener.frames()

    async def send(self, data: bytes | str) -> None:
        """Text as a text frame, bytes as a binary one; waits while the peer does not read.  Raises `StreamLost`."""
        await self._listener.writable.wait()
        if self._listener.ended:
            raise StreamLost("the stream is closed")
        kind = picows.WSMsgType.TEXT if isinstance(data, str) else picows.WSMsgType.BINARY
        self._transport.send(kind, data)

    async def close(self) -> None:
        """Say goodbye, wait a moment for the peer's, and close."""
        if not self._listener.ended:
            self._listener.resume_reading()
            self._transport.send_close(picows.WSCloseCode.OK)
            try:
                async with asyncio.timeout(_CLOSE_WAIT_S):
                    await self._listener.gone.wait()
            except TimeoutError:
                self._transport.disconnect(graceful=False)
                await self._listener.gone.wait()
        await _settled(self._transport)


class _Listener(picows.WSListener):
    """What picows calls; the queue between it and the reader."""

    def __init__(self, max_message: int, queue_frames: int, queue_bytes: int) -> None:
        self._max_message = max_message
        self._frames_max = queue_frames
        self._bytes_max = queue_bytes
        self._queue: deque[Frame] = deque()
        self._queued_bytes = 0
        self._news = asyncio.Event()
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._parts_text = False
        self._transport: picows.WSTransport | None = None
        self._paused = False
        self._fault: str | None = "the connection broke"
        self.writable = asyncio.Event()
        self.writable.set()
        self.gone = asyncio.Event()
        self.ended = False

    async def frames(self) -> AsyncIterator[Frame]:
        """Messages in order; ends after an orderly close, raises `StreamLost` after any other end."""
        while True:
            while self._queue:
                frame = self._queue.popleft()
                self._queued_bytes -= len(frame.data)
                self._resume_when_low()
                yield frame
            if self.ended:
                break
            self._news.clear()
            await self._news.wait()
        if self._fault is not None:
            raise StreamLost(self._fault)

    @property
    def opened(self) -> bool:
        """Whether the handshake came to its end."""
        return self._transport is not None

    def resume_reading(self) -> None:
        if self._paused and self._transport is not None and not self.gone.is_set():
            self._paused = False
            self._transport.underlying_transport.resume_reading()

    def _resume_when_low(self) -> None:
        if self._paused and len(self._queue) * 2 <= self._frames_max and self._queued_bytes * 2 <= self._bytes_max:
            self.resume_reading()

    # What picows calls.

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind is picows.WSMsgType.CLOSE:
            self._closed_by_peer(transport, frame)
        elif kind is picows.WSMsgType.CONTINUATION:
            self._part(transport, frame, first=False)
        elif kind is not picows.WSMsgType.PONG and kind is not picows.WSMsgType.PING:
            self._part(transport, frame, first=True)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._end()
        self.gone.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _part(self, transport: picows.WSTransport, frame: picows.WSFrame, *, first: bool) -> None:
        if self.ended:
            return
        if first == bool(self._parts):
            self._break(transport, "a fragment came out of order", picows.WSCloseCode.PROTOCOL_ERROR)
            return
        if first:
            self._parts_text = frame.msg_type is picows.WSMsgType.TEXT
        self._parts.append(frame.get_payload_as_bytes())
        self._parts_size += len(self._parts[-1])
        if self._parts_size > self._max_message or len(self._parts) > self._frames_max:
            self._break(transport, "a message is too long", picows.WSCloseCode.MESSAGE_TOO_BIG)
        elif frame.fin:
            self._put(transport, Frame(b"".join(self._parts), self._parts_text))

    def _put(self, transport: picows.WSTransport, frame: Frame) -> None:
        self._parts, self._parts_size = [], 0
        self._queue.append(frame)
        self._queued_bytes += len(frame.data)
        self._news.set()
        if not self._paused and (len(self._queue) >= self._frames_max or self._queued_bytes >= self._bytes_max):
            self._paused = True
            transport.underlying_transport.pause_reading()

    def _closed_by_peer(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        code = frame.get_close_code()
        orderly = code in {picows.WSCloseCode.OK, picows.WSCloseCode.GOING_AWAY, picows.WSCloseCode.NO_INFO}
        if not self.ended:
            self._fault = None if orderly else f"the peer closed the stream with code {_code(code)}"
        self._end()
        transport.send_close(picows.WSCloseCode.OK)
        transport.disconnect()

    def _break(self, transport: picows.WSTransport, reason: str, code: picows.WSCloseCode) -> None:
        self._fault = reason
        self._end()
        transport.send_close(code)
        transport.disconnect()

    def _end(self) -> None:
        self.ended = True
        self._parts = []
        self.writable.set()
        self._news.set()


class _Tapped(_Listener):
    """What a tap takes is not queued.  It is asked first, since looking at the kind of a frame costs more than asking it."""

    def __init__(self, max_message: int, queue_frames: int, queue_bytes: int, tap: Tap) -> None:
        super().__init__(max_message, queue_frames, queue_bytes)
        self._tap = tap
        if isinstance(tap, ListeningTap):
            self.on_ws_frame = tap.listen(super().on_ws_frame, lambda: bool(self._parts)).on_frame

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.fin and not self._parts and not self.ended and self._tap.take(frame.get_payload_as_bytes()):
            return
        super().on_ws_frame(transport, frame)


def _code(code: object) -> object:
    return code.value if isinstance(code, picows.WSCloseCode) else code


async def _settled(transport: picows.WSTransport) -> None:
    """Take notice of how it ended, so that the library does not complain that nobody did."""
    try:
        await transport.wait_disconnected()
    except (picows.WSError, OSError):
        return


def _translated(error: Exception) -> VenueError:
    """Ours for theirs; their text may quote headers, so it stays behind."""
    if isinstance(error, TimeoutError):
        return Timeout("the stream did not open in time")
    if isinstance(error, picows.WSHandshakeError):
        status = None if error.response is None else int(error.response.status)
        if status in _DENIED:
            return AuthenticationFailed(f"the stream was refused with status {status}")
        return ApiError(f"the stream was not opened: {f'status {status}' if status else type(error).__name__}")
    return ConnectionFailed(f"no connection for the stream ({type(error).__name__})")
