"""Orders that wait for a price: conditional ones, exits of an entry or of a whole position, and trails.

A conditional order waits untriggered; when its price is seen it is triggered and works like any other.  An exit of a whole
position closes what is open then.  https://bybit-exchange.github.io/docs/v5/position/trading-stop
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import ZERO, OrderId, Quantity, Side
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.rest import life, money
from floorbroker_sim.bybit.rest.holdings import Position
from floorbroker_sim.bybit.rest.records import Executed, Exit, Record, Trigger

if TYPE_CHECKING:
    from floorbroker_sim.bybit.rest.state import State

WHOLE = frozenset({"TakeProfit", "StopLoss", "TrailingStop"})
_CREATED = {
    "TakeProfit": "CreateByTakeProfit", "StopLoss": "CreateByStopLoss", "TrailingStop": "CreateByTrailingStop",
    "PartialTakeProfit": "CreateByPartialTakeProfit", "PartialStopLoss": "CreateByPartialStopLoss",
}  # fmt: skip


def price_by(state: State, product: Product, by: str) -> Decimal | None:
    """The price that a trigger watches."""
    match by:
        case "MarkPrice":
            return state.mark(product)
        case "IndexPrice":
            return state.index(product)
        case _:
            return state.last(product)


def watch(state: State, canonical: str) -> None:
    """Trigger what is due at the prices of now."""
    for record in [r for r in state.open.values() if r.status == "Untriggered"]:
        if record.trigger is None or not _follows(record.product, canonical):
            continue
        _trail(state, record)
        price = price_by(state, record.product, record.trigger.by)
        if record.status == "Untriggered" and price is not None and is_due(record.trigger, price):
            trigger(state, record)


def _follows(product: Product, canonical: str) -> bool:
    """A contract also follows its index, which is the pair."""
    return canonical in {product.canonical, product.pair}


def is_due(trigger: Trigger, price: Decimal) -> bool:
    return price >= trigger.price if trigger.rising else price <= trigger.price


def trigger(state: State, record: Record) -> None:
    """Untriggered, triggered, and from then on an order like any other."""
    state.begin()
    at = state.clock.stamp()
    record.status, record.updated_at = "Triggered", at
    if record.order_type == "Market":  # the market may have gone past the price that triggers
        record.worst = state.protective(record.product, record.side)
    state.announce(record)
    _end_sibling(state, record)
    if _take_size(state, record) and _can_pay(state, record):
        record.status, record.holds = "New", True
        state.work(record)
    state.end()


def _take_size(state: State, record: Record) -> bool:
    """What only closes takes the size that is there now; without one it ends."""
    if record.is_spot or not record.reduce_only:
        return True
    size = state.holdings.at(record.product, record.position_idx).closable(record.side)
    is_whole = record.close_on_trigger and not record.qty
    record.qty = size if is_whole or record.stop_order_type in WHOLE else min(record.qty, size)
    if not record.qty:
        life.over(state, record, "CancelByReduceOnly", "EC_NoError", "Cancelled")
        return False
    return True


def _can_pay(state: State, record: Record) -> bool:
    """Spot stop orders and contracts take money when they are triggered; where there is none they are turned down."""
    if record.reduce_only:
        return True
    if record.is_spot:
        coin = record.product.quote if record.side is Side.BUY else record.product.base
        price = record.price or record.worst or ZERO
        wanted = record.qty if record.side is Side.SELL or record.in_quote else record.qty * price
        enough = wanted <= money.spendable(state, coin) + state.wallet.held_by(record.id)
    else:
        closing = state.holdings.at(record.product, record.position_idx).closable(record.side)
        value = max(record.qty - closing, ZERO) * (record.price or state.mark(record.product))
        enough = value / state.holdings.leverage(record.product) <= money.available(state)
    if not enough:
        life.over(state, record, "UNKNOWN", "EC_Others", "Rejected")
    return enough


def _end_sibling(state: State, record: Record) -> None:
    other = state.open.get(record.sibling)
    if other is not None and other.is_open:
        is_profit = record.stop_order_type.endswith("TakeProfit") or record.create_type.endswith("TakeProfit")
        why = "CancelByOCOSlCanceledByTpTriggered" if is_profit else "CancelByOCOTpCanceledBySlTriggered"
        end(state, other, why)


def end(state: State, record: Record, cancel_type: str, reason: str = "EC_NoError") -> None:
    """End an open order in the venue's name or the client's."""
    record.ending = (cancel_type, "EC_PerCancelRequest" if cancel_type == "CancelByUser" else reason)
    if record.in_engine:
        state.absorb(state.engine.cancel(OrderId(record.id), at=state.clock.stamp()))
        return
    state.begin()
    record.updated_at = state.clock.stamp()
    life.over(state, record, *record.ending)
    state.end()


# --- What fills and endings bring ------------------------------------------------------------------------------------


def filled(state: State, record: Record, executed: Executed) -> None:
    """Exits that an entry carries, and orders that have nothing left to close."""
    if not record.is_open:
        ended(state, record)
    if record.is_spot:
        if record.status == "Filled":
            _spot_exits(state, record)
        return
    position = state.holdings.at(record.product, record.position_idx)
    if position.side is record.side:
        _entry_exits(state, record, position, executed.qty)
    _shrink_closers(state, position)


def _entry_exits(state: State, record: Record, position: Position, qty: Decimal) -> None:
    """What an entry brings along: exits for what was just filled, or for the whole position."""
    if record.tpsl_mode == "Partial":
        _partial_exits(state, record, qty)
        return
    if record.take_profit is not None and position.stop.take_profit != record.take_profit.price:
        set_whole(state, position, "TakeProfit", record.take_profit)
    if record.stop_loss is not None and position.stop.stop_loss != record.stop_loss.price:
        set_whole(state, position, "StopLoss", record.stop_loss)


def _shrink_closers(state: State, position: Position) -> None:
    """Exits of a whole position end with it; reduce-only orders are never for more than there is."""
    for record in state.open_on(position.product):
        if record.position_idx != position.idx or not record.reduce_only or not _is_there(state, record):
            continue
        size = position.closable(record.side)
        if record.stop_order_type in WHOLE and not record.in_engine:
            if size:
                record.qty = size
            else:
                end(state, record, "CancelByTpSlTsClear")
        elif record.in_engine and not size:
            end(state, record, "CancelByReduceOnly")
        elif record.in_engine and record.leaves > size:
            changes = OrderChanges(order_qty=Quantity(record.cum_qty + size))
            state.absorb(state.engine.replace(OrderId(record.id), changes, at=state.clock.stamp()))


def _is_there(state: State, record: Record) -> bool:
    """Open, and not filled in this very moment by what is still to be told."""
    return record.is_open and (not record.in_engine or state.engine.order(OrderId(record.id)).is_open)


def ended(state: State, record: Record) -> None:
    """An exit that is gone is no longer the position's; the end of one exit of a pair ends the other."""
    if record.is_spot:
        other = state.open.get(record.sibling)
        if other is not None and other.is_open and record.cancel_type == "CancelByUser":
            end(state, other, "CancelByUser")
        return
    stop = state.holdings.at(record.product, record.position_idx).stop
    match record.stop_order_type:
        case "TakeProfit":
            stop.take_profit = None
        case "StopLoss":
            stop.stop_loss = None
        case "TrailingStop":
            stop.trailing = stop.active = stop.best = None
        case _:
            pass


