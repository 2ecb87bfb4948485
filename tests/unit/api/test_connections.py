"""Connections that are slow, endless or too many, over real sockets and on both loops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_network
from typing import Any

import httpx2
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from floorbroker.api.connections import bounded
from floorbroker.api.crowd import Crowd, Full
from floorbroker.api.metrics import PrometheusMeter

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
if find_spec("uvloop"):
    LOOPS["uvloop"] = import_module("uvloop").new_event_loop
HEAD = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers without reading what else comes."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers requests, and takes WebSockets, which it ends when they say so."""
    if scope["type"] == "http":
        await hello(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (said := await receive())["type"] == "websocket.receive" and said.get("text") != "bye":
        await send({"type": "websocket.send", "text": said["text"]})


async def flood(scope: Any, receive: Any, send: Any) -> None:
    """Tells a WebSocket more than it reads, and closes it then, as the stream does with a reader that is too slow."""
    del scope
    await receive()
    await send({"type": "websocket.accept"})
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.2):
                await send({"type": "websocket.send", "text": "x" * 65536})
    async with asyncio.timeout(1):
        await send({"type": "websocket.close", "code": 4408, "reason": "too slow: come back after 7"})


@asynccontextmanager
async def served(crowd: Crowd | None = None, *, app: Any = echo, **bounds: float) -> AsyncIterator[int]:
    """A server with these bounds; its port."""
    http, ws = bounded(crowd or Crowd(), **{"head_s": 30.0, "body_s": 40.0, **bounds})
    config = uvicorn.Config(
        app, http=http, ws=ws, lifespan="off", log_level="critical", timeout_keep_alive=30, loop="asyncio"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.force_exit = server.should_exit = True
            await task


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One whole answer with a body of a known length."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


async def test_headers_that_do_not_come_to_an_end_are_answered_and_the_place_is_free() -> None:
    async with served(head_s=0.2) as port:
        for begun in (b"", HEAD):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            writer.close()


async def test_a_second_request_has_to_come_to_an_end_too() -> None:
    async with served(head_s=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        assert (await answer(reader)).endswith(b"hi")
        writer.write(HEAD)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_body_that_nobody_reads_and_that_does_not_end_is_cut() -> None:
    async with served(body_s=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\nhalf")
        assert (await answer(reader)).endswith(b"hi")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_headers_without_an_end_are_not_kept() -> None:
    async with served(head_most=4096) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"x-more: " + b"y" * 8192)
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        writer.close()


@asynccontextmanager
async def held(port: int) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """A connection that was answered once and stays; asks again when called."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask() -> bytes:
        writer.write(HEAD + b"\r\n")
        return await answer(reader)

    try:
        assert (await ask()).endswith(b"hi")
        yield ask
    finally:
        writer.close()


async def asked(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of one request by a connection of its own, which an HTTP library makes."""
    async with httpx2.AsyncClient() as http:
        reply = await http.get(f"http://127.0.0.1:{port}/")
    refused = reply.headers.get("content-type") == "application/problem+json"
    assert not refused or {"retry-after", "content-security-policy"} <= reply.headers.keys()
    return reply.status_code, reply.json() if refused else {}


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the server hears of in its own time."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came to hold")


@pytest.mark.parametrize(
    ("crowd", "status", "code"),
    [
        (Crowd(most=2, at_an_address=0), 503, "not_ready"),
        (Crowd(most=9, at_an_address=2), 429, "rate_limit_exceeded"),
    ],
)
async def test_one_connection_too_many_is_told_so_and_another_may_come_when_one_has_gone(
    crowd: Crowd, status: int, code: str
) -> None:
    async with served(crowd) as port, held(port) as ask:
        async with held(port):
            for _ in range(3):
                found, problem = await asked(port)
                assert (found, problem["code"], problem["status"]) == (status, code, status)
            assert (await ask()).endswith(b"hi")
            assert crowd.open == 2
        await until(lambda: crowd.open == 1)
        assert await asked(port) == (200, {})
    assert (crowd.open, crowd.parting) == (0, 0)


async def test_a_websocket_keeps_the_place_it_came_with_until_it_is_over() -> None:
    crowd = Crowd(at_an_address=2)
    async with served(crowd) as port:
        url = f"ws://127.0.0.1:{port}/"
        async with connect(url, proxy=None) as first, connect(url, proxy=None) as second:
            assert crowd.open == 2
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, proxy=None)
            assert refused.value.response.status_code == 429
            assert (await asked(port))[0] == 429
            await first.send("hello")
            assert await first.recv() == "hello"
            await second.send("bye")
            await until(lambda: crowd.open == 1)
            async with connect(url, proxy=None):
                assert crowd.open == 2
        await until(lambda: crowd.open == 0)


