"""A desk and one venue on virtual time: the same goods and simulators, cut at the transport's ports instead of TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec

from floorbroker.app.compose import Seat, Surroundings, compose
from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.paper import PaperBroker
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Environment, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.external import ExternalOrders
from floorbroker.store.sqlite import SqliteJournal
from floorbroker_sim.server import load_venue
from tests.conformance.goods import SHARES, Goods
from tests.conformance.simulated import ROOMY, Simulated
from tests.simulation.asgi import ask
from tests.simulation.clock import SimulatedClock
from tests.simulation.disk import WeatheredExecutor
from tests.simulation.house import EPOCH, Permits
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Network, SimulatedHttp, SimulatedOrderHttp, Site
from tests.simulation.weather import Weather
from tests.simulation.worlds import origin_of

ORIGIN = origin_of(1)
CALLER = Caller(principal="tester", via="test")
DROPPED = {"where": "stream", "what": "drop", "when": {}, "match": {}, "args": {}}
UNHEARD = {"where": "reply", "what": "cut", "when": {}, "match": {"method": "GET", "path": "*/orders*"}, "args": {}}
STEP_S = 0.1
TAG = 0x5A5


@dataclass(slots=True)
class VirtualDesk:
    """A READY gateway over one venue.  `deafen` makes the venue's private stream lose every frame until it is ended.

    Where there is no stream but polls, it loses every answer about orders: a gap between two polls.
    """

    loop: SimulatedLoop
    gateway: Gateway
    goods: Goods
    fill: Callable[[Order, str, str], None]
    deafen: Callable[[bool], Coroutine[Any, Any, None]]

    @property
    def info(self) -> BrokerInfo:
        (session,) = self.gateway.sessions.values()
        return session.ctx.broker.info

    async def place(self, **terms: Any) -> Order:
        """A limit to buy ten units, far below the market unless told otherwise."""
        given: dict[str, Any] = {"price": Price(Decimal(50)), "order_qty": Quantity(Decimal(10)), **terms}
        given = {"symbol": self.goods.symbol, "tif": self.goods.tif, **given}
        wish = NewOrder(side=Side.BUY, order_type=OrderType.LIMIT, **given)
        return (await self.gateway.submit(wish, profile=None, caller=CALLER)).order

    def now(self, order: Order) -> Order:
        return self.gateway.order(order.intent_id)

    async def until(self, holds: Callable[[], bool], *, within_s: float) -> float:
        """Let time pass until something holds; how many seconds that took.  Fails when it does not in time."""
        began = self.loop.now_s
        while not holds():
            if self.loop.now_s - began > within_s:
                raise AssertionError(f"not within {within_s} s: {self.gateway.orders()} {self.gateway.profiles()}")
            await self.loop.nap(STEP_S)
        return self.loop.now_s - began


def played(work: Callable[[SimulatedLoop], Coroutine[Any, Any, None]], *, seed: int = 5) -> None:
    """Run work in a world of its own."""
    loop = SimulatedLoop(random=Random(seed), steps_max=4_000_000)
    try:
        loop.run_until_complete(work(loop))
        assert loop.errors == []
    finally:
        loop.dispose()


@asynccontextmanager
async def simulated_desk(
    kind: Simulated,
    loop: SimulatedLoop,
    root: Path,
    *,
    options: dict[str, str] | None = None,
    venue: Any = None,
    external: ExternalOrders = ExternalOrders.ADOPT,
    tag: int = TAG,
) -> AsyncGenerator[VirtualDesk]:
    """A desk over a venue's simulator; over a `venue` that is there it may be one of several, each with a `tag` of its own."""
    venue = venue or simulator(kind, loop)
    weather = Weather(faults=(), random=Random(5), now=loop.time)
    network = Network(
        loop=loop,
        weather=weather,
        sites={urlsplit(ORIGIN).netloc: Site(app=venue.app, talk=getattr(venue, "talk", None))},
    )
    shells = Shells(
        http=lambda: SimulatedHttp(network),
        order_http=lambda check: SimulatedOrderHttp(network, check=check),
        connect=network.open_socket,
    )
    origin = ORIGIN if venue.app is not None else ORIGIN.replace("http", "tws", 1)
    plain, secrets = kind.parted({**venue.credentials, "BROKER_URL": origin})
    profile = kind.profile
    profile = Profile(
        name=profile.name,
        broker=profile.broker,
        environment=profile.environment,
        options={**profile.options, **(options or {})},
    )
    seat = Seat(
        profile=profile,
        limits=ROOMY,
        plain=plain,
        secrets=secrets,
        state=root / "venue.log",
        external=external,
    )

    async def deafen(on: bool) -> None:
        lost = UNHEARD if kind.is_polled else DROPPED
        body = msgspec.json.encode({"faults": [lost] if on else []})
        assert (await ask(venue.control_app, "POST", "/faults", body)).status < 300

    def fill(order: Order, qty: str, price: str) -> None:
        venue.force_fill(order.cl_ord_id, Decimal(qty), Decimal(price))

    async with _running(loop, root, seat, shells, tag=tag) as gateway:
        yield VirtualDesk(loop, gateway, kind.goods, fill, deafen)


