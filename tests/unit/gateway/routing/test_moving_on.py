"""Intents that are proven dead move to the next route, as new intents; nothing that may live does (RELIABILITY 7, I16)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    Conflict,
    ConnectionFailed,
    InsufficientFunds,
    JournalFault,
    MarketClosed,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    Timeout,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import ExecType, OrdStatus, ProfileName
from floorbroker.gateway.routing.policy import Moving, Strategy
from floorbroker.gateway.routing.record import MOVED
from floorbroker.oms.inquest import Act
from tests.support.fake_broker import FakeBroker, buy
from tests.support.fleet import CALLER, A, B, C, Fleet, make, opened, ruled
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
FAILOVER = ruled(Strategy.FAILOVER)
CURABLE = [
    ConnectionFailed("refused before the first byte"),
    InsufficientFunds("not enough", outcome=Outcome.REFUSED),
    MarketClosed("closed"),
    RateLimitExceeded("too many", outcome=Outcome.REFUSED),
    Timeout("no token in time", outcome=Outcome.NOT_SENT),
]


@pytest.mark.parametrize("error", CURABLE, ids=lambda error: type(error).__name__)
async def test_what_another_venue_may_cure_moves(tmp_path: Path, error: Exception) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append(error)
        order = await fleet.place(buy(), key="k")
        old = _at(fleet, A)
        told = fleet.route(order)
        again = await fleet.submitted(buy(), key="k")
        moved = fleet.events("failover")
    assert (order.profile, order.ord_status) == (B, OrdStatus.NEW)
    assert old.state in (OrderState.NOT_SENT, OrderState.REJECTED)
    assert (told.journey.moved_from, told.journey.tried, told.journey.moves) == (old.intent_id, (A, B), 1)
    assert order.route.endswith(f"moved from order {old.intent_id}")
    assert (again.replayed, again.order.intent_id) == (True, order.intent_id)
    assert [(event.channel, event.data["from"], event.data["to"]) for event in moved] == [("health", A, B)]
    assert "failover.moved" in fleet.log.events


@pytest.mark.parametrize("error", [OrderRejected("a bad price", venue_text="no"), "refuse"], ids=["rejected", "refuse"])
async def test_a_wrong_order_is_wrong_everywhere(tmp_path: Path, error: str | Exception) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append(error)
        order = await fleet.place(buy())
        assert fleet.sent() == [A]
    assert (order.profile, order.state) == (A, OrderState.REJECTED)


async def test_nothing_moves_where_failover_is_not_enabled(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.FAILOVER, moving=Moving())) as fleet:
        fleet.brokers[A].next_submit.append("not_sent")
        order = await fleet.place(buy())
    assert (order.profile, order.state) == (A, OrderState.NOT_SENT)


async def test_a_named_order_stays_where_it_was_sent(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("not_sent")
        named = await fleet.gateway.submit(buy(), profile=A, caller=CALLER)
        await fleet.clock.advance(5.0)
        assert fleet.sent() == [A]
    assert named.order.state is OrderState.NOT_SENT


async def test_moves_are_bounded_and_no_profile_has_it_twice(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        for broker in fleet.brokers.values():
            broker.next_submit.extend(["not_sent"] * 5)
        order = await fleet.place(buy())
        assert fleet.sent() == [A, B, C]
    assert (order.profile, order.state) == (C, OrderState.NOT_SENT)


async def test_max_moves_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.FAILOVER, moving=Moving(enabled=True, max_moves=1))) as fleet:
        for broker in fleet.brokers.values():
            broker.next_submit.append("not_sent")
        await fleet.place(buy())
        assert fleet.sent() == [A, B]


async def test_an_order_on_its_way_elsewhere_says_so_until_it_has_its_place(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        slow = fleet.brokers[B].gates["get_market_data"] = asyncio.Event()
        seen = [(fleet.gateway.route_of(order).moving, fleet.gateway.latest(order.intent_id))]
        await fleet.until(lambda: fleet.gateway.order(order.intent_id).state is OrderState.NOT_PLACED)
        dead = fleet.gateway.order(order.intent_id)
        seen.append((fleet.gateway.route_of(dead).moving, fleet.gateway.latest(order.intent_id)))
        slow.set()
        await fleet.until(lambda: fleet.sent() == [A, B])
        await fleet.clock.advance(0.5)
        (new,) = (one for one in fleet.gateway.orders() if one.profile == B)
        seen.append((fleet.gateway.route_of(dead).moving, fleet.gateway.latest(order.intent_id)))
    assert seen == [(False, order), (True, None), (False, new)]


async def test_what_a_person_declares_not_placed_is_no_proof_and_stays(tmp_path: Path) -> None:
    """Where the venue enforces no bound it is presumed alone, and a decision about a doubt trades nothing."""
    patient = ruled(Strategy.FAILOVER, moving=Moving(enabled=True, max_age_s=3600.0))
    clock = ManualClock(NOON)
    brokers: dict[ProfileName, FakeBroker] = {name: FakeBroker(clock) for name in (A, B)}
    async with opened(tmp_path, patient, brokers=brokers, clock=clock) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        await fleet.until(lambda: fleet.gateway.order(order.intent_id).presumed)
        await fleet.gateway.resolve(
            order.intent_id, Act.DECLARE, caller=CALLER, reason="the broker says so", confirm=order.cl_ord_id
        )
        await fleet.clock.advance(10.0)
        declared = fleet.gateway.order(order.intent_id)
        assert (declared.state, declared.presumed) == (OrderState.NOT_PLACED, False)
        assert fleet.sent() == [A]


async def test_an_unknown_order_never_moves_and_a_proof_that_it_never_arrived_lets_it(tmp_path: Path) -> None:
    """I16: while nobody knows, it stays; the venue enforces its arrival bound here, so silence becomes proof."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy(), key="k")
        assert order.state is OrderState.UNKNOWN
        await fleet.clock.advance(2.0)
        assert fleet.sent() == [A]
        await fleet.until(lambda: len(fleet.sent()) == 2)
        await fleet.clock.advance(1.0)
        old, again = fleet.gateway.order(order.intent_id), await fleet.submitted(buy(), key="k")
    assert old.state is OrderState.NOT_PLACED
    assert (again.replayed, again.order.profile, again.order.ord_status) == (True, B, OrdStatus.NEW)


