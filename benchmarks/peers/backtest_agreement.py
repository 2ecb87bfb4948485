"""Three strategies over recorded daily bars in backtesting.py: the expectations of `tests/unit/backtest/test_agreement.py`.

    python benchmarks/peers/backtest_agreement.py DATA > tests/unit/backtest/agreement.json

Run it in the environment of `backtesting.txt`.  It reads the recorded files by itself and shares no line with ours.
"""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import json
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

NAMES = ("Open", "High", "Low", "Close", "Volume")
CASH = 100_000


def daily(data: Path, symbol: str, since: str, until: str) -> pd.DataFrame:
    """Raw daily bars in dollars."""
    with zipfile.ZipFile(data / f"equities/daily/{symbol.lower()}.zip") as archive:
        rows = [line.split(",") for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    index = pd.to_datetime([row[0][:8] for row in rows])
    numbers = np.array([[int(cell) for cell in row[1:]] for row in rows], dtype=float)
    numbers[:, :4] /= 10_000
    return pd.DataFrame(numbers, index=index, columns=NAMES).loc[since:until]


def rolling(values: np.ndarray, period: int, how: Callable[[pd.Series], float]) -> np.ndarray:
    return pd.Series(values).rolling(period).apply(how, raw=True).to_numpy()


class Crossover(Strategy):
    """Long 100 shares while the mean of 10 closes is above that of 30."""

    def init(self) -> None:
        self.fast = self.I(rolling, self.data.Close, 10, np.mean)
        self.slow = self.I(rolling, self.data.Close, 30, np.mean)

    def next(self) -> None:
        up = self.fast[-1] > self.slow[-1]
        if up and not self.position:
            self.buy(size=100)
        elif not up and self.position:
            self.position.close()


class Reversion(Strategy):
    """Buys 50 shares two deviations below the mean of 20 closes, sells them at the mean."""

    def init(self) -> None:
        self.mean = self.I(rolling, self.data.Close, 20, np.mean)
        self.spread = self.I(rolling, self.data.Close, 20, np.std)

    def next(self) -> None:
        score = (self.data.Close[-1] - self.mean[-1]) / self.spread[-1]
        if self.position and score >= 0:
            self.position.close()
        elif not self.position and score <= -2:
            self.buy(size=50)


class Channel(Strategy):
    """Long 500 shares after the highest of 20 closes, short 500 after the lowest; always in the market from then on."""

    def init(self) -> None:
        self.high = self.I(rolling, self.data.Close, 20, np.max)
        self.low = self.I(rolling, self.data.Close, 20, np.min)

    def next(self) -> None:
        close = self.data.Close[-1]
        if close >= self.high[-1] and self.position.size <= 0:
            self.buy(size=1000 if self.position else 500)
        elif close <= self.low[-1] and self.position.size >= 0:
            self.sell(size=1000 if self.position else 500)


def each_share(size: int, price: float) -> float:
    del price
    return abs(size) * 0.01


CASES = {
    "crossover": (Crossover, "SPY", "2009-01-02", "2015-12-31", 0),
    "reversion": (Reversion, "IBM", "2002-01-02", "2012-12-31", 0),
    "channel": (Channel, "BAC", "2010-01-04", "2018-12-31", each_share),
}


def main() -> None:
    warnings.simplefilter("ignore")
    data, found = Path(sys.argv[1]), {}
    for name, (strategy, symbol, since, until, commission) in CASES.items():
        frame = daily(data, symbol, since, until)
        told = Backtest(frame, strategy, cash=CASH, commission=commission, margin=1).run()
        trades = [
            {
                "quantity": int(row.Size),
                "entered": f"{row.EntryTime:%Y-%m-%d}",
                "entry": round(row.EntryPrice, 4),
                "left": f"{row.ExitTime:%Y-%m-%d}",
                "exit": round(row.ExitPrice, 4),
            }
            for row in told["_trades"].sort_values(["ExitTime", "EntryTime"]).itertuples()
        ]
        found[name] = {
            "symbol": symbol,
            "since": since,
            "until": until,
            "equity": round(told["Equity Final [$]"], 2),
            "trades": trades,
        }
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
