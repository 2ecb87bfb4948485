"""The desk under test: a real gateway over one broker, and hands at its venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Protocol

from floorbroker.app.compose import Seat, Surroundings, compose
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.values import OrderType, Price, Quantity, Side
from floorbroker.gateway.desk import Caller, OrderFilter
from floorbroker.gateway.gateway import Gateway
from floorbroker.store.sqlite import SqliteJournal
from tests.conformance.goods import Goods

CALLER = Caller(principal="tester", via="test")
PATIENCE_S = 10.0


class Venue(Protocol):
    """The venue's side: what is true there, and hands to make it so.  Prices and quantities as text."""

    @property
    def info(self) -> BrokerInfo: ...

    @property
    def goods(self) -> Goods: ...

    @property
    def clock(self) -> Clock:
        """The time of the venue and of its desks."""
        ...

    def attach(self, gateway: Gateway) -> None:
        """A desk was opened over this venue."""
        ...

    def seat(self, home: Home) -> Seat: ...

    def shells(self) -> Shells: ...

    async def set_price(self, symbol: str, bid: str, ask: str) -> None: ...

    async def fill(self, order: Order, qty: str, price: str) -> None: ...

    async def orders(self) -> list[dict[str, Any]]: ...

    async def lose_next_reply(self) -> None:
        """The venue does what it is asked and its answer never arrives."""
        ...


@dataclass(slots=True)
class Desk:
    """A gateway that tests speak to in short sentences."""

    gateway: Gateway
    venue: Venue
    placed: list[Order] = field(default_factory=list[Order])

    @property
    def info(self) -> BrokerInfo:
        return self.venue.info

    @property
    def goods(self) -> Goods:
        return self.venue.goods

    async def quote(self, bid: str, ask: str) -> None:
        """Move the market of what is traded."""
        await self.venue.set_price(self.goods.symbol, bid, ask)

    async def place(self, *, key: str | None = None, body_hash: str = "", **terms: Any) -> Order:
        """Submit: ten units to buy unless told otherwise; decimals may be written as text."""
        given = {name: Decimal(v) if name in _EXACT and isinstance(v, str) else v for name, v in terms.items()}
        wish: dict[str, Any] = {
            "symbol": self.goods.symbol,
            "tif": self.goods.tif,
            "side": Side.BUY,
            "order_type": OrderType.LIMIT if "price" in given else OrderType.MARKET,
            "allow_duplicate": True,
        }
        if "notional" not in given:
            wish["order_qty"] = Quantity(Decimal(10))
        submitted = await self.gateway.submit(
            NewOrder(**{**wish, **given}), profile=None, caller=CALLER, key=key, body_hash=body_hash
        )
        self.placed.append(submitted.order)
        return submitted.order

    async def place_resting(self, **terms: Any) -> Order:
        """A buy limit far below the market, working."""
        return await self.until(
            await self.place(**{"price": "50", **terms}), lambda order: order.ord_status.value == "new"
        )

    async def until(self, order: Order, is_so: Callable[[Order], bool]) -> Order:
        """Wait for the order to be so; fails with what it is instead."""
        subscription = self.gateway.bus.subscribe()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_so(now := self.gateway.order(order.intent_id)):
                    await anext(subscription)
                return now
        except TimeoutError:
            raise AssertionError(f"still {self.gateway.order(order.intent_id)}") from None
        finally:
            subscription.close()

    async def settled(self, order: Order) -> Order:
        """Wait until the order can fill no more."""
        return await self.until(order, lambda now: not now.is_open)

    async def cancel(self, order: Order) -> Order:
        return await self.gateway.cancel(order.intent_id, caller=CALLER, reason="test")

    def children_of(self, order: Order) -> list[Order]:
        return [found for found in self.gateway.orders() if found.parent_id == order.intent_id]

    async def until_children(self, order: Order, count: int) -> list[Order]:
        await self.until(order, lambda _: len(self.children_of(order)) == count)
        return sorted(self.children_of(order), key=lambda child: child.terms.order_type.value)

    async def position(self, symbol: str | None = None) -> Decimal:
        held = {p.position.symbol: p.position.qty for p in await self.gateway.positions()}
        return held.get(symbol or self.goods.symbol, Decimal(0))

    async def step(self) -> Decimal:
        """The smallest step of quantities, where money is turned into units."""
        (session,) = self.gateway.sessions.values()
        instrument = await session.ctx.broker.get_instrument(self.goods.symbol)
        return instrument.fraction or instrument.lot

    async def holds(self, qty: str | int | Decimal) -> bool:
        """Whether that many units are held, less what the venue took of them for fees."""
        wanted = Decimal(qty)
        return -self.goods.paid(wanted) <= await self.position() - wanted <= 0

    async def orders_at_venue(self, order: Order) -> list[dict[str, Any]]:
        return [found for found in await self.venue.orders() if found["client"] == order.cl_ord_id]

    def open_orders(self) -> list[Order]:
        return self.gateway.orders(OrderFilter(open_only=True))


_EXACT = frozenset(
    {"order_qty", "notional", "price", "stop_px", "trail_amount", "trail_percent", "take_profit", "display_qty"}
)


@asynccontextmanager
async def open_desk(venue: Venue, root: Path) -> AsyncGenerator[Desk]:
    """A gateway over the venue, recovered from whatever journal is there, READY."""
    home, clock = Home.at(root), venue.clock
    seat = venue.seat(home)
    journal = SqliteJournal.open(
        home.journal(seat.profile.environment), clock=clock, environment=seat.profile.environment, instance_tag=0x5A5
    )
    around = Surroundings(
        clock=clock,
        random=Random(7),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        shells=venue.shells(),
        permits=FilePermits(home),
        on_fatal=_never,
        on_record=lambda record: None,
        instance_tag=journal.instance_tag,
        epoch=journal.epoch,
        send_timeout_s=1.0,
    )
    gateway = compose(journal=journal, seats=[seat], around=around)
    venue.attach(gateway)
    await gateway.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await gateway.until_settled()
        assert all(status.state.value == "ready" for status in gateway.profiles()), gateway.profiles()
        yield Desk(gateway, venue)
    finally:
        await gateway.stop()


def _never(fault: Exception) -> None:
    raise AssertionError(f"the journal must not fail here: {fault}")


def price(text: str) -> Price:
    return Price(Decimal(text))


def quantity(text: str) -> Quantity:
    return Quantity(Decimal(text))
