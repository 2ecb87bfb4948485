"""One function for each thing the matching engine says about an order: what the venue records, and what it announces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, Quantity, Side
from floorbroker.matching import Canceled, Event, Fill, Replaced, Working
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.mapping import execution_update
from floorbroker_sim.bybit.rest import money, stops
from floorbroker_sim.bybit.rest.holdings import Position, Traded
from floorbroker_sim.bybit.rest.records import ClosedPnl, Executed, LogLine, Record

if TYPE_CHECKING:
    from floorbroker_sim.bybit.rest.state import State

_QUIET_TIFS = frozenset({"IOC", "FOK"})
_WHY = {"ioc": "EC_NoImmediateQtyToFill", "fok": "EC_NoEnoughQtyToFill"}


def told(state: State, record: Record, event: Event) -> None:
    """Bring the record up to date and announce it."""
    match event:
        case Working():
            record.status = "PartiallyFilled" if record.cum_qty else "New"
            if record.tif not in _QUIET_TIFS:
                state.touch(record)
                state.announce(record)
        case Fill():
            _filled(state, record, event)
        case Canceled():
            over(state, record, *_ending(record, event.reason))
        case Replaced():
            record.price = event.order.price if event.order.price is not None else record.price
            record.qty = event.order.order_qty if event.order.order_qty is not None else record.qty
            state.touch(record)
            state.announce(record)
        case _:
            raise AssertionError(f"the engine says {event} of an order that is a plain one")


def _ending(record: Record, reason: str) -> tuple[str, str]:
    """Cancel type and reject reason."""
    if record.ending is not None:
        return record.ending
    return "UNKNOWN", _WHY.get(reason, "EC_Others")


def unworkable(state: State, record: Record, quote: Quote | None) -> tuple[str, str] | None:
    """Why an order that was taken does not come to the book: reject reason and status.  None for one that does."""
    if record.price is None or record.order_type == "Market" or quote is None:
        return None
    is_buy = record.side is Side.BUY
    touch = quote.ask if is_buy else quote.bid
    if record.tif == "PostOnly" and touch is not None and crosses(record.side, record.price, touch):
        return "EC_PostOnlyWillTakeLiquidity", "Cancelled"
    low, high = money.band(state, record.product)
    if not record.is_spot and (record.price > high if is_buy else record.price < low):
        return "EC_ReachRiskPriceLimit", "Rejected"
    return None


def crosses(side: Side, price: Decimal, touch: Decimal) -> bool:
    return price >= touch if side is Side.BUY else price <= touch


def over(state: State, record: Record, cancel_type: str, reject_reason: str, status: str | None = None) -> None:
    """An order that ends without being filled in full."""
    if status is None:
        if record.status == "Untriggered":
            status = "Deactivated"
        else:
            status = "PartiallyFilledCanceled" if record.is_spot and record.cum_qty else "Cancelled"
    record.status, record.cancel_type, record.reject_reason = status, cancel_type, reject_reason
    state.touch(record)
    state.announce(record)
    stops.ended(state, record)


# --- Fills -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cost:
    rate: Decimal
    fee: Decimal
    coin: str


def _filled(state: State, record: Record, event: Fill) -> None:
    """A closing order whose position another fill of the same moment took away is cut to what is left, and ends."""
    if record.reduce_only and (size := _closable(state, record)) < event.qty:
        ending = _cut(state, event, size)
        if size:
            _book_fill(state, record, replace(event, qty=Quantity(size), is_last=False))
        over(state, record, *ending)
        return
    _book_fill(state, record, event)


def _closable(state: State, record: Record) -> Decimal:
    return state.holdings.at(record.product, record.position_idx).closable(record.side)


def _cut(state: State, event: Fill, size: Decimal) -> tuple[str, str]:
    """Take from the engine's execution what there is nothing for; what it says of that is known already."""
    at = state.clock.stamp()
    if size:
        state.engine.correct(event.exec_id, qty=Quantity(size), price=event.price, at=at)
    else:
        state.engine.bust(event.exec_id, at=at)
    if state.engine.order(event.order_id).is_open:
        state.engine.cancel(event.order_id, at=at)
    return "CancelByReduceOnly", "EC_NoError"


