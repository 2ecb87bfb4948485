"""What the drill does, step by step, and what it saw: every claim of the report is counted here, none is assumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.cli.demo.drill.brokers import EAST, PATIENCE_S, WEST, Broker, Brokers
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Timeout
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.values import IntentId, OrdStatus, ProfileName
from floorbroker.gateway.happenings import FailedOver, Happening, OrderResolved, OrderUnknown, Promoted

POLL_S = 0.05
BUY = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", "allow_duplicate": True}
Say = Callable[[str], None]


@frozen
class Placed:
    """One order of the drill in the end; `at_venues` counts it in each broker's own books."""

    order: Order
    at_venues: dict[ProfileName, int]
    moved_from: IntentId | None = None


@frozen
class Drilled:
    """What was seen.  `held` is the order that was in doubt; `status_in_the_dark` is its status each time it was looked at."""

    placed: tuple[Placed, ...]
    held: IntentId
    status_in_the_dark: tuple[str, ...]
    unknown: tuple[IntentId, ...]
    resolved: tuple[IntentId, ...]
    promoted: tuple[ProfileName, ...]
    moved: dict[IntentId, IntentId]
    seconds: float


@dataclass(slots=True)
class Drill:
    """The drill under way."""

    brokers: Brokers
    clock: Clock
    say: Say
    _heard: list[Happening] = field(default_factory=list[Happening])
    _orders: list[IntentId] = field(default_factory=list[IntentId])

    async def run(self) -> Drilled:
        began_s = self.clock.monotonic()
        self.brokers.manager.register_callback("*", self._heard.append)
        await self._trade_normally()
        await self._be_refused()
        held = await self._lose_one()
        seen = await self._trade_in_the_dark(held)
        await self._come_back(held)
        return self._counted(held, seen, self.clock.monotonic() - began_s)

    # -- the steps --------------------------------------------------------------------------------------------------------

    async def _trade_normally(self) -> None:
        self.say("1. Both brokers are up. Two orders that name no profile:")
        for quantity in ("10", "5"):
            self._tell(await self._buy(quantity))

    async def _be_refused(self) -> None:
        self.say(
            "2. East's front door refuses the next order. It is proven dead there, so the wish moves, as a new order:"
        )
        await self.brokers.east.refuse_next_order()
        last = await self._buy("7")
        for old in self._moved().values():
            self._orders.insert(-1, old)
            self._tell(self.brokers.manager.desk.order(old))
        self._tell(last)

    async def _lose_one(self) -> IntentId:
        self.say("3. East takes the next order and goes dark before it can answer:")
        east, before = self.brokers.east, len(self.brokers.manager.desk.orders())
        await east.swallow_next_answer()
        asked = asyncio.ensure_future(self._buy("20"))
        await self._until(
            lambda: (
                len(desk_orders := self.brokers.manager.desk.orders()) > before
                and east.has(desk_orders[0].cl_ord_id) == 1
            ),
            "the order reaches east",
        )
        await east.go_dark()
        order = await asked
        self._tell(order)
        return order.intent_id

    async def _trade_in_the_dark(self, held: IntentId) -> list[str]:
        self.say("4. Trading goes on, at the broker that is there. The order in doubt stays where it is:")
        seen: list[str] = []
        for quantity in ("3", "4"):
            self._tell(await self._buy(quantity))
            seen.append(self.brokers.manager.desk.order(held).ord_status.value)
        await self._until(lambda: WEST in self._promoted(), "west is promoted")
        self.say(f"   promoted: {WEST}")
        order = self.brokers.manager.desk.order(held)
        seen.append(order.ord_status.value)
        self._tell(order)
        return seen

    async def _come_back(self, held: IntentId) -> None:
        self.say("5. East comes back. The desk asks for the order in doubt by its own id, and books what became of it:")
        await self.brokers.east.open()
        await self._until(lambda: held in self._resolved(), "the order in doubt is resolved")
        await self._until(lambda: not self.brokers.manager.desk.order(held).is_open, "the order is done")
        self._tell(self.brokers.manager.desk.order(held))
        await self._until(lambda: self._promoted().count(EAST) == 1, "east is promoted again")
        self.say(f"   promoted again: {EAST}")

    # -- what it is made of -----------------------------------------------------------------------------------------------

    async def _buy(self, quantity: str) -> Order:
        order = await self.brokers.manager.place_order({**BUY, "quantity": quantity})
        self._orders.append(order.intent_id)
        if not order.in_doubt:
            await self._until(
                lambda: not self.brokers.manager.desk.order(order.intent_id).is_open, "the order is filled"
            )
        return self.brokers.manager.desk.order(order.intent_id)

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline_s = self.clock.monotonic() + PATIENCE_S
        while not holds():
            if self.clock.monotonic() > deadline_s:
                raise Timeout(f"the drill waited {PATIENCE_S:g} s in vain until {what}")
            await self.clock.sleep(POLL_S)

    def _tell(self, order: Order) -> None:
        self.say(f"   {order.terms.order_qty} {order.terms.symbol} at {order.profile}: {order.ord_status.value}")

    def _moved(self) -> dict[IntentId, IntentId]:
        """The old order of each new one."""
        moved = [told.data for told in self._heard if isinstance(told, FailedOver)]
        return {IntentId(data["new_order"]): IntentId(data["order"]) for data in moved}

    def _promoted(self) -> list[ProfileName]:
        return [told.profile for told in self._heard if isinstance(told, Promoted)]

    def _resolved(self) -> list[IntentId]:
        return [told.order.intent_id for told in self._heard if isinstance(told, OrderResolved)]

    def _counted(self, held: IntentId, seen: list[str], seconds: float) -> Drilled:
        desk = self.brokers.manager.desk
        moved = self._moved()
        return Drilled(
            placed=tuple(self._placed(desk.order(intent), moved) for intent in self._orders),
            held=held,
            status_in_the_dark=tuple(seen),
            unknown=tuple(t.order.intent_id for t in self._heard if isinstance(t, OrderUnknown)),
            resolved=tuple(self._resolved()),
            promoted=tuple(self._promoted()),
            moved=moved,
            seconds=seconds,
        )

    def _placed(self, order: Order, moved: dict[IntentId, IntentId]) -> Placed:
        venues: tuple[Broker, ...] = (self.brokers.east, self.brokers.west)
        counts = {broker.name: broker.has(order.cl_ord_id) for broker in venues}
        return Placed(order=order, at_venues=counts, moved_from=moved.get(order.intent_id))


def is_lost(placed: Placed) -> bool:
    """An order that lives or filled by the desk's word and is not in its broker's books, or the other way round."""
    there = placed.at_venues[placed.order.profile]
    dead = placed.order.ord_status in (OrdStatus.NOT_SENT, OrdStatus.NOT_PLACED, OrdStatus.REJECTED)
    return there == 0 and not dead


def is_doubled(placed: Placed) -> bool:
    """An order that the books have more than once, wherever."""
    return sum(placed.at_venues.values()) > 1
