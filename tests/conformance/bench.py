"""One adapter on its own stacks over TCP, with hands at its simulator and at what lies between."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.registry import build
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.clock import Clock
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import Approved, NewOrder, OrderRef
from floorbroker.domain.ports import Broker, NoLog, NoMeter
from floorbroker.domain.values import Environment, OrderType, Price, Quantity, Side
from tests.conformance.hurry import clock_of
from tests.conformance.simulated import Simulated, standard_shells
from tests.support.proxy import Proxy


@dataclass(slots=True)
class Bench:
    """The adapter on its own stacks, a proxy that can cut, and the simulator's own count of what reached it."""

    kind: Simulated
    broker: Broker
    proxy: Proxy
    simulator: Any
    ids: IdSource
    clock: Clock

    def reached(self, command: str) -> int:
        """How many commands of a kind came in."""
        method, path = self.kind.goods.commands[command]
        door = self.simulator.app or self.simulator.door
        return sum(1 for seen in door.seen if seen.method == method and fnmatchcase(seen.path, f"{path}*"))

    def approved(self) -> Approved:
        intent_id = self.ids.intent(self.clock.now())
        order = NewOrder(
            symbol=self.kind.goods.symbol,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            order_qty=Quantity(Decimal(1)),
            price=Price(Decimal(50)),
            tif=self.kind.goods.tif,
        )
        return Approved(
            intent_id=intent_id,
            cl_ord_id=self.broker.identity.encode(intent_id),
            profile=self.kind.profile.name,
            environment=Environment.SIM,
            order=order,
            decided_at=self.clock.monotonic(),
        )

    async def resting(self) -> OrderRef:
        """An order that works, placed over the connection that the next command will reuse."""
        approved = self.approved()
        reports = await self.broker.submit_order(approved)
        while (await self.broker.get_order_status(_ref(approved, None)))[0].ord_status is None:
            await self.clock.sleep(0.01)
        return _ref(approved, reports[0].order_id)


def _ref(approved: Approved, order_id: Any) -> OrderRef:
    return OrderRef(
        intent_id=approved.intent_id, cl_ord_id=approved.cl_ord_id, symbol=approved.order.symbol, order_id=order_id
    )


@asynccontextmanager
async def open_bench(
    kind: Simulated, root: Path, *, around: Callable[[Clock], Clock] = lambda clock: clock
) -> AsyncGenerator[Bench]:
    """`around` makes the adapter's clock of the one that its venue has."""
    shared = clock_of(kind.hurry)
    clock = around(shared)
    async with kind.served(shared) as (simulator, line), Proxy(line["port"]) as proxy:
        simulator.set_price(kind.goods.symbol, Decimal("199.90"), Decimal("200.10"), None)
        origin = proxy.origin if simulator.app is not None else proxy.origin.replace("http", "tws", 1)
        broker = build(_wiring(kind, line["credentials"], origin, root, clock))
        try:
            if kind.needs_session:
                await broker.connect()
            yield Bench(kind, broker, proxy, simulator, IdSource(tag=1, random=Random(1)), clock)
        finally:
            await broker.disconnect()


def _wiring(kind: Simulated, credentials: dict[str, str], origin: str, root: Path, clock: Clock) -> Wiring:
    plain, secrets = kind.parted(credentials)
    return Wiring(
        profile=replace(kind.profile, options=kind.options),
        shells=standard_shells(),
        clock=clock,
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda exchange: None,
        may_send=lambda request: None,
        state=root / "unused",
        plain={**plain, "BROKER_URL": origin},
        secrets=secrets,
    )
