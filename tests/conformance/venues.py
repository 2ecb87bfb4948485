"""Every broker's venue in this process.  A new broker adds one class and one line to `VENUES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.app.compose import Seat
from floorbroker.app.home import Home
from floorbroker.brokers.paper import LogFile, Options, PaperBroker
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Profile
from floorbroker.domain.records import Quote
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, Price, ProfileName, Quantity
from floorbroker.gateway.gateway import Gateway
from floorbroker.risk.limits import RiskLimits
from floorbroker.transport import AioHttp, OrderHttpClient, WsConnect
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.faults import read_faults
from floorbroker_sim.server import serve
from tests.conformance.desk import Venue

SECRETS = frozenset({"BROKER_API_KEY", "BROKER_SECRET_KEY"})
ROOMY = RiskLimits(max_order_notional=None, max_position_notional=None, max_gross_exposure=None, max_net_exposure=None)


@dataclass(slots=True)
class AlpacaVenue:
    """The Alpaca simulator over TCP on loopback, with its truth at hand."""

    simulator: Any
    line: dict[str, Any]
    info: BrokerInfo = BROKERS["ALPACA"]

    def attach(self, gateway: Gateway) -> None:
        """The simulator stands apart from every desk."""

    def seat(self, home: Home) -> Seat:
        credentials: dict[str, str] = self.line["credentials"]
        profile = Profile(
            name=ProfileName("alpaca-sim"),
            broker="ALPACA",
            environment=Environment.SIM,
            options={"arrival_bound_s": "0.5"},
        )
        return Seat(
            profile=profile,
            limits=ROOMY,
            plain={name: text for name, text in credentials.items() if name not in SECRETS},
            secrets={name: Secret(text) for name, text in credentials.items() if name in SECRETS},
            state=home.venue_state(profile.name),
        )

    def shells(self) -> Shells:
        return Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=WsConnect())

    async def set_price(self, symbol: str, bid: str, ask: str) -> None:
        self.simulator.set_price(symbol, Decimal(bid), Decimal(ask), None)

    async def fill(self, order: Order, qty: str, price: str) -> None:
        self.simulator.force_fill(order.order_id, Decimal(qty), Decimal(price))

    async def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.simulator.orders()
        return found

    async def lose_next_reply(self) -> None:
        fault = {
            "where": "reply",
            "what": "cut",
            "when": {"nth": 1},
            "match": {"method": "POST", "path": "/v2/orders"},
        }
        self.simulator.plan.replace(read_faults(msgspec.json.encode({"faults": [fault]})))


@dataclass(slots=True)
class EmbeddedVenue:
    """The paper venue: it lives inside the desk's process, and its books outlive every desk."""

    info: BrokerInfo = BROKERS["PAPER"]
    prices: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _broker: PaperBroker | None = None
    _state: Path | None = None

    def attach(self, gateway: Gateway) -> None:
        (session,) = gateway.sessions.values()
        assert isinstance(session.ctx.broker, PaperBroker)
        self._broker = session.ctx.broker
        for symbol, (bid, ask) in self.prices.items():
            self._broker.feed(_quote(symbol, bid, ask))

    def seat(self, home: Home) -> Seat:
        options = {"latency_min_ms": "1", "latency_max_ms": "3"}
        profile = Profile(name=ProfileName("paper"), broker="PAPER", environment=Environment.PAPER, options=options)
        self._state = home.venue_state(profile.name)
        return Seat(profile=profile, limits=ROOMY, state=self._state)

    def shells(self) -> Shells:
        return Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=WsConnect())

    async def set_price(self, symbol: str, bid: str, ask: str) -> None:
        self.prices[symbol] = (bid, ask)
        if self._broker is not None:
            self._broker.feed(_quote(symbol, bid, ask))

    async def fill(self, order: Order, qty: str, price: str) -> None:
        """At the desk's own venue while it is open; at the same books beside it while it is closed."""
        assert self._broker is not None
        assert self._state is not None
        assert order.order_id is not None
        at = SystemClock().now()
        if self._broker.is_connected():
            self._broker.venue.force_fill(
                order.order_id, qty=Quantity(Decimal(qty)), price=Price(Decimal(price)), at=at
            )
            return
        self._broker.close()
        beside = PaperBroker(clock=SystemClock(), state=LogFile(self._state), options=Options(source="fed"))
        beside.venue.force_fill(order.order_id, qty=Quantity(Decimal(qty)), price=Price(Decimal(price)), at=at)
        beside.close()

    async def orders(self) -> list[dict[str, Any]]:
        assert self._broker is not None
        venue = self._broker.venue
        return [
            {"order": order.order_id, "client": venue.client_id(order.order_id), "status": order.status.value}
            for order in venue.engine.orders()
        ]

    async def lose_next_reply(self) -> None:
        assert self._broker is not None
        self._broker.lose_next_reply()


def _quote(symbol: str, bid: str, ask: str) -> Quote:
    size = Decimal(1_000_000)
    return Quote(
        symbol=symbol,
        bid=Price(Decimal(bid)),
        ask=Price(Decimal(ask)),
        bid_size=size,
        ask_size=size,
        time=SystemClock().now(),
    )


@asynccontextmanager
async def paper() -> AsyncGenerator[Venue]:
    yield EmbeddedVenue()


@asynccontextmanager
async def alpaca() -> AsyncGenerator[Venue]:
    simulator = create_venue(seed=5, clock=SystemClock(), rate=0)
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(simulator, ready=ready.set_result, stop=stop))
    await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield AlpacaVenue(simulator, await ready)
    finally:
        stop.set()
        await task


VENUES: dict[str, Callable[[], AbstractAsyncContextManager[Venue]]] = {"ALPACA": alpaca, "PAPER": paper}
