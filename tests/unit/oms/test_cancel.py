"""Cancels are never blocked, may be repeated, and are believed only on evidence (RELIABILITY 2, I15)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import Conflict, OrderRejected, Outcome, RateLimitExceeded
from floorbroker.domain.orders import OrderState
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway.desk import OrderFilter
from floorbroker.oms.account import Actor
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import buy, silence
from tests.support.house import CALLER, opened

pytestmark = pytest.mark.asyncio
ME = Actor(principal="operator", via="test")


async def test_a_cancel_is_done_when_the_venue_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.wait()
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_a_cancel_that_was_only_heard_is_not_a_cancelled_order_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel.append("ignore")
        after = await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert after.ord_status is OrdStatus.PENDING_CANCEL


async def test_a_refused_cancel_makes_us_look_and_keeps_the_fill_it_crossed(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        after = await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert (after.ord_status, after.cum_qty) == (OrdStatus.FILLED, 10)


async def test_a_refused_cancel_of_a_working_order_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel.append("refuse")
        with pytest.raises(OrderRejected):
            await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_a_full_disk_does_not_hold_a_cancel_back_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: True
        desk.broker.next_cancel.append("ignore")
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.gateway.cancel(
            order.intent_id, caller=CALLER
        )  # the fault is known now: nobody waits for the next try
        assert (desk.sent("cancel"), desk.clock.monotonic() < 1.0) == (2, True)
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)


async def test_limits_and_a_degraded_profile_do_not_hold_a_cancel_back_i15(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_messages_s=1, max_messages_min=1)) as desk:
        order = await desk.place(buy())
        desk.broker.stream(up=False)
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.sent("cancel") == 1


async def test_a_cancel_of_an_order_in_doubt_waits_until_it_appears(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose")
        desk.broker.failing["get_order_status"] = silence()
        order = await desk.place(buy())
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.sent("cancel") == 0
        desk.broker.failing.clear()
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)


async def test_a_lost_cancel_is_repeated_every_few_seconds_and_not_more_often(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel += ["ignore"] * 4
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.wait(10)
        assert 3 <= desk.sent("cancel") <= 5
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)


async def test_a_cancel_is_repeated_ever_more_seldom_while_no_budget_is_left_to_look(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel += ["ignore"] + ["refuse"] * 40
        desk.broker.failing["get_order_status"] = RateLimitExceeded(
            "the rate budget is used up", outcome=Outcome.NOT_SENT
        )
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.wait(180)
        assert 5 <= desk.sent("cancel") <= 8  # after 3, 6, 12, 24, 48 and 60 seconds, where nothing else were to say so
        desk.broker.failing.clear()
        await desk.until(lambda: desk.sent("cancel") == 9, longest_s=120)
        before = desk.sent("cancel")
        await desk.wait(10)
        assert desk.sent("cancel") >= before + 3  # a look that comes through lets them come as often as before


async def test_a_caller_that_goes_away_takes_no_cancel_back_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        orders = [await desk.place(buy()) for _ in range(3)]
        gate = desk.broker.gates["cancel"] = asyncio.Event()
        caller = asyncio.ensure_future(desk.gateway.cancel_all(OrderFilter(), caller=CALLER))
        await desk.wait()
        caller.cancel()
        await desk.wait()
        gate.set()
        await desk.wait()
        assert all(desk.now(order).ord_status is OrdStatus.CANCELED for order in orders)


async def test_one_order_that_breaks_its_cancel_does_not_stop_the_others_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        orders = [await desk.place(buy(str(Decimal(n + 1)))) for n in range(3)]
        desk.broker.next_cancel.append(RuntimeError("a bug in an adapter"))
        await desk.gateway.cancel_all(OrderFilter(), caller=CALLER)
        await desk.wait()
        assert [desk.now(order).is_open for order in orders].count(True) == 1


async def test_there_is_nothing_to_cancel_at_a_done_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("refuse")
        order = await desk.place(buy())
        with pytest.raises(Conflict):
            await desk.gateway.cancel(order.intent_id, caller=CALLER)


async def test_a_cancel_asked_before_a_restart_is_repeated_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel.append("ignore")
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)


async def test_a_venue_is_not_asked_to_cancel_what_turned_out_never_to_have_left(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.gates["submit"] = gate = asyncio.Event()
        desk.broker.next_submit.append("not_sent")
        placing = asyncio.create_task(desk.place(buy()))
        await desk.until(lambda: bool(desk.broker.requests))
        (order,) = desk.gateway.orders()
        assert order.state is OrderState.SENDING
        gate.set()
        await asyncio.wait([placing])
        after = await desk.service.canceller.cancel(order, actor=ME, reason="too late")
        assert after.state is OrderState.NOT_SENT
        assert [asked for asked, _ in desk.broker.requests] == ["submit"]
