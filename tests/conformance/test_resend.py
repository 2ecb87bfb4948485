"""No layer and no library ever resends a command (I4): requests are counted at the simulator while connections are cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.registry import build
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Broker, NoLog, NoMeter, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.transport import AioHttp, OrderHttpClient, WsConnect
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.server import serve
from tests.support.proxy import Proxy

pytestmark = pytest.mark.asyncio
CLOCK = SystemClock()
PROFILE = ProfileName("alpaca-sim")


@dataclass(slots=True)
class Bench:
    """The adapter on its own stacks, a proxy that can cut, and the simulator's own count of what reached it."""

    broker: Broker
    proxy: Proxy
    simulator: Any
    ids: IdSource

    def reached(self, method: str) -> int:
        return sum(1 for seen in self.simulator.app.seen if seen.method == method)

    def approved(self) -> Approved:
        intent_id = self.ids.intent(CLOCK.now())
        order = NewOrder(
            symbol="AAPL",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            order_qty=Quantity(Decimal(1)),
            price=Price(Decimal(50)),
        )
        return Approved(
            intent_id=intent_id,
            cl_ord_id=self.broker.identity.encode(intent_id),
            profile=PROFILE,
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
async def _bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    simulator = create_venue(seed=5, clock=CLOCK, rate=0)
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    served = asyncio.create_task(serve(simulator, ready=ready.set_result, stop=stop))
    try:
        line = await ready
        async with Proxy(line["port"]) as proxy:
            credentials: dict[str, str] = line["credentials"]
            broker = build(_wiring(credentials, proxy.origin, tmp_path))
            try:
                yield Bench(broker, proxy, simulator, IdSource(tag=1, random=Random(1)))
            finally:
                await broker.disconnect()
    finally:
        stop.set()
        await served


def _wiring(credentials: dict[str, str], origin: str, tmp_path: Path) -> Wiring:
    return Wiring(
        profile=Profile(name=PROFILE, broker="ALPACA", environment=Environment.SIM),
        shells=Shells(http=AioHttp, order_http=lambda check: OrderHttpClient(check=check), connect=WsConnect()),
        clock=CLOCK,
        random=Random(1),
        log=NoLog(),
        meter=NoMeter(),
        redactor=SecretFilter(),
        tap=lambda exchange: None,
        may_send=lambda request: None,
        state=tmp_path / "unused",
        plain={"BROKER_URL": origin},
        secrets={name: Secret(credentials[name]) for name in ("BROKER_API_KEY", "BROKER_SECRET_KEY")},
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


COMMANDS = [("POST", _submit), ("PATCH", _replace), ("DELETE", _cancel)]


@pytest.mark.parametrize(("method", "command"), COMMANDS)
@pytest.mark.parametrize("cut_after", [1, 40])
async def test_a_reply_cut_on_a_reused_connection_is_never_answered_by_a_second_send(
    tmp_path: Path, method: str, command: Command, cut_after: int
) -> None:
    async with _bench(tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(method)
        bench.proxy.to_client.cut_after = bench.proxy.to_client.passed + cut_after
        with pytest.raises(FloorbrokerError) as caught:
            await command(bench, ref)
        assert caught.value.outcome is Outcome.UNKNOWN
        bench.proxy.heal()
        await bench.broker.get_account_info()
        assert bench.reached(method) == before + 1


@pytest.mark.parametrize(("method", "command"), COMMANDS)
async def test_a_connection_that_died_while_idle_costs_no_second_send(
    tmp_path: Path, method: str, command: Command
) -> None:
    async with _bench(tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(method)
        bench.proxy.cut()
        await CLOCK.sleep(0.05)
        await command(bench, ref)
        assert bench.reached(method) == before + 1


@pytest.mark.parametrize(("method", "command"), COMMANDS)
async def test_a_request_cut_on_its_way_is_not_tried_again(tmp_path: Path, method: str, command: Command) -> None:
    async with _bench(tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(method)
        bench.proxy.to_server.cut_after = bench.proxy.to_server.passed + 20
        with pytest.raises(FloorbrokerError) as caught:
            await command(bench, ref)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert bench.reached(method) == before
