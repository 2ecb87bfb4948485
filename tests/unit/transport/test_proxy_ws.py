"""The WebSocket shell behind a network that misbehaves: a frame is whole or it is none, and a loss is told."""

from __future__ import annotations

import ssl

import pytest

from floorbroker.domain.errors import ConnectionFailed, StreamLost, Timeout, VenueError
from floorbroker.transport.types import Socket, SocketTarget
from floorbroker.transport.ws import WsConnect
from tests.support.hostile import Hostile, Peer
from tests.support.proxy import Direction, Proxy
from tests.unit.transport.test_ws import TEXT, frame, next_frame, serving

pytestmark = pytest.mark.asyncio

FIRST = b'{"stream":"trade_updates","n":1}'


async def echoing(peer: Peer) -> None:
    """A frame at once, then one for each of the client's."""
    await peer.say(frame(TEXT, FIRST))
    while True:
        _, data = await next_frame(peer)
        await peer.say(frame(TEXT, data))


async def opened(proxy: Proxy, timeout_s: float = 2.0) -> Socket:
    return await WsConnect()(SocketTarget(url=f"{proxy.origin.replace('http', 'ws')}/stream", timeout_s=timeout_s))


async def next_of(socket: Socket) -> bytes:
    async for one in socket:
        return one.data
    raise AssertionError("the stream ended")


def proxy_to(server: Hostile) -> Proxy:
    return Proxy(server.port)


async def test_frames_that_drip_a_byte_at_a_time_arrive_whole() -> None:
    async with serving(echoing) as server, proxy_to(server) as proxy:
        proxy.to_client.drip = proxy.to_server.drip = 1
        socket = await opened(proxy)
        assert await next_of(socket) == FIRST
        await socket.send("again")
        assert await next_of(socket) == b"again"
        await socket.close()


@pytest.mark.parametrize("lacking", [1, 10, len(FIRST)])
async def test_a_frame_that_is_cut_is_never_handed_over(lacking: int) -> None:
    async with serving(echoing) as server, proxy_to(server) as proxy:
        socket = await opened(proxy)
        assert await next_of(socket) == FIRST
        proxy.to_client = Direction(cut_after=len(frame(TEXT, FIRST)) - lacking)
        await socket.send(FIRST)
        with pytest.raises(StreamLost):
            await next_of(socket)


@pytest.mark.parametrize(
    ("trouble", "error"), [("refuse", ConnectionFailed), ("ignore", Timeout), ("half_open", Timeout)]
)
async def test_a_stream_that_cannot_be_opened_says_so_in_time(trouble: str, error: type[VenueError]) -> None:
    async with serving(echoing) as server, proxy_to(server) as proxy:
        getattr(proxy, trouble)()
        with pytest.raises(error):
            await opened(proxy, timeout_s=0.3)
        proxy.heal()
        socket = await opened(proxy)
        assert await next_of(socket) == FIRST
        await socket.close()


async def test_a_stream_that_should_be_secure_and_is_not_is_not_opened(
    test_tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with serving(echoing) as server, proxy_to(server) as proxy:
        with pytest.raises(VenueError):  # the server speaks no TLS at all: what the proxy passes on is no handshake
            await WsConnect(tls=test_tls[1])(SocketTarget(url=f"wss://127.0.0.1:{proxy.port}/", timeout_s=1.0))
        assert server.requests == []
