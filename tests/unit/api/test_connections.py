"""Connections that are slow, endless or too many, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from floorbroker.api.connections import BoundedProtocol

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]
HEAD = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers without reading what else comes."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@asynccontextmanager
async def served(**bounds: float) -> AsyncIterator[int]:
    """A server with these bounds; its port."""
    protocol = type("Bounded", (BoundedProtocol,), {"head_s": 30.0, "body_s": 40.0, **bounds})
    config = uvicorn.Config(
        hello, http=protocol, ws="none", lifespan="off", log_level="critical", timeout_keep_alive=30, loop="asyncio"
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


async def test_one_connection_too_many_is_closed_and_another_may_come_when_one_has_gone() -> None:
    async with served(connections_most=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        assert (await answer(reader)).endswith(b"hi")
        other, gone = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await other.readexactly(1)
        gone.close()
        writer.write(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"hi")
        writer.close()
        for _ in range(100):  # the server hears of it in its own time
            again, asking = await asyncio.open_connection("127.0.0.1", port)
            asking.write(HEAD + b"\r\n")
            try:
                assert (await answer(again)).endswith(b"hi")
            except (asyncio.IncompleteReadError, ConnectionResetError):
                continue
            finally:
                asking.close()
            return
        pytest.fail("nobody else came in")