# --- Exits -----------------------------------------------------------------------------------------------------------


def set_whole(state: State, position: Position, kind: str, leg: Exit | None) -> None:
    """One exit for the whole position: replaces the one there is; None takes it away."""
    for record in state.open_on(position.product):
        if record.stop_order_type == kind and record.position_idx == position.idx and record.status == "Untriggered":
            end(state, record, "CancelByTpSlTsClear")
    if leg is None or position.side is None:
        return
    is_profit = kind == "TakeProfit"
    _arm(
        state, position.product, position.side.opposite, kind, leg, qty=abs(position.size), idx=position.idx,
        rising=(position.side is Side.BUY) is is_profit, tpsl_mode="Full",
    )  # fmt: skip
    if is_profit:
        position.stop.take_profit = leg.price
    else:
        position.stop.stop_loss = leg.price


def retriggered(state: State, record: Record) -> None:
    """The position shows where its exit is triggered now."""
    if record.is_spot:
        return
    stop = state.holdings.at(record.product, record.position_idx).stop
    if record.trigger is not None and record.stop_order_type == "TakeProfit":
        stop.take_profit = record.trigger.price
    elif record.trigger is not None and record.stop_order_type == "StopLoss":
        stop.stop_loss = record.trigger.price


def set_trail(state: State, position: Position, distance: Decimal | None, active: Decimal | None) -> None:
    """A stop that follows the best price at `distance`, from `active` on."""
    for record in state.open_on(position.product):
        if record.stop_order_type == "TrailingStop" and record.position_idx == position.idx:
            end(state, record, "CancelByTpSlTsClear")
    if not distance or position.side is None:
        return
    position.stop.trailing, position.stop.active = distance, active
    last = state.last(position.product) or position.avg_px
    price = last - position.side.sign * distance
    _arm(
        state, position.product, position.side.opposite, "TrailingStop", Exit(price=price), qty=abs(position.size),
        idx=position.idx, rising=position.side is Side.SELL, tpsl_mode="Full",
    )  # fmt: skip


