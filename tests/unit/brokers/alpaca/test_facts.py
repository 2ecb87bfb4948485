"""Facts as data: hosts, options, limits, headers; and how a profile becomes a broker."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.brokers.alpaca import INFO, LIMITS, Options, hosts_for, limits_for, options_from, origins_for, sign
from floorbroker.brokers.alpaca.adapter import build
from floorbroker.brokers.alpaca.auth import http_origin, socket_origin
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, Forbidden, InvalidRequest, KillSwitchOn, NotReady
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.layers.ratelimit import standard_limits
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.alpaca.fakes import (
    CREDENTIALS,
    NOW,
    FakeConnect,
    FakeTransport,
    Heard,
    approved,
    payload,
    ref,
    reply,
)

REQUEST = Request(method="GET", origin="https://paper-api.alpaca.markets", path="/v2/account", endpoint="account.get")


def test_the_keys_stand_in_two_secret_headers_and_nowhere_else() -> None:
    signed = sign(REQUEST, CREDENTIALS, NOW)
    assert signed.headers == {"APCA-API-KEY-ID": "PKTESTKEY", "APCA-API-SECRET-KEY": "canary-secret"}
    assert signed.secret_headers == set(signed.headers)
    assert "canary" not in repr(CREDENTIALS)


def test_each_environment_has_its_own_trading_host() -> None:
    assert origins_for(Environment.LIVE).trading == "https://api.alpaca.markets"
    paper = origins_for(Environment.PAPER, "https://paper-api.alpaca.markets/")
    assert (paper.trading, paper.stream) == ("https://paper-api.alpaca.markets", "wss://paper-api.alpaca.markets")
    assert INFO.hosts[paper.trading] is Environment.PAPER


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (Environment.PAPER, "https://api.alpaca.markets"),
        (Environment.LIVE, "https://paper-api.alpaca.markets"),
        (Environment.LIVE, "http://127.0.0.1:8801"),
        (Environment.SIM, None),
        (Environment.SIM, "https://paper-api.alpaca.markets"),
        (Environment.SIM, "http://127.0.0.1.evil.example:80"),
        (Environment.SIM, "http://127.0.0.1@evil.example"),
        (Environment.SIM, "ftp://127.0.0.1"),
    ],
)
def test_no_url_leads_out_of_its_environment(environment: Environment, url: str | None) -> None:
    with pytest.raises(ConfigInvalid):
        origins_for(environment, url)


def test_a_simulator_serves_everything_from_one_loopback_origin() -> None:
    origins = origins_for(Environment.SIM, "http://127.0.0.1:8801/")
    assert (origins.trading, origins.data) == ("http://127.0.0.1:8801", "http://127.0.0.1:8801")
    assert (origins.stream, origins.data_stream) == ("ws://127.0.0.1:8801", "ws://127.0.0.1:8801")


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LIVE])
def test_the_host_table_lets_every_origin_of_its_environment_pass_and_no_other(environment: Environment) -> None:
    table, origins = HostTable(environment, hosts_for(environment)), origins_for(environment)
    for origin in (origins.trading, origins.data):
        table.check_origin(origin)
    for stream in (origins.stream, origins.data_stream):
        table.check_origin(socket_origin(f"{stream}/v2/iex"))
    other = Environment.LIVE if environment is Environment.PAPER else Environment.PAPER
    with pytest.raises(Forbidden):
        table.check_origin(origins_for(other).trading)


def test_options_are_typed_and_misspelt_ones_are_refused() -> None:
    assert options_from({"stock_feed": "sip", "order_events": "both"}) == Options(stock_feed="sip", order_events="both")
    wrong_counts = ("0", "-1", "1e3", "2.5", "", "10000000", "\u0663")
    for given in (
        {"stock_fed": "sip"},
        {"stock_feed": "all"},
        *({"trading_requests_min": count} for count in wrong_counts),
    ):
        with pytest.raises(ConfigInvalid):
            options_from(given)


def test_what_is_published_about_options_is_what_they_are() -> None:
    assert {option.name: option.default for option in INFO.options} == asdict(Options())


def test_a_key_of_the_other_environment_is_named_as_one() -> None:
    paper, live = (INFO.form(environment) for environment in (Environment.PAPER, Environment.LIVE))
    assert "environment live" in paper.wrong({"BROKER_API_KEY": "AKTESTKEY"})["BROKER_API_KEY"]
    assert "environment paper" in live.wrong({"BROKER_API_KEY": "PKTESTKEY"})["BROKER_API_KEY"]
    assert paper.wrong({"BROKER_API_KEY": "PKTESTKEY", "BROKER_SECRET_KEY": "canary-secret"}) == {}


def test_a_plan_that_allows_more_has_a_larger_trading_budget() -> None:
    limits = limits_for(int(options_from({"trading_requests_min": "1000"}).trading_requests_min))
    assert {budget.name: budget.capacity for budget in limits.budgets} == {"trading": 1000, "data": 200}
    assert limits.routes == LIMITS.routes
    assert limits_for(int(Options().trading_requests_min)) == LIMITS


def test_trading_and_data_have_a_budget_each() -> None:
    assert {budget.name: budget.capacity for budget in LIMITS.budgets} == {"trading": 200, "data": 200}
    assert LIMITS.routes["data"] == ("data",)
    assert LIMITS.routes["*"] == ("trading",)


def test_the_venues_headers_are_understood() -> None:
    headers = {
        "x-ratelimit-limit": "200",
        "x-ratelimit-remaining": "199",
        "x-ratelimit-reset": str(int(NOW.timestamp()) + 30),
    }
    news = standard_limits(ManualClock(NOW))(Response(status=200, headers=headers))
    assert news == LimitNews(limit=200, remaining=199, reset_s=30)


# -- a profile becomes a broker -------------------------------------------------------------------------------------------


class FakeHttp(FakeTransport):
    closed = False

    async def open_stream(self, request: Request) -> Any:
        raise AssertionError("nobody listens to events here")

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
    seen: list[Exchange],
    may_send: Any = None,
    **changes: Any,
) -> Wiring:
    environment = changes.pop("environment", Environment.PAPER)
    given: dict[str, Any] = {
        "profile": Profile(name=ProfileName("p"), broker="ALPACA", environment=environment),
        "shells": Shells(http=lambda: http, order_http=lambda _: order_http, connect=connect or FakeConnect()),
        "clock": ManualClock(NOW),
        "random": Random(1),
        "log": NoLog(),
        "meter": NoMeter(),
        "redactor": Plain(),
        "tap": seen.append,
        "may_send": may_send or (lambda _: None),
        "state": Path("unused"),
        "secrets": {"BROKER_API_KEY": Secret("PKTESTKEY"), "BROKER_SECRET_KEY": Secret("canary-secret")},
    }
    return Wiring(**(given | changes))


@pytest.mark.asyncio
async def test_a_built_broker_signs_audits_and_closes() -> None:
    seen: list[Exchange] = []
    http, order_http = FakeHttp(reply(raw=payload("account"))), FakeHttp(reply(raw=payload("order_pending_new")))
    venue = build(wiring(http=http, order_http=order_http, seen=seen))
    assert (await venue.get_account_info()).option_buying_power == Decimal("97752.1")
    await venue.submit_order(approved())
    assert [request.headers["APCA-API-SECRET-KEY"] for request in (*http.requests, *order_http.requests)] == [
        "canary-secret"
    ] * 2
    assert [exchange.endpoint for exchange in seen] == ["account.get", "orders.submit"]
    assert "canary" not in repr(seen)
    await venue.disconnect()
    assert http.closed
    assert order_http.closed


@pytest.mark.asyncio
async def test_a_built_broker_asks_before_it_sends() -> None:
    def blocked(request: Request) -> None:
        if request.lane is not Lane.CANCEL:
            raise KillSwitchOn("blocked")

    http, order_http = FakeHttp(), FakeHttp(reply(status=204))
    venue = build(wiring(http=http, order_http=order_http, seen=[], may_send=blocked))
    with pytest.raises(KillSwitchOn):
        await venue.submit_order(approved())
    await venue.cancel_order(ref())
    assert [request.method for request in order_http.requests] == ["DELETE"]


@pytest.mark.asyncio
async def test_a_stale_decision_is_not_sent() -> None:
    clock = ManualClock(NOW)
    order_http = FakeHttp()
    venue = build(wiring(http=FakeHttp(), order_http=order_http, seen=[], clock=clock))
    await clock.advance(7)
    with pytest.raises(NotReady):
        await venue.submit_order(approved())
    assert order_http.requests == []


@pytest.mark.asyncio
async def test_a_built_simulator_profile_streams_from_loopback() -> None:
    connect, heard = FakeConnect(), Heard()
    venue = build(
        wiring(
            http=FakeHttp(),
            order_http=FakeHttp(),
            connect=connect,
            seen=[],
            environment=Environment.SIM,
            plain={"BROKER_URL": "http://127.0.0.1:8801"},
        )
    )
    await venue.subscribe_order_events(heard)
    for _ in range(10):
        await asyncio.sleep(0)
    assert [socket.target.url for socket in connect.sockets] == ["ws://127.0.0.1:8801/stream"]
    await venue.disconnect()


def test_missing_keys_are_named() -> None:
    with pytest.raises(ConfigInvalid, match="BROKER_API_KEY"):
        build(wiring(http=FakeHttp(), order_http=FakeHttp(), seen=[], secrets={}))


def test_origins_for_the_host_table_are_those_that_are_connected_to_i17() -> None:
    assert http_origin("https://api.alpaca.markets:443/v2/events?since=1") == "https://api.alpaca.markets:443"
    assert http_origin("https://user@elsewhere.example/x") == "https://user@elsewhere.example"
    assert socket_origin("wss://paper-api.alpaca.markets/stream") == "https://paper-api.alpaca.markets"
    hosts = HostTable(Environment.PAPER, hosts_for(Environment.PAPER))
    for url in ("https://api.alpaca.markets/x", "https://paper-api.alpaca.markets@evil.example/x"):
        with pytest.raises((Forbidden, InvalidRequest)):
            hosts.check_origin(http_origin(url))
    hosts.check_origin(http_origin("https://paper-api.alpaca.markets/v2/events"))
