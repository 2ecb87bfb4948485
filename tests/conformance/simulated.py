"""A venue's simulator over TCP on loopback, with its truth at hand: a new one is an entry in `venues.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.app.compose import Seat
from floorbroker.app.home import Home
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.gateway import Gateway
from floorbroker.risk.limits import RiskLimits
from floorbroker.transport import AioHttp, OrderHttpClient, WsConnect
from floorbroker.transport.tcp import ByScheme, TcpConnect
from floorbroker_sim.faults import read_faults
from floorbroker_sim.server import load_venue, serve
from tests.conformance.goods import Goods
from tests.conformance.hurry import clock_of

ROOMY = RiskLimits(max_order_notional=None, max_position_notional=None, max_gross_exposure=None, max_net_exposure=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """How one simulator is made and reached: its word, its broker's code, what is traded there.

    `settings` go to `create_venue`, `options` into the profile.  `needs_session`: it takes commands inside a session alone.
    `is_polled`: its order events are answers to polls.  `hurry`: how many times as fast time passes for the venue and its desk.
    """

    word: str
    code: str
    goods: Goods
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    options: dict[str, str] = field(default_factory=dict[str, str])
    needs_session: bool = False
    is_polled: bool = False
    hurry: int = 1

    @property
    def info(self) -> BrokerInfo:
        return BROKERS[self.code]

    @property
    def profile(self) -> Profile:
        options = {"arrival_bound_s": "0.5", **self.options}
        return Profile(
            name=ProfileName(f"{self.word}-sim"), broker=self.code, environment=Environment.SIM, options=options
        )

    def parted(self, credentials: dict[str, str]) -> tuple[dict[str, str], dict[str, Secret]]:
        """The credentials of a start-up line: what may be shown, and what may not."""
        secret = {field.name for field in self.info.fields if field.secret}
        plain = {name: text for name, text in credentials.items() if name not in secret}
        return plain, {name: Secret(text) for name, text in credentials.items() if name in secret}

    @asynccontextmanager
    async def served(self, clock: Clock | None = None) -> AsyncGenerator[tuple[Any, dict[str, Any]]]:
        """The simulator, listening, and its start-up line."""
        simulator = load_venue(self.word)(seed=5, clock=clock or SystemClock(), rate=0, **self.settings)
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(serve(simulator, ready=ready.set_result, stop=stop))
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        try:
            yield simulator, await ready
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[SimulatedVenue]:
        clock = clock_of(self.hurry)
        async with self.served(clock) as (simulator, line):
            yield SimulatedVenue(self, simulator, line, clock)


@dataclass(slots=True)
class SimulatedVenue:
    """Implements `desk.Venue`."""

    kind: Simulated
    simulator: Any
    line: dict[str, Any]
    clock: Clock

    @property
    def info(self) -> BrokerInfo:
        return self.kind.info

    @property
    def goods(self) -> Goods:
        return self.kind.goods

    def attach(self, gateway: Gateway) -> None:
        """The simulator stands apart from every desk."""

    def seat(self, home: Home) -> Seat:
        plain, secrets = self.kind.parted(self.line["credentials"])
        profile = self.kind.profile
        return Seat(profile=profile, limits=ROOMY, plain=plain, secrets=secrets, state=home.venue_state(profile.name))

    def shells(self) -> Shells:
        return standard_shells()

    async def set_price(self, symbol: str, bid: str, ask: str) -> None:
        """The last trade was at the bid, where that counts."""
        last = None if self.kind.word == "alpaca" else Decimal(bid)
        self.simulator.set_price(symbol, Decimal(bid), Decimal(ask), last)

    async def fill(self, order: Order, qty: str, price: str) -> None:
        self.simulator.force_fill(order.cl_ord_id, Decimal(qty), Decimal(price))

    async def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.simulator.orders()
        return found

    async def lose_next_reply(self) -> None:
        method, path = self.goods.commands["submit"]
        fault = {"where": "reply", "what": "cut", "when": {"nth": 1}, "match": {"method": method, "path": path}}
        self.simulator.plan.replace(read_faults(msgspec.json.encode({"faults": [fault]})))


def standard_shells() -> Shells:
    """The real ones."""
    order_http: Callable[..., OrderHttpClient] = lambda check: OrderHttpClient(check=check)  # noqa: E731 - as `Shells` has it
    return Shells(http=AioHttp, order_http=order_http, connect=ByScheme(plain=TcpConnect(), otherwise=WsConnect()))
