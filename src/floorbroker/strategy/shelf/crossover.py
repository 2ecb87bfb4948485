"""Moving-average crossover: in while the fast average is above the slow one, out otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from floorbroker.domain.values import ZERO
from floorbroker.strategy.bars import BarView
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.indicators import Above


class Crossover(Strategy):
    """Buys `size` units of each symbol at the market when `fast` bars are above `slow` bars on average, and sells them after."""

    fast: Annotated[int, Field(ge=1)] = 50
    slow: Annotated[int, Field(ge=2)] = 200
    size: Annotated[Decimal, Field(gt=0)] = Decimal(1)

    def on_start(self) -> None:
        self._up: dict[str, Above] = {
            symbol: self.average(symbol, self.fast).above(self.average(symbol, self.slow)) for symbol in self.symbols
        }
        self._is_in = {symbol: self.position(symbol) > ZERO for symbol in self.symbols}

    def on_bar(self, bar: BarView) -> None:
        symbol = bar.symbol
        up = self._up[symbol]
        if up.now is self._is_in[symbol] or not up.ready:
            return
        self._is_in[symbol] = up.now
        if up.now:
            self.buy(symbol, self.size, reason=f"the average of {self.fast} crossed above that of {self.slow}")
        elif (held := self.position(symbol)) > ZERO:
            self.sell(symbol, held, reason=f"the average of {self.fast} crossed below that of {self.slow}")