def _trail(state: State, record: Record) -> None:
    """Let a trail follow the market; before it is active it does not trigger."""
    if record.stop_order_type != "TrailingStop" or record.trigger is None:
        return
    position = state.holdings.at(record.product, record.position_idx)
    stop, last = position.stop, state.last(record.product)
    if last is None or stop.trailing is None or position.side is None:
        return
    sign = position.side.sign
    if stop.best is None and stop.active is not None and (last - stop.active) * sign < 0:
        record.trigger = Trigger(price=_nowhere(record), rising=record.trigger.rising)
        return
    if stop.best is None or (last - stop.best) * sign > 0:
        stop.best = last
        record.trigger = Trigger(price=last - sign * stop.trailing, rising=record.trigger.rising)


def _nowhere(record: Record) -> Decimal:
    """A trigger price that is never met."""
    return record.product.max_price * 10 if record.trigger is not None and record.trigger.rising else ZERO


def _partial_exits(state: State, record: Record, qty: Decimal) -> None:
    """A pair of exits for what was just filled; the first that is triggered ends the other."""
    made: list[Record] = []
    for kind, leg in (("PartialTakeProfit", record.take_profit), ("PartialStopLoss", record.stop_loss)):
        if leg is not None:
            rising = (record.side is Side.BUY) is (kind == "PartialTakeProfit")
            made.append(
                _arm(
                    state, record.product, record.side.opposite, kind, leg, qty=qty, idx=record.position_idx, rising=rising,
                    tpsl_mode="Partial",
                )
            )  # fmt: skip
    pair(made)


def add_partial(state: State, position: Position, kind: str, leg: Exit, qty: Decimal) -> Record:
    """One exit for part of a position."""
    assert position.side is not None
    rising = (position.side is Side.BUY) is (kind == "PartialTakeProfit")
    return _arm(
        state, position.product, position.side.opposite, kind, leg, qty=qty, idx=position.idx, rising=rising,
        tpsl_mode="Partial",
    )  # fmt: skip


def pair(made: list[Record]) -> None:
    """Two exits of which the first that is triggered ends the other."""
    if len(made) == 2:
        made[0].sibling, made[1].sibling = made[1].id, made[0].id


def _spot_exits(state: State, record: Record) -> None:
    """Exits of a spot entry: for what was received, each ends the other."""
    legs = (("TakeProfit", record.take_profit), ("StopLoss", record.stop_loss))
    qty = record.cum_qty - record.fees.get(record.product.base, ZERO)
    qty -= qty % record.product.step
    made: list[Record] = []
    for kind, leg in legs if qty > 0 else ():
        if leg is not None:
            rising = (record.side is Side.BUY) is (kind == "TakeProfit")
            exit_record = _arm(
                state, record.product, record.side.opposite, "tpslOrder", leg, qty=qty, idx=0, rising=rising, tpsl_mode=""
            )  # fmt: skip
            exit_record.create_type, exit_record.parent_link_id = _CREATED[kind], record.link_id
            made.append(exit_record)
    if len(made) == 2:
        made[0].stop_order_type = made[1].stop_order_type = "OcoOrder"
        made[1].holds = False
        state.touch(made[1])
    pair(made)


def _arm(
    state: State,
    product: Product,
    side: Side,
    kind: str,
    leg: Exit,
    *,
    qty: Decimal,
    idx: int,
    rising: bool,
    tpsl_mode: str,
) -> Record:
    """An exit that waits for its price."""
    at = state.clock.stamp()
    is_spot = product.category == info.SPOT
    due = Trigger(price=leg.price, rising=rising, by=leg.by)
    record = Record(
        id=state.order_id(product.category), link_id="", product=product, side=side,
        order_type="Market" if leg.limit is None else "Limit", qty=qty, price=leg.limit,
        tif="IOC" if leg.limit is None else "GTC", created_at=at, updated_at=at, number=len(state.orders) + 1,
        order_filter="tpslOrder" if is_spot else "StopOrder", position_idx=idx, reduce_only=not is_spot,
        close_on_trigger=not is_spot, trigger=due, tpsl_mode=tpsl_mode,
        stop_order_type=kind, create_type=_CREATED.get(kind, "CreateByUser"), status="Untriggered",
        market_unit="baseCoin" if is_spot and leg.limit is None else "", last_price=state.last(product),
        worst=state.protective(product, side, due) if leg.limit is None else None,
    )  # fmt: skip
    state.begin()
    state.add(record)
    state.touch(record)
    state.announce(record)
    state.end()
    return record
