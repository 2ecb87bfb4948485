"""Small markets for tests of backtests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from floorbroker import Strategy
from floorbroker.backtest import Backtest, Feed, Result
from floorbroker.domain.bars import BarSeries
from floorbroker.strategy import BarView, Filled, Ordered

START = datetime(2024, 1, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Row = tuple[int, int, int, int]  # open, high, low, close in cents


def series(rows: Sequence[Row], *, symbol: str = "SPY", span_s: int = 60, start: datetime = START) -> BarSeries:
    first = int(start.timestamp())
    starts = [(first + span_s * place) * 1_000_000 for place in range(len(rows))]
    prices = [[row[part] for row in rows] for part in range(4)]
    return BarSeries.from_columns(
        symbol, [starts, *prices, [1000] * len(rows)], span_s=span_s, price_decimals=2, size_decimals=0
    )


def flat(*closes: int) -> list[Row]:
    """Bars that open where the one before closed."""
    return [
        (before, max(before, close), min(before, close), close)
        for before, close in zip((closes[0], *closes), closes, strict=False)
    ]


class Scripted(Strategy):
    """Does what a test says at given bars, and keeps what it hears."""

    def __init__(self, script: dict[int, Callable[[Scripted], Any]], **parameters: Any) -> None:
        super().__init__(**parameters)
        self.script = script
        self.heard: list[Any] = []
        self.filled: list[Filled] = []
        self.seen = 0

    def on_bar(self, bar: BarView) -> None:
        act = self.script.get(self.seen)
        self.seen += 1
        if act is not None:
            act(self)

    def on_order(self, order: Ordered) -> None:
        self.heard.append(order)

    def on_fill(self, fill: Filled) -> None:
        self.filled.append(fill)


def play(strategy: Strategy, *bars: BarSeries, **options: Any) -> Result:
    return Backtest(strategy, Feed.of_bars(*bars), **options).run()


def prices(result: Result) -> list[Decimal]:
    return [fill.price for fill in result.fills]
