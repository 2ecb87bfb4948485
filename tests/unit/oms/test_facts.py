"""What venues say, on its way into the book: any order, any number of times, hostile or not (RELIABILITY 3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from floorbroker.domain.facts import Source
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import Approved, Order
from floorbroker.domain.ports import FactEntry
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId, Environment, ExecId, ExecType, OrderId, OrdStatus, Quantity, Side
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import Desk, changes_of, make, opened

pytestmark = pytest.mark.asyncio


def _facts(desk: Desk, order: Order) -> list[object]:
    return [r.entry.fact for r in desk.gateway.order_records(order.intent_id) if isinstance(r.entry, FactEntry)]


async def test_stream_events_before_the_reply_are_not_lost_i7(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("accept_then_fill")
        order = await desk.place(buy())
        await desk.wait()
        assert (desk.now(order).ord_status, len(desk.now(order).executions)) == (OrdStatus.FILLED, 1)


async def test_the_same_report_twice_is_one_execution_i6(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        report = desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        desk.broker.tell(report)
        await desk.wait()
        desk.broker.tell(replace(report, source=Source.QUERY))
        await desk.wait()
        assert (desk.now(order).cum_qty, len(desk.now(order).executions)) == (4, 1)


async def test_any_arrival_order_gives_the_same_order_i7(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        desk.broker.fill(venue, "4")
        desk.broker.fill(venue, "3")
        desk.broker.end(venue)
        await desk.wait()
        facts = _facts(desk, order)
        expected = fold(order.intent_id, facts)  # type: ignore[arg-type]
        assert expected == desk.now(order)
        for shuffled in list(permutations(facts[:6]))[::60]:
            assert fold(order.intent_id, [*shuffled, *facts[6:]]) == expected  # type: ignore[list-item]


async def test_an_older_snapshot_does_not_undo_a_newer_fact_i8(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        stale = desk.broker.report(venue, ExecType.ORDER_STATUS, Source.SNAPSHOT)
        await desk.wait(1)
        desk.broker.fill(venue, "4")
        desk.broker.end(venue)
        await desk.wait()
        await desk.service.inbound.take([stale])
        assert (desk.now(order).ord_status, desk.now(order).cum_qty) == (OrdStatus.CANCELED, 4)


async def test_filled_quantity_falls_only_by_a_bust_i10(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        report = desk.broker.fill(venue, "4")
        await desk.wait()
        lower = replace(desk.broker.report(venue, ExecType.ORDER_STATUS, Source.SNAPSHOT), cum_qty=Quantity(Decimal(1)))
        await desk.service.inbound.take([lower])
        assert desk.now(order).cum_qty == 4
        bust = replace(report, exec_type=ExecType.TRADE_CANCEL, exec_ref_id=report.exec_id, cum_qty=None)
        await desk.service.inbound.take([bust])
        assert (desk.now(order).cum_qty, desk.ctx.book.holdings.qty("AAPL")) == (0, 0)


async def test_a_word_nobody_knows_is_kept_and_guessed_at_by_nobody_i24(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        odd = replace(
            desk.broker.report(desk.broker.of(order.cl_ord_id), ExecType.ORDER_STATUS, Source.STREAM),
            ord_status=None,
            unrecognised="<b>tilted</b>",
        )
        desk.broker.tell(odd)
        await desk.wait()
        assert desk.now(order).ord_status is OrdStatus.NEW
        assert any("tilted" in alert for alert in desk.now(order).alerts)


async def test_a_report_that_breaks_us_does_not_break_the_stream_i24(tmp_path: Path) -> None:
    class Hostile:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        report = desk.broker.report(desk.broker.of(order.cl_ord_id), ExecType.ORDER_STATUS, Source.STREAM)
        desk.broker.tell(replace(report, cl_ord_id=Hostile(), order_id=None))
        desk.broker.end(desk.broker.of(order.cl_ord_id))
        await desk.wait()
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_strays_told_again_and_again_are_kept_once_i24(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        ours = desk.broker.identity.encode(desk.ctx.ids.intent(desk.clock.now()))
        for _ in range(50):
            await desk.wait(0.01)
            desk.broker.tell(
                ExecutionReport(
                    exec_type=ExecType.NEW,
                    source=Source.STREAM,
                    at=desk.clock.now(),
                    cl_ord_id=ClOrdId(ours),
                    order_id=OrderId("X9"),
                    ord_status=OrdStatus.NEW,
                )
            )
        assert desk.service.inbound.strays == 1


async def test_replaying_the_journal_gives_the_same_orders_i26(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for script in ("accept", "refuse", "drop", "accept_then_fill"):
            desk.broker.next_submit.append(script)
            await desk.place(buy())
        await desk.wait(60)
        orders, held = desk.gateway.orders(), desk.ctx.book.holdings.all()
        broker, clock = desk.broker, desk.clock
    again = make(tmp_path, broker=broker, clock=clock)
    assert [repr(o) for o in again.gateway.orders()] == [repr(o) for o in orders]
    assert again.ctx.book.holdings.all() == held
    again.journal.honest.abandon()


async def test_nothing_is_announced_before_it_is_durable_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        heard = changes_of(desk)
        desk.journal.fault_when = lambda entries: True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait(5)
        assert (heard, desk.now(order).cum_qty) == ([], 0)
        desk.journal.fault_when = lambda entries: False
        await desk.wait(5)
        assert desk.now(order).cum_qty == 4
        assert all(change.record.seq <= desk.gateway.last_seq() for change in heard)


async def test_an_order_called_refused_that_works_after_all_is_shown_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("refuse")
        order = await desk.place(buy())
        twin = FakeBroker(desk.clock)
        venue = twin.take(_approved(order))
        desk.broker.orders[venue.order_id] = venue
        desk.broker.tell(desk.broker.report(venue, ExecType.NEW, Source.STREAM))
        await desk.wait()
        assert desk.now(order).is_open
        assert "order.contradiction" in desk.log.events


def _approved(order: Order) -> Approved:
    return Approved(
        intent_id=order.intent_id,
        cl_ord_id=order.cl_ord_id,
        profile=order.profile,
        environment=Environment.SIM,
        order=order.terms,
        decided_at=0.0,
    )


async def test_our_own_id_is_a_better_witness_than_a_venue_id_used_twice_i6(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.place(buy())
        desk.broker.end(desk.broker.of(first.cl_ord_id))
        await desk.wait()
        second = await desk.place(buy())
        told = desk.broker.fill(desk.broker.of(second.cl_ord_id), "4")
        await desk.wait()
        reused = replace(told, order_id=desk.now(first).order_id, exec_id=ExecId("again"), cum_qty=None)
        desk.broker.tell(reused)
        await desk.wait()
        assert desk.now(first).cum_qty == 0
        assert [execution.exec_id for execution in desk.now(second).executions] == [told.exec_id, "again"]


async def test_an_execution_on_the_other_side_is_never_an_orders_own_and_is_shown_i6(tmp_path: Path) -> None:
    """A venue that writes the name of a group's head on its exits as well."""
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        report = desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        exit_ = replace(report, side=Side.SELL, exec_id=ExecId("exit"), ord_status=None, cum_qty=None)
        desk.broker.tell(exit_)
        await desk.wait()
        now = desk.now(order)
        assert (now.cum_qty, len(now.executions)) == (4, 1)
        assert any("other side" in alert for alert in now.alerts)
