"""Inverse-ETF rotation: one fund while the market is above its long average, the inverse one while it is below."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from floorbroker.domain.values import ZERO
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.indicators import Average
from floorbroker.strategy.schedule import BeforeClose, On
from floorbroker.strategy.sizing import for_share
from floorbroker.strategy.wishes import Fired, Ordered


class Rotation(Strategy):
    """`symbols` are the market's fund and its inverse.  Looked at once a week, at the close of its first session."""

    symbols: tuple[str, ...] = ("SPY", "SH")
    period: Annotated[int, Field(ge=2)] = 100
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.95")

    def on_start(self) -> None:
        self._average: Average = self.average(self.symbols[0], self.period)
        self._wanted = ""
        self.at(BeforeClose(on=On.WEEK_START), "look")

    def on_timer(self, timer: Fired) -> None:
        market, inverse = self.symbols
        if not self._average.ready:
            return
        wanted = market if self.bars(market).view().close > self._average.value else inverse
        self.see(average=round(self._average.value, 4))
        if wanted == self._wanted:
            return
        self._wanted = wanted
        other = inverse if wanted == market else market
        if self.close(other, reason=f"the market is {'above' if wanted == market else 'below'} its average") is None:
            self._enter()

    def on_order(self, order: Ordered) -> None:
        """What was held is sold: now the other one is bought, with the money that is really there."""
        if not order.is_open and order.symbol != self._wanted and not self.position(order.symbol):
            self._enter()

    def _enter(self) -> None:
        price = self.price(self._wanted)
        if price is not None and self.position(self._wanted) == ZERO and not self.orders(self._wanted):
            qty = for_share(self.equity, self.share, price)
            if qty > ZERO:
                self.buy(self._wanted, qty, reason="the rotation's turn")