def simulator(kind: Simulated, loop: SimulatedLoop, *, rate: int = 0) -> Any:
    """A venue's simulator with the prices of its goods; `rate` requests a minute, any number for 0."""
    venue: Any = load_venue(kind.word)(seed=5, clock=SimulatedClock(loop, epoch=EPOCH), rate=rate, **kind.settings)
    for symbol, bid, ask_px in ((kind.goods.symbol, "199.90", "200.10"), (kind.goods.other, "399.90", "400.10")):
        venue.set_price(symbol, Decimal(bid), Decimal(ask_px), None if kind.word == "alpaca" else Decimal(bid))
    return venue


@asynccontextmanager
async def paper_desk(loop: SimulatedLoop, root: Path) -> AsyncGenerator[VirtualDesk]:
    """A desk over the embedded venue, whose stream is a call."""
    profile = Profile(
        name=ProfileName("paper"), broker="PAPER", environment=Environment.PAPER, options={"source": "fed"}
    )
    seat = Seat(profile=profile, limits=ROOMY, state=root / "venue.log")
    nobody = Network(loop=loop, weather=Weather(faults=(), random=Random(5), now=loop.time), sites={})
    shells = Shells(
        http=lambda: SimulatedHttp(nobody),
        order_http=lambda check: SimulatedOrderHttp(nobody, check=check),
        connect=nobody.open_socket,
    )
    async with _running(loop, root, seat, shells) as gateway:
        (session,) = gateway.sessions.values()
        broker = session.ctx.broker
        assert isinstance(broker, PaperBroker)
        size, told = Decimal(1_000_000), broker.venue.told
        for symbol, bid, ask_px in ((SHARES.symbol, "199.90", "200.10"), (SHARES.other, "399.90", "400.10")):
            quote = Quote(
                symbol=symbol,
                bid=Price(Decimal(bid)),
                ask=Price(Decimal(ask_px)),
                bid_size=size,
                ask_size=size,
                time=session.ctx.clock.now(),
            )
            broker.feed(quote)

        async def deafen(on: bool) -> None:
            broker.venue.told = (lambda events: None) if on else told

        def fill(order: Order, qty: str, price: str) -> None:
            assert order.order_id is not None
            at = session.ctx.clock.now()
            broker.venue.force_fill(order.order_id, qty=Quantity(Decimal(qty)), price=Price(Decimal(price)), at=at)

        yield VirtualDesk(loop, gateway, SHARES, fill, deafen)


@asynccontextmanager
async def _running(
    loop: SimulatedLoop, root: Path, seat: Seat, shells: Shells, *, tag: int = TAG
) -> AsyncGenerator[Gateway]:
    clock = SimulatedClock(loop, epoch=EPOCH)
    environment = seat.profile.environment
    executor = WeatheredExecutor(Weather(faults=(), random=Random(6), now=loop.time))
    journal = SqliteJournal.open(
        root / "journal.db", clock=clock, environment=environment, executor=executor, instance_tag=tag
    )
    around = Surroundings(
        clock=clock,
        random=Random(7),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        shells=shells,
        permits=Permits(),
        on_fatal=_never,
        on_record=lambda record: None,
        instance_tag=journal.instance_tag,
        epoch=journal.epoch,
        send_timeout_s=1.0,
    )
    gateway = compose(journal=journal, seats=[seat], around=around)
    await gateway.start()
    try:
        async with asyncio.timeout(600):
            await gateway.until_settled()
        assert all(status.state.value == "ready" for status in gateway.profiles()), gateway.profiles()
        yield gateway
    finally:
        await gateway.stop()


def _never(fault: Exception) -> None:
    raise AssertionError(f"the journal must not fail here: {fault}")
