"""Facts as data: origins, options, limits; and how a profile becomes a broker."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web import INFO, LIMITS, Options, hosts_for, limits_for, options_from, origins_for
from floorbroker.brokers.ibkr_web.adapter import build
from floorbroker.brokers.ibkr_web.auth import sign, socket_cookie, socket_origin
from floorbroker.brokers.ibkr_web.limits import PACES, read_limits, spent_before
from floorbroker.brokers.ibkr_web.mapping.identity import IbkrWebIdentity
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, Forbidden, RateLimitExceeded
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.pins import PinnedContext
from floorbroker.transport.types import Lane, Request
from tests.unit.brokers.ibkr_web.fakes import CL_ORD_ID, INTENT, NOW, TOKEN, FakeConnect, Gateway, approved, reply, turn

REQUEST = Request(
    method="GET", origin="https://localhost:5000", path="/v1/api/iserver/accounts", endpoint="account.list"
)
PIN = "ab" * 32


def test_a_request_carries_what_the_gateway_wants_and_no_secret() -> None:
    assert sign(REQUEST, NOW).headers == {"User-Agent": "floorbroker", "Accept": "application/json"}
    assert socket_cookie(Secret(TOKEN)) == f'api={{"session": "{TOKEN}"}}'


def test_the_gateway_is_where_the_profile_says_and_on_this_machine_if_it_says_nothing() -> None:
    assert origins_for(Environment.PAPER).rest == "https://localhost:5000"
    assert origins_for(Environment.LIVE, "https://gateway.lan:5001/v1/api/").stream == "wss://gateway.lan:5001"
    assert origins_for(Environment.SIM, "http://127.0.0.1:8801").stream == "ws://127.0.0.1:8801"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (Environment.SIM, None),
        (Environment.SIM, "https://gateway.lan:5000"),
        (Environment.LIVE, "http://gateway.lan:5000"),
        (Environment.LIVE, "https://user@localhost:5000"),
        (Environment.LIVE, "https://localhost:5000/else"),
        (Environment.LIVE, "https://localhost:nothing"),
        (Environment.PAPER, "tws://127.0.0.1:7497"),
    ],
)
def test_an_address_that_is_no_gateways_is_refused(environment: Environment, url: str | None) -> None:
    with pytest.raises(ConfigInvalid):
        origins_for(environment, url)


@pytest.mark.parametrize("url", ["localhost:4002", "tws://127.0.0.1:7497", "127.0.0.1:4001"])
def test_an_address_of_the_other_door_is_told_which_port_is_right(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"TWS socket of .* listens on 5000"):
        origins_for(Environment.PAPER, url)


def test_the_host_table_lets_the_one_gateway_pass() -> None:
    origins = origins_for(Environment.LIVE, "https://gateway.lan:5001")
    table = HostTable(Environment.LIVE, hosts_for(Environment.LIVE, origins))
    table.check_origin("https://gateway.lan:5001")
    table.check_origin(socket_origin(f"{origins.stream}/v1/api/ws"))
    for other in ("https://gateway.lan:5000", "https://localhost:5001", "https://api.ibkr.com"):
        with pytest.raises(Forbidden):
            table.check_origin(other)


def test_options_are_typed_and_misspelt_ones_are_refused() -> None:
    given = {"gateway_certificate": PIN, "confirm": "o354,p12", "compete": "yes", "list_every_s": "2.5"}
    options = options_from(given)
    assert options.confirmed == {"o354", "p12"}
    assert options_from({"confirm": ""}).confirmed == frozenset()
    for wrong in (
        {"confirm": "all"},
        {"confirm": "o354, o163"},
        {"confirm": "o354;o163"},
        {"compete": "always"},
        {"gateway_certificate": "a\nb"},
        {"verify": "no"},
        {"list_every_s": "0"},
    ):
        with pytest.raises(ConfigInvalid):
            options_from(wrong)


def test_what_is_published_about_options_is_what_they_are() -> None:
    assert {option.name: option.default for option in INFO.options} == asdict(Options())
    assert all(option.shape for option in INFO.options)


def test_the_questions_that_are_confirmed_unasked_explain_order_types_and_no_missing_market() -> None:
    assert Options().confirmed == {"o10151", "o10152", "o10331"}


def test_each_endpoint_with_a_pace_draws_on_it_and_on_the_gateways_ten_a_second() -> None:
    budgets = {budget.name: (budget.capacity, budget.per_s) for budget in LIMITS.budgets}
    assert budgets["gateway"] == (10, 1.2)  # a little slower than the venue allows
    assert budgets["access.tickle"] == (1, 1.2)
    assert budgets["orders.list"] == budgets["trades.list"] == (1, 5.5)
    assert {name: LIMITS.routes[name] for name in PACES} == {name: (name, "gateway") for name in PACES}
    slower = limits_for(Options(list_every_s="30"))
    assert {budget.per_s for budget in slower.budgets if budget.name in ("orders.list", "trades.list")} == {30.0}


def test_a_new_life_waits_for_what_the_one_before_it_may_have_asked() -> None:
    clock = ManualClock(NOW)
    limiter = Limiter(LIMITS, clock=clock)
    for news in spent_before(LIMITS):
        limiter.learn("", news)
    assert {name: limiter.used_share(name)[name] for name in PACES} == dict.fromkeys(PACES, 1.0)
    assert limiter.at_once("orders.list", lane=Lane.RESOLVE) is None
    limiter.learn("", LimitNews(budget="gateway", remaining=9))
    assert limiter.fullest == 0.1  # a list that was asked for is no budget that runs out
    assert limiter.at_once("orders.cancel", lane=Lane.CANCEL) is not None


def test_too_many_requests_stop_everything_for_as_long_as_the_penalty_box_lasts() -> None:
    news = read_limits()(reply(status=429))
    assert news is not None
    assert news.ban_s == 900
    assert read_limits()(reply({})) is None


def test_our_ids_are_read_back_and_others_are_not() -> None:
    identity = IbkrWebIdentity()
    assert identity.encode(INTENT) == CL_ORD_ID
    assert identity.decode(CL_ORD_ID) == INTENT
    for other in ("by hand", CL_ORD_ID.upper(), f"{CL_ORD_ID}0", "fb-00000000-0000-0000-0000-000000000000"):
        assert identity.decode(other) is None


# -- a profile becomes a broker -------------------------------------------------------------------------------------------


class Shell(Gateway):
    closed = False

    async def open_stream(self, request: Request) -> Any:
        raise AssertionError("there are no server-sent events here")

    async def close(self) -> None:
        self.closed = True


class Plain:
    def __init__(self) -> None:
        self.tokens: list[str] = []

    def learn(self, secret: str) -> None:
        del secret

    def learn_token(self, token: str) -> None:
        self.tokens.append(token)

    def clean(self, text: str) -> str:
        return text


def wiring(shell: Shell, *, seen: list[Exchange], redactor: Plain | None = None, **options: str) -> Wiring:
    return Wiring(
        profile=Profile(name=ProfileName("p"), broker="IBKR_WEB", environment=Environment.PAPER, options=options),
        shells=Shells(http=lambda: shell, order_http=lambda _: shell, connect=FakeConnect()),
        clock=ManualClock(NOW),
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=redactor or Plain(),
        tap=seen.append,
        may_send=lambda _: None,
        state=Path("unused"),
    )


async def passing(plain: Wiring, work: Awaitable[Any]) -> Any:
    """The work done, with as much time as it takes."""
    clock, task = plain.clock, asyncio.ensure_future(work)
    assert isinstance(clock, ManualClock)
    while not task.done():
        await turn()
        await clock.advance(0.5)
    return await task


@pytest.mark.asyncio
async def test_a_built_broker_audits_what_it_sends_and_never_the_session() -> None:
    seen: list[Exchange] = []
    shell, redactor = Shell(), Plain()
    plain = wiring(shell, seen=seen, redactor=redactor)
    venue = build(plain)
    await passing(plain, venue.connect())
    await passing(plain, venue.submit_order(approved(decided_at=plain.clock.monotonic())))
    assert redactor.tokens == [TOKEN]
    endpoints = [exchange.endpoint for exchange in seen]
    assert endpoints == ["access.tickle", "account.list", "portfolio.accounts", "assets.stocks", "orders.submit"]
    assert TOKEN not in repr(seen)
    await venue.disconnect()
    assert shell.closed


@pytest.mark.asyncio
async def test_a_built_broker_falls_silent_in_the_penalty_box() -> None:
    shell = Shell()
    plain = replace(wiring(shell, seen=[]), read_retries=0)
    venue = build(plain)
    await passing(plain, venue.connect())
    shell.set("/portfolio/DU123456/ledger", reply({"error": "slow down"}, status=429))
    with pytest.raises(RateLimitExceeded):
        await venue.get_balances()
    asked = len(shell.requests)
    with pytest.raises(RateLimitExceeded):
        await venue.submit_order(approved())
    assert len(shell.requests) == asked
    await venue.disconnect()


def test_a_pinned_certificate_reaches_every_way_out() -> None:
    made: list[ssl.SSLContext] = []
    shell = Shell()

    def trusting(tls: ssl.SSLContext) -> Shells:
        made.append(tls)
        return Shells(http=lambda: shell, order_http=lambda _: shell, connect=FakeConnect())

    plain = wiring(shell, seen=[], gateway_certificate=PIN)

    def nothing() -> Any:
        raise AssertionError("a way out without the pin")

    pinned = Shells(http=nothing, order_http=lambda _: nothing(), connect=FakeConnect(), trusting=trusting)
    build(replace(plain, shells=pinned))
    (context,) = made
    assert isinstance(context, PinnedContext)
    assert context.pin.hex() == PIN
    with pytest.raises(ConfigInvalid, match="knows no certificates"):
        build(plain)
