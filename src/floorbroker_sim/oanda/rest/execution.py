"""An order meets the market: what it closes and opens, what stands in its way, and what is left of it.

Trades are reduced oldest first.  A rest of a limit order that waits is issued anew under another id; any other rest is canceled.
https://developer.oanda.com/rest-live-v20/order-df/#OrderPositionFill
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as _changed
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.matching import Fill
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.mapping import inside
from floorbroker_sim.oanda.rest import booking, onfill, work
from floorbroker_sim.oanda.rest.records import Order, Trade

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


_MARKET_REASONS = {"trade_close": "MARKET_ORDER_TRADE_CLOSE", "margin_closeout": "MARKET_ORDER_MARGIN_CLOSEOUT"}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of an order at once; a member that is None did not happen."""

    fill: wire.Fill | None = None
    cancel: wire.Cancel | None = None
    reissue: wire.OrderTransaction | None = None


@dataclass(slots=True)
class Plan:
    """What a fill closes (trade and units, both signed as the fill) and how many units it opens."""

    closes: list[tuple[Trade, Decimal]] = field(default_factory=list[tuple[Trade, Decimal]])
    opens: Decimal = ZERO


def execute(state: State, order: Order) -> Outcome:
    """Fill an order as the market stands, or cancel what cannot be."""
    instrument = state.instrument_of(order)
    if not state.is_tradeable(instrument):
        return Outcome(cancel=work.cancel(state, order, "MARKET_HALTED"))
    if state.hands.cancels:
        return Outcome(cancel=work.cancel(state, order, state.hands.cancels.popleft()))
    asked = wanted(state, order)
    price, units = _dependent(state, order, asked) if order.is_dependent else _matched(state, order, asked)
    if not units:
        return Outcome(cancel=work.cancel(state, order, _why_not(state, order, asked)))
    return settle(state, order, units=units, price=price, asked=asked)


def settle(state: State, order: Order, *, units: Decimal, price: Decimal, asked: Decimal) -> Outcome:
    """Book a fill of `units` at `price`, unless something stands in its way."""
    planned = plan(state, order, units)
    reason = planned if isinstance(planned, str) else onfill.obstacle(state, order, planned, price)
    if reason is not None:
        return Outcome(cancel=work.cancel(state, order, reason))
    assert isinstance(planned, Plan)
    taken = planned.opens + sum((part for _, part in planned.closes), ZERO)
    if taken != asked and order.wish.time_in_force == "FOK":
        return Outcome(cancel=work.cancel(state, order, "INSUFFICIENT_LIQUIDITY"))
    done = Outcome(fill=booking.book(state, order, planned, units=taken, price=price, reason=_reason(order)))
    if taken != asked:
        _leave(state, order, asked - taken, done)
    return done


def _leave(state: State, order: Order, rest: Decimal, done: Outcome) -> None:
    if order.kind == "LIMIT" and order.wish.time_in_force not in info.IMMEDIATE:
        done.reissue = work.reissue(state, order, rest)
    else:
        done.cancel = work.cancel(state, order, "INSUFFICIENT_LIQUIDITY")


def wanted(state: State, order: Order) -> Decimal:
    """Signed units an order asks for; a dependent order closes all of its trade."""
    if order.wish.units is not None:
        return order.wish.units
    assert order.wish.trade_id is not None
    return -state.trades[order.wish.trade_id].units


def plan(state: State, order: Order, units: Decimal) -> Plan | str:
    """How `units` are spread; a text is the reason for which they cannot be."""
    instrument, wish = state.instrument_of(order), order.wish
    if (trade_id := wish.trade_id or (wish.trade_close and wish.trade_close.trade_id)) is not None:
        trade = state.trades[trade_id]
        rivals = [other for other in state.open_trades.values() if other.instrument == instrument]
        if state.account.fifo and rivals and rivals[0] is not trade:
            return "FIFO_VIOLATION"
        return Plan([(trade, units)]) if trade.is_open else "LINKED_TRADE_CLOSED"
    opposite = state.held(instrument, long=units < 0)
    fill = wish.position_fill or "DEFAULT"
    if fill == "DEFAULT":
        fill = "OPEN_ONLY" if state.account.hedging else "REDUCE_FIRST"
    if wish.long_position_closeout or wish.short_position_closeout or wish.margin_closeout:
        fill = "REDUCE_ONLY"
    if fill == "OPEN_ONLY":
        return "FIFO_VIOLATION" if opposite and not state.account.hedging else Plan(opens=units)
    found = Plan()
    for trade in opposite:
        part = min(abs(trade.units), abs(units)).copy_sign(units)
        if part:
            found.closes.append((trade, part))
            units -= part
    if fill == "REDUCE_FIRST":
        found.opens = units
    return found if found.closes or found.opens else "POSITION_CLOSEOUT_FAILED"


def _matched(state: State, order: Order, wanted: Decimal) -> tuple[Decimal, Decimal]:
    """The average price and the signed units the matching engine finds; zero units for nothing."""
    instrument, wish = state.instrument_of(order), order.wish
    quote = state.quote(instrument)
    if quote is None:
        return ZERO, ZERO
    at = state.clock.stamp()
    state.engine.on_quote(_changed(quote, last=None, time=at))
    natural = wish.trigger_condition in {None, "DEFAULT"}
    bound = wish.price if order.kind == "LIMIT" and natural else wish.price_bound
    new = NewOrder(
        symbol=inside(instrument), side=Side.BUY if wanted > 0 else Side.SELL, order_qty=Quantity(abs(wanted)),
        order_type=OrderType.MARKET if bound is None else OrderType.LIMIT, price=None if bound is None else Price(bound),
        tif=TimeInForce.FOK if wish.time_in_force == "FOK" else TimeInForce.IOC,
    )  # fmt: skip
    fills = [event for event in state.engine.submit(state.engine_id(), new, at=at) if isinstance(event, Fill)]
    units = sum((fill.qty for fill in fills), ZERO)
    if not units:
        return ZERO, ZERO
    price = sum((fill.qty * fill.price for fill in fills), ZERO) / units
    return price.quantize(info.INSTRUMENTS[instrument].tick), units.copy_sign(wanted)


def _dependent(state: State, order: Order, wanted: Decimal) -> tuple[Decimal, Decimal]:
    """The closing price whatever the liquidity, as the closeout price is for; a guaranteed stop has its own."""
    touch = state.touch(state.instrument_of(order))
    if touch is None:
        return ZERO, ZERO
    if (order.wish.guaranteed or order.kind == "GUARANTEED_STOP_LOSS") and order.wish.price is not None:
        return order.wish.price, wanted
    return touch.ask if wanted > 0 else touch.bid, wanted


def _why_not(state: State, order: Order, wanted: Decimal) -> str:
    touch, bound = state.touch(state.instrument_of(order)), order.wish.price_bound
    if touch is not None and bound is not None and (touch.ask > bound if wanted > 0 else touch.bid < bound):
        return "BOUNDS_VIOLATION"
    return "INSUFFICIENT_LIQUIDITY"


def _reason(order: Order) -> str:
    for name, reason in _MARKET_REASONS.items():
        if getattr(order.wish, name) is not None:
            return reason
    if order.wish.long_position_closeout or order.wish.short_position_closeout:
        return "MARKET_ORDER_POSITION_CLOSEOUT"
    return f"{order.kind}_ORDER"
