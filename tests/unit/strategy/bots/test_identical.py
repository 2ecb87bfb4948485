"""Backtest, simulation over TCP and paper give identical fills: one strategy, one recorded market, three venues."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path

import pytest

from floorbroker.cli.demo.market import DemoMarket
from floorbroker.cli.demo.stages import Stage, alpaca_stage, paper_stage
from tests.unit.strategy.bots.driving import Play, bot_at, desk_fills, minute_of

DAYS = {date(2013, 10, 7): ("SPY", "IBM", "BAC", "AIG"), date(2014, 6, 5): ("AAPL",)}
MINUTES = {date(2013, 10, 7): 130, date(2014, 6, 5): 300}
Opened = Callable[[DemoMarket, Path], AbstractAsyncContextManager[Stage]]
STAGES: dict[str, Opened] = {
    "paper": paper_stage,
    "simulation": lambda market, folder: alpaca_stage(market, folder, seed=1),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("venue", STAGES)
@pytest.mark.parametrize("day", DAYS)
async def test_the_venue_gives_the_fills_of_the_backtest(
    venue: str, day: date, recorded_data: Path, tmp_path: Path
) -> None:
    play = Play(recorded_data, DAYS[day], day, minutes=MINUTES[day])
    expected = play.backtest()
    assert len(expected) > 3
    async with STAGES[venue](play.market, tmp_path / "home") as stage:
        bot = bot_at(stage, DAYS[day], tmp_path)
        await bot.begin([])
        for minute in play.market.minutes:
            await minute_of(bot, stage, minute, play.bars.get(minute.time, ()))
        assert desk_fills(stage) == expected
