"""What a strategy may risk by its own rules, before the desk's controls see anything.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, Quantity, text_of


@frozen
class Budget:
    """Bounds of one strategy; None leaves one out.  Money is in the account's currency.

    `position_max` bounds the worth of one position, `gross_max` that of all, `orders_day_max` the orders of one UTC day and
    `loss_day_max` what equity may fall within one.  Orders that make a position smaller always pass.  While nobody can tell what
    something is worth, for want of a price or of a rate of exchange, a bound that has to count it lets through nothing else.
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
    """What a budget looks at: the account's equity now and when the day began, positions, prices, and orders of the day.

    `scales` are what units times price of a symbol are multiplied with to be an amount of the account; one is missing where
    nobody said.
    """

    equity: Decimal
    day_start: Decimal
    positions: Mapping[str, Decimal]
    prices: Mapping[str, Decimal]
    orders_today: int
    scales: Mapping[str, Decimal]

    def worth(self, symbol: str, qty: Decimal, price: Decimal | None = None) -> Decimal | None:
        """In the account's currency, without a sign; None where nobody can tell."""
        price, scale = price or self.prices.get(symbol), self.scales.get(symbol)
        if not qty:
            return ZERO
        return None if not price or scale is None else abs(qty) * price * scale


def refusal(budget: Budget, order: NewOrder, standing: Standing) -> str:
    """Why the budget does not let the order leave; empty when it does."""
    moves = _moves(order, standing)
    if moves and all(_lowers(standing.positions.get(symbol, ZERO), after) for symbol, after in moves.items()):
        return ""
    price = None if order.legs else order.price or order.stop_px
    worths = {symbol: standing.worth(symbol, after, price) for symbol, after in moves.items()}
    if budget.position_max is not None:
        for symbol, worth in worths.items():
            if why := _beyond(f"{symbol} would be worth", worth, budget.position_max, "position_max", lacking=[symbol]):
                return why
    if budget.gross_max is not None:
        for symbol, qty in standing.positions.items():
            worths.setdefault(symbol, standing.worth(symbol, qty))
        lacking = sorted(symbol for symbol, worth in worths.items() if worth is None)
        gross = None if lacking else sum((worth for worth in worths.values() if worth is not None), ZERO)
        if why := _beyond("all positions would be worth", gross, budget.gross_max, "gross_max", lacking=lacking):
            return why
    return _of_the_day(budget, standing)


def _moves(order: NewOrder, standing: Standing) -> dict[str, Decimal]:
    """What would be held of each symbol that an order trades, signed; money counts at the last price, without one as nothing."""
    if not order.legs:
        price = order.price or standing.prices.get(order.symbol)
        units = order.order_qty or Quantity((order.notional or ZERO) / price if price else ZERO)
        moved = {order.symbol: order.side.sign * units}
    else:
        moved = dict.fromkeys((leg.symbol for leg in order.legs), ZERO)
        for leg in order.legs:
            moved[leg.symbol] += leg.side.sign * leg.ratio_qty * (order.order_qty or ZERO)
    return {symbol: standing.positions.get(symbol, ZERO) + units for symbol, units in moved.items()}


def _lowers(held: Decimal, after: Decimal) -> bool:
    return abs(after) < abs(held) and after * held >= 0


def _beyond(what: str, worth: Decimal | None, most: Decimal, name: str, *, lacking: Sequence[str]) -> str:
    if worth is None:
        return f"{name} cannot be held to without a price and a rate of exchange for {', '.join(lacking)}"
    return f"{what} {text_of(worth)}, above {name} {text_of(most)}" if worth > most else ""


def _of_the_day(budget: Budget, standing: Standing) -> str:
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
