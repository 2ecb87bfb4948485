"""Orders that others place on the same account: adopted, observed, or ignored, as the profile says (RELIABILITY 3, I5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import Conflict
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.values import ClOrdId, OrderId, OrdStatus, Price, Side
from floorbroker.gateway.desk import ANY
from floorbroker.oms.external import ExternalOrders, is_external, may_touch
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import VenueOrder, buy
from tests.support.house import CALLER, Desk, make, opened, stopped

pytestmark = pytest.mark.asyncio
ADOPT, OBSERVE, IGNORE = ExternalOrders.ADOPT, ExternalOrders.OBSERVE, ExternalOrders.IGNORE


async def _with_a_strangers_order(desk: Desk, policy: ExternalOrders) -> tuple[Order, VenueOrder]:
    """Ours, and the order for ten units of AAPL that somebody else placed, after a round."""
    desk.ctx.external = policy
    ours = await desk.place(buy("10"))
    mine = desk.broker.of(ours.cl_ord_id)
    theirs = replace(mine, order_id=OrderId("X1"), cl_ord_id=ClOrdId("theirs"))
    desk.broker.orders[theirs.order_id] = theirs
    await _round(desk)
    return ours, theirs


async def _round(desk: Desk) -> None:
    asked = asyncio.ensure_future(desk.session.reconcile_now())
    await desk.until(asked.done)


def _theirs(desk: Desk) -> list[Order]:
    return [order for order in desk.gateway.orders() if order.external]


@pytest.mark.parametrize(("policy", "shown", "counted"), [(ADOPT, 1, 20), (OBSERVE, 1, 20), (IGNORE, 0, 10)])
async def test_what_is_shown_counts_in_risk_i5(
    tmp_path: Path, policy: ExternalOrders, shown: int, counted: int
) -> None:
    async with opened(tmp_path) as desk:
        await _with_a_strangers_order(desk, policy)
        assert len(_theirs(desk)) == shown
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == counted


async def test_an_adopted_order_is_cancelled_like_ours(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        _, theirs = await _with_a_strangers_order(desk, ADOPT)
        (adopted,) = _theirs(desk)
        await desk.gateway.cancel(adopted.intent_id, caller=CALLER)
        await desk.wait()
        assert theirs.status is OrdStatus.CANCELED


async def test_an_observed_order_is_refused_to_everybody_who_would_touch_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        ours, theirs = await _with_a_strangers_order(desk, OBSERVE)
        (observed,) = _theirs(desk)
        with pytest.raises(Conflict, match="only observes"):
            await desk.gateway.cancel(observed.intent_id, caller=CALLER)
        with pytest.raises(Conflict, match="only observes"):
            await desk.gateway.modify(observed.intent_id, OrderChanges(price=Price(Decimal(51))), caller=CALLER)
        done = await desk.gateway.cancel_all(ANY, caller=CALLER)
        assert [order.intent_id for order in done.orders] == [ours.intent_id]
        assert theirs.status is OrdStatus.NEW


@pytest.mark.parametrize("policy", [OBSERVE, IGNORE])
async def test_a_kill_cancels_ours_alone_and_ends(tmp_path: Path, policy: ExternalOrders) -> None:
    """The venue's own cancel-all knows no difference, so it is not asked for."""
    async with opened(tmp_path) as desk:
        ours, theirs = await _with_a_strangers_order(desk, policy)
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(30)
        assert (desk.now(ours).ord_status, theirs.status) == (OrdStatus.CANCELED, OrdStatus.NEW)
        assert (desk.sent("cancel_all"), desk.gateway.kill_state().remaining) == (0, ())
        asked = desk.broker.reads.count("get_open_orders")
        await desk.wait(10)
        assert desk.broker.reads.count("get_open_orders") <= asked + 1, "the kill goes on for ever"


