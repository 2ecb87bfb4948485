"""Where a venue lists no executions, totals stand for them after a grace: the promises of I6, I8 and I26 on virtual time."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.values import OrdStatus, Price, Quantity
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import VirtualDesk, played, simulated_desk, simulator
from tests.simulation.loop import SimulatedLoop

TOTALS = {name: kind for name, kind in SIMULATED.items() if Can.HISTORY_FILLS not in kind.info.can}
totals = pytest.mark.parametrize("kind", TOTALS.values(), ids=TOTALS)
PATIENCE_S = 60.0  # the grace, and the sweep after it
MARKETABLE = Price(Decimal("200.10"))


def test_some_venue_lists_no_executions() -> None:
    assert TOTALS


def bought(desk: VirtualDesk) -> Decimal:
    return sum((fill.execution.last_qty for fill in desk.gateway.fills()), Decimal(0))


async def held(desk: VirtualDesk) -> Decimal:
    positions = await desk.gateway.positions()
    return sum((one.position.qty for one in positions if one.position.symbol == desk.goods.symbol), Decimal(0))


@totals
def test_positions_are_the_sum_of_the_fills_that_totals_stand_for_i6(tmp_path: Path, kind: Simulated) -> None:
    async def play(loop: SimulatedLoop) -> None:
        async with simulated_desk(kind, loop, tmp_path) as desk:
            for qty in (3, 4, 5):
                order = await desk.place(price=MARKETABLE, order_qty=Quantity(Decimal(qty)))
                await desk.until(lambda order=order: desk.now(order).ord_status is OrdStatus.FILLED, within_s=30)
            await desk.until(lambda: bought(desk) == 12, within_s=PATIENCE_S)
            assert await held(desk) == 12
            found = await desk.gateway.reconcile(desk.gateway.default_profile())
            assert (found.error, found.differences) == ("", ())

    played(play)


@totals
@pytest.mark.parametrize("rests_s", [0.0, PATIENCE_S], ids=["within the grace", "after the grace"])
def test_a_restart_brings_back_the_same_orders_i26(tmp_path: Path, kind: Simulated, rests_s: float) -> None:
    async def play(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            order = await desk.place(price=MARKETABLE)
            resting = await desk.place(symbol=desk.goods.other)
            await desk.until(lambda: desk.now(order).ord_status is OrdStatus.FILLED, within_s=30)
            await desk.until(lambda: desk.now(resting).ord_status is OrdStatus.NEW, within_s=30)
            await loop.nap(rests_s)
            before = {one.intent_id: (one.ord_status, one.cum_qty, one.avg_px) for one in desk.gateway.orders()}
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            assert {one.intent_id: (one.ord_status, one.cum_qty, one.avg_px) for one in desk.gateway.orders()} == before
            await desk.until(lambda: bought(desk) == 10, within_s=PATIENCE_S)
            assert len(desk.now(order).executions) == 1
            assert await held(desk) == 10
            assert desk.now(resting).is_open

    played(play)


@totals
@pytest.mark.parametrize("parts", [("10",), ("4", "6")])
def test_fills_while_the_desk_is_down_are_found_at_the_next_start_and_applied_once_i6(
    tmp_path: Path, kind: Simulated, parts: tuple[str, ...]
) -> None:
    async def play(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            order = await desk.place()
            await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW, within_s=30)
        for part in parts:
            venue.force_fill(order.cl_ord_id, Decimal(part), Decimal(50))
        for _ in range(2):
            async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
                await desk.until(lambda: bought(desk) == 10, within_s=PATIENCE_S)
                now = desk.now(order)
                assert (now.ord_status, now.cum_qty, len(now.executions)) == (OrdStatus.FILLED, Decimal(10), 1)
                assert await held(desk) == 10

    played(play)
