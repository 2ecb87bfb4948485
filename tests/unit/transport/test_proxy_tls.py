"""The clients over TLS behind a network that misbehaves, from the handshake on: what is proven not sent, and what is not."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from floorbroker.domain.errors import ConnectionFailed, Outcome, Timeout, VenueError
from floorbroker.transport.http import AioHttp
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.types import Request
from floorbroker_sim.tls import TestAuthority
from tests.support.hostile import hostile
from tests.support.proxy import Direction, Proxy
from tests.unit.transport.fakes import command, read

pytestmark = pytest.mark.asyncio

Tls = tuple[ssl.SSLContext, ssl.SSLContext]
SHORT_S = 0.3


def order(proxy: Proxy, timeout_s: float = 2.0) -> Request:
    return command(origin=proxy.secure_origin, timeout_s=timeout_s, body=b'{"qty":"1"}')


async def fails(client: OrderHttpClient, request: Request) -> VenueError:
    with pytest.raises(VenueError) as caught:
        await client.send(request)
    return caught.value


async def test_an_order_passes_a_byte_at_a_time_and_arrives_once(test_tls: Tls) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        proxy.to_server.drip = proxy.to_client.drip = 1
        assert (await client.send(order(proxy, 20))).status == 200
        assert len(server.requests) == 1


@pytest.mark.parametrize("cut_after", [1, 40, 200])
async def test_a_handshake_cut_anywhere_is_proven_not_sent(test_tls: Tls, cut_after: int) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        for way in ("to_client", "to_server"):
            proxy.heal()
            setattr(proxy, way, Direction(cut_after=cut_after))
            error = await fails(client, order(proxy))
            assert isinstance(error, ConnectionFailed), way
            assert error.outcome is Outcome.NOT_SENT, way
        assert server.requests == []
        proxy.heal()
        assert (await client.send(order(proxy))).status == 200
        assert len(server.requests) == 1


async def test_a_half_open_handshake_ends_in_time_and_is_proven_not_sent(test_tls: Tls) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        proxy.half_open()
        error = await fails(client, order(proxy, SHORT_S))
        assert (type(error), error.outcome, server.requests) == (Timeout, Outcome.NOT_SENT, [])


async def test_a_peer_that_accepts_and_does_nothing_gets_no_order_over_tls(test_tls: Tls) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        proxy.ignore()
        error = await fails(client, order(proxy, SHORT_S))
        assert (type(error), error.outcome, server.connections) == (Timeout, Outcome.NOT_SENT, 0)


async def test_a_peer_that_accepts_and_does_nothing_may_have_the_order_over_tcp() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        proxy.ignore()
        error = await fails(client, command(origin=proxy.origin, timeout_s=SHORT_S))
        assert (type(error), error.outcome, server.requests) == (Timeout, Outcome.UNKNOWN, [])


async def test_a_certificate_of_another_authority_is_refused_before_a_byte_of_the_order(
    tmp_path: Path, test_tls: Tls
) -> None:
    stranger = TestAuthority.create(tmp_path, host="127.0.0.1")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(stranger.certificate, stranger.key)
    async with (
        hostile(tls=server_side) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        error = await fails(client, order(proxy))
        assert (type(error), error.outcome, server.requests) == (ConnectionFailed, Outcome.NOT_SENT, [])
    believes = ssl.create_default_context(cafile=str(stranger.ca))
    async with hostile(tls=server_side) as server, Proxy(server.port) as proxy, OrderHttpClient(tls=believes) as client:
        assert (await client.send(order(proxy))).status == 200  # it was the authority, and nothing else


@pytest.mark.parametrize("cut_after", [1, 60])
async def test_i4_an_order_cut_on_its_way_over_tls_is_unknown_and_not_repeated(test_tls: Tls, cut_after: int) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        await client.send(order(proxy))
        proxy.to_server = Direction(cut_after=cut_after)
        assert (await fails(client, order(proxy))).outcome is Outcome.UNKNOWN
        assert (proxy.connections, len(server.requests)) == (1, 1)


async def test_a_peer_that_vanishes_without_a_word_leaves_an_order_unknown_and_the_next_takes_a_fresh_way(
    test_tls: Tls,
) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        await client.send(order(proxy))
        proxy.half_open()
        error = await fails(client, order(proxy, SHORT_S))
        assert (type(error), error.outcome, len(server.requests)) == (Timeout, Outcome.UNKNOWN, 1)
        proxy.heal()
        await client.send(order(proxy))
        assert (proxy.connections, len(server.requests)) == (2, 2)


async def test_a_reply_that_drips_beyond_the_deadline_is_no_reply(test_tls: Tls) -> None:
    async with (
        hostile(tls=test_tls[0]) as server,
        Proxy(server.port) as proxy,
        OrderHttpClient(tls=test_tls[1]) as client,
    ):
        await client.send(order(proxy))
        proxy.to_client = Direction(drip=1, delay_s=0.05)
        error = await fails(client, order(proxy, SHORT_S))
        assert (type(error), error.outcome, len(server.requests)) == (Timeout, Outcome.UNKNOWN, 2)


@pytest.mark.parametrize("trouble", ["refuse", "ignore", "half_open"])
async def test_a_read_meets_the_same_troubles_as_an_error_and_never_as_an_answer(test_tls: Tls, trouble: str) -> None:
    async with hostile(tls=test_tls[0]) as server, Proxy(server.port) as proxy:
        http = AioHttp(tls=test_tls[1])
        getattr(proxy, trouble)()
        with pytest.raises(VenueError):
            await http.send(read(origin=proxy.secure_origin, timeout_s=SHORT_S))
        proxy.heal()
        reply = await http.send(read(origin=proxy.secure_origin, timeout_s=30.0))
        assert (reply.status, len(server.requests)) == (200, 1)
        await http.close()


async def test_a_read_whose_handshake_or_reply_is_cut_is_an_error(test_tls: Tls) -> None:
    async with hostile(tls=test_tls[0]) as server, Proxy(server.port) as proxy:
        http = AioHttp(tls=test_tls[1])
        for cut_after in (300, 20):  # in the handshake; then in a reply on the connection that one reply came over
            proxy.to_client = Direction(cut_after=cut_after)
            with pytest.raises(VenueError):
                await http.send(read(origin=proxy.secure_origin, timeout_s=30.0))
            proxy.heal()
            assert (await http.send(read(origin=proxy.secure_origin, timeout_s=30.0))).status == 200
        await http.close()
