"""The clients behind a network that misbehaves; the proxy itself is proven on the way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from floorbroker.domain.errors import ConnectionFailed, Outcome, Timeout, VenueError
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.types import Request
from tests.support.hostile import hostile
from tests.support.proxy import Direction, Proxy
from tests.unit.transport.fakes import command

pytestmark = pytest.mark.asyncio


def order(proxy: Proxy, timeout_s: float = 2.0, method: str = "POST") -> Request:
    return command(origin=proxy.origin, timeout_s=timeout_s, method=method, body=b'{"qty":"1"}')


async def fails(client: OrderHttpClient, request: Request) -> VenueError:
    with pytest.raises(VenueError) as caught:
        await client.send(request)
    return caught.value


async def test_an_honest_proxy_changes_nothing() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        for _ in range(3):
            assert (await client.send(order(proxy))).status == 200
        assert (proxy.connections, server.connections, len(server.requests)) == (1, 1, 3)


async def test_a_slow_drip_is_read_to_its_end() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        proxy.to_client.drip, proxy.to_client.delay_s = 7, 0.001
        assert (await client.send(order(proxy))).body == b"{}"


async def test_a_half_open_connection_is_a_timeout_and_the_next_command_uses_a_fresh_one() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        await client.send(order(proxy))
        proxy.half_open()
        error = await fails(client, order(proxy, timeout_s=0.1))
        assert isinstance(error, Timeout)
        assert error.outcome is Outcome.UNKNOWN
        proxy.heal()
        assert (await client.send(order(proxy))).status == 200
        assert (proxy.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("cut_after", [1, 20, 39])
async def test_i4_a_reply_cut_anywhere_on_a_reused_connection_leads_to_no_second_request(
    method: str, cut_after: int
) -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        await client.send(order(proxy))
        proxy.to_client = Direction(cut_after=cut_after)
        error = await fails(client, order(proxy, method=method))
        assert error.outcome is Outcome.UNKNOWN
        assert (proxy.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_i4_a_request_cut_on_its_way_is_unknown_and_not_repeated(method: str) -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        await client.send(order(proxy))
        proxy.to_server = Direction(cut_after=30)
        error = await fails(client, order(proxy, method=method))
        assert isinstance(error, ConnectionFailed)
        assert error.outcome is Outcome.UNKNOWN
        assert (proxy.connections, len(server.requests)) == (1, 1)


async def test_an_idle_connection_that_was_cut_is_replaced_without_a_resend() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        await client.send(order(proxy))
        proxy.cut()
        with suppress(ConnectionError):
            await server.peers[0].writer.wait_closed()
        assert (await client.send(order(proxy))).status == 200
        assert (proxy.connections, len(server.requests)) == (2, 2)


async def test_a_delay_is_measured() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        proxy.to_client.delay_s = 0.05
        assert (await client.send(order(proxy))).elapsed_s >= 0.05


async def test_a_proxy_that_refuses_resets_new_connections() -> None:
    async with hostile() as server, Proxy(server.port) as proxy, OrderHttpClient() as client:
        proxy.refuse()
        error = await fails(client, order(proxy))
        assert isinstance(error, ConnectionFailed)
        assert server.requests == []
        await asyncio.sleep(0)
