"""The life of a split order: cancels that meet trouble, parts that are refused or move, a kill switch in its midst."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.api.views.orders import order_view
from floorbroker.domain.errors import Conflict, InsufficientFunds, OrderRejected, Outcome, Timeout
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry
from floorbroker.domain.values import IntentId, OrdStatus, Price, ProfileName
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, MOVING, A, B, C, Fleet, make, opened

pytestmark = pytest.mark.asyncio
SPLIT = Policy(rules=(Rule(name="best", uses=Strategy.BEST_EXECUTION, split_most=3),))
MOVES = replace(SPLIT, moving=MOVING)


def shown(fleet: Fleet, **sizes: str) -> None:
    """What each venue shows at 100.01; one that is not named shows nothing it would sell."""
    for name, broker in fleet.brokers.items():
        broker.shown = Decimal(sizes.get(name, "0"))


def child(fleet: Fleet, order: Order, name: ProfileName) -> Order:
    parent = fleet.router.splitter.find(order.intent_id)
    assert parent is not None
    return next(one for one in fleet.router.splitter.children(parent) if one.profile == name)


def now(fleet: Fleet, order: Order) -> tuple[OrdStatus, Decimal, Decimal | None]:
    found = fleet.gateway.order(order.intent_id)
    return found.ord_status, found.cum_qty, found.leaves_qty


def planned(fleet: Fleet) -> IntentId:
    """The one split order whose plan is durable."""
    notes = [entry for commit in fleet.journal.commits for entry in commit if isinstance(entry, NoteEntry)]
    (topic,) = {note.topic for note in notes if note.topic.startswith("split:")}
    return IntentId(topic.removeprefix("split:"))


def begins(entries: Sequence[Entry], profile: ProfileName) -> bool:
    return any(isinstance(e, NoteEntry) and e.profile == profile and e.data.get("what") == "child" for e in entries)


# -- cancels ------------------------------------------------------------------------------------------------------------------


async def test_a_cancel_that_one_venue_refuses_is_told_and_the_whole_is_not_called_pending(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await fleet.place(buy("10", "101"))
        fleet.brokers[B].next_cancel.append("refuse")
        with pytest.raises(OrderRejected, match=f"^beta {child(fleet, order, B).intent_id}: not cancelable"):
            await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        assert now(fleet, order) == (OrdStatus.NEW, 0, 4)
        assert child(fleet, order, A).ord_status is OrdStatus.CANCELED
        again = await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        assert (again.ord_status, again.leaves_qty) == (OrdStatus.CANCELED, 0)


async def test_a_cancel_that_one_venue_does_not_answer_stays_pending_until_it_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await fleet.place(buy("10", "101"))
        fleet.brokers[B].next_cancel.append(Timeout("no answer", outcome=Outcome.UNKNOWN))
        with pytest.raises(Timeout):
            await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        assert now(fleet, order) == (OrdStatus.PENDING_CANCEL, 0, 4)
        await fleet.until(lambda: not fleet.gateway.order(order.intent_id).is_open)
        assert now(fleet, order) == (OrdStatus.CANCELED, 0, 0)


async def test_the_cancel_of_the_rest_keeps_the_part_that_is_filled(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await fleet.place(buy("10", "101"))
        fleet.brokers[B].fill(fleet.brokers[B].of(child(fleet, order, B).cl_ord_id), "4")
        await fleet.clock.advance(0.5)
        await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        assert now(fleet, order) == (OrdStatus.CANCELED, 4, 0)
        assert [kind for kind, _ in fleet.brokers[B].requests] == ["submit"]


async def test_a_cancel_whose_life_ended_before_it_reached_a_part_reaches_it_in_the_next(tmp_path: Path) -> None:
    fleet = make(tmp_path, MOVES)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    shown(fleet, alpha="6", beta="4")
    order = await fleet.place(buy("10", "101"))
    fleet.journal.fault_when = lambda entries: any(_is_wish_to_cancel(entry) for entry in entries)
    for name in (A, B):
        fleet.brokers[name].gates["cancel"] = asyncio.Event()
    ending = asyncio.ensure_future(fleet.gateway.cancel(order.intent_id, caller=CALLER))
    await fleet.clock.advance(0.5)
    ending.cancel()
    await fleet.crash()
    for broker in fleet.brokers.values():
        broker.gates.clear()
    again = make(tmp_path, MOVES, brokers=fleet.brokers, clock=fleet.clock)
    await again.gateway.start()
    try:
        await again.until(lambda: not again.gateway.order(order.intent_id).is_open)
        assert now(again, order) == (OrdStatus.CANCELED, 0, 0)
    finally:
        await again.stop()


def _is_wish_to_cancel(entry: Entry) -> bool:
    return isinstance(entry, FactEntry) and entry.fact.kind == "cancel_asked"


async def test_a_part_that_its_venue_refused_to_cancel_is_left_alone_by_the_next_life(tmp_path: Path) -> None:
    fleet = make(tmp_path, MOVES)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    shown(fleet, alpha="6", beta="4")
    order = await fleet.place(buy("10", "101"))
    fleet.brokers[B].next_cancel.append("refuse")
    with pytest.raises(OrderRejected):
        await fleet.gateway.cancel(order.intent_id, caller=CALLER)
    await fleet.crash()
    async with opened(tmp_path, MOVES, brokers=fleet.brokers, clock=fleet.clock) as again:
        await again.clock.advance(10.0)
        assert now(again, order) == (OrdStatus.NEW, 0, 4)


# -- parts that come to nothing -----------------------------------------------------------------------------------------------


async def test_a_part_of_the_size_of_another_moves_beside_it(tmp_path: Path) -> None:
    """What its venue refused for want of money goes to the other one, which has a part of the same terms already."""
    watchful = {name: RiskLimits(duplicate_window_s=Decimal(2)) for name in (A, B)}
    async with opened(tmp_path, MOVES, names=(A, B), limits=watchful) as fleet:
        shown(fleet, alpha="5", beta="5")
        fleet.brokers[A].next_submit.append(InsufficientFunds("no money"))
        order = await fleet.place(replace(buy("10", "101"), allow_duplicate=False))
        assert now(fleet, order) == (OrdStatus.NEW, 0, 10)
        assert sorted(fleet.sent()) == [A, B, B]


async def test_a_part_that_no_other_venue_would_cure_is_told_and_goes_nowhere(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("refuse")
        order = await fleet.place(buy("10", "101"))
        await fleet.clock.advance(30.0)
        assert now(fleet, order) == (OrdStatus.NEW, 0, 4)
        assert (child(fleet, order, A).reject_reason, sorted(fleet.sent())) == ("order_rejected", [A, B])


async def test_while_a_part_is_on_its_way_elsewhere_the_whole_is_not_told_as_ended(tmp_path: Path) -> None:
    """Whoever hears that 4 of 10 is all there will be may place the other 6 once more (I1)."""
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("not_sent")
        fleet.brokers[B].next_submit.append("accept_then_fill")
        slow = fleet.brokers[C].gates["get_market_data"] = asyncio.Event()
        placing = asyncio.ensure_future(fleet.place(buy("10", "101")))
        await fleet.until(
            lambda: sorted(fleet.sent()) == [A, B]
        )  # without a word of gamma, which is asked once more now
        await fleet.clock.advance(0.1)
        assert not placing.done()
        meanwhile = fleet.gateway.order(planned(fleet))
        slow.set()
        order = await placing
        assert (meanwhile.is_open, meanwhile.cum_qty, meanwhile.leaves_qty) == (True, 4, 6)
        assert now(fleet, order) == (OrdStatus.PARTIALLY_FILLED, 4, 6)


async def test_a_part_that_is_proven_dead_late_keeps_the_whole_open_until_it_has_moved(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("drop")
        fleet.brokers[B].next_submit.append("accept_then_fill")
        order = await fleet.place(buy("10", "101"))
        silent = {name: asyncio.Event() for name in (B, C)}
        for name, gate in silent.items():
            fleet.brokers[name].gates["get_market_data"] = gate
        seen = list[tuple[bool, Decimal | None]]()
        for _ in range(4 * 60):
            await fleet.clock.advance(0.25)
            found = fleet.gateway.order(order.intent_id)
            seen.append((found.is_open, found.leaves_qty))
            if child(fleet, order, A).ord_status is OrdStatus.NOT_PLACED and len(seen) % 8 == 0:
                for gate in silent.values():
                    gate.set()
        sent = fleet.sent()
        assert len(sent) == 3
        assert set(seen) == {(True, Decimal(6))}


# -- a kill switch and a change in its midst ----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2])
async def test_a_kill_between_two_parts_keeps_the_second_back_and_nothing_moves(tmp_path: Path, level: int) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        hold = asyncio.Event()
        fleet.journal.hold_when = lambda entries: hold if begins(entries, B) else None
        placing = asyncio.ensure_future(fleet.place(buy("10", "101")))
        await fleet.until(lambda: fleet.sent() == [A])
        await fleet.gateway.kill(level, caller=CALLER, reason="stop")
        hold.set()
        order = await placing
        await fleet.clock.advance(20.0)
        assert fleet.sent() == [A]
        assert now(fleet, order) == ((OrdStatus.NEW, 0, 6) if level == 1 else (OrdStatus.CANCELED, 0, 0))
        reason = child(fleet, order, B).reject_reason
        assert reason is not None
        assert reason.startswith("kill_switch_on")


async def test_a_kill_with_a_part_on_the_wire_cancels_it_when_it_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        answer = fleet.brokers[B].gates["submit"] = asyncio.Event()
        placing = asyncio.ensure_future(fleet.place(buy("10", "101")))
        await fleet.until(lambda: sorted(fleet.sent()) == [A, B])
        await fleet.gateway.kill(2, caller=CALLER, reason="stop")
        answer.set()
        order = await placing
        await fleet.until(lambda: fleet.working() == [])
        await fleet.clock.advance(5.0)
        assert now(fleet, order) == (OrdStatus.CANCELED, 0, 0)


async def test_a_split_order_is_changed_part_by_part(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        order = await fleet.place(buy("10", "101"))
        mine = child(fleet, order, A)
        dearer = OrderChanges(price=Price(Decimal(102)))
        with pytest.raises(Conflict, match=f"ask for its children .*{mine.intent_id}"):
            await fleet.gateway.modify(order.intent_id, dearer, caller=CALLER)
        changed = await fleet.gateway.modify(mine.intent_id, dearer, caller=CALLER)
        await fleet.clock.advance(1.0)
        assert changed.price == 102
        assert now(fleet, order) == (OrdStatus.NEW, 0, 10)


async def test_a_part_on_its_way_into_the_journal_is_not_told_as_unseen(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        hold = asyncio.Event()
        fleet.journal.hold_when = lambda entries: hold if begins(entries, B) else None
        placing = asyncio.ensure_future(fleet.place(buy("10", "101")))
        await fleet.until(lambda: fleet.sent() == [A])
        found = fleet.gateway.order(planned(fleet))
        hold.set()
        await placing
        assert (found.ord_status, found.leaves_qty, found.evidence) == (OrdStatus.NEW, 10, ())


async def test_why_a_part_has_no_order_is_shown_at_the_part(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        hold = asyncio.Event()
        fleet.journal.hold_when = lambda entries: hold if any(_is_plan(entry) for entry in entries) else None
        placing = asyncio.ensure_future(fleet.place(buy("10", "101")))
        await fleet.clock.advance(0.5)
        await fleet.gateway.kill(1, caller=CALLER, reason="stop")
        hold.set()
        order = await placing
        view = order_view(order, fleet.gateway.route_of(order))
        assert view.routing is not None
        assert [part.left[:15] for part in view.routing.parts] == ["kill_switch_on:"] * 2
        assert (view.ord_status, view.children, fleet.sent()) == ("not_sent", (), [])


async def test_why_a_part_was_refused_is_shown_at_the_child(tmp_path: Path) -> None:
    async with opened(tmp_path, MOVES) as fleet:
        shown(fleet, alpha="6", beta="4")
        fleet.brokers[A].next_submit.append("refuse")
        order = await fleet.place(buy("10", "101"))
        view = order_view(order, fleet.gateway.route_of(order))
        assert {one.profile: one.reject_reason for one in view.children} == {A: "order_rejected", B: None}


def _is_plan(entry: Entry) -> bool:
    return isinstance(entry, NoteEntry) and entry.data.get("what") == "planned"
