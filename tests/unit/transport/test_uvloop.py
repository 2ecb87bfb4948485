"""The client of order commands on uvloop, which is what the `fast` extra installs and servers then run on."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from floorbroker.domain.errors import ConnectionFailed, Outcome
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.types import Lane, Request
from tests.support.hostile import Hostile, Peer, hostile

if sys.platform == "win32":
    pytest.skip("there is no uvloop for Windows", allow_module_level=True)

import uvloop


def on_uvloop(scenario: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario)


def command(server: Hostile) -> Request:
    return Request(
        method="POST", origin=server.origin, path="/v2/orders", endpoint="orders.submit", body=b"{}", lane=Lane.NEW
    )


def test_a_command_leaves_once_and_the_next_one_uses_the_same_connection() -> None:
    async def scenario() -> None:
        async with hostile() as server, OrderHttpClient() as client:
            replies = [await client.send(command(server)) for _ in range(3)]
            assert [reply.status for reply in replies] == [200, 200, 200]
            assert (len(server.requests), server.connections) == (3, 1)

    on_uvloop(scenario())


def test_a_command_reaches_a_server_by_tls(test_tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, ours = test_tls

    async def scenario() -> None:
        async with hostile(tls=theirs) as server, OrderHttpClient(tls=ours) as client:
            assert (await client.send(command(server))).status == 200

    on_uvloop(scenario())


def test_a_connection_cut_after_the_request_leaves_the_outcome_unknown_and_sends_nothing_again() -> None:
    async def cut(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        peer.cut()

    async def scenario() -> None:
        async with hostile(cut) as server, OrderHttpClient() as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.send(command(server))
            assert caught.value.outcome is Outcome.UNKNOWN
            assert len(server.requests) == 1

    on_uvloop(scenario())


def test_a_kept_connection_that_the_peer_has_closed_is_not_written_to() -> None:
    async def once(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply()
        peer.cut()

    async def scenario() -> None:
        async with hostile(once) as server, OrderHttpClient() as client:
            for _ in range(3):
                assert (await client.send(command(server))).status == 200
            assert (len(server.requests), server.connections) == (3, 3)

    on_uvloop(scenario())
