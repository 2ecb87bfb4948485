"""How fast a kill is with a thousand orders open: until a new order is refused, and until the first cancel leaves.

A whole desk with a real journal, real permit files and a broker in memory, whose answers take as long as a venue's do: what is
measured is the desk.  Each round opens the orders anew and trips level 2 through the desk's own door, while somebody else keeps
asking for orders; it ends with the first refusal they get, and with the first cancel that is handed to the adapter.
"""

from __future__ import annotations

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random
from time import perf_counter

from benchmarks.rounds import Figure, Goal
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import KillSwitchOn
from floorbroker.domain.orders import Approved, OrderRef
from floorbroker.domain.ports import Reports
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import CALLER, Desk, make

OPEN, ROUNDS, TOGETHER = 1_000, 5, 50
REFUSED_MS, CANCELLED_MS = 50.0, 250.0
ANSWER_S = (0.02, 0.08)  # how long a venue takes
LIMITS = RiskLimits(
    max_messages_s=None, max_messages_min=None, max_open_orders=None, max_open_orders_symbol=None, max_position_qty=None,
    max_position_notional=None, max_gross_exposure=None, max_net_exposure=None, max_leverage=None,
)  # fmt: skip


class Venue(FakeBroker):
    """Takes its time, and tells when the first cancel since `begin` was handed to it (milliseconds)."""

    first_ms: asyncio.Future[float]
    began_s: float
    random: Random

    def begin(self) -> None:
        self.began_s, self.first_ms = perf_counter(), asyncio.get_running_loop().create_future()

    async def submit_order(self, approved: Approved) -> Reports:
        await asyncio.sleep(self.random.uniform(*ANSWER_S))
        return await super().submit_order(approved)

    async def cancel_order(self, ref: OrderRef) -> Reports:
        await self._cancelling()
        return await super().cancel_order(ref)

    async def cancel_all(self) -> Reports:
        await self._cancelling()
        return await super().cancel_all()

    async def _cancelling(self) -> None:
        if not self.first_ms.done():
            self.first_ms.set_result((perf_counter() - self.began_s) * 1000)
        await asyncio.sleep(self.random.uniform(*ANSWER_S))


async def _fill_book(desk: Desk) -> None:
    gate = asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> None:
        async with gate:
            await desk.place(buy(str(1 + number % 50)))

    await asyncio.gather(*(one(number) for number in range(OPEN)))
    if sum(order.is_open for order in desk.gateway.orders()) != OPEN:
        raise RuntimeError("the orders do not rest")


async def _refused(desk: Desk, began_s: float) -> float:
    """Milliseconds from the trip until somebody who keeps asking is told no."""
    while True:
        try:
            await desk.place(buy())
        except KillSwitchOn:
            return (perf_counter() - began_s) * 1000


async def _round(root: Path, number: int) -> tuple[float, float]:
    """Milliseconds until the first refusal, and until the first cancel was handed to the adapter."""
    venue = Venue(SystemClock(), buying_power=Decimal(10**9))
    venue.random = Random(number)  # noqa: S311 - how long answers take
    desk = make(root, broker=venue, clock=SystemClock(), limits=LIMITS)  # type: ignore[arg-type]
    await desk.gateway.start()
    await desk.gateway.until_settled()
    await _fill_book(desk)
    venue.begin()
    killing = desk.gateway.kill(2, caller=CALLER, reason="bench")
    _, refused_ms, cancelled_ms = await asyncio.gather(killing, _refused(desk, perf_counter()), venue.first_ms)
    while desk.gateway.kill_state().remaining:  # noqa: ASYNC110 - no event tells of the last
        await asyncio.sleep(0.05)
    await desk.gateway.stop()
    return refused_ms, cancelled_ms


async def _rounds() -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory(prefix="floorbroker-bench-") as folder:
        roots = [Path(folder) / str(number) for number in range(ROUNDS)]
        for root in roots:
            root.mkdir()
        return [await _round(root, number) for number, root in enumerate(roots)]


def measure() -> list[Figure]:
    """Both figures, held to what was promised; there is no peer."""
    rounds = asyncio.run(_rounds())
    kinds = (("kill_refuse", REFUSED_MS), ("kill_first_cancel", CANCELLED_MS))
    return [
        Figure(
            bench=name,
            ours=[told[place] for told in rounds],
            unit=f"ms at {OPEN} open orders",
            goal=Goal(bound, unit="ms"),
        )
        for place, (name, bound) in enumerate(kinds)
    ]
