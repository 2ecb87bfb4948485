"""Whatever shows up late, in whatever order of a journey: two orders of one wish are never left alive (I1, I16)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import ExecType, OrdStatus, ProfileName
from floorbroker.gateway.routing.moving import DEAD
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.gateway.routing.record import MOVED
from floorbroker.oms.account import Actor
from tests.support.fake_broker import FakeBroker, buy
from tests.support.fleet import A, B, C, Fleet, make, opened, ruled

pytestmark = pytest.mark.asyncio
FAILOVER = ruled(Strategy.FAILOVER)


def _at(fleet: Fleet, name: str) -> Order:
    (order,) = [order for order in fleet.gateway.orders() if order.profile == name]
    return order


def _moves(entries: Sequence[Entry], to: ProfileName | None = None) -> bool:
    notes = [entry for entry in entries if isinstance(entry, NoteEntry) and entry.topic == MOVED]
    return any(to in (None, note.profile) for note in notes)


async def test_a_move_of_a_move_waits_for_every_order_before_it_i1_i16(tmp_path: Path) -> None:
    """What the first venue never had shows up while the third is about to get the order: two orders lie between them."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.gateway.sessions[A].ctx.cancel_late = False
        third = asyncio.Event()
        fleet.journal.hold_when = lambda entries: third if _moves(entries, C) else None
        fleet.brokers[A].next_submit.append("lose_and_hide")
        fleet.brokers[B].next_submit.append("not_sent")
        await fleet.place(buy("10"))
        await fleet.until(lambda: any(_moves(entries, C) for entries in fleet.journal.commits))
        (late,) = fleet.brokers[A].orders.values()
        fleet.brokers[A].hidden.clear()
        fleet.brokers[A].tell(fleet.brokers[A].report(late, ExecType.NEW, Source.STREAM))
        await fleet.until(lambda: _at(fleet, A).state not in DEAD)
        assert f"order {_at(fleet, A).intent_id}" in fleet.router.outlived(
            fleet.router.links.last(_at(fleet, A).intent_id)
        )
        third.set()
        await fleet.clock.advance(3.0)
        assert fleet.sent() == [A, B]
        assert _at(fleet, C).state is OrderState.NOT_SENT


async def test_a_start_takes_back_what_two_moves_led_to_when_the_first_order_filled_i1(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    fleet.brokers[A].next_submit.append("lose_and_hide")
    fleet.brokers[B].next_submit.append("not_sent")
    await fleet.place(buy())
    await fleet.until(lambda: len(fleet.sent()) == 3)
    (new,), (late,) = fleet.brokers[C].orders.values(), fleet.brokers[A].orders.values()
    fleet.brokers[C].next_cancel.extend(["refuse"] * 50)
    fleet.brokers[A].tell(fleet.brokers[A].fill(late, late.qty))
    await fleet.until(lambda: _at(fleet, A).state is OrderState.FILLED)
    await fleet.crash()
    fleet.brokers[C].next_cancel.clear()
    assert new.status is OrdStatus.NEW
    async with opened(tmp_path, FAILOVER, brokers=fleet.brokers, clock=fleet.clock) as again:
        await again.until(lambda: new.status is OrdStatus.CANCELED)


async def test_what_shows_up_beside_an_order_that_filled_is_taken_back_however_late_i1(tmp_path: Path) -> None:
    """Neither word is the last: the first order fills while its successor is given up, and then that one shows up too."""
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.gateway.sessions[B].ctx.cancel_late = False
        for name in (A, B):
            fleet.brokers[name].next_submit.append("lose_and_hide")
        fleet.brokers[B].info = FakeBroker(fleet.clock).info  # this one enforces no bound, so nothing moves on from it
        await fleet.place(buy("10"))
        await fleet.until(lambda: len(fleet.sent()) == 2 and _at(fleet, B).presumed)
        (late,), (new,) = fleet.brokers[A].orders.values(), fleet.brokers[B].orders.values()
        fleet.brokers[A].tell(fleet.brokers[A].fill(late, late.qty))
        await fleet.until(lambda: _at(fleet, A).state is OrderState.FILLED)
        fleet.brokers[B].hidden.clear()
        fleet.brokers[B].tell(fleet.brokers[B].report(new, ExecType.NEW, Source.STREAM))
        await fleet.until(lambda: new.status is OrdStatus.CANCELED)


async def test_a_cancel_that_crosses_a_move_holds_what_moves_back(tmp_path: Path) -> None:
    """Who was told that the order is gone would not look for another: the one that took its place must not leave."""
    async with opened(tmp_path, FAILOVER) as fleet:
        durable = asyncio.Event()
        fleet.journal.hold_when = lambda entries: durable if _moves(entries) else None
        fleet.brokers[A].next_submit.append("drop")
        order = await fleet.place(buy())
        asked = fleet.gateway.order(order.intent_id)
        await fleet.until(lambda: any(map(_moves, fleet.journal.commits)))
        canceller = fleet.gateway.sessions[A].service.canceller
        cancelling = asyncio.ensure_future(
            canceller.cancel(asked, actor=Actor(principal="tester", via="test"), reason="enough")
        )
        await fleet.clock.advance(1.0)
        durable.set()
        await fleet.clock.advance(3.0)
        await cancelling
        assert fleet.sent() == [A]
        assert _at(fleet, B).state is OrderState.NOT_SENT
