"""Facts as data, and how a profile becomes a broker."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.brokers.bybit import INFO, Options, build, hosts_for, origins_for, wire
from floorbroker.brokers.bybit.auth import KEY_HEADER, SIGN_HEADER, socket_origin
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.capability import Can
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, ConfigInvalid, Forbidden, KillSwitchOn, NotReady, RateLimitExceeded
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.types import Lane, Request
from tests.unit.brokers.bybit.fakes import (
    CL_ORD_ID,
    CREDENTIALS,
    NOW,
    PERP,
    VENUE_ID,
    Answer,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    Listener,
    account_paths,
    approved,
    instruments,
    ok,
    ref,
    reply,
)

RECEIVED = ok({"orderId": VENUE_ID, "orderLinkId": CL_ORD_ID})
SECRET = CREDENTIALS.secret.reveal()


def test_what_is_published_about_options_is_what_they_are() -> None:
    assert {option.name: option.default for option in INFO.options} == asdict(Options())


def test_what_the_venue_lacks_is_not_claimed() -> None:
    assert INFO.can.isdisjoint({Can.BRACKET, Can.OCO, Can.OTO, Can.DISPLAY_QTY, Can.EXTENDED_HOURS, Can.DEAD_MAN})


@pytest.mark.parametrize("practice", ["testnet", "demo"])
@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LIVE])
def test_the_host_table_lets_every_origin_of_its_world_pass_and_no_other(
    environment: Environment, practice: str
) -> None:
    table = HostTable(environment, hosts_for(environment, practice=practice))
    origins = origins_for(environment, practice=practice)
    table.check_origin(origins.rest)
    for stream in (origins.private, origins.public):
        table.check_origin(socket_origin(f"{stream}/v5/private"))
    other = Environment.LIVE if environment is Environment.PAPER else Environment.PAPER
    with pytest.raises(Forbidden):
        table.check_origin(origins_for(other, practice=practice).rest)


class FakeHttp(FakeTransport):
    closed = False

    async def open_stream(self, request: Request) -> Any:
        raise AssertionError("nobody listens to server-sent events here")

    async def close(self) -> None:
        self.closed = True


class Plain:
    def learn(self, secret: str) -> None:
        del secret

    def learn_token(self, token: str) -> None:
        del token

    def clean(self, text: str) -> str:
        return text


def wiring(
    *,
    http: FakeHttp,
    order_http: FakeHttp,
    connect: FakeConnect | None = None,
    seen: list[Exchange] | None = None,
    may_send: Any = None,
    **changes: Any,
) -> Wiring:
    tap = ([] if seen is None else seen).append
    options = changes.pop("options", {})
    profile = Profile(name=ProfileName("p"), broker="BYBIT", environment=Environment.PAPER, options=options)
    given: dict[str, Any] = {
        "profile": profile,
        "shells": Shells(http=lambda: http, order_http=lambda _: order_http, connect=connect or FakeConnect()),
        "clock": ManualClock(NOW),
        "random": Random(1),
        "log": NoLog(),
        "meter": NoMeter(),
        "redactor": Plain(),
        "tap": tap,
        "may_send": may_send or (lambda _: None),
        "state": Path("unused"),
        "secrets": {"BROKER_API_KEY": CREDENTIALS.key, "BROKER_SECRET_KEY": CREDENTIALS.secret},
    }
    return Wiring(**(given | changes))


def http(*answers: Answer, paths: dict[str, Answer] | None = None) -> FakeHttp:
    return FakeHttp(*answers, by_path=paths)


@pytest.mark.asyncio
async def test_a_built_broker_signs_what_is_its_own_and_audits_and_closes() -> None:
    seen: list[Exchange] = []
    reads, orders = http(paths=account_paths()), http(RECEIVED)
    venue = build(wiring(http=reads, order_http=orders, seen=seen))
    await venue.connect()
    await venue.submit_order(approved())
    public = {request.path for request in reads.requests if SIGN_HEADER not in request.headers}
    assert public == {"/v5/market/time", "/v5/market/instruments-info"}
    assert all(KEY_HEADER in request.secret_headers for request in reads.requests if request.path not in public)
    assert SIGN_HEADER in orders.requests[0].headers
    assert seen[-1].endpoint == "orders.submit"
    assert SECRET not in repr(seen)
    assert CREDENTIALS.key.reveal() not in repr(seen)
    await venue.disconnect()
    assert (reads.closed, orders.closed) == (True, True)


@pytest.mark.asyncio
async def test_the_audit_does_not_tell_whose_account_it_is() -> None:
    seen: list[Exchange] = []
    venue = build(wiring(http=http(paths=account_paths()), order_http=http(), seen=seen))
    await venue.get_account_info()
    assert "24617703" not in repr(seen)


@pytest.mark.asyncio
async def test_a_built_broker_asks_before_it_sends_and_never_before_it_cancels() -> None:
    def blocked(request: Request) -> None:
        if request.lane is not Lane.CANCEL:
            raise KillSwitchOn("blocked")

    orders = http(RECEIVED)
    venue = build(wiring(http=http(), order_http=orders, may_send=blocked))
    with pytest.raises(KillSwitchOn):
        await venue.submit_order(approved())
    await venue.cancel_order(ref())
    assert [request.path for request in orders.requests] == ["/v5/order/cancel"]


@pytest.mark.asyncio
async def test_a_stale_decision_is_not_sent() -> None:
    clock, orders = ManualClock(NOW), http()
    venue = build(wiring(http=http(), order_http=orders, clock=clock))
    await clock.advance(7)
    with pytest.raises(NotReady):
        await venue.submit_order(approved())
    assert orders.requests == []


@pytest.mark.asyncio
async def test_after_a_page_that_bans_us_nothing_is_sent_for_ten_minutes() -> None:
    reads = http(reply(status=403, raw=b"<html>403 Forbidden, access too frequent"), instruments)
    clock = ManualClock(NOW)
    venue = build(wiring(http=reads, order_http=http(), clock=clock, read_retries=0))
    for _ in range(2):
        with pytest.raises(RateLimitExceeded) as caught:
            await venue.get_instrument(PERP)
    assert len(reads.requests) == 1
    assert caught.value.hint.retry_after_s is not None
    await clock.advance(601)
    assert (await venue.get_instrument(PERP)).symbol == PERP


@pytest.mark.asyncio
async def test_orders_go_over_the_trade_socket_when_the_profile_says_so() -> None:
    seen: list[Exchange] = []

    def script(socket: FakeSocket) -> None:
        socket.push({"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "x"})

    connect = FakeConnect(script)
    venue = build(
        wiring(http=http(), order_http=http(), connect=connect, seen=seen, options={"order_entry": "websocket"})
    )
    sending = asyncio.ensure_future(venue.submit_order(approved()))
    for _ in range(50):
        await asyncio.sleep(0)
        if connect.sockets and len(connect.sockets[0].sent) == 2:
            break
    (socket,) = connect.sockets
    assert socket.target.url == "wss://stream-testnet.bybit.com/v5/trade"
    log_in, order = socket.sent
    assert (log_in["op"], order["op"], order["args"][0]["orderLinkId"]) == ("auth", "order.create", CL_ORD_ID)
    data = {"orderId": VENUE_ID, "orderLinkId": CL_ORD_ID}
    socket.push({"reqId": order["reqId"], "retCode": 0, "retMsg": "OK", "op": "order.create", "data": data})
    (report,) = await sending
    assert report.order_id == VENUE_ID
    assert [exchange.endpoint for exchange in seen] == ["orders.submit"]
    assert SECRET not in json.dumps(socket.sent)
    await venue.disconnect()


@pytest.mark.asyncio
async def test_a_built_simulator_profile_streams_from_loopback() -> None:
    connect = FakeConnect()
    simulated = Profile(name=ProfileName("p"), broker="BYBIT", environment=Environment.SIM)
    venue = build(
        wiring(
            http=http(paths=account_paths()),
            order_http=http(),
            connect=connect,
            profile=simulated,
            plain={"BROKER_URL": "http://127.0.0.1:8804"},
        )
    )
    await venue.subscribe_order_events(Listener())
    for _ in range(50):
        await asyncio.sleep(0)
    assert [socket.target.url for socket in connect.sockets] == ["ws://127.0.0.1:8804/v5/private"]
    await venue.disconnect()


def test_missing_keys_are_named() -> None:
    with pytest.raises(ConfigInvalid, match="BROKER_SECRET_KEY"):
        build(wiring(http=http(), order_http=http(), secrets={"BROKER_API_KEY": Secret("k")}))


LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (wire.Reply, {"retCode": LARGEST}),
        (wire.Outcome, {"code": LARGEST}),
        (wire.TradeMessage, {"retCode": LARGEST}),
        (wire.Book, {"s": "BTCUSDT", "u": LARGEST}),
        (wire.Position, {"symbol": "BTCUSDT", "positionIdx": LARGEST}),
        (wire.Order, {"orderId": "x", "orderStatus": "New", "triggerDirection": LARGEST}),
        (wire.Execution, {"execId": "x", "orderId": "x", "execType": "Trade", "execTime": LARGEST}),
        (wire.KeyInfo, {"userID": LARGEST}),
        (wire.AccountInfo, {"unifiedMarginStatus": LARGEST}),
        (wire.PublicTrade, {"T": LARGEST, "s": "BTCUSDT", "v": "1", "p": "1"}),
        (wire.Message, {"topic": "order", "ts": LARGEST}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_whole_number_has_bounds(kind: type[Any], row: dict[str, Any]) -> None:
    assert wire.decode(json.dumps(row).encode(), kind, what="it")
    (name,) = (name for name, value in row.items() if value == LARGEST)
    for beyond in (LARGEST + 1, -LARGEST - 2, 10**4000):
        with pytest.raises(ApiError):
            wire.decode(json.dumps(row | {name: beyond}).encode(), kind, what="it")
