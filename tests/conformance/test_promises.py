"""The promises: one intent is one order, doubts end by evidence, restarts lose nothing (I1, I3, I6, I14, I20, I26)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import InvalidRequest, KillSwitchOn
from floorbroker.domain.values import OrdStatus
from tests.conformance.desk import CALLER, Desk, Venue, open_desk

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


async def test_the_same_key_and_body_is_the_same_order_i20(desk: Desk) -> None:
    first = await desk.place(key="k1", body_hash="h1", price="50")
    again = await desk.place(key="k1", body_hash="h1", price="50")
    assert again.intent_id == first.intent_id
    assert len(await desk.venue.orders()) == 1


async def test_the_same_key_with_another_body_is_refused_i20(desk: Desk) -> None:
    await desk.place(key="k1", body_hash="h1", price="50")
    with pytest.raises(InvalidRequest, match="another body"):
        await desk.place(key="k1", body_hash="h2", price="51")
    assert len(await desk.venue.orders()) == 1


async def test_a_lost_reply_is_a_doubt_that_evidence_ends_i1_i3(desk: Desk) -> None:
    await desk.venue.lose_next_reply()
    order = await desk.place(price="50")
    settled = await desk.until(order, lambda now: now.ord_status is OrdStatus.NEW)
    assert len(await desk.orders_at_venue(settled)) == 1


@needs(Can.HISTORY_FILLS)  # elsewhere totals stand for fills, after a grace: test_totals.py
async def test_a_restart_brings_back_the_same_orders_i26(venue: Venue, tmp_path: Path) -> None:
    async with open_desk(venue, tmp_path) as desk:
        await desk.settled(await desk.place())
        resting = await desk.place_resting()
        before = {order.intent_id: (order.ord_status, order.cum_qty) for order in desk.gateway.orders()}
    async with open_desk(venue, tmp_path) as desk:
        after = {order.intent_id: (order.ord_status, order.cum_qty) for order in desk.gateway.orders()}
        assert after == before
        assert await desk.holds(10)
        assert desk.gateway.order(resting.intent_id).is_open


@needs(Can.HISTORY_FILLS)  # elsewhere totals stand for fills, after a grace: test_totals.py
async def test_a_fill_while_the_desk_is_down_is_found_at_the_next_start_i6(venue: Venue, tmp_path: Path) -> None:
    async with open_desk(venue, tmp_path) as desk:
        resting = await desk.place_resting()
    await venue.fill(resting, "10", "50")
    async with open_desk(venue, tmp_path) as desk:
        filled = await desk.settled(resting)
        assert (filled.ord_status, filled.cum_qty) == (OrdStatus.FILLED, Decimal(10))
        assert len(filled.executions) == 1
        assert await desk.holds(10)


@needs(Can.CANCEL)
async def test_kill_level_two_cancels_and_blocks_until_reset_i14(desk: Desk) -> None:
    orders = [await desk.place_resting() for _ in range(3)]
    await desk.gateway.kill(2, caller=CALLER, reason="test")
    for order in orders:
        assert (await desk.settled(order)).ord_status is OrdStatus.CANCELED
    with pytest.raises(KillSwitchOn):
        await desk.place(price="50")
    await desk.gateway.reset_kill(caller=CALLER, reason="all clear")
    await desk.gateway.until_settled()  # where a venue takes longer to agree than who resets waits
    assert (await desk.place_resting()).is_open


async def test_a_kill_survives_a_restart_i14(venue: Venue, tmp_path: Path) -> None:
    async with open_desk(venue, tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="test")
    async with open_desk(venue, tmp_path) as desk:
        with pytest.raises(KillSwitchOn, match="test"):
            await desk.place(price="50")


@needs(Can.HISTORY_FILLS)  # elsewhere totals stand for fills, after a grace: test_totals.py
async def test_positions_are_the_sum_of_fills(desk: Desk) -> None:
    for qty in ("3", "4", "5"):
        await desk.settled(await desk.place(order_qty=qty))
    bought = sum((fill.execution.last_qty for fill in desk.gateway.fills()), Decimal(0))
    assert bought == Decimal(12)
    assert await desk.holds(12)
    found = await desk.gateway.reconcile(desk.gateway.default_profile())
    assert (found.error, found.differences) == ("", ())
