"""The shell of reads against servers that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from typing import Any

import pytest

from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    Outcome,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.transport.http import AioHttp
from floorbroker.transport.types import Request
from tests.support.hostile import Hostile, Peer, Script, hostile

pytestmark = pytest.mark.asyncio


def read(server: Hostile, **changes: Any) -> Request:
    wanted = {"method": "GET", "origin": server.origin, "path": "/v2/account", "endpoint": "account", "timeout_s": 2.0}
    return Request(**(wanted | changes))


async def fails(http: AioHttp, request: Request) -> VenueError:
    try:
        with pytest.raises(VenueError) as caught:
            await http.send(request)
    finally:
        await http.close()
    return caught.value


async def test_a_read_arrives_as_it_was_encoded_and_its_reply_comes_back() -> None:
    async with hostile() as server:
        http = AioHttp()
        query = (("symbols", "BTC/USD"), ("a", "x y~+:"))
        reply = await http.send(read(server, path="/v2/positions/BTC%2FUSD", query=query, headers={"Accept": "*/*"}))
        await http.close()
        assert (reply.status, reply.body) == (200, b"{}")
        assert server.requests[0].target == "/v2/positions/BTC%2FUSD?symbols=BTC%2FUSD&a=x%20y~%2B%3A"
        assert "cookie" not in server.requests[0].headers


async def test_reads_share_a_connection_and_keep_no_cookies() -> None:
    async def baker(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await peer.reply(headers="Set-Cookie: a=b\r\nX-Two: 1\r\nX-Two: 2\r\n")

    async with hostile(baker) as server:
        http = AioHttp()
        for _ in range(3):
            assert (await http.send(read(server))).headers["x-two"] == "1, 2"
        await http.close()
        assert server.connections == 1
        assert all("cookie" not in seen.headers for seen in server.requests)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "500 Broken", "429 Slow"])
async def test_every_status_is_given_back_as_it_is(status: str) -> None:
    async def moved(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await peer.reply(status=status, headers=f"Location: {server.origin}/x\r\n")

    async with hostile(moved) as server:
        http = AioHttp()
        assert (await http.send(read(server))).status == int(status[:3])
        await http.close()
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "get"])
async def test_i4_no_command_goes_through_the_read_shell(method: str) -> None:
    async with hostile() as server:
        http = AioHttp()
        with pytest.raises(InvalidRequest):
            await http.send(read(server, method=method))
        await http.close()
        assert server.connections == 0


async def test_a_post_is_not_repeated_when_its_reused_connection_is_cut() -> None:
    async def cut_second(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply()
        await server.next_request(peer)
        peer.cut()

    async with hostile(cut_second) as server:
        http = AioHttp()
        await http.send(read(server))
        error = await fails(http, read(server, method="POST", path="/login", body=b"{}"))
        assert isinstance(error, ConnectionFailed)
        assert [seen.target for seen in server.requests].count("/login") == 1


async def garbage(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"\x00\x01garbage\r\n\r\n")
    peer.writer.close()


async def cut(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    peer.cut()


async def cut_in_the_body(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    peer.writer.close()


async def silence(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    await server.until_client_closes(peer)


async def endless(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.say(b"2710\r\n" + b"x" * 10_000 + b"\r\n")


async def bomb(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.reply(gzip.compress(b"\0" * 50_000_000), headers="Content-Encoding: gzip\r\n")


async def long_head(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (garbage, ApiError),
        (cut, ConnectionFailed),
        (cut_in_the_body, ConnectionFailed),
        (silence, Timeout),
        (endless, ApiError),
        (bomb, ApiError),
        (long_head, ApiError),
    ],
    ids=lambda value: value.__name__,
)
async def test_i24_a_hostile_reply_becomes_one_of_our_errors(script: Script, kind: type[VenueError]) -> None:
    async with hostile(script) as server:
        timeout_s = 0.2 if script is silence else 2.0
        assert isinstance(await fails(AioHttp(max_body=100_000), read(server, timeout_s=timeout_s)), kind)


async def test_no_connection_is_proven_not_sent() -> None:
    error = await fails(AioHttp(), read(Hostile(origin="https://nobody.invalid")))
    assert error.outcome is Outcome.NOT_SENT


async def test_https_verifies_with_the_context_handed_in(test_tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with hostile(tls=test_tls[0]) as server:
        http = AioHttp(tls=test_tls[1])
        assert (await http.send(read(server))).status == 200
        await http.close()
        assert isinstance(await fails(AioHttp(), read(server)), ConnectionFailed)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X Y": "a"}, {"Host": "other.example"}, {"X": "a\nb"}])
async def test_a_header_that_would_add_a_line_is_refused(headers: dict[str, str]) -> None:
    async with hostile() as server:
        http = AioHttp()
        with pytest.raises(InvalidRequest):
            await http.send(read(server, headers=headers))
        await http.close()
        assert server.requests == []


async def test_a_closed_client_sends_nothing() -> None:
    async with hostile() as server:
        http = AioHttp()
        await http.close()
        assert (await fails(http, read(server))).outcome is Outcome.NOT_SENT
        assert server.connections == 0


async def test_a_stream_gives_chunks_as_they_come_and_ends_honestly() -> None:
    async def ticker(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.say(b"5\r\nfirst\r\n")
        await peer.say(b"6\r\nsecond\r\n0\r\n\r\n")

    async with hostile(ticker) as server:
        http = AioHttp()
        stream = await http.open_stream(read(server))
        assert stream.status == 200
        assert b"".join([chunk async for chunk in stream]) == b"firstsecond"
        await stream.close()
        await http.close()


async def test_a_stream_that_breaks_is_lost() -> None:
    async with hostile(cut_in_the_body) as server:
        http = AioHttp()
        stream = await http.open_stream(read(server))
        with pytest.raises(StreamLost):
            _ = [chunk async for chunk in stream]
        await http.close()


async def test_a_stream_that_does_not_start_is_a_timeout() -> None:
    async def mute(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await server.until_client_closes(peer)

    async with hostile(mute) as server:
        http = AioHttp()
        with pytest.raises(Timeout):
            await http.open_stream(read(server, timeout_s=0.1))
        await http.close()
        await asyncio.wait_for(server.closed_by_client.wait(), 2)


async def test_a_download_is_handed_on_in_pieces_and_bounded() -> None:
    async def big(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await peer.reply(b"x" * 300_000)

    async with hostile(big) as server:
        http = AioHttp()
        pieces: list[bytes] = []
        reply = await http.download(read(server), into=pieces.append, max_bytes=300_000)
        assert (reply.status, reply.body, len(b"".join(pieces))) == (200, b"", 300_000)
        assert len(pieces) > 1
        with pytest.raises(ApiError):
            await http.download(read(server), into=pieces.append, max_bytes=299_999)
        await http.close()


async def test_a_download_that_is_refused_puts_nothing_into_the_file() -> None:
    async def missing(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply(b"no such file", status="404 Not Found")

    async with hostile(missing) as server:
        http = AioHttp()
        pieces: list[bytes] = []
        reply = await http.download(read(server), into=pieces.append, max_bytes=10)
        await http.close()
        assert (reply.status, reply.body, pieces) == (404, b"no such file", [])
