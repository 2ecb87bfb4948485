"""A venue's own timer, wound by a desk that lives: meanwhile orders work; once the desk is frozen, the venue cancels them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from floorbroker.brokers.kraken.stream.orders import OrderSession
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from tests.simulation.house import House, Plant, build, scratch, set_prices
from tests.simulation.loop import SimulatedLoop
from tests.simulation.plan import plan_of
from tests.simulation.schedule import Kill, Plan

VENUE, TIMER_S = "kraken", 60
CALLER = Caller(principal="tester", via="test")
LIVES_S, FROZEN_S = 200.0, 90.0


def plan() -> Plan:
    """Nothing happens by itself; a desk that dies stays away for long."""
    away = Kill(0, 10_000.0, at="kill.permitted", hit=99)  # reached by nobody: the test ends the life by hand
    quiet = replace(plan_of(1, VENUE), acts=(), faults=(), steps=(), skew_s=0.0, drift=0.0, limits=(), lists_fills=True)
    return replace(quiet, kills=(away,), closes_at_s=None)


def wish(house: House) -> NewOrder:
    symbol, bid = next(iter(house.plan.world.symbols.items()))
    return NewOrder(
        symbol=symbol, side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)),
        price=Price((bid / 2).quantize(Decimal("0.01"))), tif=TimeInForce.GTC,
    )  # fmt: skip


async def rests(house: House) -> bool:
    (row,) = await house.places[VENUE].venue.truth("orders")
    return row["status"] in {"new", "open", "working"}


def played(act: Callable[[House], Awaitable[None]], *, timer_s: int, plant: Plant | None = None) -> None:
    """A resting order at the venue, placed by a desk whose profile winds the timer; then the act."""

    async def within(loop: SimulatedLoop, house: House) -> None:
        house.places[VENUE].options["dead_man_s"] = str(timer_s)
        await set_prices(house)
        house.open()
        try:

            async def place(desk: Gateway) -> None:
                await desk.until_settled()
                await desk.submit(wish(house), profile=None, caller=CALLER)

            await house.call(place)
            await act(house)
        finally:
            house.let_go()

    loop = SimulatedLoop(random=Random("loop"), steps_max=5_000_000)
    with scratch() as home:
        try:

            async def main() -> None:
                await within(loop, build(plan(), loop, home, **({} if plant is None else {"plant": plant})))

            loop.run_until_complete(main())
        finally:
            loop.dispose()


async def lives_and_freezes(house: House) -> None:
    await asyncio.sleep(LIVES_S)
    assert await rests(house), "the timer was not wound"
    house.crash()
    await asyncio.sleep(FROZEN_S)
    assert not await rests(house), "the venue did not cancel"


def test_a_frozen_desk_leaves_no_order_at_a_venue_with_a_timer() -> None:
    played(lives_and_freezes, timer_s=TIMER_S)


def test_without_the_option_orders_outlive_the_desk() -> None:
    async def freezes(house: House) -> None:
        house.crash()
        await asyncio.sleep(FROZEN_S)
        assert await rests(house)

    played(freezes, timer_s=0)


def test_a_desk_that_stops_in_order_switches_the_timer_off() -> None:
    async def stops(house: House) -> None:
        await house.call(lambda desk: desk.stop())
        await asyncio.sleep(FROZEN_S)
        assert await rests(house)

    played(stops, timer_s=TIMER_S)


class WindsOnce(OrderSession):
    """The planted bug: the timer is set when the stream comes up, and never wound again."""

    def _wind(self, now_s: float):
        return super()._wind(now_s) if self._wound_s is None else []


def test_a_timer_that_is_not_wound_again_is_caught() -> None:
    def plant(desk: Gateway) -> None:
        broker = next(iter(desk.sessions.values())).ctx.broker
        broker._private.__class__ = WindsOnce  # type: ignore[attr-defined]  # noqa: SLF001 - where the bug is planted

    with pytest.raises(AssertionError, match="not wound"):
        played(lives_and_freezes, timer_s=TIMER_S, plant=Plant(desk=plant))
