"""An order from its request to its end: the states it goes through, and the venue's hands on the matching engine."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from floorbroker.domain.values import OrderId
from floorbroker.matching import Accepted, Canceled, Event, Expired, Fill, NotOpen, Rejected, Triggered, Working
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.mapping import engine_terms, history_row, order_update
from floorbroker_sim.upstox.rest import charges, gtt, portfolio, risk
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.records import Deal, Execution, Order, Terms

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State


def create(state: State, listed: Listed, terms: Terms) -> Order:
    """A fresh order, remembered and told, that nobody has looked at yet."""
    at = state.clock.stamp()
    order = Order(
        id=state.next_order_id(), listed=listed, terms=terms, created=at, updated=at, ref_id=f"udapi-{state.next_number()}",
        placed_by=state.keys.user_id,
    )  # fmt: skip
    state.orders[order.id] = state.open[order.id] = order
    become(state, order, order.status, at=at)
    return order


def begin(state: State, order: Order) -> None:
    """The risk system looks at an order that was received; then it works, or it is rejected."""
    at = state.clock.stamp()
    become(state, order, "validation pending", at=at)
    refusal = risk.refusal(state, order)
    if refusal is not None:
        become(state, order, "rejected", at=at, message=refusal)
        return
    become(state, order, "open pending", at=at)
    order.exchange_id, order.exchange_at = f"13{state.next_number():014d}", at
    submit(state, order)


def submit(state: State, order: Order) -> None:
    """Give the open rest to the engine under a fresh name."""
    quote = state.refresh(order.listed.symbol)
    percent = info.PROTECTION_AUTO if order.terms.protection < 0 else order.terms.protection
    terms = engine_terms(order, protection=percent, reference=None if quote is None else quote.last)
    name = state.name_for_engine(order)
    state.absorb(state.engine.submit(name, terms, at=state.clock.stamp()))


def withdraw(state: State, order: Order) -> bool:
    """Take an order out of the engine without a word about it; False when it traded or ended meanwhile."""
    assert order.engine_id is not None
    try:
        events = state.engine.cancel(OrderId(order.engine_id), at=state.clock.stamp())
    except NotOpen:
        return False
    state.absorb(event for event in events if event.order_id != order.engine_id)
    return order.is_open


def cancel(state: State, order: Order, *, message: str = "") -> bool:
    """End an order; False when it ended another way first."""
    order.requests += 1
    held = order.status == info.WAITING
    if not withdraw(state, order):
        return False
    at = state.clock.now()
    if not held:
        become(state, order, "cancel pending", at=at)
    become(state, order, "cancelled after market order" if held else "cancelled", at=at, message=message)
    return True


def modify(state: State, order: Order, terms: Terms) -> None:
    """Give an order other terms.  What the risk system or the exchange refuses shows as `not modified`."""
    before, status = order.terms, order.status
    held = status == info.WAITING
    order.requests += 1
    at = state.clock.now()
    for word in (
        ("modify after market order req received",) if held else ("modify validation pending", "modify pending")
    ):
        become(state, order, word, at=at)
    order.terms, elected = terms, order.elected
    order.elected = elected and terms.order_type in {"SL", "SL-M"}
    refusal = (
        "The quantity is not above what is filled" if terms.quantity <= order.filled else risk.refusal(state, order)
    )
    if refusal is not None:
        order.terms, order.elected = before, elected
        become(state, order, "not modified", at=at, message=refusal)
        become(state, order, status, at=at, message="")
        return
    if not withdraw(state, order):
        order.terms = before
        return
    if not held:
        become(state, order, "modified", at=at)
    submit(state, order)


def told(state: State, order: Order, event: Event) -> None:
    """What the engine said, in the venue's words."""
    match event:
        case Accepted():
            order.is_amo = True
            become(state, order, info.WAITING, at=event.at)
        case Working():
            stop = order.terms.order_type in {"SL", "SL-M"} and not order.elected
            become(state, order, "trigger pending" if stop else "open", at=event.at)
        case Triggered():
            order.elected = True
            become(state, order, "open", at=event.at)
        case Fill():
            _filled(state, order, event)
        case Expired():
            become(state, order, "cancelled", at=event.at, message="The validity of the order has ended")
        case Canceled():
            become(state, order, "cancelled", at=event.at, message=_ending(event.reason))
        case Rejected():
            become(state, order, "rejected", at=event.at, message=event.reason)
        case _:
            pass  # restatements and steps this venue has no word for


def _ending(reason: str) -> str:
    return "The immediate or cancel order found no (further) match" if reason == "ioc" else ""


def _filled(state: State, order: Order, fill: Fill) -> None:
    quantity, cost = int(fill.qty), charges.of_order(order)
    order.filled += quantity
    order.spent += fill.qty * fill.price
    charges.charge(state, order, before=cost)
    state.ledger.apply(fill)
    one = Execution(trade_id=fill.exec_id, order=order, at=fill.at, quantity=quantity, price=fill.price)
    state.executions.append(one)
    state.deals.append(Deal(execution=one, day=state.day))
    portfolio.traded(state, one)
    become(state, order, "complete" if fill.is_last else "open", at=fill.at)


def become(state: State, order: Order, status: str, *, at: datetime, message: str | None = None) -> None:
    """A new state: remembered, told, and looked at by the GTT order behind it."""
    order.status, order.updated = status, at
    if message is not None:
        order.message = message
    if order.exchange_id:
        order.exchange_at = at
    if not order.is_open:
        state.open.pop(order.id, None)
    order.history.append(history_row(order))
    state.say(order_update(order))
    gtt.follow(state, order)
