"""Everything is compared when a market opens and when it closes (RELIABILITY 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import MarketHours
from floorbroker.gateway.bells import Bells, next_bell
from tests.support.fake_broker import INFO, FakeBroker
from tests.support.house import NOON, opened

OPEN, CLOSE = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
TODAY = MarketHours(market="XNYS", day=NOON.date(), is_open_day=True, open=OPEN, close=CLOSE)


class Trading(FakeBroker):
    """A venue whose market opens and closes today; `silent` while it does not tell."""

    silent = False

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        self.reads.append("get_market_hours")
        if self.silent:
            raise ApiError("no calendar")
        return TODAY if day == NOON.date() else MarketHours(market=market, day=day, is_open_day=False)


@pytest.mark.parametrize(
    ("after", "bell"), [(NOON, OPEN), (OPEN, CLOSE), (CLOSE - timedelta(seconds=1), CLOSE), (CLOSE, None)]
)
def test_the_next_bell_is_the_first_one_later(after: datetime, bell: datetime | None) -> None:
    assert next_bell([TODAY, replace(TODAY, is_open_day=False, open=NOON)], after) == bell


def _trading(market: str = "XNYS") -> tuple[Trading, ManualClock]:
    clock = ManualClock(NOON)
    return Trading(clock, info=replace(INFO, market=market)), clock


@pytest.mark.asyncio
async def test_each_bell_rings_once_and_a_day_is_asked_for_once() -> None:
    broker, clock = _trading()
    rung: list[datetime] = []
    task = asyncio.ensure_future(Bells(broker, clock, NoLog()).run(lambda: rung.append(clock.now())))
    for _ in range(40):
        await clock.advance(300.0)
    task.cancel()
    assert rung == [OPEN, CLOSE]
    assert broker.reads == ["get_market_hours", "get_market_hours"]


@pytest.mark.asyncio
async def test_a_venue_that_does_not_tell_is_asked_again_and_no_bell_is_guessed() -> None:
    broker, clock = _trading()
    broker.silent = True
    rung: list[datetime] = []
    task = asyncio.ensure_future(Bells(broker, clock, NoLog()).run(lambda: rung.append(clock.now())))
    await clock.advance(600.0)
    assert (rung, broker.reads) == ([], ["get_market_hours"])
    broker.silent = False
    for _ in range(40):
        await clock.advance(300.0)
    task.cancel()
    assert CLOSE in rung


@pytest.mark.asyncio
async def test_a_market_that_never_closes_is_not_asked_for() -> None:
    broker, clock = _trading(market="")
    await Bells(broker, clock, NoLog()).run(lambda: None)
    assert broker.reads == []


@pytest.mark.asyncio
async def test_a_ready_desk_compares_everything_at_the_bell_and_stays_ready(tmp_path: Path) -> None:
    broker, clock = _trading()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        while clock.now() < OPEN - timedelta(seconds=30):
            await clock.advance(10.0)
        rounds = broker.reads.count("get_positions")
        await clock.advance(10.0)
        assert broker.reads.count("get_positions") == rounds, "a compare was due anyway"
        while clock.now() < OPEN + timedelta(seconds=5):
            await clock.advance(1.0)
        assert broker.reads.count("get_positions") == rounds + 1
        assert desk.session.state.value == "ready"
