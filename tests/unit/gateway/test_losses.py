"""Losses that no order tells of: prices move what is held, and the limits of losses hold all the same (RELIABILITY 5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, DailyLossLimit, MarketClosed
from floorbroker.domain.records import Account
from floorbroker.domain.values import Side
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import NOON, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


@dataclass(slots=True)
class Falling(FakeBroker):
    """What its account is worth is the market's word."""

    equity: Decimal = Decimal(100_000)

    async def get_account_info(self) -> Account:
        return replace(await FakeBroker.get_account_info(self), equity=self.equity)


async def _held(desk: Desk, side: Side = Side.BUY) -> None:
    order = await desk.place(replace(buy("10"), side=side))
    desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
    await desk.wait(120)


@pytest.mark.parametrize("side", list(Side))
async def test_a_position_that_falls_meets_the_loss_limit_before_the_next_round(tmp_path: Path, side: Side) -> None:
    clock = ManualClock(NOON)
    broker = Falling(clock)
    async with opened(tmp_path, broker=broker, clock=clock, limits=RiskLimits(self_match="off")) as desk:
        await _held(desk, side)
        broker.equity = Decimal(89_000)
        await desk.wait(31)
        with pytest.raises(DailyLossLimit, match="max_loss_day_pct"):
            await desk.place(replace(buy("11"), side=side))


async def test_a_position_that_falls_trips_the_kill_before_the_next_round(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Falling(clock)
    async with opened(tmp_path, broker=broker, clock=clock, limits=RiskLimits(kill_loss_day_pct=Decimal(5))) as desk:
        await _held(desk)
        broker.equity = Decimal(94_000)
        await desk.wait(31)
        assert desk.gateway.kill_switch.level(PROFILE) == 2


async def test_an_account_is_left_alone_that_holds_nothing_or_has_no_limit_of_losses(tmp_path: Path) -> None:
    none = RiskLimits(max_loss_day_pct=None, max_drawdown_pct=None)
    async with opened(tmp_path, limits=none) as desk:
        await _held(desk)
        asked = desk.broker.reads.count("get_account_info")
        await desk.wait(300)
        assert desk.broker.reads.count("get_account_info") == asked
    async with opened(tmp_path / "flat") as desk:
        asked = desk.broker.reads.count("get_account_info")
        await desk.wait(300)
        assert desk.broker.reads.count("get_account_info") == asked


async def test_an_account_that_does_not_answer_is_asked_again_in_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _held(desk)
        desk.broker.failing["get_account_info"] = TimeoutError()
        asked = desk.broker.reads.count("get_account_info")
        await desk.wait(119)
        assert 2 <= desk.broker.reads.count("get_account_info") - asked <= 4


async def test_a_venue_that_keeps_its_account_to_itself_at_night_is_told_of_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _held(desk)
        shut = MarketClosed("from 0:00 to 5:30")
        for failing, told in ((shut, 1), (ApiError("500"), 2), (shut, 3), (None, 3), (shut, 4)):
            desk.broker.failing.pop("get_account_info", None)
            if failing is not None:
                desk.broker.failing["get_account_info"] = failing
            await desk.wait(150)
            assert desk.log.events.count("watch.failed") == told


async def test_another_account_under_the_same_profile_has_losses_of_its_own(tmp_path: Path) -> None:
    """What a small account had when its day began would hide what a larger one loses."""
    clock = ManualClock(NOON)
    small = Falling(clock, equity=Decimal(10_000))
    async with opened(tmp_path, broker=small, clock=clock, seals=True):
        pass
    large = Falling(clock, account="F-2")
    async with opened(tmp_path, broker=large, clock=clock, seals=True) as desk:
        await _held(desk)
        large.equity = Decimal(89_000)
        await desk.wait(31)
        with pytest.raises(DailyLossLimit, match="max_loss_day_pct"):
            await desk.place(buy("11"))
    large.equity = Decimal(90_500)
    async with opened(tmp_path, broker=large, clock=clock, seals=True) as desk:
        assert desk.gateway.guard.risk.equities[PROFILE].loss == 9_500
