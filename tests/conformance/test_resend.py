"""No layer and no library ever resends a command (I4): requests are counted at the simulator while connections are cut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.values import Price
from tests.conformance.bench import Bench, open_bench
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED, SOCKETS

pytestmark = pytest.mark.asyncio

Command = Callable[[Bench, OrderRef], Awaitable[object]]


def _submit(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    del ref
    return bench.broker.submit_order(bench.approved())


def _replace(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    cl_ord_id = bench.broker.identity.encode(bench.ids.intent(bench.clock.now()))
    changes = OrderChanges(price=Price(Decimal(51)))
    return bench.broker.modify_order(ref, changes, cl_ord_id=cl_ord_id, decided_at=bench.clock.monotonic())


def _cancel(bench: Bench, ref: OrderRef) -> Awaitable[object]:
    return bench.broker.cancel_order(ref)


def _sent(error: FloorbrokerError) -> int:
    """Whether the command itself was cut, or a question that an adapter asks before it."""
    assert error.outcome in {Outcome.UNKNOWN, Outcome.NOT_SENT}
    return int(error.outcome is Outcome.UNKNOWN)


COMMANDS: dict[str, Command] = {"submit": _submit, "replace": _replace, "cancel": _cancel}
simulated = pytest.mark.parametrize("kind", (SIMULATED | SOCKETS).values(), ids=SIMULATED | SOCKETS)
commands = pytest.mark.parametrize("name", COMMANDS)


@simulated
@commands
@pytest.mark.parametrize("cut_after", [1, 40])
async def test_a_reply_cut_on_a_reused_connection_is_never_answered_by_a_second_send(
    tmp_path: Path, kind: Simulated, name: str, cut_after: int
) -> None:
    async with open_bench(kind, tmp_path) as bench:
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
    async with open_bench(kind, tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(name)
        bench.proxy.cut()
        await SystemClock().sleep(0.05)  # until the end of the connection has arrived
        await COMMANDS[name](bench, ref)
        assert bench.reached(name) == before + 1


@simulated
@commands
async def test_a_request_cut_on_its_way_is_not_tried_again(tmp_path: Path, kind: Simulated, name: str) -> None:
    async with open_bench(kind, tmp_path) as bench:
        ref = await bench.resting()
        before = bench.reached(name)
        bench.proxy.to_server.cut_after = bench.proxy.to_server.passed + 8
        with pytest.raises(FloorbrokerError) as caught:
            await COMMANDS[name](bench, ref)
        _sent(caught.value)
        assert bench.reached(name) == before