async def test_a_kill_takes_everybodys_orders_where_they_are_adopted(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        _, theirs = await _with_a_strangers_order(desk, ADOPT)
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(5)
        assert (theirs.status, desk.sent("cancel_all") > 0) == (OrdStatus.CANCELED, True)


@asynccontextmanager
async def _begun_again(root: Path, desk: Desk, policy: ExternalOrders) -> AsyncGenerator[Desk]:
    """The desk killed and started anew over its journal, with another policy in its configuration."""
    await desk.crash()
    later = make(root, broker=desk.broker, clock=desk.clock)
    later.ctx.external = policy
    await later.gateway.start()
    try:
        await later.until(lambda: later.session.state.value == "ready")
        yield later
    finally:
        await stopped(later)


@pytest.mark.parametrize("before", [ADOPT, OBSERVE])
@pytest.mark.parametrize("after", [OBSERVE, IGNORE])
async def test_what_stood_in_the_book_is_observed_to_its_end_after_a_change_of_the_policy(
    tmp_path: Path, before: ExternalOrders, after: ExternalOrders
) -> None:
    async with opened(tmp_path) as desk:
        ours, theirs = await _with_a_strangers_order(desk, before)
        desk.broker.fill(theirs, "2")
        await _round(desk)
        async with _begun_again(tmp_path, desk, after) as later:
            later.broker.fill(theirs, "3")
            await later.until(lambda: _theirs(later)[0].cum_qty == 5)
            assert later.ctx.book.holdings.qty("AAPL") == later.broker.positions["AAPL"] == 5
            assert later.ctx.exposure().worst_case("AAPL", Side.BUY) == 20
            await later.gateway.kill(2, caller=CALLER, reason="test")
            await later.wait(10)
            assert (later.now(ours).ord_status, theirs.status) == (OrdStatus.CANCELED, OrdStatus.PARTIALLY_FILLED)
            async with _begun_again(tmp_path, later, after) as last:
                last.broker.fill(theirs, "5")
                await last.until(lambda: _theirs(last)[0].ord_status is OrdStatus.FILLED)
                assert (last.sent("cancel"), last.sent("cancel_all")) == (1, 0)
                assert last.gateway.adjustments(last.ctx.profile.name) == []


async def test_a_cancel_that_was_asked_while_orders_were_adopted_is_not_repeated_once_they_are_observed(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        _, theirs = await _with_a_strangers_order(desk, ADOPT)
        desk.broker.next_cancel.append("ignore")  # the venue takes it and does nothing
        asked = await desk.gateway.cancel(_theirs(desk)[0].intent_id, caller=CALLER)
        assert asked.pending_cancel
        async with _begun_again(tmp_path, desk, OBSERVE) as later:
            await later.wait(60)
            assert (later.sent("cancel"), theirs.status) == (1, OrdStatus.NEW)
            later.broker.fill(theirs, "10")
            await later.until(lambda: _theirs(later)[0].ord_status is OrdStatus.FILLED)


async def test_what_was_looked_away_from_is_taken_in_with_its_fills_counted_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        _, theirs = await _with_a_strangers_order(desk, IGNORE)
        desk.broker.fill(theirs, "2")
        await _round(desk)
        async with _begun_again(tmp_path, desk, ADOPT) as later:
            (adopted,) = _theirs(later)
            assert adopted.cum_qty == later.ctx.book.holdings.qty("AAPL") == 2
            await later.gateway.kill(2, caller=CALLER, reason="test")
            await later.until(lambda: theirs.status is OrdStatus.CANCELED)


async def test_nothing_of_ours_makes_way_for_a_wish_that_an_observed_order_stands_in_the_way_of(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(self_match="cancel_resting")) as desk:
        desk.ctx.external = OBSERVE
        ours = await desk.place(buy("5", "100", side=Side.SELL))
        mine = desk.broker.of(ours.cl_ord_id)
        theirs = replace(mine, order_id=OrderId("X1"), cl_ord_id=ClOrdId("theirs"), price=Decimal("100.10"))
        desk.broker.orders[theirs.order_id] = theirs
        await _round(desk)
        with pytest.raises(Conflict, match="only observes"):
            await desk.place(buy("10", "100.20"))
        assert (desk.now(ours).is_open, desk.sent("cancel")) == (True, 0)
        assert (await desk.place(buy("10", "100.05"))).is_open
        assert not desk.now(ours).is_open


async def test_fills_of_ignored_orders_become_an_adjustment_that_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        _, theirs = await _with_a_strangers_order(desk, IGNORE)
        desk.broker.fill(theirs, "4")
        await _round(desk)
        (found,) = desk.gateway.adjustments(desk.ctx.profile.name)
        assert (found.adjustment.qty, found.adjustment.cause) == (4, "orders that are ignored")
        assert (desk.ctx.book.holdings.qty("AAPL"), desk.service.inbound.strays) == (4, 0)


async def test_an_order_of_ours_is_never_taken_for_a_strangers(tmp_path: Path) -> None:
    """Its own commit, or reply, may still be on the way when a listing shows it."""
    async with opened(tmp_path) as desk:
        desk.ctx.external = IGNORE
        desk.broker.next_submit.append("lose")
        order = await desk.place(buy())
        await _round(desk)
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW)
        assert _theirs(desk) == []


async def test_the_children_of_a_strangers_group_are_the_strangers(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        ours, _ = await _with_a_strangers_order(desk, OBSERVE)
        (head,) = _theirs(desk)
        child = replace(desk.now(ours), parent_id=head.intent_id)
        find = desk.ctx.book.get
        assert (is_external(child, find), is_external(desk.now(ours), find)) == (True, False)
        assert [may_touch(child, policy, find) for policy in (ADOPT, OBSERVE, IGNORE)] == [True, False, False]


async def test_a_filtered_cancel_tells_of_each_order_what_became_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first, second = await desk.place(buy("3")), await desk.place(buy("4"))
        desk.broker.next_cancel.append("refuse")
        done = await desk.gateway.cancel_all(ANY, caller=CALLER)
        (refused,) = done.refused
        assert {order.intent_id for order in done.orders} == {first.intent_id, second.intent_id}
        assert (done.refused[refused].code, desk.gateway.order(refused).is_open) == ("order_rejected", True)
