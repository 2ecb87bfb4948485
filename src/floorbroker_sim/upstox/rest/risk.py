"""What the risk system and the exchange mind about an order, and what is left of the money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, is_multiple
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.rest import charges
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.records import Order, Position, Terms

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

Line = tuple[str, str, str]  # instrument key, product, side


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """The account's money, in rupees.  `delivery` is what shares bought today cost; `margin` what the rest ties up."""

    opening: Decimal
    sales: Decimal
    realised: Decimal
    unrealised: Decimal
    delivery: Decimal
    premium: Decimal
    span: Decimal
    exposure: Decimal
    intraday: Decimal
    mtf: Decimal
    reserved: Decimal
    unpaid: Decimal

    @property
    def used(self) -> Decimal:
        """Everything that ties up money."""
        loss = max(-(self.realised + self.unrealised), ZERO)
        parts = (self.delivery, self.premium, self.span, self.exposure, self.intraday, self.mtf, self.reserved)
        return sum(parts, ZERO) + loss

    @property
    def available(self) -> Decimal:
        return self.opening + self.sales + max(self.realised, ZERO) - self.used - self.unpaid


def funds(state: State, *, without: Order | None = None) -> Funds:
    """How the account stands; `without` leaves out what one order ties up."""
    parts: dict[str, Decimal] = dict.fromkeys(
        ("sales", "realised", "unrealised", "delivery", "premium", "span", "exposure", "intraday", "mtf"), ZERO
    )
    for position in state.positions.values():
        _add(state, position, parts)
    return Funds(
        opening=state.cash, reserved=_reserved(state, without), unpaid=charges.unpaid(state), **parts
    )  # fmt: skip


def _add(state: State, position: Position, parts: dict[str, Decimal]) -> None:
    quantity, value = position.quantity, abs(position.quantity) * position.average
    parts["realised"] += position.realized
    if position.listed.is_option:
        if quantity > 0:
            parts["premium"] += value
        else:
            span, exposure = written(state, position.listed, -quantity)
            parts["span"], parts["exposure"] = parts["span"] + span, parts["exposure"] + exposure
    elif position.product == "D":
        parts["delivery" if quantity > 0 else "sales"] += value
    elif position.product == "MTF":
        parts["mtf"] += value * info.MTF_MARGIN
    else:
        parts["intraday"] += value * info.INTRADAY_MARGIN
    if quantity and (position.product == "I" or quantity < 0 < value) and not _is_sale(position):
        gain = quantity * (state.last(position.listed) - position.average)
        parts["unrealised"] += min(gain, ZERO)


def _is_sale(position: Position) -> bool:
    return position.product == "D" and not position.listed.is_option


def written(state: State, listed: Listed, units: int) -> tuple[Decimal, Decimal]:
    """SPAN and exposure margin of `units` of a written option, by what it is about."""
    quote = state.market.quote(listed.underlying)
    spot = (None if quote is None else quote.last) or listed.strike or ZERO
    return spot * units * info.SPAN, spot * units * info.EXPOSURE


def worth(state: State, listed: Listed, terms: Terms) -> Decimal:
    """What one unit of an order is about worth: its limit, its trigger, or the market."""
    if terms.price or terms.trigger:
        return terms.price or terms.trigger
    quote = state.market.quote(listed.symbol)
    touch = None if quote is None else quote.ask if terms.sign > 0 else quote.bid
    return touch or state.last(listed)


def unit_margin(state: State, listed: Listed, terms: Terms) -> Decimal:
    """Money one unit of an order that opens ties up, in rupees."""
    if listed.is_option and terms.sign < 0:
        return sum(written(state, listed, 1), ZERO)
    price = worth(state, listed, terms)
    if listed.is_option or terms.product == "D":
        return price
    return price * (info.MTF_MARGIN if terms.product == "MTF" else info.INTRADAY_MARGIN)


def _reserved(state: State, without: Order | None) -> Decimal:
    """Money all open orders tie up, the older ones first closing what there is to close."""
    waiting: dict[Line, int] = {}
    total = ZERO
    for order in state.open.values():
        line = line_of(order)
        if order is not without:
            total += _tied(state, order, waiting.get(line, 0))
        waiting[line] = waiting.get(line, 0) + order.pending
    return total


def line_of(order: Order) -> Line:
    """Orders of one line close the same position."""
    return order.listed.key, order.terms.product, order.terms.side


def _tied(state: State, order: Order, before: int) -> Decimal:
    """Money the open part of an order ties up; what closes a position ties up nothing.  `before` is what older orders close."""
    if order.terms.side == "SELL" and order.terms.product == "D" and not order.listed.is_option:
        return ZERO
    position = state.positions.get((order.listed.key, order.terms.product))
    held = 0 if position is None else -order.terms.sign * position.quantity
    opening = order.pending - max(held - before, 0)
    return opening * unit_margin(state, order.listed, order.terms) if opening > 0 else ZERO


def _waiting(state: State, order: Order) -> int:
    """Units that older orders of the same line still wait for."""
    total, line = 0, line_of(order)
    for other in state.open.values():
        if other is order:
            break
        if line_of(other) == line:
            total += other.pending
    return total


def sellable(state: State, order: Order) -> int:
    """Shares that may be sold for delivery: held, or bought today."""
    holding, position = state.holdings.get(order.listed.isin or ""), state.positions.get((order.listed.key, "D"))
    held = 0 if holding is None else holding.quantity
    bought = 0 if position is None else position.quantity
    return held + bought - _waiting(state, order)


def refusal(state: State, order: Order) -> str | None:
    """Why an order is rejected after it was received; None for a good one."""
    listed, terms = order.listed, order.terms
    if state.rejections:
        return state.rejections.pop(0)
    for reason in (_switched(state, listed), _size(order), _step(order), _band(state, order)):
        if reason is not None:
            return reason
    if terms.side == "SELL" and terms.product == "D" and not listed.is_option:
        return None if order.pending <= sellable(state, order) else "There are not enough shares in your holdings"
    needed, left = _tied(state, order, _waiting(state, order)), funds(state, without=order).available
    if needed > max(left, ZERO):
        return f"Insufficient funds: {needed:.2f} needed, {max(left, ZERO):.2f} available"
    return None


def _switched(state: State, listed: Listed) -> str | None:
    return f"Trading in {listed.segment} is switched off by the kill switch" if listed.segment in state.off else None


def _size(order: Order) -> str | None:
    listed, terms = order.listed, order.terms
    if listed.is_option and terms.product == "MTF":
        return "MTF is for shares"
    if terms.quantity % listed.lot:
        return f"The quantity is not a multiple of the lot size {listed.lot}"
    if terms.quantity > listed.freeze:
        return f"The quantity is above the freeze quantity {listed.freeze}"
    return None


def _step(order: Order) -> str | None:
    for name, price in (("price", order.terms.price), ("trigger price", order.terms.trigger)):
        if price and not is_multiple(price, order.listed.tick):
            return f"The {name} is not a multiple of the tick size {order.listed.tick}"
    return None


def _band(state: State, order: Order) -> str | None:
    """With hours come price bands: a fifth to both sides of the last close."""
    if not state.settings.calendar or order.listed.is_option or not order.terms.price:
        return None
    low, high = state.past.circuit(order.listed, state.clock.now())
    return None if low <= order.terms.price <= high else f"The price is outside the circuit limits {low} to {high}"
