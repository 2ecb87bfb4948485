"""Mean reversion: buys what fell far below its average, and sells it back at the average."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from floorbroker.domain.values import ZERO
from floorbroker.strategy.bars import BarView
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.indicators import Deviation
from floorbroker.strategy.sizing import for_share


class Reversion(Strategy):
    """Buys `share` of equity when a close is `below` deviations under the average of `period` bars; sells at the average."""

    period: Annotated[int, Field(ge=2)] = 20
    below: Annotated[Decimal, Field(gt=0)] = Decimal(2)
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.1")

    def on_start(self) -> None:
        self._spread: dict[str, Deviation] = {symbol: self.deviation(symbol, self.period) for symbol in self.symbols}

    def on_bar(self, bar: BarView) -> None:
        spread = self._spread[bar.symbol]
        if not spread.ready or self.orders(bar.symbol):
            return
        score, held = spread.score, self.position(bar.symbol)
        self.see(score=round(score, 4), close=bar.close)
        if held > ZERO and score >= ZERO:
            self.sell(bar.symbol, held, reason="back at its average")
        elif not held and score <= -self.below:
            qty = for_share(self.equity, self.share, bar.close)
            if qty > ZERO:
                self.buy(bar.symbol, qty, reason=f"{-score:.2f} deviations below its average")
