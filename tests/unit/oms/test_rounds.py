"""Reconciliation rounds: whole or not at all, nothing concluded from absence, differences explained once (RELIABILITY 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.records import ExecutionReport, Fetched, Position
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Quantity,
    Side,
)
from tests.support.fake_broker import INFO, FakeBroker, VenueOrder, buy, silence
from tests.support.house import NOON, Desk, ManualClock, opened

pytestmark = pytest.mark.asyncio


def _adjustments(desk: Desk) -> list[str]:
    notes = [r.entry for r in desk.gateway.journal.read(kinds=frozenset({"note"}))]
    return [n.data["qty"] for n in notes if isinstance(n, NoteEntry) and n.topic == "adjustment"]


def _without(*lacking: Can) -> tuple[FakeBroker, ManualClock]:
    clock = ManualClock(NOON)
    return FakeBroker(clock, info=replace(INFO, can=INFO.can - set(lacking))), clock


@pytest.mark.parametrize("part", ["get_open_orders", "get_order_history", "get_fills", "get_positions"])
async def test_a_fetch_that_fails_in_any_part_changes_nothing_i8(tmp_path: Path, part: str) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        desk.broker.failing[part] = silence()
        before = desk.now(order)
        result = await desk.session.reconcile_now()
        assert (result.converged, desk.now(order)) == (False, before)
        assert _adjustments(desk) == []


async def test_an_order_missing_from_the_list_is_asked_for_by_name_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.hidden.add(desk.broker.of(order.cl_ord_id).order_id)
        before = desk.broker.reads.count("get_order_status")
        await desk.wait(1)
        await desk.session.reconcile_now()
        assert desk.broker.reads.count("get_order_status") > before
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_a_missing_position_is_not_flat_while_its_read_fails_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        desk.broker.failing["get_positions"] = silence()
        await desk.session.reconcile_now()
        assert desk.ctx.book.holdings.qty("AAPL") == 10


async def test_fills_missed_by_the_stream_come_with_the_round_and_once_i6(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        report = desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        rounds = [asyncio.ensure_future(desk.session.reconcile_now()) for _ in range(3)]
        await desk.wait(30)
        await asyncio.gather(*rounds)
        desk.broker.muted = False
        desk.broker.tell(report)
        await desk.wait()
        assert (desk.now(order).cum_qty, len(desk.now(order).executions)) == (4, 1)
        assert desk.ctx.book.holdings.qty("AAPL") == 4


async def test_executions_are_applied_once_across_restarts_i6(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        assert len(desk.now(order).executions) == 1
        assert desk.ctx.book.holdings.qty("AAPL") == 4


async def test_an_unexplained_difference_is_adjusted_once_however_many_rounds_run_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.positions["MSFT"] = Decimal(7)
        rounds = [asyncio.ensure_future(desk.session.reconcile_now()) for _ in range(4)]
        await desk.wait(30)
        await asyncio.gather(*rounds)
        assert (_adjustments(desk), desk.ctx.book.holdings.qty("MSFT")) == (["7"], 7)


async def test_a_fee_taken_out_of_the_coins_is_no_difference(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("2", symbol="BTC/USD"))
        trade = desk.broker.fill(desk.broker.of(order.cl_ord_id), "2")
        desk.broker.positions["BTC/USD"] -= Decimal("0.004")
        desk.broker.executions.append(replace(trade, fee=Money(Decimal("0.004"), "BTC")))
        await desk.wait()
        await desk.session.reconcile_now()
        assert (_adjustments(desk), desk.ctx.book.holdings.qty("BTC/USD")) == ([], Decimal("1.996"))
        assert desk.now(order).cum_qty == 2
        assert desk.ctx.exposure().worst_case("BTC/USD", Side.BUY) == Decimal("1.996")


async def test_a_difference_an_order_in_doubt_may_explain_is_never_adjusted_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        result = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(3)
        assert (await result).converged is False
        assert (_adjustments(desk), desk.now(order).state) == ([], OrderState.UNKNOWN)
        desk.broker.hidden.clear()
        await desk.until(lambda: desk.now(order).cum_qty == 10)
        again = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(3)
        assert (await again).converged is True
        assert (_adjustments(desk), desk.ctx.book.holdings.qty("AAPL")) == ([], 10)


class _WholeCoins(FakeBroker):
    """A venue that knows coins alone: it tells all of one in the pair `told_in`."""

    told_in = "BTC/USD"

    async def get_positions(self) -> Fetched[Position]:
        listed = await super().get_positions()
        total = sum((position.qty for position in listed.items), Decimal(0))
        return replace(listed, items=(Position(symbol=self.told_in, qty=total),))


async def test_a_coin_bought_in_two_pairs_and_told_in_one_is_no_difference(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = _WholeCoins(clock, info=replace(INFO, whole_coins=True))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        for symbol, qty in (("BTC/USD", "2"), ("BTC/USDT", "3")):
            order = await desk.place(buy(qty, symbol=symbol))
            broker.fill(broker.of(order.cl_ord_id), qty)
        for broker.told_in in ("BTC/USD", "BTC/USDT", "BTC/EUR"):
            await desk.session.reconcile_now()
        assert _adjustments(desk) == []
        assert desk.ctx.book.holdings.all() == {"BTC/USD": 2, "BTC/USDT": 3}


async def test_a_coins_difference_waits_for_an_order_in_doubt_in_another_of_its_pairs(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = _WholeCoins(clock, info=replace(INFO, whole_coins=True))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy(symbol="BTC/USDT"))
        broker.muted = True
        broker.fill(broker.of(order.cl_ord_id), "10")
        result = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(3)
        assert (await result).converged is False
        assert _adjustments(desk) == []


async def test_a_difference_that_does_not_stand_still_degrades_the_profile_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        count = 0

        class Restless(dict[str, Decimal]):
            def items(self) -> object:
                nonlocal count
                count += 1
                return [("MSFT", Decimal(count))]

        desk.broker.positions = Restless()
        desk.session.reconcile_again("test")
        await desk.until(lambda: desk.session.state.value == "degraded")
        assert "do not agree" in desk.session.reason
        assert _adjustments(desk) == []


class _SlowPositions(FakeBroker):
    """Positions whose second list is on its way for a second, while something happens."""

    asked = 0
    meanwhile: Callable[[], object]

    async def get_positions(self) -> Fetched[Position]:
        listed = await super().get_positions()
        self.asked += 1
        if self.asked == 2:
            self.meanwhile()
            await self.clock.sleep(1)
        return listed


async def test_a_list_of_positions_does_not_undo_a_fill_that_came_while_it_was_asked_for_i8(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = _SlowPositions(clock)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        bought, sold = await desk.place(buy()), await desk.place(buy(side=Side.SELL))
        broker.muted = True
        late = broker.fill(broker.of(bought.cl_ord_id), "10", listed=False)

        def meanwhile() -> None:
            broker.muted = False
            broker.tell(late)
            broker.fill(broker.of(sold.cl_ord_id), "10")

        broker.asked, broker.meanwhile = 0, meanwhile
        round_ = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(15)
        assert (await round_).converged
        assert broker.asked == 3
        assert (_adjustments(desk), desk.ctx.book.holdings.all()) == ([], {})


async def test_totals_explain_a_difference_where_the_venue_lists_no_fills(tmp_path: Path) -> None:
    broker, clock = _without(Can.HISTORY_FILLS)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await desk.place(buy())
        broker.muted = True
        broker.gates["get_positions"] = asyncio.Event()
        round_ = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait()
        broker.fill(broker.of(order.cl_ord_id), "10")  # after the orders were listed, before the positions are
        broker.gates["get_positions"].set()
        await desk.wait(10)
        assert (await round_).converged is False
        assert (_adjustments(desk), desk.now(order).needs_executions) == ([], True)


def _strangers_fill(broker: FakeBroker, of: VenueOrder) -> VenueOrder:
    """A filled order that nobody here has sent; its fill is listed as venues list fills, which name an order and no more."""
    order = replace(of, order_id=type(of.order_id)("X1"), cl_ord_id=type(of.cl_ord_id)("theirs"))
    broker.orders[order.order_id] = order
    broker.fill(order, "10")
    broker.executions[-1] = replace(broker.executions[-1], cl_ord_id=None, order_type=None)
    return order


async def test_an_order_that_came_during_a_round_explains_its_fills(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        broker = desk.broker
        broker.muted = True
        broker.gates["get_fills"] = asyncio.Event()
        round_ = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait()
        _strangers_fill(broker, broker.of(order.cl_ord_id))  # the orders are listed already, the fills are not
        broker.gates["get_fills"].set()
        await desk.wait(10)
        assert (await round_).converged
        assert (_adjustments(desk), desk.ctx.book.holdings.qty("AAPL")) == ([], 10)


async def test_fills_of_an_order_nobody_has_heard_of_are_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        broker = desk.broker
        broker.muted = True
        del broker.orders[_strangers_fill(broker, broker.of(order.cl_ord_id)).order_id]
        round_ = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(5)
        assert (await round_).converged is False
        assert _adjustments(desk) == []
        await desk.wait(21)
        round_ = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.wait(5)
        assert (await round_).converged
        assert _adjustments(desk) == ["10"]


async def test_a_listing_that_lags_is_asked_again_until_the_fills_are_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        desk.broker.muted = True
        report = desk.broker.fill(venue, "10", listed=False)
        await desk.wait(31)
        assert (desk.now(order).cum_qty, desk.now(order).needs_executions) == (10, True)
        desk.broker.executions.append(report)
        await desk.until(lambda: not desk.now(order).needs_executions, longest_s=35)
        assert [e.synthetic for e in desk.now(order).executions] == [False]


async def test_a_venue_without_a_list_of_fills_gets_a_stand_in_after_the_grace(tmp_path: Path) -> None:
    broker, clock = _without(Can.HISTORY_FILLS)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        desk.broker.muted = True
        first = desk.broker.fill(venue, "4", "99")
        second = desk.broker.fill(venue, "6", "98")
        await desk.until(lambda: desk.now(order).cum_qty == 10, longest_s=40)
        assert desk.now(order).executions == ()
        await desk.wait(12)
        (stand_in,) = desk.now(order).executions
        assert (stand_in.synthetic, stand_in.last_qty, stand_in.last_px) == (True, 10, Decimal("98.4"))
        assert desk.ctx.book.holdings.qty("AAPL") == 10
        desk.broker.muted = False
        desk.broker.tell(first)
        await desk.wait()
        assert (desk.now(order).cum_qty, desk.ctx.book.holdings.qty("AAPL")) == (10, 10)
        desk.broker.tell(second)
        await desk.wait(60)
        assert [(e.synthetic, e.last_qty) for e in desk.now(order).executions] == [(False, 4), (False, 6)]
        assert desk.ctx.book.holdings.qty("AAPL") == 10


async def test_an_order_sized_by_money_is_asked_about_when_its_fill_was_taken_back_and_nobody_says_what_became_of_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        wish = replace(buy(price=None), order_qty=None, notional=Decimal(1500))
        order = await desk.place(wish)
        venue = desk.broker.of(order.cl_ord_id)
        fill = desk.broker.fill(venue, "1")
        await desk.wait()
        assert desk.now(order).state is OrderState.FILLED
        venue.cum, venue.cost, venue.status = Decimal(0), Decimal(0), OrdStatus.CANCELED
        desk.broker.positions.clear()
        desk.broker.executions.clear()
        taken_back = replace(fill, exec_type=ExecType.TRADE_CANCEL, exec_ref_id=fill.exec_id, cum_qty=None)
        desk.broker.tell(taken_back)  # and that the order is over by it gets lost
        await desk.wait(10)
        assert (desk.now(order).state, desk.now(order).cum_qty) == (OrderState.CANCELLED, 0)
        asked = desk.broker.reads.count("get_order_status")
        await desk.wait(60)
        assert desk.broker.reads.count("get_order_status") == asked


async def test_an_ended_order_whose_fill_was_corrected_is_asked_about_until_its_total_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = desk.broker.of(order.cl_ord_id)
        fill = desk.broker.fill(venue, "6")
        desk.broker.end(venue)
        await desk.wait()
        venue.cum, venue.cost = Decimal(4), Decimal(400)
        desk.broker.positions["AAPL"] = Decimal(4)
        corrected = replace(
            fill,
            exec_type=ExecType.TRADE_CORRECT,
            exec_ref_id=fill.exec_id,
            last_qty=Quantity(Decimal(4)),
            cum_qty=None,
        )
        desk.broker.executions[-1] = replace(corrected, exec_version=1)
        desk.broker.tell(corrected)
        await desk.wait(10)
        found = desk.now(order)
        assert (found.state, found.cum_qty, found.needs_executions) == (OrderState.CANCELLED, 4, False)


def _taken_back_unheard(desk: Desk, order: Order) -> VenueOrder:
    """It filled, its total was told and no execution; then the venue took back all of it, which ended it."""
    venue = desk.broker.of(order.cl_ord_id)
    desk.broker.muted = True
    fill = desk.broker.fill(venue, "10")
    told = desk.broker.report(venue, ExecType.ORDER_STATUS, Source.STREAM)
    desk.broker.muted = False
    desk.broker.tell(told)
    none_left = replace(
        fill,
        exec_type=ExecType.TRADE_CORRECT,
        exec_id=ExecId("E1.02"),
        exec_ref_id=fill.exec_id,
        exec_version=2,
        last_qty=Quantity(Decimal(0)),
        cum_qty=None,
        ord_status=None,
    )
    desk.broker.executions[:] = [none_left]
    desk.broker.positions.clear()
    venue.cum, venue.cost, venue.status = Decimal(0), Decimal(0), OrdStatus.CANCELED
    return venue


async def test_a_filled_order_none_of_whose_fills_is_ever_listed_is_asked_about_and_what_was_taken_back_unheard_is_found_i10(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        _taken_back_unheard(desk, order)
        await desk.wait()
        assert desk.now(order).state is OrderState.FILLED
        await desk.wait(120)
        found = desk.now(order)
        assert (found.state, found.cum_qty, found.needs_executions) == (OrderState.CANCELLED, 0, False)
        assert _adjustments(desk) == []
        asked = desk.broker.reads.count("get_order_status"), desk.broker.reads.count("get_fills")
        await desk.wait(60)
        assert (desk.broker.reads.count("get_order_status"), desk.broker.reads.count("get_fills")) == asked


async def test_a_total_of_nothing_told_after_an_unheard_bust_is_heard_on_the_stream_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        venue = _taken_back_unheard(desk, order)
        await desk.wait(5)
        assert desk.now(order).state is OrderState.FILLED
        desk.broker.tell(desk.broker.report(venue, ExecType.ORDER_STATUS, Source.STREAM))
        await desk.wait()
        assert (desk.now(order).state, desk.now(order).cum_qty) == (OrderState.CANCELLED, 0)


async def test_a_filled_order_whose_fills_are_older_than_the_venues_list_is_not_asked_about_for_ever(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10", listed=False)
        await desk.wait(3600)
        assert (desk.now(order).state, desk.now(order).needs_executions) == (OrderState.FILLED, True)
        asked = desk.broker.reads.count("get_order_status")
        assert asked < 30
        await desk.wait(3600)
        assert desk.broker.reads.count("get_order_status") == asked


async def test_a_silent_stream_does_not_hide_what_happened_for_long(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.end(desk.broker.of(order.cl_ord_id))
        await desk.wait(45)
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_a_strangers_order_is_adopted_and_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        venue = desk.broker.of(order.cl_ord_id)
        stranger = replace(venue, order_id=type(venue.order_id)("X1"), cl_ord_id=type(venue.cl_ord_id)("theirs"))
        desk.broker.orders[stranger.order_id] = stranger
        await desk.session.reconcile_now()
        assert [o.external for o in desk.gateway.orders()].count(True) == 1
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 20


REFUSED_CANCEL = {"source": Source.REPLY, "exec_type": ExecType.CANCEL_REJECTED, "ord_status": None}


@pytest.mark.parametrize("told", [{}, REFUSED_CANCEL], ids=["by a stream", "by the answer to a cancel"])
async def test_a_member_of_a_group_is_nobodys_until_a_listing_tells_whose(
    tmp_path: Path, told: dict[str, object]
) -> None:
    async with opened(tmp_path) as desk:
        parent = await desk.place(buy("10"))
        leg = ExecutionReport(
            exec_type=ExecType.NEW,
            source=Source.STREAM,
            at=desk.clock.now(),
            ord_status=OrdStatus.NEW,
            order_id=OrderId("L1"),
            cl_ord_id=ClOrdId("made by the venue"),
            symbol="AAPL",
            side=Side.SELL,
            order_type=OrderType.MARKET,
            order_class=OrderClass.BRACKET,
            order_qty=Quantity(Decimal(10)),
        )
        await desk.service.inbound.take([replace(leg, **told)])
        assert [order.intent_id for order in desk.gateway.orders()] == [parent.intent_id]
        listed = replace(leg, source=Source.SNAPSHOT, parent_order_id=parent.order_id)
        await desk.service.inbound.take([listed])
        (child,) = [order for order in desk.gateway.orders() if order.intent_id != parent.intent_id]
        assert (child.parent_id, child.external) == (parent.intent_id, False)


async def test_a_child_that_goes_on_under_another_id_is_one_order_however_soon_that_is_told(tmp_path: Path) -> None:
    """The second report comes before the first one's commit: the book knows neither id yet."""
    async with opened(tmp_path) as desk:
        parent = await desk.place(buy("10"))
        promise = ExecutionReport(
            exec_type=ExecType.HELD,
            source=Source.STREAM,
            at=desk.clock.now(),
            ord_status=OrdStatus.HELD,
            order_id=OrderId("P1"),
            symbol="AAPL",
            side=Side.SELL,
            order_type=OrderType.MARKET,
            order_qty=Quantity(Decimal(10)),
            parent_order_id=parent.order_id,
        )
        made = replace(
            promise,
            exec_type=ExecType.REPLACED,
            ord_status=OrdStatus.NEW,
            order_id=OrderId("L1"),
            replaces=promise.order_id,
        )
        desk.service.on_report(promise)
        desk.service.on_report(made)
        await desk.wait()
        (child,) = [order for order in desk.gateway.orders() if order.intent_id != parent.intent_id]
        assert (child.order_ids, child.ord_status) == (("P1", "L1"), OrdStatus.NEW)


async def test_the_watch_goes_on_after_a_look_that_broke(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.muted = True
        desk.broker.failing["get_open_orders"] = RuntimeError("a bug in an adapter")
        await desk.wait(35)
        assert "watch.unforeseen" in desk.log.events
        desk.broker.failing.clear()
        desk.broker.end(desk.broker.of(order.cl_ord_id))
        await desk.wait(35)
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_fills_older_than_the_venues_list_do_not_keep_a_profile_from_ready_i11(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    async with opened(tmp_path / "first", broker=broker, clock=clock) as desk:
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4", listed=False)
        await desk.wait()
    stranger = replace(broker.of(order.cl_ord_id), cl_ord_id=type(order.cl_ord_id)("theirs"))
    broker.orders[stranger.order_id] = stranger
    async with opened(tmp_path / "second", broker=broker, clock=clock) as desk:
        assert desk.only().external
        assert (_adjustments(desk), desk.ctx.book.holdings.qty("AAPL")) == (["4"], 4)
