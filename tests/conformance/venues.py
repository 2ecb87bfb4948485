"""Every broker's venue in this process.  A new broker adds one class and one line to `VENUES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.app.compose import Seat
from floorbroker.app.home import Home
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
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

    async def lose_next_reply(self, method: str, path: str) -> None:
        fault = {
            "where": "reply",
            "what": "cut",
            "when": {"nth": 1},
            "match": {"method": method, "path": path},
        }
        self.simulator.plan.replace(read_faults(msgspec.json.encode({"faults": [fault]})))


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


VENUES: dict[str, Callable[[], AbstractAsyncContextManager[Venue]]] = {"ALPACA": alpaca}
