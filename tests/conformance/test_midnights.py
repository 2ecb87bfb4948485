"""A venue whose lists end with its day: what was filled before, and heard of by nobody, is found by its executions (I1, I9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from floorbroker.domain.values import OrdStatus
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import DROPPED, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.house import EPOCH
from tests.simulation.loop import SimulatedLoop

KIND = replace(SIMULATED["IBKR_WEB"], settings={"calendar": True})
MIDNIGHT = EPOCH + timedelta(hours=15)  # past twelve in New York


def test_an_order_without_an_answer_that_filled_before_midnight_is_not_given_up(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)

        async def plan(*faults: object) -> None:
            body = msgspec.json.encode({"faults": faults})
            assert (await ask(venue.control_app, "POST", "/faults", body)).status < 300

        method, path = KIND.goods.commands["submit"]
        lost = {"where": "reply", "what": "cut", "when": {"nth": 1}, "match": {"method": method, "path": path}}
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk:
            await plan(lost, DROPPED)
            order = await desk.place()
            assert desk.now(order).ord_status is OrdStatus.UNKNOWN
            venue.force_fill(order.cl_ord_id, Decimal(10), Decimal(50))
            venue.move_clock(MIDNIGHT)
            await plan()
            await desk.until(lambda: desk.now(order).ord_status is OrdStatus.FILLED, within_s=120)
            (execution,) = desk.now(order).executions
            assert (execution.last_qty, execution.last_px, execution.synthetic) == (10, 50, False)
            (row,) = venue.orders()
            assert row["client"] == order.cl_ord_id

    played(work)
