"""No layer and no library ever resends a command (I4): requests are counted at the simulator while connections are cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.registry import build
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Broker, NoLog, NoMeter
from floorbroker.domain.values import Environment, OrderType, Price, Quantity, Side
from tests.conformance.simulated import Simulated, standard_shells
from tests.conformance.venues import SIMULATED
from tests.support.proxy import Proxy

pytestmark = pytest.mark.asyncio
CLOCK = SystemClock()


@dataclass(slots=True)
class Bench:
    """The adapter on its own stacks, a proxy that can cut, and the simulator's own count of what reached it."""

    kind: Simulated
    broker: Broker
    proxy: Proxy
    simulator: Any
    ids: IdSource

    def reached(self, command: str) -> int:
        """How many commands of a kind came in."""
        method, path = self.kind.goods.commands[command]
        return sum(1 for seen in self.simulator.app.seen if seen.method == method and seen.path.startswith(path))

    def approved(self) -> Approved:
        intent_id = self.ids.intent(CLOCK.now())
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
            decided_at=CLOCK.monotonic(),
        )

    async def resting(self) -> OrderRef:
        """An order that works, placed over the connection that the next command will reuse."""
        approved = self.approved()
        reports = await self.broker.submit_order(approved)
        while (await self.broker.get_order_status(_ref(approved, None)))[0].ord_status is None:
            await CLOCK.sleep(0.01)
        return _ref(approved, reports[0].order_id)


def _ref(approved: Approved, order_id: Any) -> OrderRef:
    return OrderRef(
        intent_id=approved.intent_id, cl_ord_id=approved.cl_ord_id, symbol=approved.order.symbol, order_id=order_id
    )


@asynccontextmanager
async def _bench(kind: Simulated, tmp_path: Path) -> AsyncGenerator[Bench]:
    async with kind.served() as (simulator, line), Proxy(line["port"]) as proxy:
        simulator.set_price(kind.goods.symbol, Decimal("199.90"), Decimal("200.10"), None)
        broker = build(_wiring(kind, line["credentials"], proxy.origin, tmp_path))
        try:
            yield Bench(kind, broker, proxy, simulator, IdSource(tag=1, random=Random(1)))
        finally:
            await broker.disconnect()


def _wiring(kind: Simulated, credentials: dict[str, str], origin: str, tmp_path: Path) -> Wiring:
    plain, secrets = kind.parted(credentials)
    return Wiring(
        profile=replace(kind.profile, options=kind.options),
        shells=standard_shells(),
        clock=CLOCK,
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda exchange: None,
        may_send=lambda request: None,
        state=tmp_path / "unused",
        plain={**plain, "BROKER_URL": origin},
        secrets=secrets,
    )


Command = Callable[[Bench, OrderRef], Awaitable[object]]


def _submit(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    del ref
    return bench.broker.submit_order(bench.approved())


def _replace(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    cl_ord_id = bench.broker.identity.encode(bench.ids.intent(CLOCK.now()))
    changes = OrderChanges(price=Price(Decimal(51)))
    return bench.broker.modify_order(ref, changes, cl_ord_id=cl_ord_id, decided_at=CLOCK.monotonic())


def _cancel(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    return bench.broker.cancel_order(ref)


def _sent(error: FloorbrokerError) -> int:
    """Whether the command itself was cut, or a question that an adapter asks before it."""
    assert error.outcome in {Outcome.UNKNOWN, Outcome.NOT_SENT}
    return int(error.outcome is Outcome.UNKNOWN)


COMMANDS: dict[str, Command] = {"submit": _submit, "replace": _replace, "cancel": _cancel}
simulated = pytest.mark.parametrize("kind", SIMULATED.values(), ids=SIMULATED)
commands = pytest.mark.parametrize("name", COMMANDS)


@simulated
@commands
@pytest.mark.parametrize("cut_after", [1, 40])
async def test_a_reply_cut_on_a_reused_connection_is_never_answered_by_a_second_send(
    tmp_path: Path, kind: Simulated, name: str, cut_after: int
) -> None:
    async with _bench(kind, tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(name)
        bench.proxy.to_client.cut_after = bench.proxy.to_client.passed + cut_after
        with pytest.raises(FloorbrokerError) as caught:
            await COMMANDS[name](bench, ref)
        bench.proxy.heal()
        await bench.broker.get_account_info()
        assert bench.reached(name) == before + _sent(caught.value)


@simulated
@commands
async def test_a_connection_that_died_while_idle_costs_no_second_send(
    tmp_path: Path, kind: Simulated, name: str
) -> None:
    async with _bench(kind, tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(name)
        bench.proxy.cut()
        await CLOCK.sleep(0.05)
        await COMMANDS[name](bench, ref)
        assert bench.reached(name) == before + 1


@simulated
@commands
async def test_a_request_cut_on_its_way_is_not_tried_again(tmp_path: Path, kind: Simulated, name: str) -> None:
    async with _bench(kind, tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(name)
        bench.proxy.to_server.cut_after = bench.proxy.to_server.passed + 20
        with pytest.raises(FloorbrokerError) as caught:
            await COMMANDS[name](bench, ref)
        _sent(caught.value)
        assert bench.reached(name) == before