async def test_connections_of_a_declared_proxy_count_in_all_alone() -> None:
    crowd = Crowd(most=3, at_an_address=1, proxies=(ip_network("127.0.0.0/8"),))
    async with served(crowd) as port, held(port), held(port), held(port):
        found, problem = await asked(port)
        assert (found, problem["code"]) == (503, "not_ready")


@pytest.mark.parametrize("begun", [b"", HEAD])
async def test_who_is_refused_and_stays_is_told_and_cut(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorbroker.api.connections.PARTING_S", 0.2)
    crowd = Crowd(at_an_address=1)
    async with served(crowd) as port, held(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert (await reader.read()).startswith(b"HTTP/1.1 429 ")
        await until(lambda: crowd.parting == 0)
        writer.close()


async def test_of_many_who_are_refused_at_once_some_are_cut_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorbroker.api.crowd.PARTING", 1)
    async with served(Crowd(at_an_address=1)) as port, held(port):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        writer.close()
        first.close()


async def test_a_proxy_an_ipv4_address_inside_ipv6_and_a_customer_s_network_are_each_what_they_are() -> None:
    crowd = Crowd(at_an_address=1, proxies=(ip_network("192.0.2.1/32"),))
    came = [
        "::ffff:192.0.2.1",
        "192.0.2.1",
        "::ffff:198.51.100.7",
        "198.51.100.7",
        "2001:db8::1",
        "2001:db8::2",
        "",
        "",
    ]
    assert [crowd.enter(address) for address in came] == [
        None,
        None,
        None,
        Full.ADDRESS,
        None,
        Full.ADDRESS,
        None,
        None,
    ]
    crowd.leave("198.51.100.7")
    assert crowd.enter("198.51.100.7") is None


async def test_the_meter_knows_how_many_are_open_and_how_many_were_refused() -> None:
    meter = PrometheusMeter()
    crowd = Crowd(most=2, at_an_address=1, meter=meter)
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
        crowd.enter(address)
    crowd.leave("192.0.2.1")
    told = meter.render().decode()
    assert "floorbroker_connections 1.0" in told
    assert [f'floorbroker_connections_refused_total{{why="{why}"}} 1.0' in told for why in ("all", "address")] == [
        True
    ] * 2


@asynccontextmanager
async def deaf(port: int) -> AsyncIterator[socket.socket]:
    """A WebSocket that was taken, and whose owner does not read."""
    loop = asyncio.get_running_loop()
    with socket.socket() as made:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(made, ("127.0.0.1", port))
        asked = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        await loop.sock_sendall(made, HEAD + asked + b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert (await loop.sock_recv(made, 12)) == b"HTTP/1.1 101"
        yield made


async def read_out(made: socket.socket) -> bytes:
    """The end of all that there is to read; what is broken off ends with nothing."""
    loop, tail = asyncio.get_running_loop(), b""
    with suppress(ConnectionResetError):
        while more := await loop.sock_recv(made, 1 << 20):
            tail = (tail + more)[-64:]
            if b"come back after 7" in tail:
                return tail
    return b""


async def test_a_reader_that_is_cut_and_reads_again_hears_why_behind_what_it_left_unread() -> None:
    crowd = Crowd()
    async with served(crowd, app=flood) as port, deaf(port) as made:
        await asyncio.sleep(0.5)  # it is cut meanwhile, or just after: what it hears is the same
        assert b"\x11\x38too slow: come back after 7" in await read_out(made)


async def test_a_reader_that_is_cut_and_never_reads_holds_no_place() -> None:
    crowd = Crowd()
    async with served(crowd, app=flood, last_word_s=0.2) as port, deaf(port) as made:
        assert crowd.open == 1
        for _ in iter(lambda: crowd.open, 0):
            await asyncio.sleep(0.02)
        assert await read_out(made) == b""
