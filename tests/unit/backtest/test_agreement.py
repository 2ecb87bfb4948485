"""An independent program (backtesting.py 0.6.6) makes the same trades at the same prices, and the same money, to the cent.

Its numbers are in `agreement.json`, made by `benchmarks/peers/backtest_agreement.py`, which states the rules in its own words.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker import Strategy
from floorbroker.backtest import Backtest, Costs, Feed, Result, recorded_feed
from floorbroker.matching import PerShare
from floorbroker.strategy import BarView
from floorbroker.tape import load

EXPECTED = json.loads((Path(__file__).parent / "agreement.json").read_text("utf-8"))
CENT = Decimal("0.01")


class Crossover(Strategy):
    """Long 100 while the average of 10 is above that of 30."""

    def on_start(self) -> None:
        (self.symbol,) = self.symbols
        self.up = self.average(self.symbol, 10).above(self.average(self.symbol, 30))

    def on_bar(self, bar: BarView) -> None:
        if self.up.ready:
            self.target(self.symbol, 100 if self.up.now else 0)


class Reversion(Strategy):
    """Buys 50 two deviations below the average of 20, sells them at the average."""

    def on_start(self) -> None:
        (self.symbol,) = self.symbols
        self.spread = self.deviation(self.symbol, 20)

    def on_bar(self, bar: BarView) -> None:
        if not self.spread.ready:
            return
        held, score = self.position(self.symbol), self.spread.score
        if held and score >= 0:
            self.close(self.symbol)
        elif not held and score <= -2:
            self.buy(self.symbol, 50)


class Channel(Strategy):
    """Long 500 after the highest of 20 closes, short 500 after the lowest."""

    def on_start(self) -> None:
        (self.symbol,) = self.symbols
        self.high, self.low = self.highest(self.symbol, 20), self.lowest(self.symbol, 20)

    def on_bar(self, bar: BarView) -> None:
        if not self.high.ready:
            return
        if bar.close >= self.high.value and self.position(self.symbol) <= 0:
            self.target(self.symbol, 500)
        elif bar.close <= self.low.value and self.position(self.symbol) >= 0:
            self.target(self.symbol, -500)


CASES: dict[str, tuple[type[Strategy], Costs]] = {
    "crossover": (Crossover, Costs()),
    "reversion": (Reversion, Costs()),
    "channel": (Channel, Costs(fees=PerShare(rate=CENT))),
}


def ours(name: str, data: Path) -> Result:
    """The same days, raw: dividends are left out, as the other program knows none."""
    strategy, costs = CASES[name]
    case = EXPECTED[name]
    since, until = (date.fromisoformat(case[bound]) for bound in ("since", "until"))
    feed, _ = recorded_feed(load(data), (case["symbol"],), since=since, until=until)
    return Backtest(strategy(symbols=(case["symbol"],)), Feed(bars=feed.bars), costs=costs, sessions=True).run()


def told(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "quantity": int(trip.qty),
            "entered": f"{trip.entered:%Y-%m-%d}",
            "entry": float(trip.entry),
            "left": f"{trip.left:%Y-%m-%d}",
            "exit": float(trip.exit),
        }
        for trip in result.trips
    ]


@pytest.mark.parametrize("name", CASES)
def test_trades_and_money_agree_with_another_program(name: str, recorded_data: Path) -> None:
    result = ours(name, recorded_data)
    assert len(result.trips) > 25
    assert told(result) == EXPECTED[name]["trades"]
    assert result.end_equity.quantize(CENT) == Decimal(str(EXPECTED[name]["equity"]))
