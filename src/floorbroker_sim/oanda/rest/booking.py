"""A fill in the books: trades closed, reduced and opened, the balance, and the one transaction that tells all of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.mapping import quote_currency
from floorbroker_sim.oanda.rest import money, onfill, pricing, work
from floorbroker_sim.oanda.rest.records import Execution, Order, Trade

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.execution import Plan
    from floorbroker_sim.oanda.rest.state import State


def book(state: State, order: Order, plan: Plan, *, units: Decimal, price: Decimal, reason: str) -> wire.Fill:
    """Write a fill and everything that follows from it: linked orders end, orders on fill are made."""
    instrument = state.instrument_of(order)
    touch, factors = state.touch(instrument), money.conversion(state, quote_currency(instrument))
    assert touch is not None
    assert factors is not None
    half = (touch.ask - touch.bid) / 2
    number, at = state.log.next_id, state.clock.now()
    fee = work.guaranteed_fee(order, units, factors)

    def cost(part: Decimal) -> Decimal:
        return money.cents(half * abs(part) * factors.loss)

    closed: list[wire.TradeReduce] = []
    reduced: wire.TradeReduce | None = None
    for trade, part in plan.closes:
        told = _reduce(state, trade, part, price=price, number=number, at=at, factors=factors, cost=cost(part), fee=fee)
        if trade.units:
            reduced = told
        else:
            closed.append(told)
    opened = _open(state, order, plan.opens, price=price, number=number, at=at) if plan.opens else None
    told_open = None
    if opened is not None:
        told_open = wire.TradeOpen(
            trade_id=opened.id, units=opened.units, price=price, half_spread_cost=cost(opened.units),
            initial_margin_required=opened.margin_at_open, guaranteed_execution_fee=money.cents(ZERO),
            client_extensions=opened.client,
        )  # fmt: skip
    parts = [*closed, *([reduced] if reduced else [])]
    pl = sum((part.realized_pl for part in parts), ZERO)
    account = state.account
    account.pl += pl
    account.fees += fee
    account.balance += pl - fee
    account.last_fill = at
    entry = state.log.write(
        wire.Fill, type="ORDER_FILL", order_id=order.id, client_order_id=order.client_id, instrument=instrument, units=units,
        price=price, full_vwap=price, full_price=pricing.full_price(state, instrument),
        gain_quote_home_conversion_factor=factors.gain, loss_quote_home_conversion_factor=factors.loss, reason=reason,
        pl=money.cents(pl), financing=money.cents(ZERO), commission=money.cents(ZERO), guaranteed_execution_fee=fee,
        half_spread_cost=sum((part.half_spread_cost for part in parts), ZERO)
        + (told_open.half_spread_cost if told_open else ZERO),
        account_balance=money.cents(account.balance), trade_opened=told_open, trades_closed=closed or None,
        trade_reduced=reduced,
    )  # fmt: skip
    work.filled(state, order, entry)
    state.executions.append(
        Execution(exec_id=entry.id, order=order, at=at, instrument=instrument, units=units, price=price)
    )
    for trade, _ in plan.closes:
        if not trade.units:
            _unlink(state, trade)
    if opened is not None:
        onfill.make(state, order, opened, entry.id)
    return entry


def _reduce(
    state: State,
    trade: Trade,
    part: Decimal,
    *,
    price: Decimal,
    number: str,
    at: datetime,
    factors: money.Conversion,
    cost: Decimal,
    fee: Decimal,
) -> wire.TradeReduce:
    realized = factors.of((price - trade.price) * -part)
    trade.units += part
    trade.realized += realized
    trade.closed_worth += abs(part) * price
    trade.closing_ids.append(number)
    if not trade.units:
        trade.closed_at = at
        del state.open_trades[trade.id]
    tally = state.tally(trade.instrument, long=trade.is_long)
    tally.pl += realized
    tally.fees += fee
    return wire.TradeReduce(
        trade_id=trade.id, units=part, price=price, realized_pl=realized, financing=money.cents(ZERO),
        half_spread_cost=cost, guaranteed_execution_fee=fee,
    )  # fmt: skip


def _open(state: State, order: Order, units: Decimal, *, price: Decimal, number: str, at: datetime) -> Trade:
    instrument = state.instrument_of(order)
    trade = Trade(
        id=number, instrument=instrument, price=price, opened=at, initial=units, units=units,
        margin_at_open=money.margin(state, instrument, units), client=order.wish.trade_client_extensions,
    )  # fmt: skip
    state.trades[number] = state.open_trades[number] = trade
    state.tally(instrument, long=trade.is_long)
    return trade


def _unlink(state: State, trade: Trade) -> None:
    for kind in info.DEPENDENT:
        order_id = trade.orders.get(kind)
        if order_id is not None:
            work.cancel(state, state.orders[order_id], "LINKED_TRADE_CLOSED")
