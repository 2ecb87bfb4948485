"""A split order over several fake venues: its children, its sum, what moves, what never does, and what a restart finds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    Conflict,
    ConnectionFailed,
    FloorbrokerError,
    InvalidRequest,
    JournalFault,
    NotFound,
    RiskLimitExceeded,
)
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import IntentId, OrdStatus, ProfileName, Side
from floorbroker.gateway.routing.parents import NEVER_BEGAN, Parent
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy
from floorbroker.gateway.routing.record import PartOf
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import OPEN, FakeBroker, buy
from tests.support.fleet import CALLER, ENFORCED, MOVING, A, B, C, Fleet, make, opened
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
SPLIT = Policy(rules=(Rule(name="best", uses=Strategy.BEST_EXECUTION, split_most=3),))
MOVES = replace(SPLIT, moving=MOVING)


def shown(fleet: Fleet, **sizes: str) -> None:
    """What each venue shows at 100.01; one that is not named shows nothing it would sell."""
    for name, broker in fleet.brokers.items():
        broker.shown = Decimal(sizes.get(name, "0"))


def parent_of(fleet: Fleet, order: Order) -> Parent:
    found = fleet.router.splitter.find(order.intent_id)
    assert found is not None
    return found


def children(fleet: Fleet, order: Order) -> dict[ProfileName, Order]:
    return {child.profile: child for child in fleet.router.splitter.children(parent_of(fleet, order))}


async def placed(fleet: Fleet, qty: str = "10", *, key: str | None = None) -> Order:
    return await fleet.place(buy(qty, "101"), key=key)


async def test_an_order_is_split_where_nobody_shows_enough(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await placed(fleet)
        mine, parent = children(fleet, order), parent_of(fleet, order)
        told = {name: fleet.route(child) for name, child in mine.items()}
        view = fleet.gateway.route_of(fleet.gateway.order(order.intent_id))
    assert {name: child.order_qty for name, child in mine.items()} == {A: 6, B: 4}
    assert (order.ord_status, order.order_qty, order.leaves_qty, order.cum_qty) == (OrdStatus.NEW, 10, 10, 0)
    assert order.route.startswith("best_execution: split: 0.1 bps over 2 venues; alpha alone 0.1 bps, but only 6 of 10")
    assert [(part.profile, part.qty) for part in parent.parts] == [(A, 6), (B, 4)]
    assert parent.parts[0].arithmetic["qty"] == "6"
    assert parent.parts[0].arithmetic["touch_px"] == "100.01"
    assert {seen.profile for seen in parent.seen} == {A, B, C}
    assert told[A].part == PartOf(parent=order.intent_id, number=1)
    assert mine[B].route.endswith(f"part 2 of split order {order.intent_id}")
    assert view.split == parent
    assert [child.profile for child in view.children] == [A, B]


async def test_the_parent_is_the_sum_of_its_fills(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await placed(fleet)
        for name, qty, px in ((A, "6", "100"), (B, "1", "107")):
            broker = fleet.brokers[name]
            broker.fill(broker.of(children(fleet, order)[name].cl_ord_id), qty, px)
        await fleet.clock.advance(1.0)
        partly = fleet.gateway.order(order.intent_id)
        fleet.brokers[B].fill(fleet.brokers[B].of(children(fleet, order)[B].cl_ord_id), "3", "101")
        await fleet.clock.advance(1.0)
        done = fleet.gateway.order(order.intent_id)
        facts = fleet.gateway.order_records(order.intent_id)
    assert (partly.ord_status, partly.cum_qty, partly.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, 7, 3)
    assert partly.avg_px == Decimal(101)
    assert (done.ord_status, done.cum_qty, done.leaves_qty, len(done.executions)) == (OrdStatus.FILLED, 10, 0, 3)
    assert done.version > partly.version > order.version
    assert [record.seq for record in facts] == sorted(record.seq for record in facts)
    assert len({record.entry.profile for record in facts}) == 2


async def test_a_child_whose_profile_was_let_go_is_not_told_as_unfilled(tmp_path: Path) -> None:
    """Whoever asks by the key, or looks whether it filled, must not take the missing part for one to place anew (I1)."""
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await placed(fleet, key="k")
        for name, child in children(fleet, order).items():
            fleet.brokers[name].fill(fleet.brokers[name].of(child.cl_ord_id), str(child.order_qty))
        await fleet.clock.advance(1.0)
        before = fleet.gateway.order(order.intent_id)
        await fleet.gateway.dismiss(B, caller=CALLER, reason="test")
        after = (await fleet.submitted(buy("10", "101"), key="k")).order
        assert len(fleet.sent()) == 2
    assert before.ord_status is OrdStatus.FILLED
    assert (after.ord_status, after.cum_qty, after.leaves_qty) == (OrdStatus.UNKNOWN, 6, 4)
    assert after.evidence[0].startswith("beta ")


async def test_one_key_is_one_split_order(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        first, second = await asyncio.gather(*(fleet.submitted(buy("10", "101"), key="k") for _ in range(2)))
        with pytest.raises(InvalidRequest, match="another body"):
            await fleet.submitted(buy("9", "101"), key="k", body_hash="other")
        assert len(fleet.sent()) == 2
    assert first.order.intent_id == second.order.intent_id
    assert {first.replayed, second.replayed} == {True, False}


async def test_a_double_click_on_a_split_order_is_no_second_one_at_the_others(tmp_path: Path) -> None:
    wish = replace(buy("10", "101"), allow_duplicate=False)
    two = Policy(rules=(Rule(name="best", uses=Strategy.BEST_EXECUTION, split_most=2),))
    async with opened(tmp_path, two) as fleet:
        shown(fleet, alpha="6", beta="4", gamma="3")
        await fleet.place(wish)
        with pytest.raises(RiskLimitExceeded, match=r"the same order was placed 0\.0 s ago at alpha"):
            await fleet.place(wish)
        assert fleet.sent() == [A, B]


async def test_what_is_proven_dead_moves_though_the_first_was_a_moment_ago(tmp_path: Path) -> None:
    wish = replace(buy("10", "101"), allow_duplicate=False)
    moves = Policy(rules=(Rule(name="best", uses=Strategy.PRIMARY),), moving=MOVING)
    async with opened(tmp_path, moves) as fleet:
        fleet.brokers[A].next_submit.append(ConnectionFailed("refused before the first byte"))
        assert (await fleet.place(wish)).profile == B


async def test_a_child_in_doubt_keeps_the_parent_open_and_goes_nowhere_else(tmp_path: Path) -> None:
    """I16: what is unknown is neither moved nor split again; when it is proven dead it moves as a new intent."""
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("drop")
        order = await placed(fleet, key="k")
        await fleet.clock.advance(2.0)
        fleet.brokers[B].fill(fleet.brokers[B].of(children(fleet, order)[B].cl_ord_id), "4", "100")
        await fleet.clock.advance(1.0)
        doubtful = fleet.gateway.order(order.intent_id)
        assert sorted(fleet.sent()) == [A, B]
        await fleet.until(lambda: len(fleet.sent()) == 3)
        await fleet.clock.advance(1.0)
        moved, again = fleet.gateway.order(order.intent_id), await fleet.submitted(buy("10", "101"), key="k")
        numbers = [child.number for child in parent_of(fleet, order).children]
    assert (order.ord_status, order.is_open) == (OrdStatus.UNKNOWN, True)
    assert (doubtful.ord_status, doubtful.cum_qty, doubtful.leaves_qty) == (OrdStatus.UNKNOWN, 4, 6)
    assert doubtful.evidence
    assert (moved.ord_status, moved.cum_qty, moved.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, 4, 6)
    assert sorted(numbers) == [1, 1, 2]
    assert (again.replayed, again.order.intent_id) == (True, order.intent_id)


async def test_what_is_proven_dead_moves_to_another_broker(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append(ConnectionFailed("refused before the first byte"))
        order = await placed(fleet)
        assert (order.ord_status, order.leaves_qty) == (OrdStatus.NEW, 10)
        found = parent_of(fleet, order).children
        old = fleet.gateway.order(found[0].intent_id if found[0].profile == A else found[1].intent_id)
    assert old.state is OrderState.NOT_SENT
    assert len(found) == 3


async def test_without_failover_a_dead_part_is_missing_and_said_so(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append(ConnectionFailed("refused before the first byte"))
        order = await placed(fleet)
        fleet.brokers[B].fill(fleet.brokers[B].of(children(fleet, order)[B].cl_ord_id), "4", "100")
        await fleet.clock.advance(1.0)
        done = fleet.gateway.order(order.intent_id)
    assert (order.ord_status, order.leaves_qty) == (OrdStatus.NEW, 4)
    assert (done.ord_status, done.cum_qty, done.leaves_qty) == (OrdStatus.CANCELED, 4, 0)
    assert done.reject_reason is not None
    assert done.reject_reason.startswith("connection_failed")


async def test_the_cancel_of_the_parent_cancels_its_children(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await placed(fleet)
        cancelled = await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        with pytest.raises(Conflict, match="nothing to cancel"):
            await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        states = {child.ord_status for child in children(fleet, order).values()}
    assert (cancelled.ord_status, states) == (OrdStatus.CANCELED, {OrdStatus.CANCELED})


async def test_a_part_in_doubt_is_cancelled_when_it_shows_up_and_does_not_move(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("drop")
        order = await placed(fleet)
        after = await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        await fleet.until(lambda: not fleet.gateway.order(order.intent_id).is_open)
        await fleet.clock.advance(5.0)
        assert sorted(fleet.sent()) == [A, B]
    assert after.is_open


async def test_a_cancel_while_parts_are_placed_keeps_those_back_that_have_not_left(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        hold = asyncio.Event()
        fleet.journal.hold_when = lambda entries: hold if _begins(entries, B) else None
        placing = asyncio.ensure_future(placed(fleet))
        await fleet.until(lambda: fleet.sent() == [A])
        (name,) = {
            n.topic for c in fleet.journal.commits for n in c if isinstance(n, NoteEntry) and n.topic[:6] == "split:"
        }
        ending = asyncio.ensure_future(fleet.gateway.cancel(IntentId(name.removeprefix("split:")), caller=CALLER))
        await fleet.clock.advance(1.0)
        hold.set()
        order = await placing
        await ending
        assert fleet.sent() == [A]
        now = fleet.gateway.order(order.intent_id)
    assert (now.ord_status, now.leaves_qty) == (OrdStatus.CANCELED, 0)


def _begins(entries: Sequence[Entry], profile: ProfileName) -> bool:
    return any(isinstance(e, NoteEntry) and e.profile == profile and e.data.get("what") == "child" for e in entries)


async def test_a_restart_in_the_middle_finds_the_parts_and_doubles_none(tmp_path: Path) -> None:
    """The plan and one child are durable; the other never began, and is not sent by anybody afterwards (I1, I4)."""
    fleet = make(tmp_path, SPLIT)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    shown(fleet, alpha="6", beta="4")
    fleet.journal.fault_when = lambda entries: _begins(entries, B)
    fleet.brokers[A].gates["submit"] = asyncio.Event()
    placing = asyncio.ensure_future(placed(fleet, key="k"))
    await fleet.clock.advance(1.0)
    placing.cancel()
    await fleet.crash()
    fleet.brokers[A].gates.clear()
    again = make(tmp_path, SPLIT, brokers=fleet.brokers, clock=fleet.clock)
    await again.gateway.start()
    try:
        await again.until(again.ready)
        replayed = await again.submitted(buy("10", "101"), key="k")
        await again.clock.advance(60.0)
        after = await again.submitted(buy("10", "101"), key="k")
    finally:
        await again.stop()
    assert replayed.replayed
    assert fleet.sent().count(A) == 1
    assert B not in fleet.sent()
    assert after.order.intent_id == replayed.order.intent_id
    assert (after.order.is_open, after.order.ord_status) == (False, OrdStatus.NOT_PLACED)


async def test_a_plan_whose_life_ended_at_once_is_told_as_not_sent(tmp_path: Path) -> None:
    fleet = make(tmp_path, SPLIT)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    shown(fleet, alpha="6", beta="4")
    hold = asyncio.Event()
    fleet.journal.hold_when = lambda entries: hold if any(_plans(entry) for entry in entries) else None
    placing = asyncio.ensure_future(placed(fleet, key="k"))
    await fleet.clock.advance(1.0)
    placing.cancel()
    await fleet.crash()
    again = make(tmp_path, SPLIT, brokers=fleet.brokers, clock=fleet.clock)
    await again.gateway.start()
    try:
        await again.until(again.ready)
        found = await again.submitted(buy("10", "101"), key="k")
        assert again.sent() == []
    finally:
        await again.stop()
    assert (found.replayed, found.order.ord_status, found.order.is_open) == (True, OrdStatus.NOT_SENT, False)
    assert found.order.reject_reason == NEVER_BEGAN


def _plans(entry: Entry) -> bool:
    return isinstance(entry, NoteEntry) and entry.data.get("what") == "planned"


async def test_a_plan_that_cannot_be_made_durable_sends_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.journal.fault_when = lambda entries: any(_plans(entry) for entry in entries)
        with pytest.raises(JournalFault):
            await placed(fleet)
        assert fleet.sent() == []


async def test_the_size_limits_hold_for_the_whole(tmp_path: Path) -> None:
    """An order too large for every account is refused, however small its parts would be."""
    tight = RiskLimits(max_order_qty=Decimal(8), duplicate_window_s=Decimal(0))
    async with opened(tmp_path, SPLIT, limits={A: tight, B: tight, C: tight}) as fleet:
        shown(fleet, alpha="6", beta="4")
        for name in (A, B, C):
            await fleet.gateway.submit(buy("1", "90"), profile=name, caller=CALLER)
        with pytest.raises(RiskLimitExceeded, match="quantity 10 is above max_order_qty 8"):
            await placed(fleet)
        assert len(fleet.sent()) == 3


async def test_a_part_that_an_account_refuses_is_planned_elsewhere(tmp_path: Path) -> None:
    full = RiskLimits(max_position_qty=Decimal(3), duplicate_window_s=Decimal(0))
    async with opened(tmp_path, SPLIT, limits={A: full}) as fleet:
        shown(fleet, alpha="6", beta="4", gamma="6")
        for name in (A, B, C):
            await fleet.gateway.submit(buy("1", "90"), profile=name, caller=CALLER)
        order = await placed(fleet)
        assert set(children(fleet, order)) == {B, C}


async def test_a_sell_of_what_two_accounts_hold_closes_each_where_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        for name, qty in ((A, "6"), (B, "4")):
            fleet.brokers[name].next_submit.append("accept_then_fill")
            await fleet.gateway.submit(buy(qty), profile=name, caller=CALLER)
        await fleet.clock.advance(0.1)
        shown(fleet, alpha="100", beta="100", gamma="100")
        sold = await fleet.place(replace(buy("10", "99"), side=Side.SELL))
        assert {name: child.order_qty for name, child in children(fleet, sold).items()} == {A: 6, B: 4}


async def test_a_rule_that_splits_nothing_and_an_order_that_must_stay_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(SPLIT, moving=Moving())) as fleet:
        shown(fleet, alpha="60", beta="4")
        whole = await placed(fleet)
        with pytest.raises(NotFound):
            fleet.gateway.order("nobody")
        assert fleet.router.splitter.find(whole.intent_id) is None
    assert whole.profile == A


async def test_a_preview_shows_the_parts_and_sends_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        seen = await fleet.gateway.preview(buy("10", "101"), profile=None)
        assert fleet.sent() == []
    assert [(part.profile, part.qty) for part in seen.parts] == [(A, 6), (B, 4)]
    assert (seen.profile, [one.profile for one in seen.seen if one.taken]) == (A, [])  # nobody has the whole of it


async def test_what_is_asked_of_one_order_is_asked_of_the_children(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await placed(fleet)
        with pytest.raises(Conflict, match="ask for its children"):
            fleet.gateway.inquest(order.intent_id)


PATIENT = replace(
    ENFORCED, arrival_bound_s=20.0
)  # longer than three negatives take, so that the horizon itself is held
SCRIPTS = ("accept", "accept", "accept_then_fill", "drop", "lose", "lose_and_lag", "not_sent", "refuse", "empty")
DISHONEST = tuple("lose_and_hide" if script == "lose_and_lag" else script for script in SCRIPTS)


@pytest.mark.parametrize("seed", range(16))
async def test_whatever_venues_do_a_split_order_is_never_more_than_it_was(tmp_path: Path, seed: int) -> None:
    """I1, I16: scripted answers, a kill of the process and a cancel, drawn from a seed; then both sides are compared.

    Venues keep the arrival bound they enforce: what they lose is shown at the last moment that it allows.
    """
    assert await _both_sides_agree(tmp_path, seed, SCRIPTS) <= 10


@pytest.mark.parametrize("seed", [3, 7, 8])
async def test_what_a_venue_hides_past_its_own_bound_is_taken_back_when_it_shows_up_i1(
    tmp_path: Path, seed: int
) -> None:
    """While it is hidden nobody can count it; once it shows, it counts or ends, beside whatever took its place."""
    await _both_sides_agree(tmp_path, seed, DISHONEST)


async def _both_sides_agree(tmp_path: Path, seed: int, scripts: Sequence[str]) -> Decimal:
    """The most units that lay at all venues together at any moment, filled or open."""
    random, clock = Random(seed), ManualClock(NOON)
    brokers = {name: FakeBroker(clock, info=PATIENT) for name in (A, B, C)}
    fleet = make(tmp_path, MOVES, brokers=brokers, clock=clock)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    shown(fleet, alpha="4", beta="3", gamma="3")
    for broker in fleet.brokers.values():
        broker.next_submit.extend(random.choice(scripts) for _ in range(2))
    placing = asyncio.ensure_future(placed(fleet, key="k"))
    await fleet.clock.advance(random.choice((0.0, 0.1, 1.0, 8.0)))
    if random.random() < 0.5:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
        await fleet.crash()
        fleet = make(tmp_path, MOVES, brokers=fleet.brokers, clock=fleet.clock)
        await fleet.gateway.start()
    await fleet.until(fleet.ready)
    again = await fleet.submitted(buy("10", "101"), key="k")
    if random.random() < 0.3:
        with suppress(FloorbrokerError):
            await fleet.gateway.cancel(again.order.intent_id, caller=CALLER)
    most = _exposure(fleet)
    for _ in range(240):
        await fleet.clock.advance(0.5)
        most = max(most, _exposure(fleet))
    for broker in fleet.brokers.values():
        broker.hidden.clear()
    await fleet.clock.advance(120.0)
    after = fleet.gateway.order(again.order.intent_id)
    held = [order for broker in fleet.brokers.values() for order in broker.orders.values()]
    await fleet.stop()
    alive = sum((order.qty - order.cum for order in held if order.status in OPEN), Decimal(0))
    assert sum((order.cum for order in held), alive) <= 10
    assert after.cum_qty == sum(order.cum for order in held)
    assert after.leaves_qty == alive
    assert after.ord_status is not OrdStatus.UNKNOWN
    return most


def _exposure(fleet: Fleet) -> Decimal:
    """Units filled or open at the venues, whatever the desk knows of them."""
    held = [order for broker in fleet.brokers.values() for order in broker.orders.values()]
    return sum((order.qty if order.status in OPEN else order.cum for order in held), Decimal(0))
