"""backtesting.py: rolling means as its indicators, `crossover` as its signal."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import time
import warnings

import pandas as pd
from backtest_bars import FAST, FEE, SLOW, columns, peak_mb
from backtesting import Backtest, Strategy
from backtesting.lib import crossover
from speak import Answer, prepare, serve

NAMES = ("Open", "High", "Low", "Close")


def mean(values: object, period: int) -> object:
    return pd.Series(values).rolling(period).mean()


class Crossover(Strategy):
    """Long one unit while the fast average is above the slow one."""

    def init(self) -> None:
        self.fast, self.slow = self.I(mean, self.data.Close, FAST), self.I(mean, self.data.Close, SLOW)

    def next(self) -> None:
        if not self.position and crossover(self.fast, self.slow):
            self.buy(size=1)
        elif self.position and crossover(self.slow, self.fast):
            self.position.close()


def run(count: int) -> Answer:
    starts, *prices, volumes = columns(count)
    index = pd.to_datetime(list(starts), unit="us")
    frame = pd.DataFrame(
        {name: [cents / 100 for cents in column] for name, column in zip(NAMES, prices, strict=True)}, index=index
    )
    frame["Volume"] = list(volumes)
    test = Backtest(frame, Crossover, cash=1e6, commission=float(FEE), finalize_trades=True)
    began = time.perf_counter()
    found = test.run()
    took = time.perf_counter() - began
    return {"per_s": count / took, "orders": 2 * int(found["# Trades"]), "peak_mb": peak_mb()}


def main() -> None:
    warnings.simplefilter("ignore")
    prepare(cpu=0)
    serve({"run": run}, "backtesting")


if __name__ == "__main__":
    main()
