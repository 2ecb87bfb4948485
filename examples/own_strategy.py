"""A strategy of one's own, tried on recorded prices from Python: no server, no account.

python examples/own_strategy.py DATA    # a folder of recorded prices
"""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from floorbroker import Strategy
from floorbroker.backtest import Backtest, Costs, recorded_feed
from floorbroker.matching import PerShare
from floorbroker.strategy import BarView
from floorbroker.tape import load


class Dip(Strategy):
    """Buys after three falling closes in a row, sells after a rising one."""

    size: Decimal = Decimal(100)

    def on_bar(self, bar: BarView) -> None:
        track = self.bars(bar.symbol)
        if len(track) < 4:
            return
        closes = [track.back(count).close for count in range(4)]
        if self.position(bar.symbol):
            if closes[0] > closes[1]:
                self.close(bar.symbol, reason="it rose")
        elif closes[0] < closes[1] < closes[2] < closes[3]:
            self.buy(bar.symbol, self.size, reason="three falls in a row")


def main() -> None:
    """Ten years of SPY."""
    if len(sys.argv) != 2:
        raise SystemExit("name a folder of recorded prices: python examples/own_strategy.py DATA")
    feed, happenings = recorded_feed(
        load(Path(sys.argv[1])), ("SPY",), since=date(2010, 1, 4), until=date(2019, 12, 31)
    )
    costs = Costs(fees=PerShare(rate=Decimal("0.005")))
    result = Backtest(Dip(symbols=("SPY",)), feed, costs=costs, actions=happenings, sessions=True).run()
    print(len(result.trips), "round trips, end equity", result.end_equity)
    for name, value in result.statistics.items():
        print(f"  {name:24} {value}")


if __name__ == "__main__":
    main()
