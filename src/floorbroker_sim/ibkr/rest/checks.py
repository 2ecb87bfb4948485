"""What is wrong with an order: in its words, in its terms, in the account.  Each raises `Refused` with its code."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import LIMITED, TRIGGERED, ZERO, AssetClass, Side, is_multiple, text_of
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.codec import Word
from floorbroker_sim.ibkr.rest.money import Standing, standing
from floorbroker_sim.ibkr.rest.records import Record
from floorbroker_sim.ibkr.wire.orders import Placed
from floorbroker_sim.ibkr.wire.shown import open_order

if TYPE_CHECKING:
    from floorbroker_sim.ibkr.rest.state import State


def check_words(state: State, placed: Placed) -> None:
    """What the program sees before it looks at any market."""
    if placed.order_id < 1:
        raise errors.invalid("Invalid order id")
    account = placed.text("account")
    if account and account != state.account:
        raise errors.invalid(f"Invalid account code '{account}'.")
    if placed.number("cashQty"):
        raise errors.Refused(10244, "Cash Quantity cannot be used for this order")
    quantity = placed.number("totalQuantity") or ZERO
    if quantity == 0:
        raise errors.size_zero()
    if quantity < 0:
        raise errors.invalid("Order size must be positive")
    if placed.conditions or placed.text("goodAfterTime"):
        raise errors.Refused(10268, "Conditions and start times are not taken by this market.")


def check_terms(state: State, placed: Placed, terms: NewOrder) -> None:
    """Ticks, lots and how far from the market."""
    instrument = state.market.instrument(terms.symbol)
    quantity = terms.order_qty or ZERO
    if quantity != quantity.to_integral_value():
        raise errors.fraction(quantity)
    if not instrument.tradable:
        raise errors.not_allowed(terms.symbol)
    for price in (
        terms.price if terms.order_type in LIMITED else None,
        terms.stop_px if terms.order_type in TRIGGERED else None,
    ):
        if price is None:
            continue
        if price <= 0 or not is_multiple(price, instrument.tick_at(price)):
            raise errors.off_tick()
    quote = state.refresh(terms.symbol)
    limit = terms.price
    if limit is None or quote is None or quote.mid is None or instrument.asset_class is AssetClass.OPTION:
        return
    if placed.flag("overridePercentageConstraints"):
        return
    too_dear = terms.side is Side.BUY and limit > quote.mid * info.PRICE_CAP
    too_cheap = terms.side is Side.SELL and limit < quote.mid / info.PRICE_CAP
    if too_dear or too_cheap:
        raise errors.off_percent()


def check_account(state: State, record: Record) -> None:
    """What the broker looks at when the order arrives: working orders of a side, and money."""
    crowd = [
        other
        for other in state.open_orders()
        if other.contract.con_id == record.contract.con_id
        and other.order.side is record.order.side
        and other is not record
    ]
    if len(crowd) >= info.WORKING_A_SIDE:
        raise errors.rejected(
            f"Only {info.WORKING_A_SIDE} working orders are allowed for one contract and side of an account"
        )
    if record.parent is not None:
        return
    before, after = outcome(state, record.order, beside=True)
    if after.available < 0 and after.available < before.available:
        raise errors.too_little_money(after.equity, after.initial)


def outcome(state: State, terms: NewOrder, *, beside: bool) -> tuple[Standing, Standing]:
    """The account now, and when the order has traded; `beside` counts what works already as traded too."""
    held, cash = state.held(), state.ledger.cash
    if beside:
        for record in state.open_orders():
            if record.order is not terms and record.parent is None and not record.oca:
                cash = _traded(state, held, cash, record.order, record.leaves)
    before = standing(cash, held, state.mark)
    cash = _traded(state, held, cash, terms, terms.order_qty or ZERO)
    return before, standing(cash, held, state.mark)


def _traded(state: State, held: dict[str, Decimal], cash: Decimal, terms: NewOrder, qty: Decimal) -> Decimal:
    """Cash after `qty` of an order, and `held` with it."""
    if terms.legs:
        for leg in terms.legs:
            held[leg.symbol] = held.get(leg.symbol, ZERO) + leg.side.sign * leg.ratio_qty * qty
            cash -= (
                leg.side.sign
                * leg.ratio_qty
                * qty
                * touch(state, leg.symbol, leg.side)
                * _multiplier(state, leg.symbol)
            )
        return cash
    price = terms.price if terms.price is not None else terms.stop_px or touch(state, terms.symbol, terms.side)
    held[terms.symbol] = held.get(terms.symbol, ZERO) + terms.side.sign * qty
    return cash - terms.side.sign * qty * price * _multiplier(state, terms.symbol)


def _multiplier(state: State, symbol: str) -> Decimal:
    return state.market.instrument(symbol).multiplier


def touch(state: State, symbol: str, side: Side) -> Decimal:
    """What a unit costs, or brings, at once."""
    quote = state.market.quote(symbol)
    found = None if quote is None else quote.ask if side is Side.BUY else quote.bid
    return state.mark(symbol) if found is None else found


def warn(state: State, record: Record) -> None:
    """Words that come with an order that is taken all the same (399)."""
    if record.contract.sec_type == "CASH" and record.qty < info.IDEALPRO_MIN:
        state.complain(
            record,
            errors.message(
                f"{record.placed.text('action')} {text_of(record.qty)} {record.contract.local}\nWarning: Your order size is "
                f"below the {record.contract.symbol} {info.IDEALPRO_MIN} IdealPro minimum and will be routed as an odd lot order."
            ),
        )


def kept_back(record: Record, version: int) -> list[Word]:
    """An order that waits in the program for the link."""
    record.status = "ApiPending"
    return open_order(record.shown(), version)
