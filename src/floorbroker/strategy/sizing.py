"""How much to buy.  Pure; quantities are rounded down to the lot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.domain.values import ZERO, Price, Quantity, round_to_lot

ONE = Decimal(1)


def for_money(money: Decimal, price: Price, *, lot: Decimal = ONE) -> Quantity:
    """As many units as `money` (quote currency) buys at `price`."""
    return round_to_lot(Quantity(money / price), lot) if money > 0 and price > 0 else Quantity(ZERO)


def for_share(equity: Decimal, share: Decimal, price: Price, *, lot: Decimal = ONE) -> Quantity:
    """As many as `share` (0.1 is a tenth) of `equity` buys."""
    return for_money(equity * share, price, lot=lot)


def for_risk(equity: Decimal, share: Decimal, *, entry: Price, stop: Price, lot: Decimal = ONE) -> Quantity:
    """As many as lose `share` of `equity` when bought or sold at `entry` and stopped at `stop`."""
    distance = abs(entry - stop)
    return round_to_lot(Quantity(equity * share / distance), lot) if distance else Quantity(ZERO)


def for_volatility(
    equity: Decimal, share: Decimal, *, deviation: Decimal, price: Price, lot: Decimal = ONE, most: Decimal = ONE
) -> Quantity:
    """As many as move `share` of `equity` when the price moves by `deviation`, at most `most` times what equity buys."""
    if deviation <= 0:
        return Quantity(ZERO)
    return min(round_to_lot(Quantity(equity * share / deviation), lot), for_share(equity, most, price, lot=lot))


def targets(
    equity: Decimal, weights: Mapping[str, Decimal], prices: Mapping[str, Price], *, lot: Decimal = ONE
) -> dict[str, Decimal]:
    """Signed units of each symbol for weights of equity (negative: short), towards zero to whole lots."""
    units = {symbol: for_share(equity, abs(weight), prices[symbol], lot=lot) for symbol, weight in weights.items()}
    return {symbol: -qty if weights[symbol] < 0 else Decimal(qty) for symbol, qty in units.items()}
