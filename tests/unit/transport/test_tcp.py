"""The TCP shell against a peer of our own: messages whole, every end told apart, and nothing written after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from socket import AddressFamily

import pytest

from floorbroker.domain.errors import ConnectionFailed, Forbidden, StreamLost
from floorbroker.transport.reach import Address
from floorbroker.transport.tcp import ByScheme, TcpConnect
from floorbroker.transport.types import Connect, Socket, SocketTarget

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def played(peer: Peer, play: Callable[[Socket], Awaitable[None]], *, max_frame: int = 64) -> None:
    async def run() -> None:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        socket = await TcpConnect()(SocketTarget(url=f"tws://127.0.0.1:{port}", max_frame=max_frame))
        try:
            await play(socket)
        finally:
            await socket.close()
            server.close()
            await server.wait_closed()

    asyncio.run(run())


def says(*pieces: bytes) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()

    return peer


async def heard(socket: Socket) -> list[bytes]:
    return [frame.data async for frame in socket]


def test_messages_come_whole_and_a_close_between_them_is_the_end() -> None:
    async def play(socket: Socket) -> None:
        assert await heard(socket) == [b"abc", b"d"]

    played(says(b"\0\0", b"\0\x03ab", b"c\0\0\0\x01d"), play)


@pytest.mark.parametrize(
    "said", [b"\0\0\0\x05abc", b"\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff"], ids=["payload", "prefix", "empty", "huge"]
)
def test_every_other_end_is_a_loss(said: bytes) -> None:
    async def play(socket: Socket) -> None:
        with pytest.raises(StreamLost):
            await heard(socket)
        with pytest.raises(StreamLost):
            await socket.send(b"too late")

    played(says(said), play)


def test_what_is_sent_arrives_as_it_is() -> None:
    got: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readexactly(8))
        writer.write(b"\0\0\0\x02ok")
        writer.close()

    async def play(socket: Socket) -> None:
        await socket.send(b"API\0")
        await socket.send(b"four")
        assert await heard(socket) == [b"ok"]

    played(peer, play)
    assert got == [b"API\0four"]


def test_a_closed_socket_writes_nothing_and_closes_twice() -> None:
    async def play(socket: Socket) -> None:
        await socket.close()
        with pytest.raises(StreamLost):
            await socket.send(b"x")

    played(says(), play)


def test_who_gives_up_behind_a_peer_that_does_not_read_has_sent_nothing() -> None:
    """A command whose time is up was not sent, provably: no byte of it follows when the peer reads again."""
    flood, got = b"\0" * (16 * 1024 * 1024), bytearray()

    async def run() -> None:
        reads, ended = asyncio.Event(), asyncio.Event()

        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reads.wait()
            while piece := await reader.read(1 << 20):
                got.extend(piece)
            writer.close()
            ended.set()

        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        socket = await TcpConnect()(SocketTarget(url=f"tws://127.0.0.1:{port}"))
        await socket.send(flood)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await socket.send(b"an order")
        reads.set()
        await socket.close()
        await ended.wait()
        server.close()
        await server.wait_closed()

    asyncio.run(run())
    assert got == flood


def test_no_listener_and_a_wrong_address_are_told_before_anything_is_sent() -> None:
    async def closed_port() -> int:
        server = await asyncio.start_server(says(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    async def run() -> None:
        wrong = (
            "tws://127.0.0.1",
            "http://127.0.0.1:4002",
            "tws://127.0.0.1:70000",
            "tws://127.0.0.1:x",
            "tws://[::1:4002",
        )
        for url in (f"tws://127.0.0.1:{await closed_port()}", *wrong):
            with pytest.raises(ConnectionFailed):
                await TcpConnect()(SocketTarget(url=url))

    asyncio.run(run())


def test_no_other_machine_is_reached_whatever_a_name_says() -> None:
    async def elsewhere(host: str, port: int) -> list[Address]:
        del host
        return [Address(host="192.0.2.1", port=port, family=AddressFamily.AF_INET)]

    async def run() -> None:
        with pytest.raises(Forbidden):
            await TcpConnect()(SocketTarget(url="tws://192.0.2.1:4001"))
        with pytest.raises(Forbidden):
            await TcpConnect(resolve=elsewhere)(SocketTarget(url="tws://localhost:4001"))

    asyncio.run(run())


def test_the_scheme_says_which_shell_opens_it() -> None:
    asked: list[str] = []

    def shell(name: str) -> Connect:
        async def connect(target: SocketTarget) -> Socket:
            asked.append(f"{name} {target.url}")
            raise Forbidden("only asked")

        return connect

    async def run() -> None:
        both = ByScheme(plain=shell("plain"), otherwise=shell("web"))
        for url in ("tws://127.0.0.1:1", "wss://example.org/x"):
            with pytest.raises(Forbidden):
                await both(SocketTarget(url=url))

    asyncio.run(run())
    assert asked == ["plain tws://127.0.0.1:1", "web wss://example.org/x"]
