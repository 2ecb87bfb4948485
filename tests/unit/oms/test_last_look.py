"""The last look before a command leaves: whose order it is, and that nobody's is let through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.domain.errors import Conflict, KillSwitchOn
from floorbroker.domain.orders import OrderState
from floorbroker.oms.last_look import LastLook
from floorbroker.transport.types import Lane, Request
from tests.support.fake_broker import buy
from tests.support.house import CALLER, Desk, opened

pytestmark = pytest.mark.asyncio


def command(order: str | None, *, endpoint: str = "orders.submit", lane: Lane = Lane.NEW) -> Request:
    return Request(method="POST", origin="", path="/", endpoint=endpoint, lane=lane, order=order)


async def looked(desk: Desk) -> tuple[Callable[[Request], None], str, str]:
    """The look, and the client ids of an order of the strategy that is stopped and of one that is not."""
    wild, calm = [await desk.place(replace(buy(qty), strategy=name)) for qty, name in (("1", "wild"), ("2", "calm"))]
    await desk.gateway.kill(1, caller=CALLER, reason="runs away", strategy="wild")
    return LastLook(desk.ctx.switches, desk.ctx.book), wild.cl_ord_id, calm.cl_ord_id


async def test_a_command_is_looked_at_by_the_strategy_of_every_order_it_names_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        look, wild, calm = await looked(desk)
        look(command(calm))
        for named in (wild, f"{calm} {wild}", None, "nobody-knows-it"):
            with pytest.raises(KillSwitchOn):
                look(command(named))
        look(command(None, endpoint="positions.leverage"))


@pytest.mark.parametrize("lane", [Lane.CANCEL, Lane.QUERY, Lane.RECONCILE, Lane.RESOLVE])
async def test_cancels_and_reads_pass_whatever_is_latched_i15(tmp_path: Path, lane: Lane) -> None:
    async with opened(tmp_path) as desk:
        look, wild, _ = await looked(desk)
        await desk.gateway.kill(2, caller=CALLER, reason="everything")
        look(command(wild, lane=lane))


async def test_a_stopped_profile_sends_nothing_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        look, _, calm = await looked(desk)
        await desk.gateway.kill(1, caller=CALLER, reason="everything")
        with pytest.raises(KillSwitchOn):
            look(command(calm))


async def test_an_order_whose_place_holder_lives_is_kept_back_while_it_waits_to_leave_i16(tmp_path: Path) -> None:
    """The wait for the venue's budget comes after every other look; an order that is at its venue has nothing to be held back."""
    async with opened(tmp_path) as desk:
        desk.broker.gates["submit"] = asyncio.Event()
        task = asyncio.create_task(desk.place(buy()))
        await desk.until(lambda: any(order.state is OrderState.SENDING for order in desk.gateway.orders()))
        (order,) = desk.gateway.orders()
        outlived = {order.intent_id: ""}
        look = LastLook(replace(desk.ctx.switches, outlived=outlived.__getitem__), desk.ctx.book)
        look(command(order.cl_ord_id))
        outlived[order.intent_id] = "order 7, whose place this one took, is not dead any more"
        with pytest.raises(Conflict, match="order 7"):
            look(command(order.cl_ord_id))
        look(command(order.cl_ord_id, lane=Lane.CANCEL))
        desk.broker.gates["submit"].set()
        await task
        look(command(order.cl_ord_id, endpoint="orders.replace"))
