"""What a strategy may risk by its own rules, before the desk's controls see anything.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, Quantity, text_of


@frozen
class Budget:
    """Bounds of one strategy; None leaves one out.  Money is in quote currency.

    `position_max` bounds the worth of one position, `gross_max` that of all, `orders_day_max` the orders of one UTC day and
    `loss_day_max` what equity may fall within one.  Orders that make a position smaller always pass.
    """

    position_max: Decimal | None = None
    gross_max: Decimal | None = None
    orders_day_max: int | None = None
    loss_day_max: Decimal | None = None

    @property
    def is_empty(self) -> bool:
        return (self.position_max, self.gross_max, self.orders_day_max, self.loss_day_max) == (None,) * 4


@frozen
class Standing:
    """What a budget looks at: the account's equity now and when the day began, positions, prices, and orders of the day."""

    equity: Decimal
    day_start: Decimal
    positions: Mapping[str, Decimal]
    prices: Mapping[str, Decimal]
    orders_today: int

    def worth(self, symbol: str, qty: Decimal) -> Decimal:
        return abs(qty) * self.prices.get(symbol, ZERO)


def refusal(budget: Budget, order: NewOrder, standing: Standing) -> str:
    """Why the budget does not let the order leave; empty when it does."""
    held = standing.positions.get(order.symbol, ZERO)
    price = order.price or standing.prices.get(order.symbol, ZERO)
    qty = order.order_qty or Quantity((order.notional or ZERO) / price if price else ZERO)
    after = held + order.side.sign * qty
    if abs(after) < abs(held) and after * held >= 0:
        return ""
    worth = abs(after) * price
    if budget.position_max is not None and worth > budget.position_max:
        return f"{order.symbol} would be worth {text_of(worth)}, above position_max {text_of(budget.position_max)}"
    others = sum((standing.worth(s, q) for s, q in standing.positions.items() if s != order.symbol), ZERO)
    if budget.gross_max is not None and worth + others > budget.gross_max:
        return f"all positions would be worth {text_of(worth + others)}, above gross_max {text_of(budget.gross_max)}"
    if budget.orders_day_max is not None and standing.orders_today >= budget.orders_day_max:
        return f"{standing.orders_today} orders today, orders_day_max is {budget.orders_day_max}"
    loss = standing.day_start - standing.equity
    if budget.loss_day_max is not None and loss >= budget.loss_day_max:
        return f"equity fell by {text_of(loss)} today, loss_day_max is {text_of(budget.loss_day_max)}"
    return ""


@frozen
class Day:
    """Orders and equity at the beginning of one UTC day."""

    day: date
    equity: Decimal
    orders: int = 0
