"""Two averages with patience: bids at the bid when the fast one crosses above, gives up after five minutes, flat at night."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from floorbroker.domain.values import ZERO
from floorbroker.matching.calendar import NEW_YORK, XNYS
from floorbroker.strategy.bars import BarView
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.indicators import Above

LAST = timedelta(minutes=5)


class Patient(Strategy):
    """Sends limit orders, cancels and market orders: an example of the whole path rather than of profit."""

    fast: Annotated[int, Field(ge=1)] = 5
    slow: Annotated[int, Field(ge=2)] = 30
    size: Annotated[Decimal, Field(gt=0)] = Decimal(100)
    patience: timedelta = timedelta(minutes=5)

    def on_start(self) -> None:
        self._up: dict[str, Above] = {
            symbol: self.average(symbol, self.fast).above(self.average(symbol, self.slow)) for symbol in self.symbols
        }

    def on_bar(self, bar: BarView) -> None:
        symbol, up, closing = bar.symbol, self._up[bar.symbol], self._is_closing(bar.end)
        crossed, held, working = up.crossed, self.position(symbol), self.orders(symbol)
        quote = self.quote(symbol)
        if working:
            asked = self.state.get(f"asked:{symbol}")
            if closing or asked is None or bar.end - datetime.fromisoformat(asked) >= self.patience:
                self.cancel(working[0])
        elif held > ZERO and (closing or (crossed and not up.now)):
            self.sell(symbol, held, reason="the day ends" if closing else "crossed below")
        elif not held and crossed and up.now and not closing and quote is not None and quote.bid is not None:
            self.state[f"asked:{symbol}"] = bar.end.isoformat()
            self.buy(symbol, self.size, limit=quote.bid, reason="crossed above")

    def _is_closing(self, at: datetime) -> bool:
        session = XNYS.session(at.astimezone(NEW_YORK).date())
        return session is not None and at >= session.close - LAST
