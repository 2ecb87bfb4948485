"""What an order must be before it is taken: words, steps, limits, side of the trigger, positions and money."""

from __future__ import annotations

import re
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side, is_multiple
from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import SIDE
from floorbroker_sim.bybit.rest import money, reading, stops
from floorbroker_sim.bybit.rest.records import Exit, Record, Trigger
from floorbroker_sim.bybit.rest.state import State

_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


def link_id(state: State, category: str, wanted: str | None) -> str:
    """At most 36 letters, digits, dashes and underscores, never used before."""
    if not wanted:
        return ""
    if _LINK_ID.fullmatch(wanted) is None:
        raise errors.parameter("params error: OrderLinkId invalid")
    if (category, wanted) in state.link_ids:
        raise errors.duplicate(category)
    return wanted


def tif(wish: wire.CreateOrder) -> str:
    """Market orders are always IOC."""
    if wish.order_type == "Market":
        return "IOC"
    chosen = wish.time_in_force or "GTC"
    if chosen not in info.TIFS:
        raise errors.parameter("params error: timeInForce invalid")
    return chosen


def price(product: Product, text: str | None, name: str = "price") -> Decimal:
    """A positive limit price on the price step, inside the product's outer bounds."""
    value = reading.amount(text, name)
    if value is None or not value:
        raise errors.parameter(f"params error: {name} invalid")
    if not is_multiple(value, product.tick):
        raise errors.price_off_tick(product.category)
    if value > product.max_price:
        raise errors.price_outside(product.category)
    return value


def spot_band(state: State, product: Product, side: Side, limit: Decimal) -> None:
    """Spot answers at once where a limit goes too far through the market."""
    low, high = money.band(state, product)
    if not high:
        return
    if limit > high if side is Side.BUY else limit < low:
        raise errors.spot_band(is_buy=side is Side.BUY, limit=high if side is Side.BUY else low)


def qty(product: Product, value: Decimal, *, is_market: bool) -> None:
    """Base units: on the step, not too few, not too many."""
    if not is_multiple(value, product.step):
        raise errors.qty_off_step(product.category)
    if value < product.min_qty:
        raise errors.qty_too_low(product.category)
    if value > (product.max_market_qty if is_market else product.max_qty):
        raise errors.qty_too_high(product.category)


def value(product: Product, worth: Decimal) -> None:
    """Quote units of an order that opens something."""
    if worth < product.min_amount:
        raise errors.value_too_low(product.category, product.min_amount)
    if product.category == info.SPOT and worth > product.max_amount:
        raise errors.qty_too_high(product.category)


def trigger(state: State, product: Product, wish: wire.CreateOrder) -> Trigger | None:
    """When a conditional order is due; spot finds the direction by itself."""
    if product.category == info.SPOT and wish.order_filter in {None, "", "Order"}:
        return None
    level = reading.amount(wish.trigger_price, "triggerPrice")
    if not level:
        if product.category == info.SPOT:
            raise errors.parameter("params error: triggerPrice invalid")
        return None
    if not is_multiple(level, product.tick):
        raise errors.price_off_tick(product.category)
    by = wish.trigger_by or "LastPrice"
    if by not in info.TRIGGER_BY:
        raise errors.parameter("params error: triggerBy invalid")
    now = stops.price_by(state, product, by) or ZERO
    if product.category == info.SPOT:
        return Trigger(price=level, rising=level > now, by=by)
    if wish.trigger_direction not in {1, 2}:
        raise errors.parameter("params error: TriggerDirection invalid")
    rising = wish.trigger_direction == 1
    if level <= now if rising else level >= now:
        raise errors.trigger_side(rising=rising)
    return Trigger(price=level, rising=rising, by=by)


def exits(product: Product, wish: wire.CreateOrder, base: Decimal) -> tuple[Exit | None, Exit | None]:
    """Take-profit and stop-loss of an entry, on their sides of its price."""
    profit, loss = legs(product, wish)
    if profit is None and loss is None:
        return None, None
    if wish.reduce_only:
        raise errors.parameter("params error: takeProfit and stopLoss do not go with reduceOnly")
    if product.category == info.SPOT and wish.order_type != "Limit":
        raise errors.parameter("params error: takeProfit and stopLoss go with limit orders")
    is_full = product.category == info.LINEAR and (wish.tpsl_mode or "Full") == "Full"
    if is_full and any(exit_ is not None and exit_.limit is not None for exit_ in (profit, loss)):
        raise errors.parameter("params error: limit exits need tpslMode Partial")
    check_sides(SIDE[wish.side or "Buy"], base, profit, loss)
    return profit, loss


