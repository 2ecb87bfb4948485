"""Trailing limits: the stop follows the market, and where it is met a limit order goes in, its offset away.

The engine trails stops that become market orders; the limit is the venue's own doing.
https://interactivebrokers.com/campus/ibkr-api-page/order-types/#trailing-stop-limit
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.records import Trade
from floorbroker.domain.values import OrderId, OrderType, Price, Side, round_step
from floorbroker_sim.ibkr.rest.records import Record

if TYPE_CHECKING:
    from floorbroker_sim.ibkr.rest.state import State

WORD = "TRAIL LIMIT"


def is_trailing_limit(record: Record) -> bool:
    return record.order.order_type is OrderType.TRAILING_STOP and record.placed.text("orderType").upper().startswith(
        WORD
    )


def follow(state: State, trade: Trade) -> None:
    """One public trade: stops follow it, and those it meets become limits."""
    for record in state.open_orders():
        if record.order.symbol == trade.symbol and is_trailing_limit(record) and record.status == "PreSubmitted":
            if record.waits_for_parent or record.why_held:
                continue
            watch(state, record, trade.price)


def watch(state: State, record: Record, price: Price) -> None:
    """Follow one price, or be elected by it."""
    side = record.order.side
    if record.hwm is None or (price < record.hwm if side is Side.BUY else price > record.hwm):
        record.hwm = price
        record.stop_px = _stop(state, record, price)
    stop = record.stop_px
    if stop is None or not (price >= stop if side is Side.BUY else price <= stop):
        return
    tick = state.market.instrument(record.order.symbol).tick_at(stop)
    limit = Price(round_step(stop + side.sign * offset(record), tick))
    record.order = replace(record.order, order_type=OrderType.LIMIT, price=limit, trail_amount=None, trail_percent=None)
    record.entered = True
    state.refresh(record.order.symbol)
    state.absorb(state.engine.submit(OrderId(record.key), record.order, at=state.clock.stamp()))


def _stop(state: State, record: Record, mark: Price) -> Price:
    terms = record.order
    distance = (
        terms.trail_amount if terms.trail_amount is not None else mark * (terms.trail_percent or Decimal(0)) / 100
    )
    raw = mark + terms.side.sign * distance
    return Price(round_step(raw, state.market.instrument(terms.symbol).tick_at(raw)))


def offset(record: Record) -> Decimal:
    """How far behind the stop the limit lies: `lmtPriceOffset`, or what lies between the prices given."""
    given = record.placed.number("lmtPriceOffset")
    if given:
        return given
    limit, stop = record.placed.number("lmtPrice"), record.placed.number("trailStopPrice")
    return Decimal(0) if limit is None or stop is None else abs(limit - stop)
