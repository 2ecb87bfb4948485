"""What happens to an account by itself: prices that set orders off, orders whose time is over, margin calls, the closeout."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from floorbroker.matching import by_name
from floorbroker_sim.oanda import wire
from floorbroker_sim.oanda.rest import execution, money, triggers, work
from floorbroker_sim.oanda.rest.records import Order

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def look(state: State, instrument: str) -> None:
    """Fill what the prices of an instrument set off, in the order of creation."""
    for order in tuple(state.pending.values()):
        if (
            order.id not in state.pending
            or state.instrument_of(order) != instrument
            or not triggers.is_ready(state, order)
        ):
            continue
        with state.log.batch():
            execution.execute(state, order)


def ends_at(order: Order) -> datetime | None:
    """When an order's time is over, UTC: its date, or the end of the trading day at 17:00 in New York."""
    if order.wish.time_in_force == "GTD":
        return order.wish.gtd_time
    return by_name("FX").day_end(order.created) if order.wish.time_in_force == "GFD" else None


def expire(state: State, at: datetime) -> None:
    """Cancel what has run out of time."""
    for order in tuple(state.pending.values()):
        end = ends_at(order)
        if end is not None and end <= at:
            with state.log.batch():
                work.cancel(state, order, "TIME_IN_FORCE_EXPIRED")


def watch_margin(state: State) -> None:
    """Tell of a margin call when it begins and when it is over; close everything out when half of the margin is gone."""
    if not state.open_trades and state.account.called_at is None:
        return
    found = money.figures(state)
    called = found.call >= 1 and bool(state.open_trades)
    if called and state.account.called_at is None:
        state.account.called_at = state.log.write(wire.Transaction, type="MARGIN_CALL_ENTER").time
    elif not called and state.account.called_at is not None:
        state.log.write(wire.Transaction, type="MARGIN_CALL_EXIT")
        state.account.called_at = None
    if state.open_trades and found.closeout >= 1:
        _close_out(state)


def _close_out(state: State) -> None:
    sides = {(trade.instrument, trade.is_long) for trade in state.open_trades.values()}
    with state.log.batch():
        for instrument, long in sorted(sides):
            wish = wire.Wish(
                type="MARKET", instrument=instrument, units=-state.units(instrument, long=long), time_in_force="IOC",
                position_fill="REDUCE_ONLY", margin_closeout=wire.MarginCloseout(reason="MARGIN_CHECK_VIOLATION"),
            )  # fmt: skip
            if state.is_tradeable(instrument):
                entry = work.make(state, wish, reason="MARGIN_CLOSEOUT")
                execution.execute(state, state.orders[entry.id])
