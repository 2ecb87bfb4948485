"""What counts against limits beside what is held and works: changes in flight, doubts from before a start, untold fills (I5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InsufficientFunds, PositionSizeExceeded, RiskLimitExceeded
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import OrderChanges, OrderState
from floorbroker.domain.records import Account, Fetched, Position
from floorbroker.domain.values import ZERO, OrdStatus, Price, Quantity, Side
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.house import CALLER, NOON, PROFILE, Desk, make, opened, stopped

pytestmark = pytest.mark.asyncio


def _reserved(desk: Desk) -> Decimal:
    reserved = desk.ctx.exposure().reserved
    assert reserved is not None
    return reserved


async def test_a_smaller_size_frees_nothing_before_the_venue_has_it_i5(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.buying_power = Decimal(1_000)
        order = await desk.place(buy("10"))
        desk.broker.next_modify.append("drop")
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(1))), caller=CALLER)
        assert _reserved(desk) == 1_000


async def test_a_doubt_of_an_earlier_process_still_takes_buying_power_i5(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        await desk.place(buy("6"))
        await desk.crash()
        broker, clock = desk.broker, desk.clock
    broker.buying_power = Decimal(1_000)
    again = make(tmp_path, broker=broker, clock=clock)
    await again.gateway.start()
    await again.until(lambda: again.session.state.value == "ready")
    assert (again.only().state, _reserved(again)) == (OrderState.UNKNOWN, 600)
    with pytest.raises(InsufficientFunds):
        await again.place(buy("5"))
    assert (await again.place(buy("4"))).ord_status is OrdStatus.NEW
    await stopped(again)


async def test_an_option_in_doubt_counts_its_hundred_shares_before_its_rules_are_asked_for_i5(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        await desk.place(buy("2", "3.50", symbol="AAPL  260320C00150000"))
        await desk.crash()
        broker, clock = desk.broker, desk.clock
    again = make(tmp_path, broker=broker, clock=clock)
    assert _reserved(again) == 700
    again.journal.honest.abandon()


async def test_what_is_presumed_not_placed_takes_buying_power_for_a_day(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy("6"))
        await desk.until(lambda: desk.now(order).presumed)
        assert _reserved(desk) == 600
        desk.clock.set(desk.clock.now() + timedelta(hours=25))
        await desk.ctx.refresh_account()
        assert _reserved(desk) == ZERO


async def test_a_fill_that_only_a_total_tells_of_is_held_already_i12(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_position_qty=Decimal(10))) as desk:
        desk.broker.muted = True
        desk.broker.next_submit.append("accept_then_fill")
        order = await desk.place(buy("7"))
        assert (desk.now(order).ord_status, desk.now(order).executions) == (OrdStatus.FILLED, ())
        assert desk.ctx.exposure().positions == {"AAPL": 7}
        with pytest.raises(PositionSizeExceeded):
            await desk.place(buy("4"))
        await desk.wait(5)
        assert desk.ctx.exposure().positions == {"AAPL": 7}


async def test_a_desk_that_never_submits_counts_what_it_hears_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy("3"))
        await desk.wait(5)
        assert desk.ctx.book.touched == set()
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 3


async def test_a_fill_that_crosses_a_change_may_be_left_out_of_the_new_size_i12(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    whole = FakeBroker(clock, info=replace(INFO, whole_successors=True))
    async with opened(tmp_path, broker=whole, clock=clock, limits=RiskLimits(max_position_qty=Decimal(60))) as desk:
        order = await desk.place(buy("25"))
        with pytest.raises(PositionSizeExceeded, match="position after worst case 61 "):
            await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(36))), caller=CALLER)
        desk.broker.next_modify.append("drop")
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(30))), caller=CALLER)
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 55
        with pytest.raises(PositionSizeExceeded):
            await desk.place(buy("6"))


async def test_a_change_is_no_order_of_its_own_among_open_orders(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    whole = FakeBroker(clock, info=replace(INFO, whole_successors=True))
    async with opened(tmp_path, broker=whole, clock=clock, limits=RiskLimits(max_open_orders=1)) as desk:
        order = await desk.place(buy("10"))
        after = await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(15))), caller=CALLER)
        assert after.order_qty == 15


@dataclass(slots=True)
class Marking(FakeBroker):
    """It tells what holdings are worth."""

    mark: Decimal = Decimal(100)

    async def get_positions(self) -> Fetched[Position]:
        found = await FakeBroker.get_positions(self)
        return replace(found, items=tuple(replace(p, market_px=Price(self.mark)) for p in found.items))


async def test_a_price_that_nobody_hears_any_more_gives_way_to_the_venues_mark(tmp_path: Path) -> None:
    """What was quoted when it was bought is no measure of what is held an hour later."""
    clock = ManualClock(NOON)
    broker = Marking(clock)
    async with opened(
        tmp_path, broker=broker, clock=clock, limits=RiskLimits(max_gross_exposure=Decimal(2500))
    ) as desk:
        order = await desk.place(buy("10"))
        broker.fill(broker.of(order.cl_ord_id), "10")
        broker.mark = Decimal(200)
        await desk.wait(700)
        assert desk.ctx.exposure().marks["AAPL"] == 200
        with pytest.raises(RiskLimitExceeded, match="max_gross_exposure"):
            await desk.place(buy("10", symbol="MSFT"))


async def test_a_price_that_is_heard_goes_before_the_venues_mark(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Marking(clock)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await desk.place(buy("10"))
        broker.fill(broker.of(order.cl_ord_id), "10")
        broker.mark = Decimal(200)
        await desk.gateway.reconcile(PROFILE)
        assert desk.ctx.exposure().marks["AAPL"] == 100


@dataclass(slots=True)
class Overtaken(FakeBroker):
    """Its first answer about the account, once it is told to be slow, comes after the later ones."""

    late: asyncio.Event | None = None

    async def get_account_info(self) -> Account:
        found, late, self.late = await FakeBroker.get_account_info(self), self.late, None
        if late is not None:
            await late.wait()
        return found


async def test_an_answer_about_the_account_that_was_overtaken_frees_no_money_i8(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Overtaken(clock)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        broker.buying_power, broker.late = Decimal(1_000), (late := asyncio.Event())
        slow = asyncio.ensure_future(desk.ctx.refresh_account())
        await desk.wait(1)
        await desk.place(buy("10"))
        broker.buying_power = Decimal(0)
        await desk.wait(1)
        await desk.ctx.refresh_account()
        late.set()
        assert (await slow).buying_power == 0
        with pytest.raises(InsufficientFunds):
            await desk.place(buy("10"))


class InCoins(FakeBroker):
    """What it trades is priced in coins, its account is in dollars."""

    async def get_instrument(self, symbol: str) -> Instrument:
        return replace(await FakeBroker.get_instrument(self, symbol), currency="BTC")


async def test_a_size_in_coins_is_no_size_in_dollars(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=InCoins(clock), clock=clock) as desk:
        with pytest.raises(RiskLimitExceeded, match=r"in BTC .* in USD: say under \[risk.rates\]"):
            await desk.place(buy("1"))
        desk.ctx.risk.rates = {"BTC": Decimal(10)}
        assert (await desk.place(buy("1"))).is_open
        assert _reserved(desk) == 1_000  # a hundred coins
        assert desk.sent("submit") == 1
