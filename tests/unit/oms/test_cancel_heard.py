"""A cancel of an order whose acceptance was heard and is not durable yet: neither a slow nor a full disk holds it back (I15)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import OrderNotFound
from floorbroker.domain.facts import Ack, Sending, Source, Working
from floorbroker.domain.orders import OrderState
from floorbroker.domain.ports import Entry, FactEntry
from floorbroker.domain.values import ExecType, IntentId, OrdStatus
from tests.support.fake_broker import buy, silence
from tests.support.house import CALLER, Desk, opened

pytestmark = pytest.mark.asyncio


async def test_an_order_that_was_accepted_on_a_full_disk_is_cancelled_at_its_venue_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _accepted_on_a_full_disk(desk)
        after = await desk.gateway.cancel(order, caller=CALLER)
        assert after.is_open
        (sent,) = desk.broker.orders.values()
        assert sent.status is OrdStatus.CANCELED


async def test_a_kill_on_a_full_disk_cancels_what_was_accepted_and_cannot_be_written_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _accepted_on_a_full_disk(desk)
        desk.journal.fault_when = lambda entries: True
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(3)
        (sent,) = desk.broker.orders.values()
        assert sent.status is OrdStatus.CANCELED


async def test_a_cancel_that_crosses_the_acceptance_is_sent_when_both_are_durable(tmp_path: Path) -> None:
    """It used to wait for the watch, which looks at what stands still for three seconds."""
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        durable = asyncio.Event()
        desk.journal.hold_when = lambda entries: durable if _accepts(entries) else None
        (sent,) = desk.broker.orders.values()
        desk.broker.tell(desk.broker.report(sent, ExecType.NEW, Source.STREAM))
        await desk.until(lambda: any(map(_accepts, desk.journal.commits)), longest_s=1)
        assert desk.now(order).in_doubt
        cancelling = asyncio.ensure_future(desk.gateway.cancel(order.intent_id, caller=CALLER))
        await desk.wait(0.1)
        desk.broker.hidden.clear()
        durable.set()
        await desk.wait(0.1)
        assert desk.sent("cancel") == 1
        await cancelling


async def test_a_kill_goes_on_asking_where_the_venue_is_silent_and_no_session_stands_i14_i15(tmp_path: Path) -> None:
    """The watch that repeats cancels begins with the first log-in; a kill needs none."""
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel.append("ignore")
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    broker.info = replace(broker.info, can=broker.info.can - {Can.CANCEL_ALL})
    broker.failing["connect"] = silence()
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        assert desk.now(order).pending_cancel
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.until(lambda: broker.of(order.cl_ord_id).status is OrdStatus.CANCELED, longest_s=10)


async def test_an_order_that_no_venue_knew_on_a_full_disk_is_cancelled_when_it_shows_up_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(OrderNotFound):
            await desk.gateway.cancel(order.intent_id, caller=CALLER)
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: desk.now(order).pending_cancel)
        desk.broker.hidden.clear()
        await desk.until(lambda: desk.broker.of(order.cl_ord_id).status is OrdStatus.CANCELED)


async def test_a_kill_on_a_full_disk_asks_at_a_pace_and_leaves_room_for_what_is_heard_i15(tmp_path: Path) -> None:
    """Nothing that a venue says of its cancels can be folded, so every round finds the same orders open."""
    async with opened(tmp_path) as desk:
        desk.broker.info = replace(desk.broker.info, can=desk.broker.info.can - {Can.CANCEL_ALL})
        order = await desk.place(buy())
        desk.broker.next_cancel.extend(["ignore"] * 100)
        desk.journal.fault_when = lambda entries: True
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(30)
        assert 5 <= desk.sent("cancel") <= 15
        assert desk.ctx.writer.waiting <= 10
        desk.broker.next_cancel.clear()
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)


async def _accepted_on_a_full_disk(desk: Desk) -> IntentId:
    """An order that its venue has, and that stands as SENDING here: the disk filled after its intent was written."""
    info = desk.broker.info
    desk.broker.info = replace(info, can=info.can - {Can.CANCEL_ALL})
    desk.journal.fault_when = lambda entries: (
        not any(isinstance(entry, FactEntry) and isinstance(entry.fact, Sending) for entry in entries)
    )
    order = await desk.place(buy())
    assert order.state is OrderState.SENDING
    return order.intent_id


def _accepts(entries: Sequence[Entry]) -> bool:
    return any(isinstance(entry, FactEntry) and isinstance(entry.fact, Ack | Working) for entry in entries)
