"""The strategy that schedules are played with: it wishes by rule, and writes down all that it is shown and told.

What it wishes on a bar, a timer or a fill depends on that event alone, so whoever is shown an event again asks for the same.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import Quantity, Side, TimeInForce, text_of, time_text
from floorbroker.strategy import BarView, Filled, Fired, Ordered, Strategy

SPAN_S = 2  # of its bars
PULSE_S = 7
NAME = "trader"
NOTES: dict[str, type[Any]] = {"asked": dict, "heard": dict, "twice": list, "stands": dict, "bars": list, "again": list}


class Trader(Strategy):
    """`state` is its diary: `asked` wishes and why, executions `heard` and those heard `twice`, where each wish `stands`, the
    `bars` it was shown and those it was shown `again`.
    """

    name = NAME

    def on_start(self) -> None:
        for note, kind in NOTES.items():
            self.state.setdefault(note, kind())
        self.every(timedelta(seconds=PULSE_S), "pulse")

    def on_bar(self, bar: BarView) -> None:
        end = time_text(bar.end)
        if self.state["bars"] and end <= self.state["bars"][-1]:
            self.state["again"].append(end)
        self.state["bars"].append(end)
        number = int(bar.end.timestamp()) // SPAN_S
        match number % 4:
            case 0 | 2:
                away = bar.close * Decimal(number % 7 - 1) / 1_000  # some are beyond the market, and fill
                side = Side.BUY if number % 8 else Side.SELL
                self._ask(f"bar {end}", bar.symbol, side, 1 + number % 9, limit=bar.close - side.sign * away)
            case 1:
                self._ask(f"bar {end}", bar.symbol, Side.BUY, 1 + number % 5)
            case _:
                self._reconsider(number)

    def on_timer(self, timer: Fired) -> None:
        symbol = self.symbols[0]
        if (price := self.price(symbol)) is not None:
            self._ask(f"timer {time_text(timer.at)}", symbol, Side.BUY, 3, limit=price * Decimal("0.99"))

    def on_fill(self, filled: Filled) -> None:
        """What was bought is sold again, once for each execution."""
        if filled.exec_id in self.state["heard"]:
            self.state["twice"].append(filled.exec_id)
        self.state["heard"].setdefault(filled.exec_id, [filled.wish, text_of(filled.qty)])
        if not filled.wish.startswith("fill:"):
            other = Side.SELL if filled.side is Side.BUY else Side.BUY
            self._ask(f"fill {filled.exec_id}", filled.symbol, other, filled.qty)

    def on_order(self, order: Ordered) -> None:
        self.state["stands"][order.wish] = [order.ord_status.value, text_of(order.cum_qty)]

    def _reconsider(self, number: int) -> None:
        """The oldest open order is taken back, or made larger."""
        if not (orders := self.orders()):
            return
        if number % 8 < 4:
            self.cancel(orders[0])
        elif orders[0].order.order_qty is not None:
            self.change(orders[0], OrderChanges(order_qty=Quantity(orders[0].order.order_qty + 5)))

    def _ask(self, why: str, symbol: str, side: Side, qty: Decimal | int, limit: Decimal | None = None) -> None:
        price = None if limit is None else limit.quantize(Decimal("0.01"))
        wish = self.wish(symbol, side, qty, limit=price, tif=TimeInForce.GTC if price else TimeInForce.DAY, reason=why)
        self.state["asked"][wish] = why
