"""The paper venue, which lives inside the desk's process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from floorbroker.app.compose import Seat
from floorbroker.app.home import Home
from floorbroker.brokers.paper import LogFile, Options, PaperBroker
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Profile
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Environment, Price, ProfileName, Quantity
from floorbroker.gateway.gateway import Gateway
from tests.conformance.desk import Venue
from tests.conformance.goods import SHARES, Goods
from tests.conformance.simulated import ROOMY, standard_shells


@dataclass(slots=True)
class EmbeddedVenue:
    """The paper venue: it lives inside the desk's process, and its books outlive every desk."""

    info: BrokerInfo = BROKERS["PAPER"]
    goods: Goods = SHARES
    prices: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _broker: PaperBroker | None = None
    _state: Path | None = None

    def attach(self, gateway: Gateway) -> None:
        (session,) = gateway.sessions.values()
        assert isinstance(session.ctx.broker, PaperBroker)
        self._broker = session.ctx.broker
        for symbol, (bid, ask) in self.prices.items():
            self._broker.feed(_quote(symbol, bid, ask))

    @property
    def clock(self) -> Clock:
        return SystemClock()

    def seat(self, home: Home) -> Seat:
        options = {"latency_min_ms": "1", "latency_max_ms": "3"}
        profile = Profile(name=ProfileName("paper"), broker="PAPER", environment=Environment.PAPER, options=options)
        self._state = home.venue_state(profile.name)
        return Seat(profile=profile, limits=ROOMY, state=self._state)

    def shells(self) -> Shells:
        return standard_shells()

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
