"""Level 3 at work: after the cancels, under the kill permit, and never twice (RELIABILITY 6, I1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FieldError, KillSwitchOn, NotReady
from floorbroker.domain.orders import Approved, NewOrder, Order
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.records import MarketHours
from floorbroker.domain.steps import FLATTEN
from floorbroker.domain.values import AssetClass, OrdStatus, Side
from floorbroker.gateway.desk import FlattenedPosition
from floorbroker.gateway.flattening import NOT_OPTED, ROUTE, TRIES
from floorbroker.gateway.limiting import Wanted
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import INFO, OPEN, FakeBroker, VenueOrder, buy, silence
from tests.support.house import CALLER, NOON, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


async def holding(desk: Desk, qty: str = "10") -> None:
    """A desk that holds some, and has opted in."""
    desk.gateway.killing.flattening.opted.add(PROFILE)
    order = await desk.place(buy(qty))
    desk.broker.fill(desk.broker.of(order.cl_ord_id), qty)
    await desk.wait()


def closings(desk: Desk) -> list[Order]:
    return sorted((o for o in desk.gateway.orders() if o.route == ROUTE), key=lambda o: o.created_at)


def told(desk: Desk) -> FlattenedPosition:
    (line,) = desk.gateway.kill_state().positions
    return line


class Market(FakeBroker):
    """A venue that may fill sales as they come, in part or whole (the rest goes by itself), be closed, or object."""

    share: Decimal | None = None
    is_shut = False
    objection = ""

    def take(self, approved: Approved) -> VenueOrder:
        order = super().take(approved)
        if order.terms.side is Side.SELL and self.share is not None:
            self.fill(order, (order.qty * self.share).to_integral_value())
            if order.cum < order.qty:
                self.end(order)
        return order

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        return MarketHours(market=market, day=day, is_open_day=True, is_open_now=not self.is_shut)

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        wrong = FieldError(pointer="/quantity", code="odd", detail=self.objection)
        return (wrong,) if self.objection else ()


@asynccontextmanager
async def market(
    root: Path, *, share: str | None = "1", steps: Steps = NO_STEPS
) -> AsyncGenerator[tuple[Desk, Market]]:
    """A desk that holds ten, at a venue that fills such a share of each sale."""
    clock = ManualClock(NOON)
    venue = Market(clock)
    venue.info = replace(INFO, can=INFO.can | {Can.MARKET_HOURS})
    venue.share = None if share is None else Decimal(share)
    async with opened(root, broker=venue, clock=clock, steps=steps) as desk:
        await holding(desk)
        yield desk, venue


async def test_a_second_kill_on_the_closed_latch_still_tells_what_the_first_closed(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, _):
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: [line.state for line in desk.gateway.kill_state().positions] == ["sent"])
        await desk.gateway.kill(3, caller=CALLER, reason="and again")
        await desk.until(lambda: [line.state for line in desk.gateway.kill_state().positions] == ["flat"])
        (order,) = closings(desk)
        assert told(desk).intent_id == order.intent_id


async def test_positions_are_closed_once_nothing_is_open(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, _):
        await desk.place(buy("5", "90"))
        sent: list[str] = []
        desk.broker.on_sent = sent.append
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: told(desk).state == "flat" if desk.gateway.kill_state().positions else False)
        (order,) = closings(desk)
        assert (order.terms.side, order.order_qty, order.price) == (Side.SELL, Decimal(10), Decimal("98.00"))
        assert desk.broker.positions["AAPL"] == 0
        assert sent.index("cancel") < sent.index("submit")
        assert told(desk).intent_id == order.intent_id


@pytest.mark.parametrize("scope", [f"profile:{PROFILE}", "global", "symbol:AAPL"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("max_order_qty", 5), ("max_order_notional", 500), ("max_orders_day", 1), ("max_messages_min", 1)],
)
async def test_how_much_and_how_often_was_ordered_keeps_no_position_open(
    tmp_path: Path, scope: str, name: str, value: int
) -> None:
    async with market(tmp_path) as (desk, _):
        await desk.gateway.guard.set_limit(Wanted(scope=scope, name=name, value=value), caller=CALLER)
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: desk.broker.positions["AAPL"] == 0, longest_s=30)
        assert [order.order_qty for order in closings(desk)] == [10]


async def test_its_price_stays_within_the_collar_of_its_class(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, _):
        desk.ctx.limits = RiskLimits(collar_bps_by_asset={AssetClass.EQUITY: Decimal(50)})
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: desk.broker.positions["AAPL"] == 0, longest_s=30)
        assert [order.price for order in closings(desk)] == [Decimal("99.50")]


async def test_nobody_elses_order_passes_with_it_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await holding(desk)
        gate = desk.broker.gates["submit"] = asyncio.Event()
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: desk.sent("submit") == 2)
        equal = replace(closings(desk)[0].terms)
        with pytest.raises(KillSwitchOn):
            await desk.place(equal)
        gate.set()
        assert len(closings(desk)) == 1


async def test_a_profile_that_did_not_opt_in_keeps_its_positions(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await holding(desk)
        desk.gateway.killing.flattening.opted.clear()
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.wait(30)
        assert not closings(desk)
        assert (told(desk).symbol, told(desk).state, told(desk).detail) == ("*", "left", NOT_OPTED)


async def test_level_two_closes_no_position(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await holding(desk)
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(30)
        assert not closings(desk)


@pytest.mark.parametrize("script", ["drop", "lose", "lose_and_hide"])
async def test_an_order_in_doubt_is_not_sent_again_i1(tmp_path: Path, script: str) -> None:
    """Lost on the way, or taken and not told: as long as that is not known, no second one is sent."""
    async with opened(tmp_path) as desk:
        await holding(desk)
        desk.broker.next_submit.append(script)
        desk.broker.failing["cancel_all"] = silence()
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: bool(closings(desk)))
        while closings(desk)[0].in_doubt:
            assert desk.sent("submit") == 2
            await desk.wait(0.5)
        await desk.wait(60)
        assert sum(order.status in OPEN for order in desk.broker.orders.values()) <= 1
        if script == "lose_and_hide":  # presumed not placed: it may appear as long as nobody knows better
            assert len(closings(desk)) == 1
            await desk.gateway.kill(3, caller=CALLER, reason="and again")
            await desk.wait(60)
            assert len(closings(desk)) == 1
            assert told(desk).state == "left"
            assert told(desk).detail.startswith(f"order {closings(desk)[0].intent_id} may still appear at the venue")


async def test_what_a_partial_fill_leaves_is_closed_by_the_next_order_of_that_size(tmp_path: Path) -> None:
    async with market(tmp_path, share="0.7") as (desk, _):
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: told(desk).state == "flat" if desk.gateway.kill_state().positions else False)
        assert [o.order_qty for o in closings(desk)] == [10, 3, 1]
        assert desk.broker.positions["AAPL"] == 0


async def test_after_three_orders_a_position_is_left_to_people(tmp_path: Path) -> None:
    async with market(tmp_path, share="0.2") as (desk, _):
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: told(desk).state == "left" if desk.gateway.kill_state().positions else False)
        await desk.wait(60)
        assert ([o.order_qty for o in closings(desk)], TRIES) == ([10, 8, 6], 3)
        assert desk.broker.positions["AAPL"] == 5


@pytest.mark.parametrize("due", list(FLATTEN))
async def test_a_death_at_any_step_doubles_nothing_i1(tmp_path: Path, due: str) -> None:
    class Dies:
        def __init__(self) -> None:
            self.is_due = False

        def reach(self, step: str) -> None:
            if step == due and not self.is_due:
                self.is_due = True
                raise asyncio.CancelledError

    dies = Dies()
    async with market(tmp_path, steps=dies) as (desk, _):
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: dies.is_due)
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        desk.gateway.killing.flattening.opted.add(PROFILE)
        await desk.until(lambda: not broker.positions["AAPL"] and not desk.gateway.kill_state().orders)
        await desk.wait(60)
        assert broker.positions["AAPL"] == 0
        assert sum(o.qty for o in broker.orders.values() if o.terms.side is Side.SELL) == 10


async def test_a_closed_market_is_told_and_nothing_is_queued(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, venue):
        venue.is_shut = True
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: bool(desk.gateway.kill_state().positions))
        await desk.wait(60)
        assert (told(desk).state, closings(desk)) == ("left", [])
        assert "market is closed" in told(desk).detail


async def test_it_waits_until_positions_are_known(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, _):
        desk.broker.failing["get_positions"] = NotReady("down")
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: bool(desk.gateway.kill_state().positions))
        await desk.wait(20)
        assert (told(desk).symbol, told(desk).state, closings(desk)) == ("*", "waiting", [])
        desk.broker.failing.clear()
        await desk.until(lambda: desk.broker.positions["AAPL"] == 0)


async def test_it_waits_for_a_journal_that_can_be_written_i2(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, _):
        await desk.gateway.kill(1, caller=CALLER, reason="first")
        desk.journal.writable = False
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.wait(20)
        assert not closings(desk)
        desk.journal.writable = True
        await desk.until(lambda: desk.broker.positions["AAPL"] == 0)


async def test_what_the_venue_has_against_every_form_is_told(tmp_path: Path) -> None:
    async with market(tmp_path) as (desk, venue):
        venue.objection = "no odd lots today"
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: bool(desk.gateway.kill_state().positions))
        await desk.wait(30)
        assert (told(desk).state, told(desk).detail) == ("left", "Fake would refuse it: no odd lots today")


async def test_a_reset_ends_it_and_forgets_what_was_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await holding(desk)
        desk.broker.failing["get_positions"] = NotReady("down")
        await desk.gateway.kill(3, caller=CALLER, reason="test")
        await desk.until(lambda: bool(desk.gateway.kill_state().positions))
        desk.broker.failing.clear()
        await desk.gateway.reset_kill(caller=CALLER, reason="all clear")
        await desk.wait(30)
        assert (desk.gateway.kill_state().positions, closings(desk)) == ((), [])
        assert (await desk.place(buy("2"))).ord_status is OrdStatus.NEW
