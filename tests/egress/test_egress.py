"""Paper and sim work reaches no live host, whatever a venue answers and a profile says (I17): every name that is asked for and
every socket that is connected is on record, and a planted bug is found there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.transport.types import Http, Request, Response
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.server import serve
from tests.support.front import Front, Names, front

pytestmark = pytest.mark.asyncio

LIVE = "api.alpaca.markets"
OURS = frozenset({"paper-api.alpaca.markets", "data.alpaca.markets", "stream.data.alpaca.markets"})
CALLER = Caller(principal="tester", via="test")
PROFILE = """[profiles.alpaca-paper]
broker = "ALPACA"
environment = "paper"
options = { order_events = "both" }
"""
KINDS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
MOVED = (
    f"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://{LIVE}/v2/account\r\nRefresh: 0; url=https://{LIVE}/\r\n"
    f'Alt-Svc: h2="{LIVE}:443"\r\nLink: <https://{LIVE}/v2/orders>; rel="next"\r\nSet-Cookie: a=b; Domain={LIVE}\r\n'
)
LINKS = msgspec.json.encode(
    {"next_page_token": f"https://{LIVE}/v2/orders", "url": f"https://{LIVE}", "message": f"moved to https://{LIVE}"}
)
HARM = {
    "moved": f"{MOVED}Content-Length: 0\r\n\r\n".encode(),
    "moved for good": f"{MOVED}Content-Length: 0\r\n\r\n".replace("307 Temporary", "308 Permanent").encode(),
    "links": f"{MOVED}Content-Length: {len(LINKS)}\r\n\r\n".replace("307 Temporary Redirect", "200 OK").encode()
    + LINKS,
}


# -- what is on record -----------------------------------------------------------------------------------------------------


@dataclass
class Record:
    """Every attempt of this process to reach anything, between `begin` and the end of a test."""

    attempts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event in KINDS:
            where = args[1] if event in {"socket.connect", "socket.sendto"} else args[0]
            host = where[0] if isinstance(where, tuple) and where else where
            if isinstance(host, str) and not host.startswith("/"):
                self.attempts.append((event, host))

    def strange(self) -> list[tuple[str, str]]:
        """Attempts at anything but this machine's addresses; a name counts, wherever it leads."""
        return [(event, host) for event, host in self.attempts if not _is_here(host)]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Ear:
    """An audit hook cannot be removed, so it asks here whether anybody listens."""

    record: Record | None = None
    is_installed = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _Ear.record is not None:
        _Ear.record.hear(event, args)


@pytest.fixture
def record() -> Any:
    if not _Ear.is_installed:
        sys.addaudithook(_hook)
        _Ear.is_installed = True
    _Ear.record = Record()
    yield _Ear.record
    _Ear.record = None


def live_hosts() -> set[str]:
    """Every host that the brokers' tables give to live."""
    return {
        origin.partition("://")[2] or origin
        for info in BROKERS.values()
        for origin, environment in info.hosts.items()
        if environment is Environment.LIVE
    }


def violations(record: Record, names: Names, door: Front | None = None) -> list[str]:
    """What speaks against the promise; empty when it was kept."""
    spoken = [] if door is None else [f"spoke to {name}" for name in door.spoken_to if name not in OURS]
    asked = [f"asked for {name}" for name in names.asked if name not in OURS and not _is_here(name)]
    return [*spoken, *asked, *(f"{event} {host}" for event, host in record.strange())]


# -- desks -------------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def simulator() -> AsyncGenerator[tuple[Any, dict[str, Any]]]:
    venue, stop = create_venue(seed=5, clock=SystemClock(), rate=0), asyncio.Event()
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(venue, ready=ready.set_result, stop=stop))
    try:
        yield venue, await ready
    finally:
        stop.set()
        await task


@dataclass
class Paper:
    """An Alpaca paper desk whose venue's names lead to a front on this machine."""

    desk: Gateway
    venue: Any
    door: Front
    names: Names


