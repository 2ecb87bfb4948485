"""Positions of the day and holdings of before, and positions that change their product.

https://upstox.com/developer/api-documentation/get-positions and get-holdings
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.rest import checks
from floorbroker_sim.upstox.rest.answers import Call, ok, shown
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import body_of, units
from floorbroker_sim.upstox.rest.records import Execution, Holding, Position
from floorbroker_sim.upstox.wire import ConvertWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_ONE = Decimal("1.0")
_EXACT = Decimal("0.0001")


def traded(state: State, one: Execution) -> None:
    """Book a trade to the position of its product, and tell it."""
    terms = one.order.terms
    position = of(state, one.order.listed, terms.product)
    value = one.quantity * one.price
    if terms.sign > 0:
        position.bought, position.bought_value = position.bought + one.quantity, position.bought_value + value
    else:
        position.sold, position.sold_value = position.sold + one.quantity, position.sold_value + value
    tell(state, position)


def of(state: State, listed: Listed, product: str) -> Position:
    """The position under a product; a flat one when there never was any."""
    return state.positions.setdefault((listed.key, product), Position(listed=listed, product=product))


def tell(state: State, position: Position) -> None:
    """Say on the portfolio streams how a position stands; those frames have no prices of the market."""
    row = _figures(position)
    state.say({"update_type": "position", "instrument_key": position.listed.key, **row})
    holding = state.holdings.get(position.listed.isin or "")
    if holding is not None and position.product == "D":
        state.say({"update_type": "holding", "instrument_key": position.listed.key, **_holding_figures(state, holding)})


def get_positions(state: State, _call: Call) -> Reply:
    return ok([_position_object(state, one) for one in state.positions.values() if one.product != "MTF"])


def get_mtf_positions(state: State, _call: Call) -> Reply:
    return ok([_position_object(state, one) for one in state.positions.values() if one.product == "MTF"])


def _figures(one: Position) -> dict[str, object]:
    (_, paid), (_, got) = one.buys, one.sells
    carried_in, carried_out = max(one.overnight, 0), max(-one.overnight, 0)
    return {
        "exchange": one.listed.exchange, "multiplier": _ONE, "product": one.product, "instrument_token": one.listed.key,
        "quantity": one.quantity, "average_price": _price(one.average), "buy_value": shown(paid), "sell_value": shown(got),
        "buy_price": _ratio(paid, one.buys[0]), "sell_price": _ratio(got, one.sells[0]),
        "overnight_quantity": one.overnight, "overnight_buy_amount": shown(one.overnight_value if carried_in else ZERO),
        "overnight_buy_quantity": carried_in, "overnight_sell_amount": shown(one.overnight_value if carried_out else ZERO),
        "overnight_sell_quantity": carried_out, "day_buy_quantity": one.bought, "day_buy_value": shown(one.bought_value),
        "day_buy_price": _ratio(one.bought_value, one.bought), "day_sell_quantity": one.sold,
        "day_sell_value": shown(one.sold_value), "day_sell_price": _ratio(one.sold_value, one.sold),
        "tradingsymbol": one.listed.book_symbol, "trading_symbol": one.listed.book_symbol,
    }  # fmt: skip


def _position_object(state: State, one: Position) -> dict[str, object]:
    last = state.last(one.listed)
    unrealised = one.quantity * (last - one.average)
    return _figures(one) | {
        "value": shown(one.quantity * one.average), "pnl": shown(one.realized + unrealised), "last_price": last,
        "unrealised": shown(unrealised), "realised": shown(one.realized),
        "close_price": state.past.previous_close(one.listed, state.clock.now()),
    }  # fmt: skip


def _ratio(value: Decimal, count: int) -> Decimal:
    return _price(value / count) if count else ZERO


def _price(value: Decimal) -> Decimal:
    return value.quantize(_EXACT)


def get_holdings(state: State, _call: Call) -> Reply:
    """What lies in the demat account; shares sold today stay until they are delivered."""
    return ok([_holding_object(state, one) for one in state.holdings.values()])


def _holding_figures(state: State, one: Holding) -> dict[str, object]:
    sold = state.positions.get((one.listed.key, "D"))
    used = max(-sold.quantity, 0) if sold is not None else 0
    return {
        "isin": one.listed.isin, "cnc_used_quantity": used, "collateral_type": "WC", "company_name": one.listed.name,
        "haircut": Decimal("0.2"), "product": "D", "quantity": one.quantity, "tradingsymbol": one.listed.trading_symbol,
        "trading_symbol": one.listed.trading_symbol, "instrument_token": one.listed.key, "average_price": _price(one.average),
        "collateral_quantity": 0, "collateral_update_quantity": 0, "t1_quantity": one.fresh, "exchange": one.listed.exchange,
    }  # fmt: skip


def _holding_object(state: State, one: Holding) -> dict[str, object]:
    last, close = state.last(one.listed), state.past.previous_close(one.listed, state.clock.now())
    return _holding_figures(state, one) | {
        "last_price": last, "close_price": close, "pnl": shown(one.quantity * (last - one.average)),
        "day_change": shown(last - close), "day_change_percentage": shown((last - close) / close * 100) if close else ZERO,
    }  # fmt: skip


def convert(state: State, call: Call) -> Reply:
    """Move units of a position to another product."""
    wish = body_of(call.request, ConvertWish)
    listed = checks.listed_of(state, wish.instrument_token)
    old = checks.word(wish.old_product, info.OLD_PRODUCTS, missing="UDAPI1006", wrong="UDAPI1054", path="old_product")
    new = checks.word(wish.new_product, info.OLD_PRODUCTS, missing="UDAPI1006", wrong="UDAPI1054", path="new_product")
    side = checks.word(
        wish.transaction_type, info.SIDES, missing="UDAPI1005", wrong="UDAPI1057", path="transaction_type"
    )
    count = units(wish.quantity, "quantity")
    if not count:
        raise Refused("UDAPI1052", path="quantity", value=wish.quantity)
    if not any(one.quantity for one in state.positions.values()):
        raise Refused("UDAPI1034")
    sign = 1 if side == "BUY" else -1
    held = state.positions.get((listed.key, old))
    if held is None or sign * held.quantity < count or new == old or new not in info.PRODUCTS:
        raise Refused("UDAPI1035", path="instrument_token", value=listed.key)
    _move(held, of(state, listed, new), count, sign)
    for one in (held, of(state, listed, new)):
        tell(state, one)
    return ok({"status": "complete"})


def _move(held: Position, target: Position, count: int, sign: int) -> None:
    """Book `count` units of one position to another at what they cost: those of today first, then those carried over."""
    units, value = (held.bought, held.bought_value) if sign > 0 else (held.sold, held.sold_value)
    today = min(count, units)
    carried = count - today
    part = value * today / units if today else ZERO
    rest = held.overnight_value * carried / abs(held.overnight) if carried else ZERO
    held.overnight -= sign * carried
    held.overnight_value -= rest
    if sign > 0:
        held.bought, held.bought_value = held.bought - today, held.bought_value - part
        target.bought, target.bought_value = target.bought + count, target.bought_value + part + rest
    else:
        held.sold, held.sold_value = held.sold - today, held.sold_value - part
        target.sold, target.sold_value = target.sold + count, target.sold_value + part + rest
