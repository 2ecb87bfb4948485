"""A share class, and an option on it whose root is no ticker: asked for as the venue spells them, and ours by name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.values import OrdStatus, Price
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import VirtualDesk, played, simulated_desk, simulator
from tests.simulation.loop import SimulatedLoop

KIND = SIMULATED["IBKR_WEB"]


async def held(desk: VirtualDesk) -> list[tuple[str, Decimal]]:
    (session,) = desk.gateway.sessions.values()
    return [(one.symbol, one.qty) for one in (await session.ctx.broker.get_positions()).items]


@pytest.mark.parametrize("symbol", ["BRK.B", "BRKB  260320C00480000"])
def test_a_share_class_and_its_options_are_bought_and_held_under_our_names(tmp_path: Path, symbol: str) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk:
            order = await desk.place(symbol=symbol, price=Price(Decimal("5.00")))
            desk.fill(order, "10", "5.00")
            await desk.until(lambda: desk.now(order).ord_status is OrdStatus.FILLED, within_s=60)
            assert await held(desk) == [(symbol, 10)]
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk:
            assert await held(desk) == [(symbol, 10)], "named by its definition, without a look-up"

    played(work)