Sabotage = Callable[[Shells], Shells]


@asynccontextmanager
async def alpaca_paper(root: Path, *, sabotage: Sabotage | None = None) -> AsyncIterator[Paper]:
    async with (
        simulator() as (venue, line),
        front(root, venue_port=line["port"], names=[*sorted(OURS), *sorted(live_hosts())]) as door,
    ):
        names = Names(door.port)
        outside = Outside(resolve=names, tls=door.trust)
        if sabotage is not None:
            outside.shells = sabotage(outside.network(Environment.PAPER))
        environ = {name: text for name, text in line["credentials"].items() if name != "BROKER_URL"}
        only, home = frozenset({ProfileName("alpaca-paper")}), Home.at(root / "home")
        home.config.write_text(PROFILE)
        async with open_floor(home, outside=outside, environ=environ, only=only) as floor:
            desk = floor.desks[Environment.PAPER]
            async with asyncio.timeout(20):
                await desk.until_settled()
            yield Paper(desk, venue, door, names)


def _state(desk: Gateway) -> str:
    return desk.profiles()[0].state.value


async def _until(desk: Gateway, holds: Callable[[], bool]) -> None:
    """Wait for what the desk announces to make it so."""
    news = desk.bus.subscribe()
    try:
        async with asyncio.timeout(20):
            while not holds():
                await anext(news)
    finally:
        news.close()


async def _place(desk: Gateway, price: str) -> Order:
    wish = NewOrder(
        symbol="AAPL",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(1)),
        price=Price(Decimal(price)),
        allow_duplicate=True,
    )
    return (await desk.submit(wish, profile=None, caller=CALLER)).order


async def _trade(desk: Gateway) -> None:
    """A working day: prices, an order changed and cancelled, one that fills, the account, and a round."""
    (name,) = desk.sessions
    low = str(((await desk.quote("AAPL")).bid or Decimal(100)).quantize(Decimal(1)) - 5)
    working = await _place(desk, low)
    await _until(desk, lambda: desk.order(working.intent_id).ord_status.value == "new")
    changed = await desk.modify(working.intent_id, OrderChanges(price=Price(Decimal(low) - 1)), caller=CALLER)
    await _until(desk, lambda: desk.order(changed.intent_id).ord_status.value == "new")
    await desk.cancel(changed.intent_id, caller=CALLER)
    await _until(desk, lambda: not desk.order(changed.intent_id).is_open)
    await desk.account()
    await desk.positions()
    await desk.reconcile(name)


async def _listen(desk: Gateway) -> None:
    """A market data stream: one of the three hosts has nothing else."""
    (session,) = desk.sessions.values()
    heard: list[object] = []
    come = asyncio.Event()
    subscription = await session.ctx.broker.subscribe_market_data(
        ["AAPL"], frozenset({DataKind.QUOTES}), lambda quote: (heard.append(quote), come.set())[1]
    )
    async with asyncio.timeout(20):
        await come.wait()
    await subscription.close()
    assert heard


# -- the proof ----------------------------------------------------------------------------------------------------------------


async def test_a_paper_desk_at_alpaca_asks_for_its_own_hosts_alone_all_day_long_i17(
    tmp_path: Path, record: Record
) -> None:
    async with alpaca_paper(tmp_path) as paper:
        assert _state(paper.desk) == "ready", paper.desk.profiles()
        await _trade(paper.desk)
        await _listen(paper.desk)
        paper.door.cut()
        await _until(paper.desk, lambda: _state(paper.desk) != "ready")
        await _until(paper.desk, lambda: _state(paper.desk) == "ready")
        await _place(paper.desk, "100")
        await paper.desk.kill(2, caller=CALLER, reason="the end of the day")
        await _until(paper.desk, lambda: not paper.desk.kill_state().remaining)
    assert set(paper.names.asked) == OURS
    assert paper.door.spoken_to
    assert violations(record, paper.names, paper.door) == []


