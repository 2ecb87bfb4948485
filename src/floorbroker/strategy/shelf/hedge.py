"""Long-put hedge: shares that are held, protected by puts below the market."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import ZERO
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.schedule import AfterOpen
from floorbroker.strategy.wishes import Fired

HUNDRED = Decimal(100)


class Hedge(Strategy):
    """`symbols` are one share and the puts on it that may be bought.  Each day after `minutes` of trading the put whose strike is
    nearest to `below` percent under the price, and that lives at least `days` more, is bought for every hundred shares.
    """

    below: Annotated[Decimal, Field(ge=0, lt=100)] = Decimal(5)
    days: Annotated[int, Field(ge=0)] = 5
    minutes: Annotated[int, Field(ge=0)] = 30
    shares: Annotated[int, Field(ge=0)] = 100  # bought at the first look; 0 protects what is held already

    def on_start(self) -> None:
        self.at(AfterOpen(by=timedelta(minutes=self.minutes)), "protect")

    def on_timer(self, timer: Fired) -> None:
        share, *_ = self.symbols
        price = self.price(share)
        if price is None:
            return
        held = self.position(share)
        if self.shares and not held and not self.orders(share):
            self.buy(share, self.shares, reason="what is to be protected")
        missing = (max(held, Decimal(self.shares)) // HUNDRED) - self._protected()
        put = self._chosen(price * (1 - self.below / 100))
        if missing > ZERO and put is not None and not self.orders(put.symbol):
            self.see(price=price, strike=put.strike, expiry=put.expiry)
            self.buy(put.symbol, missing, reason=f"{self.shares} shares want protection below {put.strike}")

    def _protected(self) -> Decimal:
        return sum((qty for symbol, qty in self.positions().items() if OptionContract.parse(symbol) is not None), ZERO)

    def _chosen(self, strike: Decimal) -> OptionContract | None:
        """Of the puts that live long enough and have a price, the nearest strike; of two alike the earlier expiry."""
        soonest = self.now.date() + timedelta(days=self.days)
        parsed = [OptionContract.parse(symbol) for symbol in self.symbols[1:]]
        puts = [
            put
            for put in parsed
            if put is not None and put.right == "P" and put.expiry >= soonest and self.price(put.symbol) is not None
        ]
        return min(puts, key=lambda put: (abs(put.strike - strike), put.expiry), default=None)
