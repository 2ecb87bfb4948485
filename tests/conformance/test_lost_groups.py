"""A group whose reply is lost: the reply named its exits, so they are asked for as soon as the entry is found (RELIABILITY 3)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from floorbroker.domain.orders import OrderState, StopLoss
from floorbroker.domain.values import OrderClass, Price
from floorbroker.oms.service import OPEN_ORDERS_S
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import DROPPED, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

# Without those whose first reply is no order's: a question to answer (IBKR_WEB), messages of a socket (IBKR).
GROUPING = {
    name: kind
    for name, kind in SIMULATED.items()
    if OrderClass.BRACKET in kind.info.order_classes and not name.startswith("IBKR")
}


@pytest.mark.parametrize("kind", GROUPING.values(), ids=GROUPING)
def test_the_exits_of_a_group_whose_reply_was_lost_are_known_soon_after_it_is_found(
    tmp_path: Path, kind: Simulated
) -> None:
    async def play(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        match = {"method": "POST", "path": "*"}  # some have a path of its own for groups
        cut = {"where": "reply", "what": "cut", "when": {"nth": 1}, "match": match, "args": {}}
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            body = msgspec.json.encode({"faults": [cut, DROPPED]})
            assert (await ask(venue.control_app, "POST", "/faults", body)).status < 300
            entry = await desk.place(
                order_class=OrderClass.BRACKET,
                take_profit=Price(Decimal(60)),
                stop_loss=StopLoss(stop_px=Price(Decimal(40))),
            )
            assert entry.state is OrderState.UNKNOWN
            await desk.until(lambda: not desk.now(entry).in_doubt, within_s=OPEN_ORDERS_S)

            def exits() -> int:
                return sum(order.parent_id == entry.intent_id for order in desk.gateway.orders())

            await desk.until(lambda: exits() == 2, within_s=8)

    played(play)
