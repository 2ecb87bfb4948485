"""Facts as data: hosts, options, limits, weights; and how a profile becomes a broker."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.brokers.binance import INFO, LIMITS, build, hosts_for, options_from, origins_for, wire
from floorbroker.brokers.binance.info import AUDITED, socket_origin
from floorbroker.brokers.binance.limits import Allowances, left_s
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, Forbidden, KillSwitchOn, NotReady, RateLimitExceeded
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrderType, ProfileName, TimeInForce
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.binance.fakes import (
    CL_ORD_ID,
    NOW,
    FakeConnect,
    FakeTransport,
    approved,
    form,
    ok,
    payload,
    refusal,
    reply,
    venue,
)

ORIGINS = origins_for(Environment.LIVE)
CALLS = Calls(origins=ORIGINS)


def test_each_environment_has_its_own_hosts() -> None:
    assert origins_for(Environment.LIVE).rest == "https://api.binance.com"
    testnet, demo = origins_for(Environment.PAPER), origins_for(Environment.PAPER, practice="demo")
    assert (testnet.rest, testnet.ws_api) == (
        "https://testnet.binance.vision", "wss://ws-api.testnet.binance.vision",
    )  # fmt: skip
    assert (demo.rest, demo.streams) == ("https://demo-api.binance.com", "wss://demo-stream.binance.com")
    assert {INFO.hosts[place.rest] for place in (testnet, demo)} == {Environment.PAPER}


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (Environment.PAPER, "https://api.binance.com"),
        (Environment.PAPER, "https://demo-api.binance.com"),
        (Environment.LIVE, "https://testnet.binance.vision"),
        (Environment.LIVE, "http://127.0.0.1:8802"),
        (Environment.SIM, None),
        (Environment.SIM, "https://testnet.binance.vision"),
        (Environment.SIM, "http://127.0.0.1@evil.example"),
        (Environment.SIM, "ftp://127.0.0.1"),
    ],
)
def test_no_url_leads_out_of_its_environment(environment: Environment, url: str | None) -> None:
    with pytest.raises(ConfigInvalid):
        origins_for(environment, url)


def test_a_simulator_serves_everything_from_one_loopback_origin() -> None:
    origins = origins_for(Environment.SIM, "http://127.0.0.1:8802/")
    assert (origins.rest, origins.ws_api, origins.streams) == (
        "http://127.0.0.1:8802", "ws://127.0.0.1:8802", "ws://127.0.0.1:8802",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "practice"),
    [(Environment.LIVE, "testnet"), (Environment.PAPER, "testnet"), (Environment.PAPER, "demo")],
)
def test_the_host_table_lets_every_origin_of_its_place_pass_and_no_other(
    environment: Environment, practice: str
) -> None:
    table = HostTable(environment, hosts_for(environment, practice=practice))
    mine = origins_for(environment, practice=practice)
    for origin in (mine.rest, socket_origin(mine.ws_api), socket_origin(mine.streams)):
        table.check_origin(origin)
    others = [origins_for(Environment.LIVE), *(origins_for(Environment.PAPER, practice=p) for p in ("testnet", "demo"))]
    for other in (place for place in others if place != mine):
        for origin in (other.rest, socket_origin(other.ws_api), socket_origin(other.streams)):
            with pytest.raises(Forbidden):
                table.check_origin(origin)


def test_options_are_checked() -> None:
    assert options_from({"order_entry": "websocket", "recv_window_ms": "700"}).order_entry == "websocket"
    for wrong in ({"order_entry": "fix"}, {"recv_window_ms": "5001"}, {"recv_window_ms": "1.5"}, {"colour": "red"}):
        with pytest.raises(ConfigInvalid):
            options_from(wrong)


def test_what_the_venue_has_words_for_is_claimed_and_no_more() -> None:
    ((kinds),) = INFO.order_types.values()
    assert kinds == set(OrderType)
    assert next(iter(INFO.tifs.values())) == {TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}
    assert INFO.bound_enforced
    assert INFO.arrival_bound_s * 1000 >= int(options_from({}).recv_window_ms)


# -- limits -------------------------------------------------------------------------------------------------------------


def limiter(clock: ManualClock | None = None) -> Limiter:
    return Limiter(LIMITS, clock=clock or ManualClock(NOW))


def test_orders_draw_on_every_count_and_reads_on_weight_alone() -> None:
    counts = limiter()
    assert set(counts.used_share("orders.submit")) == {"orders", "weight", "orders-day", "raw"}
    assert set(counts.used_share("orders.list")) == set(counts.used_share("market.time")) == {"weight", "raw"}


@pytest.mark.asyncio
async def test_a_dear_question_pays_its_weight() -> None:
    counts = limiter()
    request = CALLS.open_orders()
    await counts.acquire(request.endpoint, lane=request.lane, weight=request.weight, max_wait_s=0)
    assert counts.used_share("orders.list")["weight"] == pytest.approx(80 / 6000)
    assert counts.used_share("orders.list")["raw"] == pytest.approx(1 / 300_000)


@pytest.mark.asyncio
async def test_the_venues_own_counts_are_followed() -> None:
    counts, allowances = limiter(), Allowances(lambda: NOW)
    headers = {"x-mbx-used-weight-1m": "5500", "x-mbx-order-count-10s": "49", "x-mbx-order-count-1d": "80000"}
    for news in allowances.read(Response(status=200, headers=headers)):
        counts.learn("orders.submit", news)
    share = counts.used_share("orders.submit")
    assert (share["weight"], share["orders"], share["orders-day"]) == (
        pytest.approx(5500 / 6000), pytest.approx(49 / 50), pytest.approx(0.5),
    )  # fmt: skip
    with pytest.raises(RateLimitExceeded):
        await counts.acquire("orders.submit", lane=Lane.NEW, max_wait_s=1)
    await counts.acquire("orders.cancel", lane=Lane.CANCEL, max_wait_s=0)  # a cancel is never kept waiting


def test_a_window_ends_on_the_clock() -> None:
    at = NOW.replace(second=57)
    assert (left_s(at, 60), left_s(at, 10)) == (3, 3)
    (news,) = Allowances(lambda: at).read(Response(status=200, headers={"x-mbx-used-weight-1m": "12"}))
    assert (news.budget, news.remaining, news.reset_s) == ("weight", 5988, 3)


def test_what_the_venue_allows_replaces_what_we_supposed() -> None:
    told = wire.decode(payload("exchange_info"), wire.ExchangeInfo, what="x").rate_limits
    allowances = Allowances(lambda: NOW)
    assert LimitNews(budget="orders", limit=100) in allowances.told(told)
    (news,) = allowances.read(Response(status=200, headers={"x-mbx-order-count-10s": "30"}))
    assert news.remaining == 70


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response(status=429, headers={"retry-after": "17"}), (LimitNews(retry_after_s=17),)),
        (Response(status=418, headers={"retry-after": "300"}), (LimitNews(ban_s=300),)),
        (Response(status=418), (LimitNews(ban_s=120),)),
        (Response(status=200), ()),
        (Response(status=200, headers={"x-mbx-used-weight-1m": "many"}), ()),
    ],
)
def test_waits_and_bans_are_read(response: Response, expected: tuple[LimitNews, ...]) -> None:
    assert Allowances(lambda: NOW).read(response) == expected


@pytest.mark.asyncio
async def test_during_a_ban_nothing_at_all_is_sent() -> None:
    counts = limiter()
    for news in Allowances(lambda: NOW).read(Response(status=418, headers={"retry-after": "300"})):
        counts.learn("orders.list", news)
    for lane in (Lane.CANCEL, Lane.RESOLVE):
        with pytest.raises(RateLimitExceeded):
            await counts.acquire("orders.cancel", lane=lane, max_wait_s=1)


# -- how a profile becomes a broker -------------------------------------------------------------------------------------


class Shell(FakeTransport):
    """An HTTP shell that also closes."""

    closed = False

    async def close(self) -> None:
        self.closed = True

    async def open_stream(self, request: Request) -> Any:
        raise AssertionError(request)


class Wired:
    """A broker as the composition root builds it, over fakes of the shells."""

    def __init__(
        self, *orders: Response | Exception, environment: Environment = Environment.PAPER, **options: str
    ) -> None:
        self.http = Shell(by_path=venue().by_path)
        self.orders = Shell(*orders)
        self.connect = FakeConnect()
        self.exchanges: list[Exchange] = []
        self.stopped: Exception | None = None
        self.clock = ManualClock(NOW)
        profile = Profile(name=ProfileName("binance"), broker="BINANCE", environment=environment, options=options)
        self.wiring = Wiring(
            profile=profile,
            shells=Shells(http=lambda: self.http, order_http=lambda check: self.orders, connect=self.connect),
            clock=self.clock,
            random=Random(1),
            log=NoLog(),
            meter=NoMeter(),
            redactor=Plain(),
            tap=self.exchanges.append,
            may_send=self.may_send,
            state=Path("nowhere"),
            secrets={"BROKER_API_KEY": Secret("the-key"), "BROKER_SECRET_KEY": Secret("the-secret")},
        )
        self.broker = build(self.wiring)

    def may_send(self, request: Request) -> None:
        if self.stopped is not None and request.lane is not Lane.CANCEL:
            raise self.stopped


class Plain:
    """A redactor that knows nothing, so that only what the stack itself leaves out is left out."""

    def learn(self, secret: str) -> None:
        del secret

    def learn_token(self, token: str) -> None:
        del token

    def clean(self, text: str) -> str:
        return text


@pytest.mark.asyncio
async def test_an_order_leaves_signed_and_no_record_shows_how() -> None:
    wired = Wired(ok("placed_limit"))
    await wired.broker.connect()
    await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    (sent,) = wired.orders.requests
    assert len(form(sent)["signature"]) == 64
    assert sent.headers["X-MBX-APIKEY"] == "the-key"
    shown = repr(wired.exchanges)
    assert form(sent)["signature"] not in shown
    assert "the-key" not in shown
    assert "the-secret" not in shown
    body = next(exchange.body for exchange in wired.exchanges if exchange.endpoint == "orders.submit")
    assert "quantity=0.02" in body
    assert "signature=…" in body
    read = next(exchange for exchange in wired.exchanges if exchange.endpoint == "account.get")
    assert dict(read.query)["signature"] == "***"
    assert "354937868" not in read.reply_body


@pytest.mark.asyncio
async def test_a_cancel_is_signed_in_its_query_and_no_record_shows_how() -> None:
    wired = Wired(ok("cancelled"))
    from tests.unit.brokers.binance.fakes import ref

    await wired.broker.cancel_order(ref())
    (exchange,) = [one for one in wired.exchanges if one.endpoint == "orders.cancel"]
    assert dict(exchange.query)["signature"] == "***"
    assert dict(wired.orders.requests[0].query)["signature"] not in repr(wired.exchanges)


@pytest.mark.asyncio
async def test_the_gate_and_the_age_of_a_decision_stop_an_order() -> None:
    wired = Wired(ok("placed_limit"))
    await wired.broker.connect()
    wired.stopped = KillSwitchOn("stopped")
    with pytest.raises(KillSwitchOn):
        await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    wired.stopped = None
    await wired.clock.advance(6.0)
    with pytest.raises(NotReady):
        await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    assert wired.orders.requests == []


@pytest.mark.asyncio
async def test_a_request_is_stamped_by_the_venues_clock() -> None:
    wired = Wired(ok("placed_limit"))
    ahead = timedelta(seconds=7)
    wired.http.by_path["/api/v3/time"] = reply({"serverTime": int((NOW + ahead).timestamp() * 1000)})
    await wired.broker.connect()
    await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    assert form(wired.orders.requests[0])["timestamp"] == str(int((NOW + ahead).timestamp() * 1000) - 100)
    assert wired.broker.get_connection_status().clock_offset_s == pytest.approx(7)


@pytest.mark.asyncio
async def test_a_command_that_was_turned_away_for_its_time_has_the_clock_measured_anew() -> None:
    wired = Wired(refusal(-1021, "Timestamp for this request is outside of the recvWindow."))
    await wired.broker.connect()
    before = len(wired.http.asked("/api/v3/time"))
    with pytest.raises(Exception, match="-1021"):
        await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    await wired.clock.advance(0.1)
    assert len(wired.http.asked("/api/v3/time")) > before
    await wired.broker.disconnect()
    assert wired.http.closed
    assert wired.orders.closed


@pytest.mark.asyncio
async def test_orders_over_the_socket_pass_the_same_stack() -> None:
    wired = Wired(environment=Environment.PAPER, order_entry="websocket")

    def script(socket: Any) -> None:
        socket.push(json.loads(payload("socket_placed")))

    wired.connect._script = script  # noqa: SLF001 - the test's own fake
    await wired.broker.connect()
    (report,) = await wired.broker.submit_order(replace(approved(), decided_at=0.0))
    (socket,) = wired.connect.sockets
    (command,) = socket.sent
    assert socket.target.url == "wss://ws-api.testnet.binance.vision/ws-api/v3"
    assert (command["method"], command["params"]["newClientOrderId"]) == ("order.place", CL_ORD_ID)
    assert command["params"]["apiKey"] == "the-key"
    assert isinstance(command["params"]["timestamp"], int)
    assert report.order_id == "BTCUSDT:28"
    shown = repr(wired.exchanges)
    assert command["params"]["signature"] not in shown
    assert "the-key" not in shown
    assert "0.02" in next(exchange.body for exchange in wired.exchanges if exchange.endpoint == "orders.submit")
    await wired.broker.disconnect()


def test_a_profile_without_keys_or_with_a_key_that_cannot_be_read_is_told() -> None:
    wired = Wired()
    with pytest.raises(ConfigInvalid, match="BROKER_SECRET_KEY"):
        build(replace(wired.wiring, secrets={"BROKER_API_KEY": Secret("x")}))


@pytest.mark.asyncio
async def test_a_private_key_that_cannot_be_read_is_told_at_the_first_connection() -> None:
    wired = Wired()
    secrets = {"BROKER_API_KEY": Secret("x"), "BROKER_SECRET_KEY": Secret("-----BEGIN PRIVATE KEY-----")}
    with pytest.raises(ConfigInvalid, match="private key"):
        await build(replace(wired.wiring, secrets=secrets)).connect()


def test_the_audit_shows_orders_and_not_whose_they_are() -> None:
    shown = AUDITED.shown(payload("account"), endpoint="account.get", longest=1024)
    assert "354937868" not in shown
    assert "canTrade" in shown
    assert '"orderId":28' in AUDITED.shown(payload("placed_limit"), endpoint="orders.submit", longest=4096)