def _book_fill(state: State, record: Record, event: Fill) -> None:
    record.cum_qty += event.qty
    record.cum_value += event.qty * event.price
    record.status = "Filled" if event.is_last else "PartiallyFilled"
    cost = _cost(state, record, event)
    record.fees[cost.coin] = record.fees.get(cost.coin, ZERO) + cost.fee
    position = None if record.is_spot else state.holdings.at(record.product, record.position_idx)
    traded = None if position is None else position.trade(record.side, event.qty, event.price, cost.fee)
    executed = _executed(state, record, event, cost, traded)
    state.executions.append(executed)
    if position is None or traded is None:
        _move_coins(state, executed)
    else:
        _move_margin(state, executed, position, traded)
    state.touch(record)
    state.say("execution", record.category, execution_update(executed))
    state.announce(record)
    stops.filled(state, record, executed)


def _cost(state: State, record: Record, event: Fill) -> _Cost:
    """Spot pays in what it receives, contracts in the settle coin."""
    product = record.product
    maker, taker = state.rates(record.category)
    rate = maker if event.maker else taker
    if record.is_spot and record.side is Side.BUY:
        return _Cost(rate, event.qty * rate, product.base)
    return _Cost(rate, event.qty * event.price * rate, product.quote)


def _executed(state: State, record: Record, event: Fill, cost: _Cost, traded: Traded | None) -> Executed:
    if traded is not None:
        record.closed_pnl += traded.pnl
    return Executed(
        exec_id=event.exec_id, order=record, qty=event.qty, price=event.price, fee=cost.fee, fee_coin=cost.coin,
        fee_rate=cost.rate, is_maker=event.maker, at=event.at, seq=state.next_seq(), leaves=record.leaves,
        mark=state.mark(record.product), closed=ZERO if traded is None else traded.closed,
        pnl=ZERO if traded is None else traded.pnl,
    )  # fmt: skip


def _move_coins(state: State, executed: Executed) -> None:
    """Base and quote change hands; the fee leaves with what came in."""
    record, product = executed.order, executed.order.product
    sign = record.side.sign
    for coin, amount in ((product.base, executed.qty * sign), (product.quote, -executed.value * sign)):
        fee = executed.fee if coin == executed.fee_coin else ZERO
        _book(state, executed, coin, amount, fee, size=ZERO)


def _move_margin(state: State, executed: Executed, position: Position, traded: Traded) -> None:
    """A contract moves profit and fee alone."""
    coin = executed.order.product.quote
    position.updated_at, position.seq = executed.at, executed.seq
    _book(state, executed, coin, traded.pnl, executed.fee, size=position.size)
    state.wallet.realise(coin, traded.pnl - executed.fee)
    state.wallet.touch(coin)
    state.moved(position)
    if traded.closed:
        state.closed.append(
            ClosedPnl(
                executed=executed, entry_value=traded.entry_value, leverage=state.holdings.leverage(position.product),
                open_fee=traded.open_fee, number=len(state.closed) + 1,
            )
        )  # fmt: skip


def _book(state: State, executed: Executed, coin: str, amount: Decimal, fee: Decimal, *, size: Decimal) -> None:
    balance = state.wallet.add(coin, amount - fee)
    state.log.append(
        LogLine(
            id=state.uuid(), coin=coin, executed=executed, change=amount - fee, fee=fee, cash_flow=amount, balance=balance,
            size=size,
        )
    )  # fmt: skip


# --- After all of it -------------------------------------------------------------------------------------------------


def settle(state: State, positions: list[Position]) -> None:
    """Positions and the wallet are told behind the orders that moved them."""
    for position in positions:
        state.say("position", info.LINEAR, money.position_object(state, position, is_stream=True))
    coins = state.wallet.changed()
    if coins:
        state.say("wallet", "", money.wallet_object(state, coins))
