"""Two programs on one account: what each does about the orders of the other, at every venue (RELIABILITY 3, I5)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorbroker.domain.orders import Order
from floorbroker.domain.values import OrdStatus, Side
from floorbroker.gateway.desk import Caller
from floorbroker.oms.external import ExternalOrders
from tests.conformance.venues import SIMULATED, SOCKETS
from tests.conformance.virtual import TAG, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.loop import SimulatedLoop

ADOPT, OBSERVE, IGNORE = ExternalOrders.ADOPT, ExternalOrders.OBSERVE, ExternalOrders.IGNORE
CALLER = Caller(principal="tester", via="test")
APART = {"IBKR": {"client_id": "9"}}  # what a second program needs to be let in beside ours
SOON_S = 40.0  # a sweep is due within that


@asynccontextmanager
async def _two(
    name: str, loop: SimulatedLoop, root: Path, policy: ExternalOrders
) -> AsyncGenerator[tuple[VirtualDesk, VirtualDesk]]:
    """Our desk, with its policy, and the program of others."""
    kind = (SIMULATED | SOCKETS)[name]
    venue = simulator(kind, loop)
    (root / "ours").mkdir()
    (root / "theirs").mkdir()
    async with (
        simulated_desk(
            kind, loop, root / "theirs", venue=venue, tag=TAG + 1, external=OBSERVE, options=APART.get(name)
        ) as theirs,
        simulated_desk(kind, loop, root / "ours", venue=venue, external=policy) as ours,
    ):
        yield ours, theirs


def _external(desk: VirtualDesk) -> list[Order]:
    return [order for order in desk.gateway.orders() if order.external and order.is_open]


def _worst_case(desk: VirtualDesk) -> object:
    (session,) = desk.gateway.sessions.values()
    return session.ctx.exposure().worst_case(desk.goods.symbol, Side.BUY)


@pytest.mark.parametrize("policy", [ADOPT, OBSERVE, IGNORE], ids=lambda policy: policy.value)
@pytest.mark.parametrize("name", sorted(SIMULATED | SOCKETS))
def test_an_order_of_another_program_is_what_the_policy_makes_of_it(
    name: str, policy: ExternalOrders, tmp_path: Path
) -> None:
    async def play(loop: SimulatedLoop) -> None:
        async with _two(name, loop, tmp_path, policy) as (ours, theirs):
            other = await theirs.place()
            mine = await ours.place()
            await ours.until(lambda: ours.now(mine).ord_status is OrdStatus.NEW, within_s=5)
            await loop.nap(SOON_S)
            assert len(_external(ours)) == (0 if policy is IGNORE else 1)
            assert _worst_case(ours) == (10 if policy is IGNORE else 20)
            await ours.gateway.kill(2, caller=CALLER, reason="test")
            await ours.until(lambda: not ours.now(mine).is_open, within_s=30)
            await loop.nap(SOON_S)
            assert ours.now(mine).ord_status is OrdStatus.CANCELED
            assert theirs.now(other).is_open is (policy is not ADOPT)

    played(play)