@pytest.mark.parametrize("harm", HARM)
async def test_a_hostile_venue_that_points_to_live_is_not_followed_and_is_an_error_i17(
    tmp_path: Path, record: Record, harm: str
) -> None:
    async with alpaca_paper(tmp_path) as paper:
        order = await _place(paper.desk, "100")
        await _until(paper.desk, lambda: paper.desk.order(order.intent_id).ord_status.value == "new")
        broker = next(iter(paper.desk.sessions.values())).ctx.broker
        paper.door.turn_on(HARM[harm])
        with pytest.raises(FloorbrokerError):
            await broker.get_account_info()
        with pytest.raises(FloorbrokerError):
            await broker.get_open_orders()
        with pytest.raises(FloorbrokerError):
            await broker.get_market_data("AAPL")
        with pytest.raises(FloorbrokerError):
            await broker.cancel_all()
        await _until(paper.desk, lambda: _state(paper.desk) != "ready")
        async with asyncio.timeout(20):
            await paper.door.until_harmed(paper.door.harmed + 2)  # the streams try again, and meet it again
        assert paper.desk.order(order.intent_id).is_open
    assert violations(record, paper.names, paper.door) == []


async def test_a_sim_desk_connects_to_this_machine_alone_i17(tmp_path: Path, record: Record) -> None:
    async with simulator() as (_, line):
        names = Names(line["port"])
        only = frozenset({ProfileName("alpaca-sim")})
        outside = Outside(resolve=names)
        environ = dict(line["credentials"])
        async with open_floor(Home.at(tmp_path), outside=outside, environ=environ, only=only) as floor:
            desk = floor.desks[Environment.SIM]
            await desk.until_settled()
            assert _state(desk) == "ready"
            await _trade(desk)
            await _listen(desk)
    assert record.attempts
    assert violations(record, names) == []


async def test_a_sim_desk_whose_localhost_was_poisoned_connects_to_nobody_i17(tmp_path: Path, record: Record) -> None:
    class Poisoned(Names):
        async def __call__(self, host: str, port: int) -> list[Any]:
            (here,) = await super().__call__(host, port)
            return [here._replace(host="203.0.113.7")]

    names = Poisoned(8801)
    given = {"BROKER_CODE": "ALPACA", "BROKER_URL": "http://localhost:8801", **_keys()}
    only = frozenset({ProfileName("alpaca-sim")})
    async with open_floor(Home.at(tmp_path), outside=Outside(resolve=names), environ=given, only=only) as floor:
        desk = floor.desks[Environment.SIM]
        await desk.until_settled()
        (status,) = desk.profiles()
        assert "leads out of this machine" in status.reason
    assert set(names.asked) == {"localhost"}
    assert record.strange() == []


async def test_the_embedded_paper_venue_touches_no_network_at_all_i17(tmp_path: Path, record: Record) -> None:
    names = Names(None)
    async with open_floor(Home.at(tmp_path), outside=Outside(resolve=names), environ={}) as floor:
        desk = floor.desks[Environment.PAPER]
        await desk.until_settled()
        assert _state(desk) == "ready"
        await _trade(desk)
    assert (record.attempts, names.asked) == ([], [])


def _keys() -> dict[str, str]:
    return {"BROKER_API_KEY": "PKTEST", "BROKER_SECRET_KEY": "secret-of-a-test"}


