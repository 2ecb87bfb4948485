"""How far back a round lists: a durable watermark that only agreement moves, and nothing late is missed (RELIABILITY 4, I9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway.desk import DeskEvent, RoundResult
from floorbroker.oms.rounds import restored_watermark
from tests.support.fake_broker import buy, silence
from tests.support.house import Desk, opened

pytestmark = pytest.mark.asyncio
OVERLAP = timedelta(minutes=5)


async def _round(desk: Desk) -> RoundResult:
    """One round on demand, with the time it takes."""
    asked = asyncio.ensure_future(desk.session.reconcile_now())
    await desk.until(asked.done)
    return await asked


def _events(desk: Desk) -> list[DeskEvent]:
    """What is published from here on."""
    heard: list[DeskEvent] = []
    tell = desk.gateway.bus.publish

    def both(event: DeskEvent) -> None:
        heard.append(event)
        tell(event)

    desk.gateway.bus.publish = both
    return heard


async def test_a_round_lists_from_the_last_one_that_agreed_less_the_overlap(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = desk.session.service.reconciler.watermark
        assert first is not None
        await desk.wait(60)
        desk.broker.listed_since.clear()
        await _round(desk)
        assert {since for _, since in desk.broker.listed_since} == {first - OVERLAP}


async def test_the_watermark_outlives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy())
        await _round(desk)
        broker, clock, mark = desk.broker, desk.clock, desk.service.reconciler.watermark
    assert mark is not None
    broker.listed_since.clear()
    async with opened(tmp_path, broker=broker, clock=clock):
        outage = clock.now() - mark
        assert min(since for _, since in broker.listed_since) == mark - max(OVERLAP, 2 * outage)


async def test_a_round_in_dispute_does_not_move_the_watermark_in_memory_or_in_the_journal(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        mark = desk.service.reconciler.watermark
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        assert (await _round(desk)).converged is False
        notes = [r.entry for r in desk.gateway.journal.notes("recon.round") if isinstance(r.entry, NoteEntry)]
        assert (desk.service.reconciler.watermark, restored_watermark(notes[-1].data)) == (mark, mark)


async def test_rounds_are_read_back_from_the_journal_as_they_came_to_an_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        name = desk.ctx.profile.name
        before = desk.gateway.rounds(name)
        desk.broker.positions["MSFT"], desk.broker.positions["TSLA"] = Decimal(7), Decimal(2)
        found = [await _round(desk), await _round(desk)]
        desk.broker.failing["get_positions"] = silence()
        assert (await _round(desk)).error
        kept = desk.gateway.rounds(name)
        assert [one.result for one in kept[: -len(before)]] == found[::-1]
        assert (len(found[0].differences), found[1].differences) == (2, ())
        assert desk.gateway.rounds(name, before=kept[0].seq, limit=1) == kept[1:2]


@pytest.mark.parametrize("part", ["get_open_orders", "get_order_history", "get_fills", "get_positions"])
async def test_a_round_that_fails_anywhere_leaves_the_watermark_where_it_was_i8(tmp_path: Path, part: str) -> None:
    async with opened(tmp_path) as desk:
        mark, rounds = desk.service.reconciler.watermark, len(desk.gateway.journal.notes("recon.round"))
        await desk.wait(1)
        desk.broker.failing[part] = silence()
        assert (await _round(desk)).error
        assert desk.service.reconciler.watermark == mark
        assert len(desk.gateway.journal.notes("recon.round")) == rounds


async def test_a_note_of_an_earlier_release_is_its_own_watermark() -> None:
    assert str(restored_watermark({"started": "2026-03-02T15:00:00+00:00"})) == "2026-03-02 15:00:00+00:00"
    assert restored_watermark({"started": "2026-03-02T15:00:00+00:00", "watermark": ""}) is None


async def test_a_difference_is_looked_for_near_first_and_in_the_whole_day_before_it_is_adjusted(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.wait(1)
        desk.broker.positions["MSFT"] = Decimal(7)
        desk.broker.listed_since.clear()
        await _round(desk)
        fills = [since for what, since in desk.broker.listed_since if what == "fills"]
        now = desk.clock.now()
        assert [now - since > timedelta(hours=23) for since in fills] == [False, False, True]
        assert desk.ctx.book.holdings.qty("MSFT") == 7


async def test_an_accounts_first_round_lists_no_past_for_what_it_held_before(tmp_path: Path) -> None:
    async with opened(tmp_path, ready=False) as desk:
        desk.broker.positions["MSFT"] = Decimal(7)
        await desk.until(lambda: desk.session.state.value == "ready")
        assert all(desk.clock.now() - since < timedelta(hours=1) for _, since in desk.broker.listed_since)
        (found,) = desk.gateway.adjustments(desk.ctx.profile.name)
        assert (found.adjustment.cause, found.adjustment.ours, found.adjustment.venue) == ("opening position", 0, 7)


async def test_a_late_fill_of_an_order_cancelled_long_ago_explains_the_difference_it_makes_i9(tmp_path: Path) -> None:
    """It happened hours ago, was listed late, and no list from the watermark on has it: nothing is adjusted away."""
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        desk.broker.end(venue)
        await desk.wait(4 * 3600)
        assert desk.now(order).ord_status is OrdStatus.CANCELED
        desk.broker.muted = True
        desk.broker.fill(venue, "4")
        await _round(desk)
        assert (desk.now(order).cum_qty, desk.gateway.adjustments(desk.ctx.profile.name)) == (4, [])


async def test_each_round_is_an_event_with_counts_and_differences(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard = _events(desk)
        desk.broker.positions["MSFT"] = Decimal(7)
        await _round(desk)
        (told,) = [event for event in heard if event.data.get("event") == "reconciled"]
        assert (told.channel, told.data["kind"], told.data["converged"], told.data["adjusted"]) == (
            "health",
            "full",
            "true",
            "1",
        )
        assert told.data["differences"] == "MSFT: the venue holds 7, our fills say 0"


async def test_a_sweep_is_an_event_when_it_finds_what_the_stream_did_not_tell(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.wait(40)
        heard = _events(desk)
        await desk.wait(40)
        assert [event.data["kind"] for event in heard if "kind" in event.data] == []
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait(35)
        told = [event for event in heard if event.data.get("kind") == "open_orders"]
        assert [event.data["differences"] for event in told] == [f"AAPL: order {order.intent_id} is partially_filled"]


async def test_an_adjustment_is_durable_with_its_audit_row_before_it_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard = _events(desk)
        desk.broker.positions["MSFT"] = Decimal(-7)
        await _round(desk)
        (told,) = [event for event in heard if event.data.get("event") == "adjustment"]
        (found,) = desk.gateway.adjustments(desk.ctx.profile.name)
        rows = [r for r in desk.gateway.audit(limit=1000) if isinstance(r.entry, AuditEntry)]
        (row,) = [r for r in rows if isinstance(r.entry, AuditEntry) and r.entry.action == "position.adjust"]
        assert (told.channel, told.key, told.data["qty"], told.data["cause"]) == (
            "positions",
            "MSFT",
            "-7",
            "unexplained difference",
        )
        assert (found.adjustment.qty, row.seq) == (-7, found.seq + 1)


async def test_a_stream_that_stays_silent_about_what_a_listing_found_is_begun_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.wait(25)
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.until(lambda: "stream.deaf" in desk.log.events, longest_s=60)
        desk.broker.muted = False
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.now(order).cum_qty == 4
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "6")
        await desk.wait()
        assert desk.now(order).ord_status is OrdStatus.FILLED


async def test_a_doubt_that_ends_while_orders_are_listed_says_nothing_of_the_stream(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        desk.broker.gates["get_open_orders"] = gate = asyncio.Event()
        sweep = asyncio.create_task(desk.service.reconciler.sweep())
        await asyncio.sleep(0)
        passed = f.HorizonPassed(source=f.Source.OWN, at=desk.clock.now(), presumed=True, negatives=3)
        await desk.service.inbound.write_facts(order.intent_id, [passed])
        gate.set()
        found = await sweep
        assert (found.counts["changed"], found.counts["untold"]) == (1, 0)


async def test_a_stream_that_tells_a_little_late_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.wait(25)
        desk.broker.muted = True
        report = desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.until(lambda: desk.now(order).cum_qty == 4)
        desk.broker.muted = False
        desk.broker.tell(report)
        await desk.wait(30)
        assert "stream.deaf" not in desk.log.events
