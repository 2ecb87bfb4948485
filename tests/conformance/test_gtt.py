"""GTT orders that a person placed at Upstox: the desk shows them, cancels them, and hands over to what they place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.errors import Conflict, FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.values import OrderType, OrdStatus, Side, TimeInForce
from floorbroker.oms.external import ExternalOrders
from floorbroker.transport.types import Request
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, ORIGIN, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import whole_reply
from tests.simulation.loop import SimulatedLoop

KIND = SIMULATED["UPSTOX"]
NHPC = "NSE_EQ|INE848E01016"
SOON_S = 60.0
ENTRY = {"strategy": "ENTRY", "trigger_type": "ABOVE", "trigger_price": 205}
EXITS = [
    {"strategy": "TARGET", "trigger_type": "IMMEDIATE", "trigger_price": 230},
    {"strategy": "STOPLOSS", "trigger_type": "IMMEDIATE", "trigger_price": 190},
]


@dataclass(slots=True)
class Person:
    """Somebody with the venue's own page."""

    venue: Any

    async def asks(self, method: str, path: str, body: object = None) -> Any:
        request = Request(
            method=method,
            origin=ORIGIN,
            path=path,
            endpoint="person",
            headers={
                "Authorization": f"Bearer {self.venue.credentials['BROKER_PASSWORD']}",
                "Content-Type": "application/json",
            },
            body=b"" if body is None else msgspec.json.encode(body),
        )
        reply = await whole_reply(self.venue.app, request, asyncio.Event())
        assert reply.status < 300, reply
        return msgspec.json.decode(reply.body)["data"]

    async def places(self, *rules: dict[str, Any]) -> str:
        wish = {
            "type": "SINGLE" if len(rules) == 1 else "MULTIPLE", "quantity": 10, "product": "D", "rules": list(rules),
            "instrument_token": NHPC, "transaction_type": "BUY",
        }  # fmt: skip
        (name,) = (await self.asks("POST", "/v3/order/gtt/place", wish))["gtt_order_ids"]
        return name

    async def waits(self) -> list[str]:
        return [one["gtt_order_id"] for one in await self.asks("GET", "/v3/order/gtt")]

    def moves_to(self, price: str) -> None:
        self.venue.set_price("NHPC.NSE", Decimal(price), Decimal(price) + Decimal("0.1"), Decimal(price))


@asynccontextmanager
async def desk_and_person(
    loop: SimulatedLoop, root: Path, external: ExternalOrders = ExternalOrders.ADOPT
) -> AsyncGenerator[tuple[VirtualDesk, Person]]:
    venue = simulator(KIND, loop)
    async with simulated_desk(KIND, loop, root, venue=venue, external=external) as desk:
        yield desk, Person(venue)


def named(desk: VirtualDesk, order_id: str) -> Order | None:
    return next((order for order in desk.gateway.orders() if order_id in order.order_ids), None)


def status(desk: VirtualDesk, order_id: str) -> OrdStatus | None:
    found = named(desk, order_id)
    return None if found is None else found.ord_status


def test_a_gtt_order_is_shown_as_it_waits_and_canceled_through_the_desk(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        async with desk_and_person(loop, tmp_path) as (desk, person):
            name = await person.places(ENTRY, *EXITS)
            await desk.until(lambda: status(desk, name) is OrdStatus.NEW, within_s=5)  # by the stream
            shown = named(desk, name)
            assert shown is not None
            assert (shown.external, shown.terms.side, shown.terms.tif) == (True, Side.BUY, TimeInForce.GTC)
            assert (shown.terms.order_type, shown.terms.stop_px) == (OrderType.STOP_LIMIT, Decimal(205))
            await desk.gateway.cancel(shown.intent_id, caller=CALLER, reason="test")
            await desk.until(lambda: status(desk, name) is OrdStatus.CANCELED, within_s=5)
            assert await person.waits() == []
            with pytest.raises(Conflict):
                await desk.gateway.cancel(shown.intent_id, caller=CALLER, reason="again")

    played(work)


def test_one_that_waited_before_the_desk_came_is_found_and_what_it_places_goes_on_by_itself(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        person = Person(venue)
        name = await person.places(ENTRY, *EXITS)
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk:
            assert status(desk, name) is OrdStatus.NEW  # by the list, before the desk was ready
            person.moves_to("206")
            await desk.until(lambda: status(desk, name) is OrdStatus.CANCELED, within_s=10)
            exits = f"{name}-exits"
            await desk.until(lambda: status(desk, exits) is OrdStatus.HELD, within_s=10)  # a limit order of 205 stands
            person.moves_to("204")
            await desk.until(lambda: status(desk, exits) is OrdStatus.NEW, within_s=10)
            bought = [order for order in desk.gateway.orders() if order.cum_qty == 10]
            assert [order.terms.side for order in bought] == [Side.BUY]
            person.moves_to("231")
            await desk.until(lambda: status(desk, exits) is OrdStatus.CANCELED, within_s=10)
            await desk.until(lambda: sum(o.cum_qty for o in desk.gateway.orders()) == 20, within_s=10)
            assert not any(order.is_open for order in desk.gateway.orders())
            assert await person.waits() == []

    played(work)


def test_one_that_went_while_nobody_listened_is_over_by_the_venues_word(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        async with desk_and_person(loop, tmp_path) as (desk, person):
            name = await person.places(ENTRY)
            await desk.until(lambda: status(desk, name) is OrdStatus.NEW, within_s=5)
            await desk.deafen(True)
            await person.asks("DELETE", "/v3/order/gtt/cancel", {"gtt_order_id": name})
            await desk.until(lambda: status(desk, name) is OrdStatus.CANCELED, within_s=SOON_S)

    played(work)


@pytest.mark.parametrize("policy", [ExternalOrders.ADOPT, ExternalOrders.OBSERVE, ExternalOrders.IGNORE])
def test_a_kill_ends_what_the_policy_lets_it_and_nothing_else(tmp_path: Path, policy: ExternalOrders) -> None:
    async def work(loop: SimulatedLoop) -> None:
        async with desk_and_person(loop, tmp_path, policy) as (desk, person):
            name = await person.places(ENTRY, *EXITS)
            await loop.nap(SOON_S)
            shown = named(desk, name)
            assert (shown is None) is (policy is ExternalOrders.IGNORE)
            if shown is not None and policy is ExternalOrders.OBSERVE:
                with pytest.raises(FloorbrokerError):
                    await desk.gateway.cancel(shown.intent_id, caller=CALLER, reason="test")
            await desk.gateway.kill(2, caller=CALLER, reason="test")
            await loop.nap(SOON_S)
            assert await person.waits() == ([] if policy is ExternalOrders.ADOPT else [name])

    played(work)
