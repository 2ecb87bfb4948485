"""The brokerage session: opened, kept alive, taken over, and told of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    ConnectionFailed,
    Forbidden,
    GatewayNotRunning,
    SessionExpired,
    Timeout,
)
from floorbroker.domain.records import LinkState
from floorbroker.domain.values import Environment
from floorbroker.transport.types import Request
from tests.unit.brokers.ibkr_web.fakes import (
    ACCOUNT,
    LOST,
    NOW,
    OPEN,
    TAKEN,
    TOKEN,
    FakeConnect,
    Gateway,
    Heard,
    approved,
    broker,
    payload,
    ref,
    reply,
    turn,
)

pytestmark = pytest.mark.asyncio
INIT = "/iserver/auth/ssodh/init"


def opened_by_init(gateway: Gateway) -> None:
    """The gateway opens the session when it is asked to."""

    def opened(_: Any) -> object:
        gateway.session = OPEN
        return OPEN

    gateway.set(INIT, opened)


async def test_a_session_that_stands_is_asked_for_its_accounts_and_left_alone() -> None:
    gateway = Gateway()
    venue = broker(gateway)
    await venue.connect()
    assert gateway.paths() == ["POST /tickle", "GET /iserver/accounts", "GET /portfolio/accounts"]
    assert venue.is_connected()
    await venue.disconnect()
    assert not venue.is_connected()


async def test_a_lost_session_is_opened_without_taking_it_from_anybody() -> None:
    gateway = Gateway()
    gateway.session = LOST
    opened_by_init(gateway)
    venue = broker(gateway)
    await venue.connect()
    assert gateway.bodies(INIT) == [{"publish": True, "compete": False}]
    await venue.disconnect()


async def test_a_session_that_never_opens_is_said_and_not_waited_for_for_ever() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    gateway.session = LOST
    venue = broker(gateway, clock=clock)

    connecting = asyncio.ensure_future(venue.connect())
    for _ in range(10):
        await turn()
        await clock.advance(1)
    with pytest.raises(SessionExpired, match="log in on its page"):
        await connecting
    assert len(gateway.paths("auth/status")) == 5


async def test_a_session_of_somebody_else_is_a_state_that_says_so() -> None:
    gateway = Gateway()
    gateway.session = TAKEN
    venue = broker(gateway)
    with pytest.raises(SessionExpired, match="log-in elsewhere"):
        await venue.connect()
    assert gateway.paths("init") == []
    status = venue.get_connection_status()
    assert status.state is LinkState.OFFLINE
    assert "log-in elsewhere" in status.detail
    check = await venue.self_check()
    assert [(one.name, one.ok) for one in check.checks] == [("connectivity", True), ("credentials", False)]


async def test_a_profile_may_take_it_back_three_times_an_hour_and_then_lets_go() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    opened_by_init(gateway)
    venue = broker(gateway, clock=clock, compete="yes")
    await venue.connect()
    for _ in range(3):
        gateway.session = TAKEN
        await clock.advance(60)
        await turn()
        assert venue.is_connected()
    gateway.session = TAKEN
    await clock.advance(60)
    await turn()
    assert not venue.is_connected()
    assert venue.get_connection_status().state is LinkState.DEGRADED
    assert gateway.bodies(INIT) == [{"publish": True, "compete": True}] * 3
    await clock.advance(3700)
    for _ in range(3):
        await turn()
        await clock.advance(60)
    await turn()
    assert venue.is_connected()  # an hour later it may again
    await venue.disconnect()


async def test_it_is_kept_alive_once_a_minute_and_opened_again_after_the_daily_end() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    opened_by_init(gateway)
    venue = broker(gateway, clock=clock)
    await venue.connect()
    for _ in range(3):
        await clock.advance(60)
        await turn()
    assert len(gateway.paths("/tickle")) == 4
    gateway.session = LOST
    await clock.advance(60)
    await turn()
    assert venue.is_connected()
    assert len(gateway.paths("/iserver/accounts")) == 2  # a new session wants to be asked again
    await venue.disconnect()
    told = len(gateway.requests)
    await clock.advance(600)
    await turn()
    assert len(gateway.requests) == told


async def test_a_tickle_that_fails_on_its_way_says_nothing_of_the_session() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = broker(gateway, clock=clock)
    await venue.connect()
    gateway.set("/tickle", Timeout("no answer"))
    await clock.advance(60)
    await turn()
    assert venue.is_connected()
    await venue.disconnect()


async def test_cancels_go_out_while_the_session_is_in_doubt() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = broker(gateway, clock=clock)
    await venue.connect()
    gateway.session = TAKEN
    await clock.advance(60)
    await turn()
    assert not venue.is_connected()
    await venue.cancel_order(ref())
    await venue.cancel_all()
    assert gateway.paths("/order/")[-1] == "DELETE /iserver/account/DU123456/order/-1"
    await venue.disconnect()


async def test_nobody_logged_in_is_an_authentication_failure() -> None:
    gateway = Gateway()
    gateway.set("/tickle", reply(b"", status=401))
    venue = broker(gateway)
    with pytest.raises(AuthenticationFailed, match="log in on its page") as caught:
        await venue.connect()
    assert caught.value.hint.reauthenticate


@pytest.mark.parametrize(
    ("port", "whose"),
    [(4001, "IB Gateway, live"), (4002, "IB Gateway, paper"), (7496, "TWS, live"), (7497, "TWS, paper")],
)
@pytest.mark.parametrize(
    "silence", [ConnectionFailed("the connection broke"), Timeout("no answer"), ApiError("the reply cannot be used")]
)
async def test_a_socket_port_asked_for_rest_is_recognised_and_the_right_one_named(
    port: int, whose: str, silence: Exception
) -> None:
    gateway = Gateway()
    gateway.set("/tickle", silence)
    venue = broker(gateway, url=f"https://localhost:{port}")
    (check,) = (await venue.self_check()).checks
    assert not check.ok
    assert whose in check.detail
    assert "https://localhost:5000" in check.detail
    assert "broker IBKR" in check.detail
    with pytest.raises(GatewayNotRunning):
        await venue.connect()


async def test_a_gateway_that_does_not_run_is_said() -> None:
    gateway = Gateway()
    gateway.set("/tickle", ConnectionFailed("no connection (ClientConnectorError)"))
    (check,) = (await broker(gateway).self_check()).checks
    assert "no gateway answers at https://localhost:5000" in check.detail
    gateway.set("/tickle", ConnectionFailed("no connection (ClientConnectorCertificateError)"))
    (check,) = (await broker(gateway).self_check()).checks
    assert "gateway_certificate" in check.detail


async def test_an_account_of_the_other_environment_is_refused() -> None:
    gateway = Gateway()
    venue = broker(gateway, environment=Environment.LIVE)
    with pytest.raises(Forbidden, match="the account is paper, the profile is live"):
        await venue.connect()
    assert venue.get_connection_status().state is LinkState.DEGRADED


async def test_a_session_and_a_number_that_contradict_each_other_are_no_account() -> None:
    gateway = Gateway()
    gateway.set("/iserver/accounts", {**payload("accounts"), "isPaper": False})
    with pytest.raises(ApiError, match="the session says live"):
        await broker(gateway).connect()


async def test_the_account_of_the_profile_is_chosen_and_must_be_there() -> None:
    gateway = Gateway()
    several = {**payload("accounts"), "accounts": ["All", "DU999999", "DU123456"], "selectedAccount": "DU999999"}
    gateway.set("/iserver/accounts", several)
    gateway.set("/iserver/account", {"set": True, "acctId": "DU123456"})
    with pytest.raises(ConfigInvalid, match="2 accounts"):
        await broker(gateway).connect()
    with pytest.raises(ConfigInvalid, match="no account"):
        await broker(gateway, account="DU111111").connect()
    venue = broker(gateway, account="DU123456")
    await venue.connect()
    assert gateway.bodies("/iserver/account") == [{"acctId": "DU123456"}]
    await venue.disconnect()


async def test_the_stream_opens_with_the_session_and_comes_back_with_a_new_one() -> None:
    gateway, clock, connect, heard = Gateway(), ManualClock(NOW), FakeConnect(), Heard()
    opened_by_init(gateway)
    venue = broker(gateway, clock=clock, connect=connect)
    await venue.connect()
    await venue.subscribe_order_events(heard)
    await turn()
    (socket,) = connect.sockets
    assert socket.target.url == "wss://localhost:5000/v1/api/ws"
    assert socket.target.headers == {"Cookie": f'api={{"session": "{TOKEN}"}}'}
    socket.push({"topic": "system", "success": "user1", "isFT": False, "isPaper": True})
    socket.push({"topic": "sts", "args": OPEN})
    await turn()
    assert socket.sent == ["sor+{}", 'str+{"realtimeUpdatesOnly":false,"days":1}']
    assert heard.streams == [(True, "up")]
    gateway.session = LOST
    socket.push({"topic": "sts", "args": LOST})
    await turn()
    assert heard.streams[-1][0] is False
    assert not venue.is_connected()
    for _ in range(10):
        await clock.advance(1)
        await turn()
    assert len(connect.sockets) == 2  # behind a session that was opened again
    assert gateway.bodies(INIT) == [{"publish": True, "compete": False}]
    await venue.disconnect()


async def test_a_taken_session_is_not_fought_for_on_the_stream() -> None:
    gateway, clock, connect, heard = Gateway(), ManualClock(NOW), FakeConnect(), Heard()
    venue = broker(gateway, clock=clock, connect=connect)
    await venue.connect()
    await venue.subscribe_order_events(heard)
    await turn()
    gateway.session = TAKEN
    connect.sockets[0].push({"topic": "sts", "args": TAKEN})
    for _ in range(30):
        await clock.advance(10)
        await turn()
    assert gateway.paths("init") == []
    assert len(connect.sockets) == 1
    assert len(gateway.paths("/tickle")) < 20
    with pytest.raises(SessionExpired):
        await venue.get_account_info()
    gateway.session = OPEN  # the other one logged out
    for _ in range(13):
        await clock.advance(10)
        await turn()
    connect.sockets[-1].push({"topic": "sts", "args": OPEN})
    await turn()
    assert heard.streams[-1] == (True, "up")
    assert venue.is_connected()
    await venue.submit_order(approved())
    await venue.disconnect()


@pytest.mark.parametrize("text", ["Bad Request: Please query /accounts first", "Bad Request: no bridge"])
async def test_a_session_that_somebody_else_opened_anew_is_introduced_again(text: str) -> None:
    """Its id is the same, and it stands: only the refusal of a question tells."""
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = broker(gateway, clock=clock)
    await venue.connect()
    gateway.set(
        f"/portfolio/{ACCOUNT}/ledger", reply({"error": text, "statusCode": 400}, status=400), payload("ledger")
    )
    asked = len(gateway.paths("/iserver/accounts"))
    with pytest.raises(SessionExpired):
        await venue.get_balances()
    assert not venue.is_connected()
    await venue.get_balances()
    assert len(gateway.paths("/iserver/accounts")) == asked + 1
    assert venue.is_connected()
    await venue.disconnect()


async def test_an_opening_whose_answer_is_lost_is_followed_by_an_introduction() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = broker(gateway, clock=clock)
    await venue.connect()
    gateway.session = LOST
    gateway.set("/iserver/auth/ssodh/init", Timeout("no answer"))
    await clock.advance(10)
    with pytest.raises(Timeout):
        await venue.get_balances()
    gateway.session = OPEN  # it was opened all the same
    asked = len(gateway.paths("/iserver/accounts"))
    await venue.get_balances()
    assert len(gateway.paths("/iserver/accounts")) == asked + 1
    await venue.disconnect()


async def test_a_cancel_passes_as_soon_as_the_account_is_known() -> None:
    """I15: the other half of the accounts may be asked for once in five seconds alone."""
    gateway, gate = Gateway(), asyncio.Event()
    send = gateway.send

    async def slow(request: Request) -> Any:
        if request.path.endswith("/portfolio/accounts"):
            await gate.wait()
        return await send(request)

    gateway.send = slow
    venue = broker(gateway)
    connecting = asyncio.ensure_future(venue.connect())
    await turn()
    await venue.cancel_order(ref())
    assert len(gateway.paths("/order/")) == 1
    gate.set()
    await connecting
    await venue.disconnect()
