"""The example strategy: two moving averages of minute closes, one position a symbol, flat at night.

When the fast average crosses above the slow one it bids for 100 shares at the bid, and takes the bid away when nobody has sold
to it for five minutes.  When the fast one crosses below, or the day ends, it sells at the market.  It exists to send orders of
several kinds through the whole path, not to make money.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.cli.demo.market import Minute
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.values import OrderType, Price, Quantity, Side

FAST, SLOW = 5, 30
PATIENCE = timedelta(minutes=5)
LOT = Quantity(Decimal(100))
NAME = "two-averages"


@dataclass(frozen=True, slots=True)
class Place:
    """A wish to send."""

    order: NewOrder


@dataclass(frozen=True, slots=True)
class Withdraw:
    """An order to cancel."""

    order: Order


Action = Place | Withdraw


@dataclass(slots=True)
class TwoAverages:
    """Decides on each minute from what it has seen; never waits, never asks."""

    _closes: dict[str, deque[Decimal]] = field(default_factory=lambda: defaultdict(lambda: deque[Decimal](maxlen=SLOW)))
    _above: dict[str, bool] = field(default_factory=dict[str, bool])
    _bid_at: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def on_minute(self, minute: Minute, held: Mapping[str, Decimal], working: Mapping[str, Order]) -> list[Action]:
        """What to do now, given positions (units) and working orders by symbol."""
        actions: list[Action] = []
        bids = {quote.symbol: quote.bid for quote in minute.quotes}
        for trade in minute.trades:
            crossed = self._crossing(trade.symbol, trade.price)
            qty, order = held.get(trade.symbol, Decimal(0)), working.get(trade.symbol)
            if order is not None:
                if minute.closing or minute.time - self._bid_at[trade.symbol] >= PATIENCE:
                    actions.append(Withdraw(order))
            elif qty > 0 and (crossed == "below" or minute.closing):
                why = "crossed below" if crossed else "day end"
                actions.append(Place(_wish(trade.symbol, Side.SELL, OrderType.MARKET, qty=Quantity(qty), why=why)))
            elif qty == 0 and crossed == "above" and not minute.closing and (bid := bids.get(trade.symbol)) is not None:
                self._bid_at[trade.symbol] = minute.time
                actions.append(
                    Place(_wish(trade.symbol, Side.BUY, OrderType.LIMIT, qty=LOT, why="crossed above", price=bid))
                )
        return actions

    def _crossing(self, symbol: str, close: Decimal) -> str | None:
        """`above` or `below` in the minute the averages cross."""
        closes = self._closes[symbol]
        closes.append(close)
        if len(closes) < SLOW:
            return None
        above = sum(list(closes)[-FAST:]) * SLOW > sum(closes) * FAST
        before, self._above[symbol] = self._above.get(symbol), above
        if before is None or before is above:
            return None
        return "above" if above else "below"


def _wish(symbol: str, side: Side, kind: OrderType, *, qty: Quantity, why: str, price: Price | None = None) -> NewOrder:
    return NewOrder(
        symbol=symbol,
        side=side,
        order_type=kind,
        order_qty=qty,
        price=price,
        strategy=NAME,
        reason=why,
        allow_duplicate=True,
    )
