"""Whose the exits of a group are: of whoever wished for its head, also when that was sealed long ago (RELIABILITY 5, 6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order
from floorbroker.domain.values import ClOrdId, ExecType, OrderId, OrdStatus, Side
from floorbroker.gateway.limiting import Wanted
from tests.support.fake_broker import FakeBroker, VenueOrder, buy
from tests.support.house import CALLER, NOON, Desk, opened

pytestmark = pytest.mark.asyncio
TOKEN = f"token:{CALLER.principal}"


def _exit_of(desk: Desk, head: Order) -> VenueOrder:
    """The venue makes an exit for an order, and says so."""
    parent = desk.broker.of(head.cl_ord_id)
    child = VenueOrder(
        order_id=OrderId("X1"),
        cl_ord_id=ClOrdId("made by the venue"),
        terms=replace(parent.terms, side=Side.SELL),
        qty=parent.qty,
        price=parent.price,
        made_at=desk.clock.now(),
    )
    desk.broker.orders[child.order_id] = child
    told = desk.broker.report(child, ExecType.NEW, Source.STREAM)
    desk.broker.tell(replace(told, parent_order_id=parent.order_id))
    return child


async def _limited(desk: Desk) -> None:
    await desk.gateway.guard.set_limit(Wanted(scope=TOKEN, name="max_position_qty", value=15), caller=CALLER)


def _held(desk: Desk) -> Decimal:
    return desk.gateway.guard.risk.watches[("token", CALLER.principal)].position("AAPL")


async def _until_sealed(desk: Desk, head: Order) -> None:
    await desk.until(lambda: not desk.ctx.book.holds(head.intent_id))


async def test_an_exit_closes_what_a_token_holds_long_after_the_entry(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        await _limited(desk)
        head = await desk.place(buy("10"))
        child = _exit_of(desk, head)
        broker.fill(broker.of(head.cl_ord_id), "10")
        await _until_sealed(desk, head)
        assert _held(desk) == 10
        broker.fill(child, "10")
        await desk.wait(1)
        assert _held(desk) == 0
        with pytest.raises(FloorbrokerError, match="20 is above max_position"):
            await desk.place(replace(buy("20"), side=Side.SELL))
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        await _limited(desk)
        assert _held(desk) == 0


async def test_the_kill_of_a_token_cancels_the_exits_of_its_orders_i14(tmp_path: Path) -> None:
    async with opened(tmp_path, seals=True) as desk:
        head = await desk.place(buy("10"))
        child = _exit_of(desk, head)
        desk.broker.fill(desk.broker.of(head.cl_ord_id), "10")
        await _until_sealed(desk, head)
        state = await desk.gateway.kill(2, caller=CALLER, reason="test", token=CALLER.principal)
        assert len(state.remaining) == 1
        await desk.until(lambda: child.status is OrdStatus.CANCELED, longest_s=10)
