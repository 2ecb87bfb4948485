"""Orders are made, begin to work, and end; each step is a transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.mapping import members_of
from floorbroker_sim.oanda.rest import money
from floorbroker_sim.oanda.rest.records import Order

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def make(
    state: State,
    wish: wire.Wish,
    *,
    reason: str,
    replaces: Order | None = None,
    fill_id: str | None = None,
    cancelling_id: str | None = None,
) -> wire.OrderTransaction:
    """Write the creation of an order and let it wait.  `fill_id` made it, `cancelling_id` ended the one before."""
    order = Order(
        id=state.log.next_id, wish=wish, created=state.clock.now(), replaces_id=replaces.id if replaces else None
    )
    if wish.guaranteed or wish.type == "GUARANTEED_STOP_LOSS":
        order.premium = info.GUARANTEED_PREMIUM_PIPS * info.INSTRUMENTS[state.instrument_of(order)].pip_size
    if wish.type == "MARKET_IF_TOUCHED":
        touch = state.touch(state.instrument_of(order))
        order.initial_price = None if touch is None else touch.middle
    state.orders[order.id] = state.pending[order.id] = order
    if order.is_dependent and wish.trade_id is not None:
        state.trades[wish.trade_id].orders[order.kind] = order.id
    shown = members_of(wish, type=f"{wish.type}_ORDER")
    return state.log.write(
        wire.OrderTransaction, **shown, reason=reason, guaranteed_execution_premium=order.premium,
        order_fill_transaction_id=fill_id, replaces_order_id=order.replaces_id, cancelling_transaction_id=cancelling_id,
    )  # fmt: skip


def reject(
    state: State, wish: wire.Wish, *, code: str, reason: str, replaces: str | None = None
) -> wire.OrderTransaction:
    """Write that an order was refused."""
    shown = members_of(wish, type=f"{wish.type}_ORDER_REJECT")
    return state.log.write(
        wire.OrderTransaction, **shown, reason=reason, reject_reason=code, intended_replaces_order_id=replaces
    )


def _take_out(state: State, order: Order) -> None:
    state.pending.pop(order.id, None)
    trade = state.trades.get(order.wish.trade_id or "") if order.is_dependent else None
    if trade is not None and trade.orders.get(order.kind) == order.id:
        del trade.orders[order.kind]


def cancel(state: State, order: Order, reason: str, *, replaced_by: str | None = None) -> wire.Cancel:
    """End an order without a fill."""
    entry = state.log.write(
        wire.Cancel, type="ORDER_CANCEL", order_id=order.id, client_order_id=order.client_id, reason=reason,
        replaced_by_order_id=replaced_by,
    )  # fmt: skip
    order.state, order.cancelling_id, order.cancelled_at, order.cancel_reason = (
        "CANCELLED",
        entry.id,
        entry.time,
        reason,
    )
    order.replaced_by_id = replaced_by
    _take_out(state, order)
    return entry


def filled(state: State, order: Order, entry: wire.Fill) -> None:
    """Remember that an order filled."""
    order.state, order.filling_id, order.filled_at = "FILLED", entry.id, entry.time
    order.opened_id = entry.trade_opened.trade_id if entry.trade_opened else None
    order.reduced_id = entry.trade_reduced.trade_id if entry.trade_reduced else None
    order.closed_ids = [closed.trade_id for closed in entry.trades_closed or []]
    order.filled_units += entry.units
    order.spent += abs(entry.units) * entry.price
    _take_out(state, order)


def reissue(state: State, order: Order, rest: Decimal) -> wire.OrderTransaction:
    """The rest of a partly filled order as another one, with the same words."""
    wish = wire.Wish(**members_of(order.wish, units=rest))
    return make(state, wish, reason="CLIENT_ORDER")


def guaranteed_fee(order: Order, units: Decimal, factors: money.Conversion) -> Decimal:
    """What a guaranteed stop costs when it fills."""
    return money.cents(abs(units) * (order.premium or ZERO) * factors.loss)
