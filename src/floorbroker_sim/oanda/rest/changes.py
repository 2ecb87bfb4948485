"""What changed since a transaction, and the account's state at the prices of now: what a client polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import Refused
from floorbroker_sim.oanda.mapping import order_object
from floorbroker_sim.oanda.rest import money, positions, trades, triggers
from floorbroker_sim.oanda.rest.answers import Answer, ended
from floorbroker_sim.oanda.rest.log import Entry
from floorbroker_sim.oanda.rest.reading import Call
from floorbroker_sim.oanda.rest.records import Order

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def get_changes(state: State, call: Call) -> Answer:
    """Raises `Refused` 416 for a transaction that is not there, or too long ago."""
    call.needed("sinceTransactionID")
    since = call.transaction("sinceTransactionID") or 0
    last = len(state.log.entries)
    if not last - info.CHANGES_REACH <= since <= last:
        raise Refused(416, "The range of transactions requested is not available", members=ended(state, {}))
    entries = state.log.entries[since:]
    return Answer(ended(state, {"changes": _changes(state, entries), "state": _state_of(state)}))


def _changes(state: State, entries: list[Entry]) -> dict[str, object]:
    new = {entry.id for entry in entries}
    fills = [entry for entry in entries if isinstance(entry, wire.Fill)]
    touched = sorted({fill.instrument for fill in fills})

    def orders(where: str) -> list[wire.Order]:
        return [order_object(order) for order in state.orders.values() if getattr(order, where) in new]

    def some(ids: list[str]) -> list[wire.Trade]:
        return [trades.shown(state, state.trades[one], whole=False) for one in dict.fromkeys(ids)]

    return {
        "ordersCreated": orders("id"),
        "ordersCancelled": orders("cancelling_id"),
        "ordersFilled": orders("filling_id"),
        "ordersTriggered": list[wire.Order](),
        "tradesOpened": some([fill.trade_opened.trade_id for fill in fills if fill.trade_opened]),
        "tradesReduced": some([fill.trade_reduced.trade_id for fill in fills if fill.trade_reduced]),
        "tradesClosed": some([closed.trade_id for fill in fills for closed in fill.trades_closed or []]),
        "positions": [positions.shown(state, instrument) for instrument in touched],
        "transactions": entries,
    }


def _state_of(state: State) -> wire.ChangedState:
    held = sorted({trade.instrument for trade in state.open_trades.values()})
    return wire.ChangedState(
        **money.shown(money.figures(state)),
        orders=[now for order in state.pending.values() if (now := _order_now(state, order)) is not None],
        trades=[
            wire.TradeNow(
                id=trade.id, unrealized_pl=money.unrealized(state, trade),
                margin_used=money.margin(state, trade.instrument, trade.units),
            )
            for trade in state.open_trades.values()
        ],
        positions=[_position_now(positions.shown(state, instrument)) for instrument in held],
    )  # fmt: skip


def _position_now(shown: wire.Position) -> wire.PositionNow:
    return wire.PositionNow(
        instrument=shown.instrument, net_unrealized_pl=shown.unrealized_pl, long_unrealized_pl=shown.long.unrealized_pl,
        short_unrealized_pl=shown.short.unrealized_pl, margin_used=shown.margin_used,
    )  # fmt: skip


def _order_now(state: State, order: Order) -> wire.OrderNow | None:
    """Of trailing stops: where they stand, and how far away the price is."""
    touch = state.touch(state.instrument_of(order))
    if order.trailing is None or touch is None:
        return None
    seen = triggers.seen_price(order.wish.trigger_condition, touch, buy=triggers.is_buy(state, order))
    return wire.OrderNow(
        id=order.id, trailing_stop_value=order.trailing, trigger_distance=abs(seen - order.trailing),
        is_trigger_distance_exact=True,
    )  # fmt: skip
