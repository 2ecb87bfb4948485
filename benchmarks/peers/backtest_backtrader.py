"""backtrader: its moving averages and its `CrossOver` indicator, without observers."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import time

import backtrader as bt
import pandas as pd
from backtest_bars import FAST, FEE, SLOW, columns, peak_mb
from speak import Answer, prepare, serve

NAMES = ("open", "high", "low", "close")


class Crossover(bt.Strategy):
    """Long one unit while the fast average is above the slow one."""

    def __init__(self) -> None:
        fast, slow = (bt.ind.SMA(self.data.close, period=period) for period in (FAST, SLOW))
        self.cross, self.sent = bt.ind.CrossOver(fast, slow), 0

    def next(self) -> None:
        if self.cross[0] > 0 and not self.position:
            self.buy(size=1)
            self.sent += 1
        elif self.cross[0] < 0 and self.position:
            self.sell(size=1)
            self.sent += 1


def run(count: int) -> Answer:
    starts, *prices, volumes = columns(count)
    index = pd.to_datetime(list(starts), unit="us")
    frame = pd.DataFrame(
        {name: [cents / 100 for cents in column] for name, column in zip(NAMES, prices, strict=True)}, index=index
    )
    frame["volume"] = list(volumes)
    engine = bt.Cerebro(stdstats=False)
    engine.adddata(bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes))
    engine.broker.setcash(1e6)
    engine.broker.setcommission(commission=float(FEE))
    engine.addstrategy(Crossover)
    began = time.perf_counter()
    (strategy,) = engine.run()
    took = time.perf_counter() - began
    return {"per_s": count / took, "orders": strategy.sent, "peak_mb": peak_mb()}


def main() -> None:
    prepare(cpu=0)
    serve({"run": run}, "backtrader")


if __name__ == "__main__":
    main()
