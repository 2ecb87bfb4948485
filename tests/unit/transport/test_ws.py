"""The WebSocket shell against a server that sends frames by hand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    InvalidRequest,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.marketdata.native import core
from floorbroker.marketdata.shelf import Shelf
from floorbroker.transport.types import Frame, Socket, SocketTarget
from floorbroker.transport.ws import WsConnect
from tests.support.hostile import Hostile, Peer, hostile

pytestmark = pytest.mark.asyncio

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
Then = Callable[[Peer], Awaitable[None]]


def frame(kind: int, data: bytes = b"", *, fin: bool = True) -> bytes:
    head = bytes([(0x80 if fin else 0) | kind])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(data)) + data
    return head + b"\x7f" + struct.pack(">Q", len(data)) + data


def close_frame(code: int) -> bytes:
    return frame(CLOSE, struct.pack(">H", code))


async def next_frame(peer: Peer) -> tuple[int, bytes]:
    """One masked frame of the client."""
    first, second = await peer.reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", await peer.reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await peer.reader.readexactly(8))
    mask = await peer.reader.readexactly(4)
    data = await peer.reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


@asynccontextmanager
async def serving(then: Then) -> AsyncIterator[Hostile]:
    async def script(server: Hostile, peer: Peer) -> None:
        seen = await server.next_request(peer)
        assert seen is not None
        key = seen.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324  # as RFC 6455 says
        await peer.say(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await then(peer)

    async with hostile(script) as server:
        yield server


async def connect(server: Hostile, then: WsConnect | None = None, **changes: Any) -> Socket:
    target = {"url": server.origin.replace("http", "ws") + "/stream", "timeout_s": 2.0}
    return await (then or WsConnect())(SocketTarget(**(target | changes)))


async def collect(socket: Socket) -> list[Frame]:
    return [one async for one in socket]


def saying(*data: bytes) -> Then:
    async def then(peer: Peer) -> None:
        for one in data:
            await peer.say(one)
        await peer.reader.read()

    return then


async def test_messages_come_whole_in_order_and_a_clean_close_ends_them() -> None:
    big = b"x" * 70_000
    said = [frame(TEXT, b'{"a":1}'), frame(BINARY, big), frame(TEXT, b"", fin=True), close_frame(1000)]
    async with serving(saying(*said)) as server:
        socket = await connect(server, headers={"X-Key": "abc"})
        assert await collect(socket) == [Frame(b'{"a":1}', True), Frame(big, False), Frame(b"", True)]
        await socket.close()
        assert server.requests[0].headers["x-key"] == "abc"


async def test_fragments_are_joined_around_pings() -> None:
    said = [frame(BINARY, b"a", fin=False), frame(PING, b"p"), frame(MORE, b"b", fin=False), frame(MORE, b"c")]
    async with serving(saying(b"".join(said), close_frame(1001))) as server:
        socket = await connect(server)
        assert await collect(socket) == [Frame(b"abc", False)]
        await socket.close()


async def test_what_is_sent_arrives_as_text_or_binary_and_pings_are_answered() -> None:
    got: list[tuple[int, bytes]] = []

    async def echo(peer: Peer) -> None:
        await peer.say(frame(PING, b"hello"))
        got.extend([await next_frame(peer) for _ in range(3)])
        await peer.say(close_frame(1000))

    async with serving(echo) as server:
        socket = await connect(server)
        await socket.send('{"op":1}')
        await socket.send(b"\x01\x02")
        assert await collect(socket) == []
        await socket.close()
    assert sorted(got) == [(TEXT, b'{"op":1}'), (BINARY, b"\x01\x02"), (PONG, b"hello")]


@pytest.mark.parametrize(
    "said",
    [
        close_frame(1011),
        close_frame(1008),
        close_frame(4001),
        frame(MORE, b"lost"),
        frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
        frame(BINARY, b"x" * 2000),
        (frame(BINARY, b"x" * 600, fin=False) + frame(MORE, b"x" * 600)),
        b"\xff\xff\xff\xff",
        frame(3, b"reserved"),
        b"\x81\xfe",
    ],
    ids=["1011", "1008", "4001", "stray part", "interleaved", "oversize", "oversize sum", "junk", "opcode", "half"],
)
async def test_i24_any_other_end_is_a_lost_stream(said: bytes) -> None:
    async def then(peer: Peer) -> None:
        await peer.say(frame(TEXT, b"first") + said)
        if said == b"\x81\xfe":
            peer.writer.close()

    async with serving(then) as server:
        socket = await connect(server, max_frame=1000)
        frames = aiter(socket)
        assert await anext(frames) == Frame(b"first", True)
        with pytest.raises(StreamLost):
            await anext(frames)
        with pytest.raises(StreamLost):
            await socket.send("too late")
        await socket.close()


async def test_a_consumer_that_lags_stops_the_peer_and_loses_nothing() -> None:
    count = 20_000
    sent = asyncio.Event()

    async def flood(peer: Peer) -> None:
        for number in range(count):
            await peer.say(frame(BINARY, number.to_bytes(4, "big") + b"x" * 996))
        sent.set()
        await peer.say(close_frame(1000))
        await peer.reader.read()

    async with serving(flood) as server:
        socket = await connect(server, WsConnect(queue_frames=100))
        iterator = aiter(socket)
        first = await anext(iterator)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sent.wait(), 0.3)
        rest = [one async for one in iterator]
        assert [int.from_bytes(one.data[:4], "big") for one in [first, *rest]] == list(range(count))
        await socket.close()


async def test_a_peer_that_does_not_read_makes_the_sender_wait() -> None:
    release = asyncio.Event()

    async def deaf(peer: Peer) -> None:
        await release.wait()
        await peer.reader.read(100_000_000)

    async with serving(deaf) as server:
        socket = await connect(server)

        async def send_much() -> None:
            for _ in range(64):
                await socket.send(b"x" * 1_000_000)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_much(), 0.3)
        server.peers[0].cut()
        release.set()
        with pytest.raises(StreamLost):
            await collect(socket)
        await socket.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", AuthenticationFailed),
        ("403 No", AuthenticationFailed),
        ("302 Found", ApiError),
        ("200 OK", ApiError),
        ("503 Busy", ApiError),
    ],
)
async def test_a_refused_handshake_says_why_and_no_redirect_is_followed(status: str, kind: type[VenueError]) -> None:
    async def refuse(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await peer.reply(status=status, headers=f"Location: {server.origin.replace('http', 'ws')}/x\r\n")

    async with hostile(refuse) as server:
        with pytest.raises(kind):
            await connect(server)
        assert len(server.requests) == 1


async def test_garbage_and_silence_in_the_handshake_are_our_errors() -> None:
    async def garbage(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.say(b"garbage\r\n\r\n")
        await server.until_client_closes(peer)

    async def silence(server: Hostile, peer: Peer) -> None:
        await server.until_client_closes(peer)

    async with hostile(garbage) as server:
        with pytest.raises(ApiError):
            await connect(server)
    async with hostile(silence) as server:
        with pytest.raises(Timeout):
            await connect(server, timeout_s=0.1)
        await asyncio.wait_for(server.closed_by_client.wait(), 2)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"Host": "other.example"}, {"X": "a\n"}])
async def test_a_header_that_would_add_a_line_is_refused(headers: dict[str, str]) -> None:
    async with hostile() as server:
        with pytest.raises(InvalidRequest):
            await connect(server, headers=headers)
        assert server.connections == 0


async def test_nobody_there_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed):
        await connect(Hostile(origin="http://127.0.0.1:9"))


async def test_closing_says_goodbye_and_waits_for_the_peers_answer() -> None:
    got: list[tuple[int, bytes]] = []

    async def polite(peer: Peer) -> None:
        got.append(await next_frame(peer))
        await peer.say(close_frame(1000))
        await peer.reader.read()

    async with serving(polite) as server:
        socket = await connect(server)
        await socket.close()
        await socket.close()
    assert got == [(CLOSE, struct.pack(">H", 1000))]


# --- Taps ------------------------------------------------------------------------------------------------------------

BOOK = b'{"topic":"orderbook.1.X","type":"snapshot","data":{"s":"X","b":[["%d","1"]],"a":[],"u":%d}}'


def book(number: int) -> bytes:
    return BOOK % (number, number)


def python_tap() -> Any:
    return Shelf(BookRules(proof=BookProof.STEP, frames="bybit"))


def native_tap() -> Any:
    found = core()
    if found is None:
        pytest.skip("floorbroker_book is not installed: `make native` needs cargo")
    return found.Books("bybit", "step")


@pytest.mark.parametrize("tap", [python_tap, native_tap])
async def test_what_a_tap_takes_is_not_queued_and_everything_else_is(tap: Callable[[], Any]) -> None:
    """A message in parts goes to the queue whole, whatever it says: a tap is shown single frames alone."""
    taken, parted = tap(), book(3)
    said = (
        frame(TEXT, book(2)), frame(PING), frame(TEXT, b'{"op":"pong"}'), frame(TEXT, parted[:9], fin=False),
        frame(PING), frame(MORE, parted[9:]), frame(TEXT, book(4)), close_frame(1000),
    )  # fmt: skip
    async with serving(saying(*said)) as server:
        frames = await collect(await connect(server, tap=taken))
    assert [one.data for one in frames] == [b'{"op":"pong"}', parted]
    kept = taken.book("X")
    best = kept.best_raw() if isinstance(taken, Shelf) else kept.best()
    assert (best, kept.sequence) == (((4, 1), None), 4)


@pytest.mark.parametrize("tap", [python_tap, native_tap])
async def test_a_tap_changes_nothing_of_what_breaks_a_stream(tap: Callable[[], Any]) -> None:
    async with serving(saying(frame(TEXT, book(2)), frame(MORE, b"out of order"))) as server:
        with pytest.raises(StreamLost, match="fragment"):
            await collect(await connect(server, tap=tap()))
