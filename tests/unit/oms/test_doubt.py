"""UNKNOWN is left by evidence alone (RELIABILITY 2.6), across restarts, faults and late answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import ConnectionFailed, JournalFault
from floorbroker.domain.orders import OrderState
from floorbroker.domain.ports import FactEntry
from floorbroker.domain.values import OrdStatus
from tests.support.fake_broker import INFO, FakeBroker, buy, silence
from tests.support.house import CALLER, NOON, PROFILE, ManualClock, make, opened

pytestmark = pytest.mark.asyncio


async def test_an_order_whose_reply_was_lost_is_found_by_its_client_id_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose")
        order = await desk.place(buy())
        assert order.state is OrderState.UNKNOWN
        await desk.wait(1)
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_a_lost_order_that_the_stream_tells_of_is_no_doubt_any_more_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.failing["get_order_status"] = silence()
        desk.broker.next_submit.append("lose")
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        assert (desk.now(order).ord_status, desk.now(order).cum_qty) == (OrdStatus.PARTIALLY_FILLED, 4)


async def test_time_alone_never_ends_a_doubt_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        desk.broker.failing["get_order_history"] = silence()
        await desk.wait(300)
        assert desk.now(order).state is OrderState.UNKNOWN
        desk.broker.failing.clear()
        await desk.until(lambda: desk.now(order).state is OrderState.PRESUMED_NOT_PLACED)


async def test_negatives_before_the_arrival_horizon_do_not_count_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        await desk.wait(5.0 + 1.0 + 1.0 + 2.0 + 9.0)  # the horizon, and less than ten seconds of negatives after it
        assert desk.now(order).state is OrderState.UNKNOWN


async def test_before_the_horizon_one_question_is_asked_and_after_it_every_source(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        await desk.place(buy())
        listings = desk.broker.reads.count("get_order_history")
        asked = desk.broker.reads.count("get_order_status")
        await desk.wait(8.0)
        assert desk.broker.reads.count("get_order_history") == listings
        assert desk.broker.reads.count("get_order_status") > asked
        await desk.wait(20.0)
        assert desk.broker.reads.count("get_order_history") > listings


class Jumpy(ManualClock):
    """Wall time may be stepped; the monotonic clock may not."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


@pytest.mark.parametrize("after_s", [0, 1])
async def test_a_clock_that_jumps_ahead_brings_no_horizon_nearer_i3(tmp_path: Path, after_s: int) -> None:
    clock = Jumpy(NOON)
    broker = FakeBroker(clock, info=replace(INFO, arrival_bound_s=60.0))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        await desk.wait(after_s)
        clock.ahead_s = 3600.0
        await desk.wait(60)
        assert desk.now(order).state is OrderState.UNKNOWN
        await desk.until(lambda: desk.now(order).state is OrderState.PRESUMED_NOT_PLACED)


async def test_a_clock_that_was_moved_between_two_lives_brings_no_horizon_nearer_i3(tmp_path: Path) -> None:
    clock = Jumpy(NOON)
    broker = FakeBroker(clock, info=replace(INFO, arrival_bound_s=60.0))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
    clock.ahead_s = 3600.0
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        await desk.wait(60)
        assert desk.now(order).state is OrderState.UNKNOWN


async def test_a_bound_that_the_venue_enforces_makes_it_not_placed(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, bound_enforced=True))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).state is OrderState.NOT_PLACED)


async def test_a_doubt_from_before_a_restart_is_settled_after_it_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        assert desk.now(order).state is OrderState.UNKNOWN
        await desk.until(lambda: desk.now(order).state is OrderState.PRESUMED_NOT_PLACED)
        assert desk.sent("submit") == 1


async def test_a_journal_that_fails_while_a_doubt_is_settled_does_not_leave_it_for_ever_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose")
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: any(isinstance(e, FactEntry) for e in entries)
        await desk.wait(5)
        assert desk.now(order).state is OrderState.UNKNOWN
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW)