async def test_what_is_only_presumed_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].info = FakeBroker(fleet.clock).info  # this one enforces no bound
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        await fleet.until(lambda: fleet.gateway.order(order.intent_id).presumed)
        await fleet.clock.advance(10.0)
        assert fleet.sent() == [A]


async def test_an_order_that_is_too_old_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.FAILOVER, moving=Moving(enabled=True, max_age_s=2.0))) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        await fleet.until(lambda: fleet.gateway.order(order.intent_id).state is OrderState.NOT_PLACED)
        await fleet.clock.advance(5.0)
        assert fleet.sent() == [A]
        assert "failover.stays" in fleet.log.events


async def test_an_order_that_was_asked_to_be_cancelled_does_not_move(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        await fleet.until(lambda: not fleet.gateway.order(order.intent_id).is_open)
        await fleet.clock.advance(5.0)
        assert fleet.sent() == [A]


async def test_a_kill_between_two_venues_stops_the_second(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:

        def killed(what: str) -> None:
            if what == "submit":
                fleet.gateway.kill_switch.permits.withdraw(B)
                fleet.gateway.kill_switch.permits.withdraw(C)

        fleet.brokers[A].on_sent = killed
        fleet.brokers[A].next_submit.append("not_sent")
        order = await fleet.place(buy())
        assert fleet.sent() == [A]
        assert "failover.nowhere" in fleet.log.events
    assert (order.profile, order.state) == (A, OrderState.NOT_SENT)


async def test_an_order_that_moved_and_shows_up_after_all_is_cancelled(tmp_path: Path) -> None:
    """A venue that breaks its word costs nothing twice: what shows up late is cancelled at once."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.gateway.sessions[A].ctx.cancel_late = False
        fleet.brokers[A].next_submit.append("lose_and_hide")
        order = await fleet.place(buy())
        await fleet.until(lambda: len(fleet.sent()) == 2)
        fleet.brokers[A].hidden.clear()
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].tell(fleet.brokers[A].report(late, ExecType.NEW, Source.STREAM))
        await fleet.until(lambda: late.status is OrdStatus.CANCELED)
        assert fleet.gateway.order(order.intent_id).state is OrderState.CANCELLED
        assert fleet.working() == [B]


@pytest.mark.parametrize("filled", ["1", "10"])
async def test_an_order_that_moved_and_filled_after_all_takes_its_successor_back_i1(
    tmp_path: Path, filled: str
) -> None:
    """A venue that breaks its word by filling what it never had: the wish is served there, and nowhere else."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("lose_and_hide")
        await fleet.place(buy("10"))
        await fleet.until(lambda: len(fleet.sent()) == 2)
        (new,) = fleet.brokers[B].orders.values()
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].hidden.clear()
        fleet.brokers[A].tell(fleet.brokers[A].fill(late, filled))
        await fleet.until(lambda: new.status is OrdStatus.CANCELED)
        assert new.cum == 0
        await fleet.until(lambda: late.status in {OrdStatus.FILLED, OrdStatus.CANCELED})
        assert (late.status is OrdStatus.FILLED) == (filled == "10")
        assert "failover.old_one_filled" in fleet.log.events


async def test_a_venue_that_refuses_to_cancel_what_shows_up_is_asked_at_a_pace(tmp_path: Path) -> None:
    """Each refusal is news of the order, and news of it is why it is cancelled: that must not go round without a pause."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.gateway.sessions[A].ctx.cancel_late = False
        fleet.brokers[A].next_submit.append("lose_and_hide")
        await fleet.place(buy("10"))
        await fleet.until(lambda: len(fleet.sent()) == 2)
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].hidden.clear()
        fleet.brokers[A].next_cancel.extend(["refuse"] * 1000)
        fleet.brokers[A].tell(fleet.brokers[A].report(late, ExecType.NEW, Source.STREAM))
        await fleet.clock.advance(20.0)
        asked = sum(kind == "cancel" for kind, _ in fleet.brokers[A].requests)
        assert 1 < asked <= 20
        fleet.brokers[A].next_cancel.clear()
        await fleet.until(lambda: late.status is OrdStatus.CANCELED)


async def test_a_start_takes_back_what_is_open_beside_an_order_that_filled_i1(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    fleet.brokers[A].next_submit.append("lose_and_hide")
    await fleet.place(buy())
    await fleet.until(lambda: len(fleet.sent()) == 2)
    (new,), (late,) = fleet.brokers[B].orders.values(), fleet.brokers[A].orders.values()
    fleet.brokers[B].next_cancel.extend(["refuse"] * 50)
    fleet.brokers[A].tell(fleet.brokers[A].fill(late, late.qty))
    await fleet.until(lambda: _at(fleet, A).state is OrderState.FILLED)
    await fleet.crash()
    fleet.brokers[B].next_cancel.clear()
    assert new.status is OrdStatus.NEW
    async with opened(tmp_path, FAILOVER, brokers=fleet.brokers, clock=fleet.clock) as again:
        await again.until(lambda: new.status is OrdStatus.CANCELED)


async def test_an_order_knows_whether_the_one_before_it_is_still_dead_i16(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("lose_and_hide")
        old = await fleet.place(buy())
        await fleet.until(lambda: len(fleet.sent()) == 2)
        new = _at(fleet, B)
        assert (fleet.router.outlived(old.intent_id), fleet.router.outlived(new.intent_id)) == ("", "")
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].tell(fleet.brokers[A].report(late, ExecType.NEW, Source.STREAM))
        await fleet.until(lambda: bool(fleet.router.outlived(new.intent_id)))
        assert fleet.router.outlived(new.intent_id).startswith(f"order {old.intent_id}, whose place")


async def test_the_link_is_in_the_transaction_of_the_new_intent_and_survives(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    fleet.brokers[A].next_submit.append("not_sent")
    order = await fleet.place(buy(), key="k")
    (commit,) = [
        entries
        for entries in fleet.journal.commits
        if any(isinstance(entry, NoteEntry) and entry.topic == MOVED for entry in entries)
    ]
    assert {"prepared", "sending"} <= {getattr(getattr(entry, "fact", None), "kind", "") for entry in commit}
    old = _at(fleet, A)
    await fleet.crash()
    async with opened(tmp_path, FAILOVER, brokers=fleet.brokers, clock=fleet.clock) as again:
        assert again.router.links.moved_to(old.intent_id) == order.intent_id
        assert again.router.links.moved_from(order.intent_id) == old.intent_id
        stored = await again.submitted(buy(), key="k")
        assert len(again.sent()) == 2
    assert (stored.replayed, stored.order.intent_id) == (True, order.intent_id)


async def test_a_crash_between_two_venues_leaves_the_first_intent_and_no_second(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    await fleet.place(buy())
    fleet.brokers[A].next_submit.append("not_sent")
    fleet.journal.fault_when = lambda entries: any(
        isinstance(entry, NoteEntry) and entry.topic == MOVED for entry in entries
    )
    order = await fleet.place(buy("2"), key="k")
    assert (order.profile, order.state) == (A, OrderState.NOT_SENT)
    assert fleet.router.links.moved_to(order.intent_id) is None
    await fleet.crash()
    async with opened(tmp_path, FAILOVER, brokers=fleet.brokers, clock=fleet.clock) as again:
        stored = await again.submitted(buy("2"), key="k")
        await again.clock.advance(60.0)
        assert again.sent() == [A, A]
    assert (stored.replayed, stored.order.intent_id) == (True, order.intent_id)


def _at(fleet: Fleet, name: str) -> Order:
    (order,) = [order for order in fleet.gateway.orders() if order.profile == name]
    return order


async def test_an_order_that_shows_up_while_another_takes_its_place_keeps_that_one_back(tmp_path: Path) -> None:
    """I16: the last look at the old one is right before the send of the new one, not before its commit."""
    async with opened(tmp_path, FAILOVER) as fleet:
        durable = asyncio.Event()
        fleet.journal.hold_when = lambda entries: durable if _moves(entries) else None
        fleet.brokers[A].next_submit.append("lose_and_hide")
        order = await fleet.place(buy(), key="k")
        await fleet.until(lambda: any(map(_moves, fleet.journal.commits)))
        fleet.brokers[A].hidden.clear()
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].tell(fleet.brokers[A].report(late, ExecType.NEW, Source.STREAM))
        await fleet.until(lambda: late.status is OrdStatus.CANCELED)
        durable.set()
        await fleet.clock.advance(3.0)
        new = _at(fleet, B)
        assert fleet.sent() == [A]
        assert fleet.router.links.moved_to(order.intent_id) == new.intent_id
    assert (new.state, new.reject_reason) == (
        OrderState.NOT_SENT,
        f"conflict: order {order.intent_id} is not dead any more: it does not move",
    )


async def test_a_key_whose_last_order_is_on_a_profile_that_left_is_a_conflict(tmp_path: Path) -> None:
    """I20: the order that moved may be alive where nobody here can look; the dead one before it is no answer."""
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    fleet.brokers[A].next_submit.append("not_sent")
    order = await fleet.place(buy(), key="k")
    assert order.profile == B
    await fleet.crash()
    left = {name: fleet.brokers[name] for name in (A, C)}
    async with opened(tmp_path, FAILOVER, brokers=left, clock=fleet.clock) as again:
        with pytest.raises(Conflict, match=f"placed order {order.intent_id}, on a profile that"):
            await again.submitted(buy(), key="k")
        assert again.sent() == [A]


async def test_a_key_of_an_order_that_is_about_to_move_waits_for_where_it_goes(tmp_path: Path) -> None:
    """I20: told as not placed while it moves, an order would be placed a second time under another key."""
    async with opened(tmp_path, FAILOVER) as fleet:
        durable = asyncio.Event()
        fleet.journal.hold_when = lambda entries: durable if _moves(entries) else None
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy(), key="k")
        await fleet.until(lambda: any(map(_moves, fleet.journal.commits)))
        assert fleet.gateway.order(order.intent_id).state is OrderState.NOT_PLACED
        again = asyncio.ensure_future(fleet.submitted(buy(), key="k"))
        await fleet.clock.advance(0.5)
        assert not again.done()
        durable.set()
        found = await again
        assert fleet.sent() == [A, B]
    assert (found.replayed, found.order.profile, found.order.ord_status) == (True, B, OrdStatus.NEW)


async def test_a_desk_that_stops_begins_nothing_elsewhere(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    answer = fleet.brokers[A].gates["submit"] = asyncio.Event()
    fleet.brokers[A].next_submit.append("not_sent")
    placing = asyncio.ensure_future(fleet.submitted(buy(), key="k"))
    await fleet.clock.advance(0.1)
    stopping = asyncio.ensure_future(fleet.gateway.stop())
    await fleet.clock.advance(0.5)
    answer.set()
    while not stopping.done():
        await fleet.clock.advance(0.5)
    await stopping
    await asyncio.gather(placing, return_exceptions=True)
    assert fleet.sent() == [A]


async def test_a_late_move_that_fails_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())

        def unreadable(*_: object) -> None:
            raise JournalFault("a route in the journal cannot be read")

        monkeypatch.setattr("floorbroker.gateway.routing.router.route_of", unreadable)
        await fleet.until(lambda: fleet.gateway.order(order.intent_id).state is OrderState.NOT_PLACED)
        await fleet.clock.advance(1.0)
        assert fleet.sent() == [A]
        assert "a route in the journal cannot be read" in fleet.log.details


def _moves(entries: Sequence[Entry]) -> bool:
    return any(isinstance(entry, NoteEntry) and entry.topic == MOVED for entry in entries)
