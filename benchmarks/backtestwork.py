"""Our own side of the backtest figures: the strategy interface that also trades live, over the peers' bars.

python -m benchmarks.backtestwork
"""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))  # where the peers' drivers stand, and what they share

from backtest_bars import FAST, FEE, SLOW, columns, peak_mb

from benchmarks.peers.speak import Answer, prepare, serve
from floorbroker import Strategy
from floorbroker.backtest import Backtest, Costs, Feed
from floorbroker.domain.bars import BarSeries
from floorbroker.matching import Bps
from floorbroker.strategy import BarView

COSTS = Costs(fees=Bps(taker=Decimal(FEE) * 10_000, maker=Decimal(FEE) * 10_000))
MILLION = Decimal(1_000_000)


class Crossover(Strategy):
    """Long one unit while the fast average is above the slow one."""

    def on_start(self) -> None:
        (self.symbol,) = self.symbols
        self.up = self.average(self.symbol, FAST).above(self.average(self.symbol, SLOW))
        self.is_long = False

    def on_bar(self, bar: BarView) -> None:
        if self.up.now is self.is_long or not self.up.ready:
            return
        self.is_long = self.up.now
        if self.is_long:
            self.buy(self.symbol, 1)
        else:
            self.sell(self.symbol, 1)


class Many(Strategy):
    """The same over many symbols."""

    def on_start(self) -> None:
        self.up = {s: self.average(s, FAST).above(self.average(s, SLOW)) for s in self.symbols}
        self.is_long = dict.fromkeys(self.symbols, False)

    def on_bar(self, bar: BarView) -> None:
        symbol = bar.symbol
        up = self.up[symbol]
        if up.now is self.is_long[symbol] or not up.ready:
            return
        self.is_long[symbol] = up.now
        if up.now:
            self.buy(symbol, 1)
        else:
            self.sell(symbol, 1)


def series(symbol: str, count: int) -> BarSeries:
    return BarSeries.from_columns(symbol, columns(count), span_s=60, price_decimals=2)


def run(count: int) -> Answer:
    test = Backtest(Crossover(symbols=("AAPL",)), Feed.of_bars(series("AAPL", count)), cash=MILLION, costs=COSTS)
    began = time.perf_counter()
    found = test.run()
    took = time.perf_counter() - began
    return {"per_s": count / took, "orders": len(found.fills), "peak_mb": peak_mb()}


def many(symbols: int) -> Callable[[int], Answer]:
    """A run over so many symbols; the count is that of all bars."""

    def go(count: int) -> Answer:
        names = [f"S{number:03d}" for number in range(symbols)]
        shared = columns(count // symbols)  # every symbol walks alike, on arrays of its own
        feed = Feed.of_bars(
            *(BarSeries.from_columns(s, [c[:] for c in shared], span_s=60, price_decimals=2) for s in names)
        )
        test = Backtest(Many(symbols=names), feed, cash=MILLION, costs=COSTS)
        began = time.perf_counter()
        test.run()
        return {"per_s": count / (time.perf_counter() - began), "peak_mb": peak_mb()}

    return go


def main() -> None:
    prepare(cpu=0)
    serve({"run": run, **{f"many{symbols}": many(symbols) for symbols in (1, 10, 100)}}, "floorbroker")


if __name__ == "__main__":
    main()
