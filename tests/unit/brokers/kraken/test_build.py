"""The adapter on its real stacks, over fake shells: what leaves is signed, numbered, dated, and in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

import pytest

from floorbroker.brokers.kraken import KrakenBroker
from floorbroker.brokers.kraken.auth import signature_of
from floorbroker.brokers.registry import build
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, KillSwitchOn, NotReady, Outcome
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, Price, ProfileName
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.types import ByteStream, Lane, Request, Response
from tests.unit.brokers.kraken.fakes import (
    NOW,
    OTHER,
    FakeConnect,
    FakeSocket,
    Heard,
    approved,
    limit_order,
    ok,
    ref,
)

pytestmark = pytest.mark.asyncio

SECRET = "a" * 86 + "=="
ANSWERS = {
    "AddOrder": "added", "AddOrderBatch": "batch", "AmendOrder": "amended", "CancelOrder": "cancelled", "CancelAll": "cancelled",
    "Time": "time", "SystemStatus": "status", "AssetPairs": "pairs", "GetApiKeyInfo": "key", "BalanceEx": "balances",
    "TradeBalance": "trade_balance", "GetWebSocketsToken": "token", "OpenOrders": "open_orders",
}  # fmt: skip


class Shell:
    """An `Http` and an `OrderHttp`; answers by the path, and keeps what crossed."""

    def __init__(self, check: Callable[[Request], None] = lambda _: None) -> None:
        self.requests: list[Request] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.answers: dict[str, Callable[[Request], Response]] = {}
        self.check = check

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        name = request.path.rpartition("/")[2]
        if name in self.gates:
            await self.gates[name].wait()
        return self.answers[name](request) if name in self.answers else ok(ANSWERS[name])

    async def open_stream(self, request: Request) -> ByteStream:
        raise AssertionError("nothing is streamed over HTTP here")

    async def close(self) -> None: ...


class Plain:
    """A redactor that knows what it learnt."""

    def __init__(self) -> None:
        self.known: list[str] = []

    def learn(self, secret: str) -> None:
        self.known.append(secret)

    def learn_token(self, token: str) -> None:
        self.known.append(token)

    def clean(self, text: str) -> str:
        return text


class House:
    """One profile's wiring, and everything it was wired to."""

    def __init__(self, tmp_path: Path, **changes: Any) -> None:
        self.clock = ManualClock(NOW)
        self.shell, self.orders = Shell(), Shell()
        self.connect = changes.pop("connect", None) or FakeConnect()
        self.redactor = Plain()
        self.taps: list[Exchange] = []
        options = changes.pop("options", {})
        environment = changes.pop("environment", Environment.LIVE)
        members: dict[str, Any] = {
            "profile": Profile(name=ProfileName("k"), broker="KRAKEN", environment=environment, options=options),
            "shells": Shells(http=lambda: self.shell, order_http=lambda _: self.orders, connect=self.connect),
            "clock": self.clock, "random": Random(1), "log": NoLog(), "meter": NoMeter(), "redactor": self.redactor,
            "tap": self.taps.append, "may_send": lambda _: None, "state": tmp_path / "k.log",
            "secrets": {"BROKER_API_KEY": Secret("made-up-key"), "BROKER_SECRET_KEY": Secret(SECRET)},
        }  # fmt: skip
        self.wiring = Wiring(**(members | changes))
        broker = build(self.wiring)
        assert isinstance(broker, KrakenBroker)
        self.broker = broker

    def approved(self, **changes: Any) -> Any:
        return approved(**changes)


