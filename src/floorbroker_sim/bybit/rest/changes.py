"""Amend and cancel: one order, or all of a kind.  https://bybit-exchange.github.io/docs/v5/order/amend-order"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import OrderId, Price, Quantity, is_multiple
from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.rest import checks, life, money, reading, stops
from floorbroker_sim.bybit.rest.records import Exit, Record, Trigger
from floorbroker_sim.bybit.rest.state import State


def ids(record: Record) -> dict[str, object]:
    return {"orderId": record.id, "orderLinkId": record.link_id}


def _open_order(state: State, category: str, symbol: str, order_id: str | None, link_id: str | None) -> Record:
    product = reading.product(category, symbol)
    if not order_id and not link_id:
        raise errors.parameter("params error: orderId or orderLinkId is required")
    record = state.named(category, order_id, link_id)
    if record is None or record.product is not product or not record.is_open:
        raise errors.order_missing(category)
    return record


# --- Amend -----------------------------------------------------------------------------------------------------------


def amend(state: State, wish: wire.AmendOrder) -> dict[str, object]:
    """Change an open order in place.  Raises `Refused`."""
    record = _open_order(state, wish.category, wish.symbol, wish.order_id, wish.order_link_id)
    qty, limit = _new_qty(state, record, wish), _new_price(state, record, wish)
    trigger, profit, loss = _new_trigger(state, record, wish), *_new_exits(state, record, wish)
    if (qty, limit, trigger, profit, loss) == (
        record.qty, record.price, record.trigger, record.take_profit, record.stop_loss
    ):  # fmt: skip
        raise errors.unchanged()
    _afford(state, record, qty, limit)
    mode = _new_mode(record, wish)
    state.begin()
    record.tpsl_mode = mode if profit is not None or loss is not None else ""
    record.trigger, record.take_profit, record.stop_loss = trigger, profit, loss
    stops.retriggered(state, record)
    _apply(state, record, qty, limit)
    state.end()
    return ids(record)


def _new_qty(state: State, record: Record, wish: wire.AmendOrder) -> Decimal:
    """Not below what is filled; a closing order stays within its position."""
    qty = reading.amount(wish.qty, "qty")
    if qty is None:
        return record.qty
    if record.in_quote or record.stop_order_type in stops.WHOLE:
        raise errors.parameter("params error: qty of this order cannot be changed")
    if qty <= record.cum_qty:
        raise errors.below_filled(record.category)
    checks.qty(record.product, qty, is_market=False)
    if record.reduce_only and record.in_engine:
        closable = state.holdings.at(record.product, record.position_idx).closable(record.side)
        return min(qty, record.cum_qty + closable)
    return qty


def _new_price(state: State, record: Record, wish: wire.AmendOrder) -> Decimal | None:
    if not wish.price:
        return record.price
    if record.order_type == "Market":
        raise errors.parameter("params error: a market order has no price")
    limit = checks.price(record.product, wish.price)
    if record.is_spot and record.status != "Untriggered":
        checks.spot_band(state, record.product, record.side, limit)
    return limit


def _new_trigger(state: State, record: Record, wish: wire.AmendOrder) -> Trigger | None:
    level = reading.amount(wish.trigger_price, "triggerPrice")
    if not level:
        return record.trigger
    if record.trigger is None or record.status != "Untriggered" or record.stop_order_type == "TrailingStop":
        raise errors.parameter("params error: the order has no trigger to change")
    if not is_multiple(level, record.product.tick):
        raise errors.price_off_tick(record.category)
    now = stops.price_by(state, record.product, record.trigger.by)
    if now is not None and stops.is_due(replace(record.trigger, price=level), now):
        raise errors.trigger_side(rising=record.trigger.rising)
    return replace(record.trigger, price=level)


def _new_exits(state: State, record: Record, wish: wire.AmendOrder) -> tuple[Exit | None, Exit | None]:
    base = record.price or state.mark(record.product)
    profit, loss = record.take_profit, record.stop_loss
    if wish.take_profit is not None:
        profit = checks.leg(record.product, wish.take_profit, "takeProfit", by=wish.tp_trigger_by)
    if wish.stop_loss is not None:
        loss = checks.leg(record.product, wish.stop_loss, "stopLoss", by=wish.sl_trigger_by)
    if (profit, loss) != (record.take_profit, record.stop_loss):
        checks.check_sides(record.side, base, profit, loss)
    return profit, loss


def _new_mode(record: Record, wish: wire.AmendOrder) -> str:
    """Whether exits are for the whole position or for what the order fills; pairs have no such thing."""
    mode = wish.tpsl_mode or record.tpsl_mode or "Full"
    if mode not in {"Full", "Partial"}:
        raise errors.parameter("params error: tpslMode invalid")
    return "" if record.is_spot else mode


def _afford(state: State, record: Record, qty: Decimal, limit: Decimal | None) -> None:
    """What the new terms need beyond the old must be there."""
    price_before, price_after = record.price or Decimal(0), limit or Decimal(0)
    if record.status == "Untriggered" or record.reduce_only:
        return
    before = record.leaves * price_before
    after = (qty - record.cum_qty) * price_after
    if record.is_spot:
        coin = record.product.quote if record.side.sign > 0 else record.product.base
        more = after - before if record.side.sign > 0 else qty - record.qty
        if more > 0 and more > money.spendable(state, coin):
            raise errors.too_poor(record.category)
    elif after > before and (after - before) / state.holdings.leverage(record.product) > money.available(state):
        raise errors.too_poor(record.category)


def _apply(state: State, record: Record, qty: Decimal, limit: Decimal | None) -> None:
    at = state.clock.stamp()
    terms = (qty, limit)
    if not record.in_engine or terms == (record.qty, record.price):
        record.qty, record.price = terms
        record.updated_at = at
        state.touch(record)
        state.announce(record)
        return
    changed = replace_terms(record, qty, limit)
    if (why := life.unworkable(state, changed, state.refresh(record.product))) is not None:
        stops.end(state, record, "UNKNOWN", why[0])
        return
    wanted = OrderChanges(
        order_qty=None if qty == record.qty else Quantity(qty),
        price=None if limit is None or limit == record.price else Price(limit),
    )
    state.absorb(state.engine.replace(OrderId(record.id), wanted, at=at))


def replace_terms(record: Record, qty: Decimal, limit: Decimal | None) -> Record:
    """The order as it would stand, for questions about it."""
    return replace(record, qty=qty, price=limit, fees=dict(record.fees))


# --- Cancel ----------------------------------------------------------------------------------------------------------


def cancel(state: State, wish: wire.CancelOrder) -> dict[str, object]:
    """Take an open order out.  Raises `Refused`."""
    record = _open_order(state, wish.category, wish.symbol, wish.order_id, wish.order_link_id)
    if record.cross is not None:
        _crossed(state, record, record.cross)
    else:
        stops.end(state, record, "CancelByUser")
    return ids(record)


def _crossed(state: State, record: Record, price: Decimal) -> None:
    """The fill was first: one message says so, a second that the cancel came too late."""
    at = state.clock.stamp()
    state.begin()
    leaves = Quantity(record.leaves)
    state.absorb(state.engine.force_fill(OrderId(record.id), qty=leaves, price=Price(price), at=at))
    state.end()
    state.begin()
    record.cancel_type, record.reject_reason = "CancelByUser", "EC_OrigClOrdIDDoesNotExist"
    record.updated_at = state.clock.stamp()
    state.announce(record)
    state.end()


def cancel_all(state: State, wish: wire.CancelAll) -> dict[str, object]:
    """All open orders of a symbol, a base coin or a settle coin.  Raises `Refused`."""
    category = reading.known_category(wish.category)
    if category == info.LINEAR and not (wish.symbol or wish.base_coin or wish.settle_coin):
        raise errors.parameter("params error: symbol, settleCoin or baseCoin is required")
    if wish.symbol:
        reading.product(category, wish.symbol)
    chosen = [record for record in state.open.values() if record.category == category and _is_meant(record, wish)]
    for record in chosen:
        if record.is_open:
            stops.end(state, record, "CancelByUser")
    return {"list": [ids(record) for record in chosen], "success": "1"}


def _is_meant(record: Record, wish: wire.CancelAll) -> bool:
    if wish.symbol:
        within = record.symbol == wish.symbol
    elif wish.base_coin:
        within = record.product.base == wish.base_coin
    else:
        within = not wish.settle_coin or record.product.quote == wish.settle_coin
    wanted = wish.order_filter or ("Order" if record.is_spot else None)
    kind = "Order" if record.trigger is None or record.in_engine else record.order_filter
    if wish.stop_order_type == "Stop" and record.stop_order_type != "Stop":
        return False
    return within and (wanted in {None, "OpenOrder"} or kind == wanted)
