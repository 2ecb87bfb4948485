"""A bot that is killed at any point wakes up where it was, and wishes nothing twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import pytest

from floorbroker.cli.demo.stages import paper_stage
from floorbroker.strategy.bots import broken_line, decisions
from tests.unit.strategy.bots.driving import Play, bot_at, desk_fills, minute_of

SYMBOLS = ("SPY", "IBM", "BAC")
DAY, MINUTES = date(2013, 10, 7), 130


class Killed(BaseException):
    """The bot's process is gone, in the middle of what it did."""


class Fate:
    """Kills at some of the steps between a bot's deeds."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.kills: list[str] = []

    def passing(self, step: str) -> None:
        likely = {"shown": 0.01, "carry": 0.4, "placed": 0.5, "settled": 0.02}
        if self._random.random() < likely[step]:
            self.kills.append(step)
            raise Killed


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_killed_at_any_point_it_trades_what_it_would_have_traded(
    seed: int, recorded_data: Path, tmp_path: Path
) -> None:
    play, fate = Play(recorded_data, SYMBOLS, DAY, minutes=MINUTES), Fate(seed)
    history = [closed for bars in play.bars.values() for closed in bars]
    async with paper_stage(play.market, tmp_path / "home") as stage:
        bot = bot_at(stage, SYMBOLS, tmp_path)
        await bot.begin([])
        for minute in play.market.minutes:
            moves = True
            while True:
                try:
                    await minute_of(bot, stage, minute, play.bars.get(minute.time, ()), moves=moves)
                    break
                except Killed:
                    moves = False  # the market does not move twice
                    assert bot.logbook is not None
                    bot.logbook.close()
                    bot = bot_at(stage, SYMBOLS, tmp_path)
                    await bot.begin([closed for closed in history if closed.end <= minute.time])
                    bot.clerk.passing = fate.passing
            bot.clerk.passing = fate.passing
        assert desk_fills(stage) == play.backtest()
        tags = [order.terms.client_tag for order in stage.desk.orders()]
        assert len(tags) == len({*tags})  # no wish was placed twice
    assert {"carry", "placed"} <= {*fate.kills}
    assert broken_line(tmp_path / "decisions.jsonl") is None
    assert {line["wish"] for line in decisions(tmp_path / "decisions.jsonl")} <= {*tags}


@pytest.mark.asyncio
async def test_without_the_names_of_its_wishes_it_would_trade_twice(recorded_data: Path, tmp_path: Path) -> None:
    """The oracle has teeth: the same kills double orders as soon as every wish gets a new name."""
    play, fate = Play(recorded_data, SYMBOLS, DAY, minutes=MINUTES), Fate(1)
    history = [closed for bars in play.bars.values() for closed in bars]
    async with paper_stage(play.market, tmp_path / "home") as stage:
        bot, lives = bot_at(stage, SYMBOLS, tmp_path), 0
        await bot.begin([])
        for minute in play.market.minutes:
            moves = True
            while True:
                try:
                    await minute_of(bot, stage, minute, play.bars.get(minute.time, ()), moves=moves)
                    break
                except Killed:
                    moves, lives = False, lives + 1
                    bot = bot_at(stage, SYMBOLS, tmp_path)
                    bot.clerk.name = f"patient-{lives}"  # the name is in every key
                    await bot.begin([closed for closed in history if closed.end <= minute.time])
            bot.clerk.passing = fate.passing
        assert desk_fills(stage) != play.backtest()
