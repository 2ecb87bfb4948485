"""At which prices, and for how much, one order trades against the market right now.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.values import ZERO, Price, Quantity, Side, TimeInForce, round_step
from floorbroker.matching.market import Liquidity, Market
from floorbroker.matching.orders import MatchOrder
from floorbroker.matching.slippage import Slippage


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A piece of one order: our price, the displayed level it uses up, and whether it was the last that is wanted."""

    price: Price
    level: Price
    qty: Quantity
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What every execution of an engine has in common.  At an opening price even resting orders trade at that price."""

    liquidity: Liquidity
    slippage: Slippage
    is_opening: bool = False


def qty_step(instrument: Instrument) -> Decimal:
    return instrument.fraction or instrument.lot


def units_for(
    order: MatchOrder, price: Price, instrument: Instrument, *, done: Decimal = ZERO, spent: Decimal = ZERO
) -> Quantity:
    """Units still wanted at `price`, when `done` units for `spent` (units x price) are about to be booked.

    A notional is turned into units here, rounded down to the instrument's step.
    """
    if order.order.order_qty is not None:
        return Quantity(order.order.order_qty - order.cum_qty - done)
    assert order.order.notional is not None
    left = order.order.notional - (order.spent + spent) * instrument.multiplier
    return Quantity(max(ZERO, round_step(left / (price * instrument.multiplier), qty_step(instrument), ROUND_FLOOR)))


def is_within(order: MatchOrder, price: Price) -> bool:
    """Whether the order accepts `price`."""
    if order.limit is None:
        return True
    return price <= order.limit if order.side is Side.BUY else price >= order.limit


def takes(order: MatchOrder, market: Market, instrument: Instrument, rules: Rules) -> list[Take]:
    """The executions possible now.  An order that met the market before makes, and trades at its own limit; any other takes.

    A fill-or-kill order gets all or nothing; an iceberg that rests, no more than what it shows where sizes count.
    """
    found = list(_walk(order, market, instrument, rules))
    if order.order.tif is TimeInForce.FOK and not (found and found[-1].is_last):
        return []
    return found


def _walk(order: MatchOrder, market: Market, instrument: Instrument, rules: Rules) -> Iterator[Take]:
    done, spent = ZERO, ZERO
    tip = None if rules.is_opening or rules.liquidity is Liquidity.UNLIMITED else order.shown
    for level, size in market.levels(order.side):
        if not is_within(order, level):
            return
        price = _price(order, level, size, instrument, rules)
        wanted = units_for(order, price, instrument, done=done, spent=spent)
        qty = wanted
        if rules.liquidity is Liquidity.DISPLAYED:
            qty = min(wanted, round_step(size, qty_step(instrument), ROUND_FLOOR))
        if tip is not None:
            qty = min(qty, tip - done)
        if qty > 0:
            yield Take(price=price, level=level, qty=Quantity(qty), is_last=qty == wanted)
        if qty == wanted:
            return
        done, spent = done + qty, spent + qty * price


def _price(order: MatchOrder, level: Price, size: Decimal, instrument: Instrument, rules: Rules) -> Price:
    if order.resting and order.limit is not None and not rules.is_opening:
        return order.limit
    qty = order.order.order_qty or Quantity(size)
    tick = instrument.tick_at(level)
    slipped = rules.slippage.price(side=order.side, price=level, qty=qty, displayed=size, tick=tick)
    if is_within(order, slipped):
        return slipped
    assert order.limit is not None
    return order.limit