async def test_a_send_under_way_for_seconds_is_asked_about(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        gate = desk.broker.gates["submit"] = asyncio.Event()
        sending = asyncio.ensure_future(desk.place(buy()))
        await desk.wait(2)
        before = desk.broker.reads.count("get_order_status")
        await desk.wait(3)
        assert desk.broker.reads.count("get_order_status") > before
        assert desk.only().state is OrderState.SENDING
        gate.set()
        assert (await sending).ord_status is OrdStatus.NEW


async def test_a_send_that_ended_without_a_word_becomes_a_doubt_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: any(
            isinstance(e, FactEntry) and isinstance(e.fact, f.Working) for e in entries
        )
        order = await desk.place(buy())
        await desk.wait(10)
        assert (order.state, desk.sent("submit")) == (OrderState.SENDING, 1)
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: not desk.now(order).in_doubt)
        assert desk.now(order).ord_status is OrdStatus.NEW


@pytest.mark.parametrize("cancel_late", [True, False])
async def test_a_late_acceptance_joins_its_intent_and_is_cancelled_when_so_configured_i5(
    tmp_path: Path, *, cancel_late: bool
) -> None:
    async with opened(tmp_path, cancel_late=cancel_late) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        desk.broker.hidden.clear()
        await desk.wait(40)
        assert "order.contradiction" in desk.log.events
        assert desk.now(order).is_open is not cancel_late
        assert (desk.sent("cancel"), len(desk.gateway.orders())) == (int(cancel_late), 1)


async def test_a_cancel_of_what_was_presumed_not_placed_holds_when_it_shows_up(tmp_path: Path) -> None:
    """That a venue does not know it yet refuses nothing: whoever asked for the cancel was told that it is over."""
    async with opened(tmp_path, cancel_late=False) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        desk.broker.hidden.clear()
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED, longest_s=60)


async def test_a_late_acceptance_is_cancelled_however_often_the_cancel_does_not_get_through(tmp_path: Path) -> None:
    """Seed 9691 of the schedules: the one try met a refused connection, and the order worked on, given up by everybody."""
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        desk.broker.next_cancel += [ConnectionFailed("refused"), ConnectionFailed("refused")]
        desk.broker.hidden.clear()
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)
        assert desk.log.events.count("order.late_cancel_failed") == 2


async def test_without_a_query_by_client_id_the_lists_decide_i9(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, can=INFO.can - {Can.QUERY_BY_CLIENT_ID}))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        desk.broker.next_submit.append("lose")
        order = await desk.place(buy())
        await desk.wait(2)
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_a_doubt_is_never_sent_anywhere_else_i16(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert [kind for kind, _ in desk.broker.requests if kind != "cancel"] == ["submit"]


async def test_what_a_crash_left_as_sending_is_in_doubt_before_anything_else_i3(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    desk.broker.gates["submit"] = asyncio.Event()
    sending = asyncio.ensure_future(desk.place(buy()))
    await desk.wait()
    await desk.crash()
    await asyncio.gather(sending, return_exceptions=True)
    desk.broker.gates.clear()
    desk.broker.failing["connect"] = silence()
    async with opened(tmp_path, broker=desk.broker, clock=desk.clock, ready=False) as again:
        await again.wait()
        assert again.only().state is OrderState.UNKNOWN


async def test_a_journal_fault_at_the_start_is_tried_again_until_it_passes(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    desk.broker.gates["submit"] = asyncio.Event()
    sending = asyncio.ensure_future(desk.place(buy()))
    await desk.wait()
    await desk.crash()
    await asyncio.gather(sending, return_exceptions=True)
    desk.broker.gates.clear()
    again = make(tmp_path, broker=desk.broker, clock=desk.clock)
    again.journal.fault = JournalFault("busy")
    again.journal.fault_when = lambda entries: any(isinstance(e, FactEntry) for e in entries)
    await again.gateway.start()
    await again.wait(5)
    assert again.session.state.value == "offline"
    again.journal.fault_when = lambda entries: False
    await again.until(lambda: again.session.state.value == "ready")
    assert again.gateway.profiles()[0].profile.name == PROFILE
    stopping = asyncio.ensure_future(again.gateway.stop())
    await again.wait(10)
    await stopping
