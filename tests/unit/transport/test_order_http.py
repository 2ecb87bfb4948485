"""The client of order commands against servers that misbehave: what is known afterwards, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from typing import Any

import pytest

from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    KillSwitchOn,
    Outcome,
    Timeout,
    VenueError,
)
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.types import Lane, Request
from tests.support.hostile import Hostile, Peer, Script, answering, hostile

pytestmark = pytest.mark.asyncio

METHODS = ["POST", "PUT", "PATCH", "DELETE"]


def command(server: Hostile, method: str = "POST", **changes: Any) -> Request:
    request = Request(
        method=method,
        origin=server.origin,
        path="/v2/orders",
        endpoint="orders.submit",
        headers={"Accept": "application/json"},
        body=b"" if method == "DELETE" else b'{"qty":"1"}',
        lane=Lane.NEW,
        timeout_s=2.0,
    )
    return replace(request, **changes)


async def fails(client: OrderHttpClient, request: Request) -> VenueError:
    with pytest.raises(VenueError) as caught:
        await client.send(request)
    return caught.value


async def test_a_command_arrives_whole_and_its_reply_comes_back() -> None:
    async with hostile() as server, OrderHttpClient() as client:
        reply = await client.send(command(server))
        assert (reply.status, reply.body) == (200, b"{}")
        assert reply.elapsed_s > 0
        seen = server.requests[0]
        assert (seen.method, seen.target, seen.body) == ("POST", "/v2/orders", b'{"qty":"1"}')


async def test_commands_one_after_the_other_share_a_connection() -> None:
    async with hostile() as server, OrderHttpClient() as client:
        for method in METHODS * 3:
            await client.send(command(server, method))
        assert (len(server.requests), server.connections) == (12, 1)


async def test_commands_at_the_same_time_use_connections_of_their_own() -> None:
    async def slow(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await server.arrived(3)
        await peer.reply()

    async with hostile(slow) as server, OrderHttpClient() as client:
        await asyncio.gather(*(client.send(command(server)) for _ in range(3)))
        assert (len(server.requests), server.connections) == (3, 3)


async def test_a_second_wave_of_orders_pays_for_no_handshakes() -> None:
    wave = 32

    async def in_waves(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await server.arrived(-(-len(server.requests) // wave) * wave)  # nobody is answered before all have come
            await peer.reply()

    async with hostile(in_waves) as server, OrderHttpClient() as client:
        for _ in range(2):
            await asyncio.gather(*(client.send(command(server)) for _ in range(wave)))
        assert (len(server.requests), server.connections) == (2 * wave, wave)


async def cut_at_once(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    peer.cut()


async def close_at_once(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    peer.writer.close()


async def cut_in_the_head(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Le")
    peer.writer.close()


async def cut_in_the_body(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"id":')
    peer.writer.close()


async def cut_in_a_chunk(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"id":\r\n')
    peer.writer.close()


async def interim_then_cut(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
    peer.writer.close()


CUTS = [cut_at_once, close_at_once, cut_in_the_head, cut_in_the_body, cut_in_a_chunk, interim_then_cut]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("script", CUTS, ids=lambda script: script.__name__)
async def test_i4_a_command_cut_on_a_fresh_connection_is_unknown_and_never_resent(script: Script, method: str) -> None:
    async with hostile(script) as server, OrderHttpClient() as client:
        error = await fails(client, command(server, method))
        assert isinstance(error, ConnectionFailed)
        assert error.outcome is Outcome.UNKNOWN
        assert (len(server.requests), server.connections) == (1, 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("script", CUTS, ids=lambda script: script.__name__)
async def test_i4_a_command_cut_on_a_reused_connection_is_unknown_and_never_resent(script: Script, method: str) -> None:
    async def later(server: Hostile, peer: Peer) -> None:
        for _ in range(3):
            await server.next_request(peer)
            await peer.reply()
        await script(server, peer)

    async with hostile(later) as server, OrderHttpClient() as client:
        for _ in range(3):
            await client.send(command(server, method))
        error = await fails(client, command(server, method, path="/v2/orders/the-one"))
        assert error.outcome is Outcome.UNKNOWN
        assert [seen.target for seen in server.requests].count("/v2/orders/the-one") == 1
        assert (len(server.requests), server.connections) == (4, 1)


@pytest.mark.parametrize("method", METHODS)
async def test_a_connection_that_the_peer_closed_meanwhile_is_replaced_unwritten(method: str) -> None:
    async def one_each(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply()
        peer.writer.close()
        await peer.writer.wait_closed()

    async with hostile(one_each) as server, OrderHttpClient() as client:
        for number in range(1, 4):
            await client.send(command(server, method))
            await server.peers[-1].writer.wait_closed()
            assert (len(server.requests), server.connections) == (number, number)


async def test_a_connection_with_unasked_bytes_on_it_is_closed_and_not_used_again() -> None:
    forge = asyncio.Event()

    async def chatty(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply(b"1")
        if peer.number == 1:
            await forge.wait()
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await server.until_client_closes(peer)

    async with hostile(chatty) as server, OrderHttpClient() as client:
        await client.send(command(server))
        forge.set()
        await asyncio.wait_for(server.closed_by_client.wait(), 2)
        assert (await client.send(command(server))).body == b"1"
        assert server.connections == 2


async def test_a_reply_that_says_close_ends_the_connection() -> None:
    async def closing(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply(headers="Connection: close\r\n")
        await server.until_client_closes(peer)

    async with hostile(closing) as server, OrderHttpClient() as client:
        await client.send(command(server))
        await client.send(command(server))
        assert server.connections == 2


async def half_then_silence(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    await server.until_client_closes(peer)


async def silence(server: Hostile, peer: Peer) -> None:
    await server.next_request(peer)
    await server.until_client_closes(peer)


@pytest.mark.parametrize("script", [silence, half_then_silence], ids=lambda script: script.__name__)
async def test_silence_after_the_send_is_a_timeout_with_unknown_outcome_and_closes(script: Script) -> None:
    async with hostile(script) as server, OrderHttpClient() as client:
        error = await fails(client, command(server, timeout_s=0.1))
        assert isinstance(error, Timeout)
        assert error.outcome is Outcome.UNKNOWN
        await asyncio.wait_for(server.closed_by_client.wait(), 2)
        assert len(server.requests) == 1


async def test_a_cancelled_command_closes_its_connection() -> None:
    async with hostile(silence) as server, OrderHttpClient() as client:
        task = asyncio.create_task(client.send(command(server)))
        await server.arrived(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.closed_by_client.wait(), 2)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000,
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 9000,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
async def test_a_reply_that_cannot_be_used_is_an_api_error_with_unknown_outcome(reply: bytes) -> None:
    async def bad(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.say(reply)
        await server.until_client_closes(peer)

    async with hostile(bad) as server, OrderHttpClient(max_head=4096, max_body=4096) as client:
        error = await fails(client, command(server))
        assert isinstance(error, ApiError)
        assert error.outcome is Outcome.UNKNOWN
        await asyncio.wait_for(server.closed_by_client.wait(), 2)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent", "503 Busy", "429 Slow"])
async def test_no_status_makes_it_send_again_or_elsewhere(status: str) -> None:
    async def moved(server: Hostile, peer: Peer) -> None:
        while await server.next_request(peer):
            await peer.reply(status=status, headers=f"Location: {server.origin}/x\r\nRetry-After: 0\r\n")

    async with hostile(moved) as server, OrderHttpClient() as client:
        reply = await client.send(command(server))
        assert reply.status == int(status[:3])
        assert len(server.requests) == 1


async def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        request = command(Hostile(origin=f"http://127.0.0.1:{unused.getsockname()[1]}"))
        async with OrderHttpClient() as client:
            error = await fails(client, request)
    assert isinstance(error, ConnectionFailed)
    assert error.outcome is Outcome.NOT_SENT


async def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    async with OrderHttpClient() as client:
        error = await fails(client, command(Hostile(origin="https://nobody.invalid")))
    assert isinstance(error, ConnectionFailed | Timeout)
    assert error.outcome is Outcome.NOT_SENT


async def test_a_failed_tls_handshake_is_not_sent() -> None:
    async def plain(server: Hostile, peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with hostile(plain) as server, OrderHttpClient() as client:
        error = await fails(client, command(server, origin=server.origin.replace("http:", "https:")))
        assert isinstance(error, ConnectionFailed)
        assert error.outcome is Outcome.NOT_SENT
        assert server.requests == []


async def test_a_tls_handshake_that_hangs_is_not_sent() -> None:
    async def mute(server: Hostile, peer: Peer) -> None:
        await server.until_client_closes(peer)

    async with hostile(mute) as server, OrderHttpClient() as client:
        error = await fails(client, command(server, origin=server.origin.replace("http:", "https:"), timeout_s=0.2))
        assert isinstance(error, Timeout)
        assert error.outcome is Outcome.NOT_SENT


async def test_https_speaks_to_a_server_whose_authority_was_handed_in(
    test_tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server_side, client_side = test_tls
    async with hostile(tls=server_side) as server, OrderHttpClient(tls=client_side) as client:
        for method in METHODS:
            assert (await client.send(command(server, method))).status == 200
        assert server.connections == 1


async def test_https_refuses_a_server_it_cannot_verify(test_tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with hostile(tls=test_tls[0]) as server, OrderHttpClient() as client:
        error = await fails(client, command(server))
        assert error.outcome is Outcome.NOT_SENT
        assert server.requests == []


async def test_i4_a_command_cut_on_a_reused_tls_connection_is_never_resent(
    test_tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def later(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply()
        await cut_at_once(server, peer)

    async with hostile(later, tls=test_tls[0]) as server, OrderHttpClient(tls=test_tls[1]) as client:
        await client.send(command(server))
        error = await fails(client, command(server, "DELETE"))
        assert error.outcome is Outcome.UNKNOWN
        assert (len(server.requests), server.connections) == (2, 1)


async def test_the_gate_is_asked_again_when_a_connection_had_to_be_opened() -> None:
    latch_on = False

    def check(request: Request) -> None:
        if latch_on:
            raise KillSwitchOn("the kill switch is on")

    async with hostile() as server, OrderHttpClient(check=check) as client:
        latch_on = True
        with pytest.raises(KillSwitchOn):
            await client.send(command(server))
        latch_on = False
        await client.send(command(server))
        assert (len(server.requests), server.connections) == (1, 1)


async def test_a_warm_connection_is_used_by_the_first_command() -> None:
    async with hostile() as server, OrderHttpClient() as client:
        await client.warm(server.origin)
        await client.warm(server.origin)
        await client.send(command(server))
        assert server.connections == 1


async def test_a_closed_client_sends_nothing_and_its_waiters_are_unknown() -> None:
    async with hostile(silence) as server:
        client = OrderHttpClient()
        waiting = asyncio.create_task(fails(client, command(server)))
        await server.arrived(1)
        await client.close()
        assert (await waiting).outcome is Outcome.UNKNOWN
        assert (await fails(client, command(server))).outcome is Outcome.NOT_SENT


async def test_a_flood_of_orders_waits_for_a_connection_while_a_cancel_passes() -> None:
    async with hostile(silence) as server, OrderHttpClient() as client:
        flood = [asyncio.create_task(fails(client, command(server, timeout_s=4.0))) for _ in range(33)]
        await server.arrived(32)
        error = await fails(client, command(server, "DELETE", lane=Lane.CANCEL, timeout_s=0.4))
        assert error.outcome is Outcome.UNKNOWN
        assert server.requests[-1].method == "DELETE"
        outcomes = [error.outcome for error in await asyncio.gather(*flood)]
        assert outcomes.count(Outcome.NOT_SENT) == 1


async def test_what_would_break_the_head_is_refused_before_connecting() -> None:
    async with hostile() as server, OrderHttpClient() as client:
        with pytest.raises(InvalidRequest):
            await client.send(command(server, headers={"X": "a\r\nb"}))
        assert server.connections == 0


async def test_the_honest_script_is_what_the_server_runs_by_default() -> None:
    async with hostile(answering) as server, OrderHttpClient() as client:
        big = b"x" * 200_000
        await client.send(command(server, body=big))
        assert server.requests[0].body == big
