"""A bot whose orders are routed: it follows one that moves to another broker, and takes no part of a split one for the whole."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.orders import Order
from floorbroker.domain.values import IntentId, OrdStatus
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy
from floorbroker.strategy.bots.clerk import Clerk
from floorbroker.strategy.bots.state import Kept
from floorbroker.strategy.bots.wire import Act
from floorbroker.strategy.wishes import Filled, Ordered, Place, WishId, Withdraw
from tests.support.fake_broker import buy
from tests.support.fleet import MOVING, A, B, Fleet, opened, ruled

pytestmark = pytest.mark.asyncio
WISH = WishId("one")
SPLIT = Policy(rules=(Rule(name="best", uses=Strategy.BEST_EXECUTION, split_most=3),), moving=MOVING)


def clerk_of(fleet: Fleet, kept: Kept | None = None) -> Clerk:
    kept = kept or Kept(strategy="s", parameters={})
    return Clerk(name="bot", desk=fleet.gateway, profile=None, kept=kept)


def told(clerk: Clerk) -> list[tuple[OrdStatus | None, str]]:
    """What the strategy hears now: the status and the total of an order, or the units of a fill."""
    return [
        (news.ord_status, f"{news.cum_qty:f}") if isinstance(news, Ordered) else (None, f"{news.qty:f}")
        for news in clerk.news()
    ]


def split_of(fleet: Fleet, clerk: Clerk) -> list[Order]:
    parent = fleet.router.splitter.find(clerk.kept.orders[WISH])
    assert parent is not None
    return fleet.router.splitter.children(parent)


async def test_a_strategy_is_not_told_that_an_order_ended_that_goes_on_at_another_broker(tmp_path: Path) -> None:
    """Told that it came to nothing, it would wish for the same again, and have it twice."""
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        clerk = clerk_of(fleet)
        fleet.brokers[A].next_submit.append("drop")
        await clerk.carry([Act(place=Place(wish=WISH, order=buy()))])
        first = clerk.kept.orders[WISH]
        slow = fleet.brokers[B].gates["get_market_data"] = asyncio.Event()
        heard = list[tuple[OrdStatus | None, str]]()
        for _ in range(160):
            await fleet.clock.advance(0.25)
            heard += told(clerk)
            if fleet.gateway.order(first).ord_status is OrdStatus.NOT_PLACED:
                slow.set()
        (moved,) = fleet.brokers[B].orders.values()
        assert clerk.notices(fleet.gateway.order(IntentId(moved.cl_ord_id.removeprefix("fb-"))))
        fleet.brokers[B].fill(moved, "10")
        await fleet.clock.advance(0.5)
        heard += told(clerk)
    assert heard == [
        (OrdStatus.UNKNOWN, "0"),
        (OrdStatus.NEW, "0"),
        (None, "10"),
        (OrdStatus.FILLED, "10"),
    ]


async def test_a_bot_that_starts_again_knows_a_split_order_as_the_whole_that_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT) as fleet:
        for name in (A, B):
            fleet.brokers[name].shown = Decimal(6)
        clerk = clerk_of(fleet)
        await clerk.carry([Act(place=Place(wish=WISH, order=buy("10", "101")))])
        parent = clerk.kept.orders[WISH]
        children = split_of(fleet, clerk)
        assert len(children) == 2
        assert all(clerk.notices(child) for child in children)
        for kept in (clerk.kept, None):  # with its file, and without
            again = clerk_of(fleet, kept)
            again.find_orders()
            again.adopt()
            assert again.kept.orders[WISH] == parent
        broker = fleet.brokers[B]
        part = next(child for child in children if child.profile == B)
        broker.fill(broker.of(part.cl_ord_id), "4")
        await fleet.clock.advance(0.5)
        fills = [news for news in again.news() if isinstance(news, Filled)]
        assert [f"{fill.qty:f}" for fill in fills] == ["4"]


async def test_a_wish_that_is_withdrawn_while_its_order_is_on_its_way_is_said_not_to_be_cancelled(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        clerk = clerk_of(fleet)
        fleet.brokers[A].next_submit.append("drop")
        await clerk.carry([Act(place=Place(wish=WISH, order=buy()))])
        first = clerk.kept.orders[WISH]
        slow = fleet.brokers[B].gates["get_market_data"] = asyncio.Event()
        await fleet.until(lambda: fleet.gateway.order(first).ord_status is OrdStatus.NOT_PLACED)
        (answer,) = await clerk.carry([Act(withdraw=Withdraw(wish=WISH))])
        assert answer.reason == "not cancelled: it is on its way to another broker"
        assert not clerk.is_quiet
        slow.set()
        await fleet.until(lambda: fleet.sent() == [A, B])
        assert await clerk.carry([Act(withdraw=Withdraw(wish=WISH))]) == []
        await fleet.until(lambda: fleet.working() == [])