def legs(product: Product, wish: wire.CreateOrder | wire.TradingStop) -> tuple[Exit | None, Exit | None]:
    """Take-profit and stop-loss as they are spelled."""
    return (
        leg(product, wish.take_profit, "takeProfit", by=wish.tp_trigger_by, kind=wish.tp_order_type, limit=wish.tp_limit_price),
        leg(product, wish.stop_loss, "stopLoss", by=wish.sl_trigger_by, kind=wish.sl_order_type, limit=wish.sl_limit_price),
    )  # fmt: skip


def leg(
    product: Product,
    text: str | None,
    name: str,
    *,
    by: str | None,
    kind: str | None = None,
    limit: str | None = None,
) -> Exit | None:
    """One exit; `0` and no text mean none."""
    level = reading.amount(text, name)
    if not level:
        return None
    if not is_multiple(level, product.tick):
        raise errors.price_off_tick(product.category)
    if (by or "LastPrice") not in info.TRIGGER_BY or (kind or "Market") not in {"Market", "Limit"}:
        raise errors.parameter(f"params error: {name} invalid")
    wanted = price(product, limit, f"{name} limit") if kind == "Limit" else None
    return Exit(price=level, by=by or "LastPrice", limit=wanted)


def check_sides(side: Side, base: Decimal, profit: Exit | None, loss: Exit | None) -> None:
    """A long takes profit above and its loss below; a short the other way."""
    if profit is not None and (profit.price - base) * side.sign <= 0:
        raise errors.parameter("params error: takeProfit is on the wrong side of the price")
    if loss is not None and (base - loss.price) * side.sign <= 0:
        raise errors.parameter("params error: stopLoss is on the wrong side of the price")


def position_idx(state: State, product: Product, wish: wire.CreateOrder) -> int:
    """The position the order belongs to, by the mode of the contract."""
    idx = wish.position_idx or 0
    if product.category == info.SPOT:
        return 0
    if idx not in state.holdings.indexes(product):
        raise errors.parameter("position idx not match position mode")
    closes = bool(wish.reduce_only or wish.close_on_trigger)
    if idx and (SIDE[wish.side or "Buy"] is Side.BUY) is (idx == 1) and closes:
        raise errors.nothing_to_reduce()
    return idx


def room(state: State, record: Record) -> None:
    """Not too many open orders."""
    open_orders = [r for r in state.open.values() if r.category == record.category]
    waiting = record.trigger is not None
    if record.is_spot:
        mine = [r for r in open_orders if r.product is record.product and r.trigger is not None]
        if len(open_orders) >= info.MAX_SPOT_OPEN or (waiting and len(mine) >= info.MAX_SPOT_CONDITIONAL):
            raise errors.too_many_orders(record.category, conditional=waiting)
        return
    same = [r for r in open_orders if r.product is record.product and (r.trigger is not None) is waiting]
    if len(same) >= (info.MAX_CONDITIONAL if waiting else info.MAX_ACTIVE):
        raise errors.too_many_orders(record.category, conditional=waiting)


def funds(state: State, record: Record) -> None:
    """Enough to pay for it, or to back it."""
    if record.is_spot:
        coin = record.product.quote if record.side is Side.BUY else record.product.base
        needed = state.to_hold(record)
        if needed > money.spendable(state, coin):
            raise errors.too_poor(record.category)
        return
    if record.reduce_only or record.trigger is not None:
        return
    closing = state.holdings.at(record.product, record.position_idx).closable(record.side)
    opening = max(record.qty - closing, ZERO) * (record.price or state.mark(record.product))
    fee = record.qty * (record.price or state.mark(record.product)) * info.LINEAR_TAKER
    if opening and opening / state.holdings.leverage(record.product) + fee > money.available(state):
        raise errors.too_poor(record.category)
