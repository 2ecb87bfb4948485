"""How far bytes may go: addresses are looked at, nothing goes in the clear, nobody is believed unverified (I17)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from floorbroker.domain.errors import ApiError, ConfigInvalid, ConnectionFailed, Forbidden, VenueError
from floorbroker.transport import AioHttp, OrderHttpClient, SseConnect, WsConnect
from floorbroker.transport.reach import Address, LoopbackOnly, Resolve, is_loopback
from floorbroker.transport.types import Request, Response, SocketTarget
from tests.support.hostile import Hostile, Peer, hostile

HERE, ABROAD, DEAD = "127.0.0.1", "203.0.113.7", "127.0.0.2"  # RFC 5737: the second is nobody's
Ask = Callable[[str, Resolve | None, ssl.SSLContext | None], Awaitable[Response | None]]
SRC = Path(__file__).resolve().parents[3] / "src"


class Names:
    """A resolver that says what it was told to say, and remembers the question."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        return [Address(socket.AF_INET, answer, port) for answer in self.answers]


def _request(origin: str, method: str = "GET") -> Request:
    return Request(method=method, origin=origin, path="/v2/orders", endpoint="orders.submit", timeout_s=2.0)


async def _read(origin: str, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> Response:
    http = AioHttp(resolve=resolve, tls=tls)
    try:
        return await http.send(_request(origin))
    finally:
        await http.close()


async def _command(origin: str, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> Response:
    async with OrderHttpClient(resolve=resolve, tls=tls) as client:
        return await client.send(_request(origin, "POST"))


async def _events(origin: str, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
    http = AioHttp(resolve=resolve, tls=tls)
    try:
        await SseConnect(http)(SocketTarget(url=f"{origin}/events", timeout_s=2.0))
    finally:
        await http.close()


async def _socket(origin: str, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
    target = SocketTarget(url=f"{origin.replace('http', 'ws', 1)}/stream", timeout_s=2.0)
    await WsConnect(resolve=resolve, tls=tls)(target)


EVERY = pytest.mark.parametrize("ask", [_read, _command, _events, _socket])


@EVERY
@pytest.mark.parametrize("answers", [(ABROAD,), (HERE, ABROAD)], ids=["elsewhere", "here and elsewhere"])
@pytest.mark.asyncio
async def test_a_localhost_that_leads_elsewhere_is_refused_before_anything_is_connected_i17(
    ask: Ask, answers: tuple[str, ...]
) -> None:
    names = Names(*answers)
    async with hostile() as server:
        with pytest.raises(Forbidden, match="leads out of this machine"):
            await ask(f"http://localhost:{server.port}", LoopbackOnly(names), None)
        assert (names.asked, server.connections) == (["localhost"], 0)


@pytest.mark.parametrize("ask", [_read, _command])
@pytest.mark.asyncio
async def test_the_address_that_was_looked_at_is_the_one_connected_to(ask: Ask) -> None:
    async with hostile() as server:
        reply = await ask(f"http://localhost:{server.port}", LoopbackOnly(Names(DEAD, HERE)), None)
        assert reply is not None
        assert (reply.status, server.connections) == (200, 1)


@pytest.mark.parametrize("ask", [_command, _socket])
@pytest.mark.asyncio
async def test_a_name_that_leads_nowhere_is_no_connection(ask: Ask) -> None:
    with pytest.raises(ConnectionFailed):
        await ask("http://localhost:9", Names(), None)


@EVERY
@pytest.mark.asyncio
async def test_nothing_leaves_this_machine_in_the_clear_i17(ask: Ask) -> None:
    names = Names(ABROAD)
    with pytest.raises(Forbidden, match="https and wss alone"):
        await ask("http://api.venue.example", names, None)
    assert names.asked == []


@EVERY
@pytest.mark.parametrize("weakness", ["no verification", "no host name"])
@pytest.mark.asyncio
async def test_a_context_that_would_believe_anybody_is_refused(ask: Ask, weakness: str) -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    if weakness == "no verification":
        lax.verify_mode = ssl.CERT_NONE
    with pytest.raises(ConfigInvalid, match="always checked"):
        await ask("https://localhost:9", None, lax)


@EVERY
@pytest.mark.asyncio
async def test_a_redirect_to_another_host_is_never_followed_i17(ask: Ask) -> None:
    async with hostile() as elsewhere:

        async def sends_on(server: Hostile, peer: Peer) -> None:
            while await server.next_request(peer):
                await peer.reply(status="307 Temporary Redirect", headers=f"Location: {elsewhere.origin}/v2/orders\r\n")

        async with hostile(sends_on) as server:
            try:
                reply = await ask(server.origin, None, None)
            except VenueError as error:
                assert isinstance(error, ApiError)  # noqa: PT017 - streams raise by themselves, the rest by their status
            else:
                assert reply is not None
                assert reply.status == 307
            assert (len(server.requests), elsewhere.connections) == (1, 0)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - not bound to, only looked at
        ("localhost.venue.example", False),
        ("127.0.0.1.nip.example", False),
        ("169.254.169.254", False),
        ("::ffff:203.0.113.7", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here


def test_no_line_of_the_source_turns_verification_off_or_follows_redirects() -> None:
    words = ("CERT_NONE", "CERT_OPTIONAL", "check_hostname = False", "verify=False", "ssl=False", "_create_unverified")
    moves = ("allow_redirects=True", "follow_redirects=True")
    found = [
        f"{path.name}: {word}"
        for path in SRC.rglob("*.py")
        if path.name
        != "pins.py"  # a pin takes the place of authorities and names: test_pins.py shows that it is compared
        for word in (*words, *moves)
        if word in path.read_text("utf-8")
    ]
    assert found == []
