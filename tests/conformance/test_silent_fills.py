"""A fill that a healthy stream never tells of is found by the sweeps and folded within 35 s, at every venue (RELIABILITY 4)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.values import OrdStatus, Quantity
from tests.conformance.venues import SIMULATED, SOCKETS, VENUES
from tests.conformance.virtual import VirtualDesk, paper_desk, played, simulated_desk
from tests.simulation.loop import SimulatedLoop

FOUND_WITHIN_S = 35.0
LOST_FOR_S = 1.0  # the frames of one fill leave a venue within this
CHAT_S = 6.0  # how often the stream tells of other orders, where it is not silent
SELDOM = "KRAKEN starter"  # a key that may ask least often of all
NAMES = (*sorted(VENUES), SELDOM)


def _desk(name: str, loop: SimulatedLoop, root: Path) -> AbstractAsyncContextManager[VirtualDesk]:
    if name == "PAPER":
        return paper_desk(loop, root)
    if name == SELDOM:
        return simulated_desk(SIMULATED["KRAKEN"], loop, root, options={"tier": "starter"})
    return simulated_desk((SIMULATED | SOCKETS)[name], loop, root)


async def _chat(desk: VirtualDesk) -> None:
    """Orders for the other symbol, so that nothing about the stream looks suspicious."""
    while True:
        await desk.place(symbol=desk.goods.other, order_qty=Quantity(Decimal(1)), allow_duplicate=True)
        await desk.loop.nap(CHAT_S)


@pytest.mark.parametrize("qty", ["10", "4"])
@pytest.mark.parametrize("chats", [False, True], ids=["silent", "busy"])
@pytest.mark.parametrize("name", NAMES)
def test_a_fill_that_a_healthy_stream_drops_is_folded_within_35_s(
    name: str, qty: str, chats: bool, tmp_path: Path
) -> None:
    """Filled whole or in part, beside a stream that is silent or tells of everything else."""

    async def play(loop: SimulatedLoop) -> None:
        async with _desk(name, loop, tmp_path) as desk:
            order = await desk.place()
            await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW, within_s=5)
            talk = loop.create_task(_chat(desk)) if chats else None
            await loop.nap(CHAT_S / 2)
            await desk.deafen(True)
            desk.fill(order, qty, "50")
            await loop.nap(LOST_FOR_S)
            await desk.deafen(False)
            assert desk.now(order).cum_qty == 0, "the stream told of it"
            took_s = LOST_FOR_S + await desk.until(
                lambda: desk.now(order).cum_qty == Decimal(qty) and len(desk.now(order).executions) == 1,
                within_s=FOUND_WITHIN_S - LOST_FOR_S,
            )
            assert took_s <= FOUND_WITHIN_S
            if talk is not None:
                talk.cancel()
            (fill,) = desk.gateway.fills()
            assert (fill.execution.last_qty, fill.execution.synthetic) == (
                Decimal(qty),
                Can.HISTORY_FILLS not in desk.info.can,
            )

    played(play)