@pytest.mark.parametrize(
    ("environment", "url", "options"),
    [
        ("paper", f"https://{LIVE}", ""),
        ("paper", f"https://{LIVE}:443", ""),
        ("paper", f"https://paper-api.alpaca.markets@{LIVE}", ""),
        ("paper", f"https://{LIVE}#paper-api.alpaca.markets", ""),
        ("paper", "http://paper-api.alpaca.markets", ""),
        ("sim", f"https://{LIVE}", ""),
        ("sim", f"http://127.0.0.1@{LIVE}", ""),
        ("sim", f"http://localhost.{LIVE}", ""),
        ("sim", "http://[::ffff:203.0.113.7]", ""),
        ("paper", "", f'trading_url = "https://{LIVE}"'),
        ("paper", "", f'stock_feed = "../../{LIVE}"'),
        ("paper", "", f'crypto_loc = "us@{LIVE}"'),
        ("paper", "", 'ca_file = "/etc/ssl/cert.pem"'),
    ],
)  # fmt: skip
async def test_a_profile_that_names_a_live_host_is_not_opened_i17(
    tmp_path: Path, record: Record, environment: str, url: str, options: str
) -> None:
    home, names = Home.at(tmp_path), Names(None)
    home.config.write_text(
        f'[profiles.mine]\nbroker = "ALPACA"\nenvironment = "{environment}"\n[profiles.mine.options]\n{options}\n'
    )
    given = _keys() | ({"BROKER_URL": url} if url else {})
    with pytest.raises(ConfigInvalid):
        async with open_floor(
            home,
            outside=Outside(resolve=names),
            environ={"BROKER_CODE": "ALPACA", **given},
            only=frozenset({ProfileName("mine")}),
        ) as floor:
            await floor.desks[Environment(environment)].until_settled()
    assert (names.asked, record.strange()) == ([], [])


# -- teeth: bugs behind the gate, which the record must show ---------------------------------------------------------------------


@dataclass
class Astray:
    """A read shell with a bug: it goes elsewhere, or where a redirect points."""

    honest: Http
    goes: Callable[[Request, Response | None], Request | None]

    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(self.goes(request, None) or request)
        further = self.goes(request, reply)
        return reply if further is None else await self.honest.send(further)

    async def open_stream(self, request: Request) -> Any:
        return await self.honest.open_stream(request)

    async def close(self) -> None:
        await self.honest.close()


def _to_live(request: Request, reply: Response | None) -> Request | None:
    return replace(request, origin=f"https://{LIVE}") if reply is None and request.path == "/v2/account" else None


def _after_redirects(request: Request, reply: Response | None) -> Request | None:
    moved = reply is not None and reply.status in (307, 308)
    return replace(request, origin=f"https://{LIVE}") if moved else None


@pytest.mark.parametrize("goes", [_to_live, _after_redirects], ids=["to live", "after redirects"])
async def test_a_shell_that_strays_to_live_is_on_record(
    tmp_path: Path, record: Record, goes: Callable[[Request, Response | None], Request | None]
) -> None:
    def sabotage(shells: Shells) -> Shells:
        return replace(shells, http=lambda: Astray(shells.http(), goes))

    async with alpaca_paper(tmp_path, sabotage=sabotage) as paper:
        broker = next(iter(paper.desk.sessions.values())).ctx.broker
        paper.door.turn_on(HARM["moved"])
        with pytest.raises(FloorbrokerError):
            await broker.get_account_info()
    found = violations(record, paper.names, paper.door)
    assert f"asked for {LIVE}" in found
    assert f"spoke to {LIVE}" in found


async def test_an_attempt_at_another_machine_is_on_record_whoever_makes_it(record: Record) -> None:
    record.hear("socket.getaddrinfo", (LIVE, 443, 0, 0, 0))
    record.hear("socket.connect", (None, ("203.0.113.7", 443)))
    record.hear("socket.connect", (None, ("127.0.0.1", 443)))
    record.hear("socket.connect", (None, "/run/some.sock"))
    told: Sequence[tuple[str, str]] = record.strange()
    assert told == [("socket.getaddrinfo", LIVE), ("socket.connect", "203.0.113.7")]
    assert violations(record, Names(None)) == [f"socket.getaddrinfo {LIVE}", "socket.connect 203.0.113.7"]