def body(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


async def test_an_order_leaves_signed_numbered_and_dated(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.broker.submit_order(approved())
    (request,) = house.orders.requests
    sent = body(request)
    assert sent["deadline"] == "2026-03-02T15:04:15.000Z"
    assert sent["nonce"] == "1772463850000000"
    expected = signature_of(request.path, nonce=sent["nonce"], body=request.body, secret=Secret(SECRET))
    assert (request.headers["API-Key"], request.headers["API-Sign"]) == ("made-up-key", expected)
    (tap,) = house.taps
    assert (tap.order, "volume=0.01" in tap.body) == (approved().cl_ord_id, True)
    assert "API-Sign" not in json.dumps(dict(tap.headers))


async def test_changes_and_batches_are_dated_and_cancels_are_not(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.broker.modify_order(ref(), OrderChanges(price=Price(Decimal(1))), cl_ord_id=OTHER, decided_at=0.0)
    await house.broker.submit_orders([approved(), approved(cl_ord_id=OTHER)])
    await house.broker.cancel_order(ref())
    amend, batch, cancel = house.orders.requests
    assert body(amend)["deadline"] == json.loads(batch.body)["deadline"] == "2026-03-02T15:04:15.000Z"
    assert "deadline" not in body(cancel)
    assert [int(n) for n in (body(amend)["nonce"], json.loads(batch.body)["nonce"], body(cancel)["nonce"])] == [
        1772463850000000, 1772463850000001, 1772463850000002,
    ]  # fmt: skip


async def test_reads_and_commands_share_one_order_of_numbers(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.shell.gates["OpenOrders"] = asyncio.Event()
    reading = asyncio.create_task(house.broker.get_open_orders())
    await house.clock.advance(0)
    ordering = asyncio.create_task(house.broker.submit_order(approved()))
    await house.clock.advance(0)
    assert house.orders.requests == []  # the answer to the question before it is still out
    house.shell.gates["OpenOrders"].set()
    await house.clock.advance(0)
    await asyncio.gather(reading, ordering)
    numbers = [int(body(request)["nonce"]) for request in (*house.shell.requests, *house.orders.requests)]
    assert numbers == sorted(set(numbers))


async def test_a_cancel_does_not_wait_for_a_slow_answer(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.shell.gates["OpenOrders"] = asyncio.Event()
    reading = asyncio.create_task(house.broker.get_open_orders())
    await house.clock.advance(0)
    cancelling = asyncio.create_task(house.broker.cancel_order(ref()))
    await house.clock.advance(0.25)
    await cancelling
    house.shell.gates["OpenOrders"].set()
    await reading


async def test_public_questions_carry_no_number_and_wait_for_nobody(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.shell.gates["OpenOrders"] = asyncio.Event()
    reading = asyncio.create_task(house.broker.get_open_orders())
    await house.clock.advance(0)
    assert (await house.broker.get_instrument("BTC/USD")).symbol == "BTC/USD"
    house.shell.gates["OpenOrders"].set()
    await reading
    assert "API-Key" not in house.shell.requests[-1].headers


async def test_the_next_process_counts_on(tmp_path: Path) -> None:
    first = House(tmp_path)
    await first.broker.submit_order(approved())
    second = House(tmp_path)
    await second.broker.submit_order(approved())
    assert int(body(second.orders.requests[0])["nonce"]) == int(body(first.orders.requests[0])["nonce"]) + 1


async def test_what_may_not_be_sent_is_not_and_a_cancel_is(tmp_path: Path) -> None:
    def closed(request: Request) -> None:
        if request.lane is Lane.NEW:
            raise KillSwitchOn("tripped")

    house = House(tmp_path, may_send=closed)
    with pytest.raises(KillSwitchOn):
        await house.broker.submit_order(approved())
    await house.broker.cancel_order(ref())
    assert [request.path.rpartition("/")[2] for request in house.orders.requests] == ["CancelOrder"]


async def test_a_decision_that_is_too_old_is_not_sent(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.clock.advance(10)
    with pytest.raises(NotReady) as caught:
        await house.broker.submit_order(approved())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert house.orders.requests == []


def socket_script(socket: FakeSocket) -> None:
    """Confirms every subscription at once."""
    socket.push({"method": "subscribe", "result": {"channel": "executions"}, "success": True, "req_id": 1})
    socket.push({"method": "subscribe", "result": {"channel": "balances"}, "success": True, "req_id": 0})


async def test_orders_over_the_socket_are_dated_and_carry_a_token_and_no_number(tmp_path: Path) -> None:
    connect = FakeConnect(socket_script)
    house = House(tmp_path, connect=connect, options={"order_entry": "websocket"})
    submitting = asyncio.create_task(house.broker.submit_order(approved(limit_order())))
    await house.clock.advance(0)
    (socket,) = connect.sockets
    assert socket.target.url == "wss://ws-auth.kraken.com/v2"
    subscription, command = socket.sent
    assert subscription["params"]["channel"] == "balances"
    assert command["method"] == "add_order"
    assert command["params"]["token"] == "canary-stream-token"
    assert command["params"]["deadline"] == "2026-03-02T15:04:15.000Z"
    assert "nonce" not in command["params"]
    socket.push({"method": "add_order", "req_id": command["req_id"], "success": True, "result": {"order_id": "O1"}})
    await house.clock.advance(0)
    (report,) = await submitting
    assert report.order_id == "O1"
    assert house.redactor.known == ["canary-stream-token"]
    assert "canary-stream-token" not in "".join(tap.body + tap.reply_body for tap in house.taps)
    await house.broker.disconnect()


async def test_the_whole_desk_connects_and_streams(tmp_path: Path) -> None:
    connect = FakeConnect(socket_script)
    house = House(tmp_path, connect=connect)
    await house.broker.connect()
    heard = Heard()
    await house.broker.subscribe_order_events(heard)
    await house.clock.advance(0)
    assert heard.streams == [(True, "up")]
    await house.broker.disconnect()


async def test_the_order_socket_is_open_before_the_first_order(tmp_path: Path) -> None:
    connect = FakeConnect(socket_script)
    house = House(tmp_path, connect=connect, options={"order_entry": "websocket"})
    await house.broker.connect()
    assert [message["params"]["channel"] for message in connect.sockets[0].sent] == ["balances"]
    await house.broker.disconnect()


async def test_a_host_that_is_not_the_venues_is_not_spoken_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid):
        House(tmp_path, plain={"BROKER_URL": "https://api.kraken.example"})
    with pytest.raises(ConfigInvalid):
        House(tmp_path, environment=Environment.PAPER)
    house = House(tmp_path, environment=Environment.SIM, plain={"BROKER_URL": "http://127.0.0.1:8803"})
    await house.broker.submit_order(approved())
    assert house.orders.requests[0].origin == "http://127.0.0.1:8803"


async def test_a_profile_without_its_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid):
        House(tmp_path, secrets={"BROKER_API_KEY": Secret("k")})


async def test_a_history_of_hundreds_of_trades_is_listed_to_its_end_by_the_smallest_account(tmp_path: Path) -> None:
    house = House(tmp_path, options={"tier": "starter"})
    trade = json.loads(ok("trades").body)["result"]["trades"].popitem()[1]
    asked: list[int] = []

    def page(request: Request) -> Response:
        first = int(body(request)["ofs"])
        asked.append(first)
        listed = {f"T{number}": trade for number in range(first, min(first + 50, 700))}
        return Response(status=200, body=json.dumps({"error": [], "result": {"trades": listed, "count": 700}}).encode())

    house.shell.answers["TradesHistory"] = page
    listing = asyncio.create_task(house.broker.get_fills(NOW))
    for _ in range(400):
        await house.clock.advance(1)
    assert len((await listing).items) == 700
    assert asked == list(range(0, 700, 50))


async def test_the_numbers_of_a_key_are_kept_beside_the_profiles_state_and_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="whole path"):
        House(tmp_path, state=Path("unused"))
    house = House(tmp_path)
    await house.broker.cancel_order(ref())
    (kept,) = tmp_path.iterdir()
    assert kept.name == "kraken-nonce"
