"""Wishes to trade as Tradier's form bodies: pairs of name and text, in the order in which they are sent.

Documents: documentation.tradier.com/brokerage-api/trading (equity, option, multileg, combo, oto, oco, otoco, change order).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType

from floorbroker.brokers.tradier.mapping.values import NEW_YORK, to_wire_symbol, underlying_of
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.instrument import OptionContract, asset_class_of
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg
from floorbroker.domain.values import (
    AssetClass,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Side,
    TimeInForce,
    is_multiple,
    text_of,
)

Form = tuple[tuple[str, str], ...]

TYPES: Mapping[OrderType, str] = MappingProxyType(
    {
        OrderType.MARKET: "market",
        OrderType.LIMIT: "limit",
        OrderType.STOP: "stop",
        OrderType.STOP_LIMIT: "stop_limit",
    }
)
TIFS: Mapping[TimeInForce, str] = MappingProxyType({TimeInForce.DAY: "day", TimeInForce.GTC: "gtc"})
_OPENS = time(9, 30)
_SHARE_SIDES: Mapping[PositionIntent, str] = MappingProxyType(
    {
        PositionIntent.BUY_TO_OPEN: "buy",
        PositionIntent.BUY_TO_CLOSE: "buy_to_cover",
        PositionIntent.SELL_TO_OPEN: "sell_short",
        PositionIntent.SELL_TO_CLOSE: "sell",
    }
)


def order_form(order: NewOrder, tag: str, *, now: datetime) -> Form:
    """The body of POST /accounts/{id}/orders.  Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for.

    `now` tells which of the sessions outside regular hours comes first, for orders that want one.
    """
    check_words(order)
    match order.order_class:
        case OrderClass.SIMPLE:
            body = _simple(order, now)
        case OrderClass.MULTILEG:
            body = _strategy(order)
        case _:
            body = _group(order)
    return (*body, ("tag", tag))


def check_words(order: NewOrder) -> None:
    """Raises `NotSupported` and `InvalidRequest` for members that have no place in any body here."""
    if order.order_qty is None or order.notional is not None:
        raise NotSupported("Tradier takes quantities, not amounts of money")
    if not is_multiple(order.order_qty, Decimal(1)):
        raise NotSupported("Tradier takes whole shares and contracts")
    if order.order_type not in TYPES:
        raise NotSupported(f"Tradier has no order type {order.order_type.value}")
    if order.tif not in TIFS:
        raise NotSupported(f"Tradier has no time in force {order.tif.value}")
    if order.post_only or order.display_qty is not None:
        raise NotSupported("Tradier has neither post-only orders nor icebergs")
    if order.extended_hours and not is_for_any_hour(order):
        raise NotSupported("extended_hours at Tradier is for simple limit orders of shares, for the day")


def is_for_any_hour(order: NewOrder) -> bool:
    """Whether an order may ask for the sessions outside regular hours: `pre` and `post` are durations of plain share limits."""
    return (
        order.order_class is OrderClass.SIMPLE
        and order.order_type is OrderType.LIMIT
        and order.tif is TimeInForce.DAY
        and asset_class_of(order.symbol) is AssetClass.EQUITY
    )


def _simple(order: NewOrder, now: datetime) -> Form:
    option = OptionContract.parse(order.symbol)
    duration = _session_word(now) if order.extended_hours else TIFS[order.tif]
    head: Form = (("class", "equity" if option is None else "option"), ("symbol", underlying_of(order.symbol)))
    if option is not None:
        head += (("option_symbol", to_wire_symbol(order.symbol)),)
    return (
        *head,
        ("side", side_word(order)),
        ("quantity", _text(order.order_qty)),
        ("type", TYPES[order.order_type]),
        ("duration", duration),
        *_prices("", order.order_type, order.price, order.stop_px),
    )


def _session_word(now: datetime) -> str:
    """`pre` until the market opens, `post` from then on, by New York's time of day."""
    return "pre" if now.astimezone(NEW_YORK).time() < _OPENS else "post"


def side_word(order: NewOrder) -> str:
    """One of the eight: the caller says whether a position is opened, since the venue refuses the wrong word.

    Without that a share is bought or sold from a long position, and an option bought to open or sold to close: short positions
    are never begun by guessing.  An order that only reduces closes.
    """
    intent = order.position_intent
    if intent is None and order.reduce_only:
        intent = PositionIntent.BUY_TO_CLOSE if order.side is Side.BUY else PositionIntent.SELL_TO_CLOSE
    return _word_of(order.symbol, order.side, intent)


def _word_of(symbol: str, side: Side, intent: PositionIntent | None) -> str:
    if intent is not None and not intent.value.startswith(side.value):
        raise InvalidRequest(f"an order to {side.value} cannot be {intent.value}")
    if intent is None:
        intent = PositionIntent.BUY_TO_OPEN if side is Side.BUY else PositionIntent.SELL_TO_CLOSE
    return intent.value if asset_class_of(symbol) is AssetClass.OPTION else _SHARE_SIDES[intent]


def _prices(index: str, order_type: OrderType, price: Price | None, stop: Price | None) -> Form:
    found: Form = ()
    if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        found += ((f"price{index}", _text(price)),)
    if order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
        found += ((f"stop{index}", _text(stop)),)
    return found


def _text(value: Decimal | None) -> str:
    if value is None:
        raise InvalidRequest("the order lacks a quantity or a price that its type needs")
    return text_of(value)


# -- multi-leg and combo ------------------------------------------------------------------------------------------------


def _strategy(order: NewOrder) -> Form:
    """Options alone are `multileg`, with shares among them `combo`; the shares are the first leg there."""
    if order.side is not Side.BUY:
        raise NotSupported(
            "side of a multi-leg order at Tradier is buy: its legs have sides, and a credit is a price below zero"
        )
    if order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise NotSupported("a multi-leg order at Tradier has a net price, or none")
    legs = sorted(order.legs, key=lambda leg: OptionContract.parse(leg.symbol) is not None)
    if not 2 <= len(legs) <= 4 or OptionContract.parse(legs[-1].symbol) is None:
        raise NotSupported("a multi-leg order at Tradier has two to four legs, and options among them")
    shares = [leg for leg in legs if OptionContract.parse(leg.symbol) is None]
    if len(shares) > 1 or (shares and len(legs) > 3):
        raise NotSupported("a combo at Tradier is one share leg and one or two option legs")
    root = to_wire_symbol(shares[0].symbol) if shares else underlying_of(legs[0].symbol)
    body: Form = (
        ("class", "combo" if shares else "multileg"),
        ("symbol", root),
        ("type", strategy_type(order)),
        ("duration", TIFS[order.tif]),
    )
    if order.order_type is OrderType.LIMIT and order.price:
        body += (("price", _text(abs(order.price))),)
    for index, leg in enumerate(legs):
        body += _leg(index, leg, order)
    return body


def strategy_type(order: NewOrder) -> str:
    """A positive net price is a debit, a negative one a credit."""
    if order.order_type is OrderType.MARKET:
        return "market"
    if order.price is None:
        raise InvalidRequest("the order lacks its net price")
    return _net_type(order.price)


def _net_type(price: Price) -> str:
    return "even" if price == 0 else "debit" if price > 0 else "credit"


def _leg(index: int, leg: OrderLeg, order: NewOrder) -> Form:
    at = f"[{index}]"
    quantity = (f"quantity{at}", _text(leg.ratio_qty * (order.order_qty or Decimal(0))))
    side = (f"side{at}", _word_of(leg.symbol, leg.side, leg.position_intent))
    if OptionContract.parse(leg.symbol) is None:
        return (side, quantity)
    return ((f"option_symbol{at}", to_wire_symbol(leg.symbol)), side, quantity)


# -- groups: oto, oco, otoco ---------------------------------------------------------------------------------------------


def take_profit_of(order: NewOrder) -> Price | None:
    """The profit exit of a group: in an OCO the order's own limit describes it."""
    if order.order_class is OrderClass.OCO and order.take_profit is None:
        return order.price
    return order.take_profit


def _group(order: NewOrder) -> Form:
    """Each order of the group has its index; the first one is what our order is about."""
    is_oco = order.order_class is OrderClass.OCO
    profit, stop = take_profit_of(order), order.stop_loss
    name = {OrderClass.BRACKET: "otoco", OrderClass.OCO: "oco", OrderClass.OTO: "oto"}[order.order_class]
    if order.order_class is OrderClass.OTO:
        if (profit is None) == (stop is None):
            raise InvalidRequest("an oto order has exactly one exit")
    elif profit is None or stop is None:
        raise InvalidRequest(f"a {order.order_class.value} order has two exits")
    if not is_oco and order.order_type is OrderType.MARKET:
        raise NotSupported("the first order of a group at Tradier is not a market order")
    exit_side = order.side if is_oco else order.side.opposite
    members: list[Form] = []
    if not is_oco:
        members.append((("type", TYPES[order.order_type]), *_prices("", order.order_type, order.price, order.stop_px)))
    if profit is not None:
        members.append((("type", "limit"), ("price", _text(profit))))
    if stop is not None:
        kind = OrderType.STOP if stop.price is None else OrderType.STOP_LIMIT
        members.append((("type", TYPES[kind]), *_prices("", kind, stop.price, stop.stop_px)))
    body: Form = (("class", name), ("duration", TIFS[order.tif]))
    for index, member in enumerate(members):
        entry = index == 0 and not is_oco
        side = side_word(order) if entry else _closing_word(order.symbol, exit_side)
        body += _member(index, order, side, member)
    return body


def _closing_word(symbol: str, side: Side) -> str:
    intent = PositionIntent.BUY_TO_CLOSE if side is Side.BUY else PositionIntent.SELL_TO_CLOSE
    return _word_of(symbol, side, intent)


def _member(index: int, order: NewOrder, side: str, priced: Form) -> Form:
    at = f"[{index}]"
    head: Form = ((f"symbol{at}", underlying_of(order.symbol)),)
    if asset_class_of(order.symbol) is AssetClass.OPTION:
        head += ((f"option_symbol{at}", to_wire_symbol(order.symbol)),)
    head += ((f"side{at}", side), (f"quantity{at}", _text(order.order_qty)))
    return head + tuple((f"{name}{at}", text) for name, text in priced)


# -- changes ------------------------------------------------------------------------------------------------------------


def check_changes(changes: OrderChanges) -> None:
    """Raises `NotSupported` for quantities, trails and other durations, which no order here can be told to change."""
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    if changes.order_qty is not None:
        raise NotSupported("Tradier does not change quantities: cancel and send anew")
    if changes.trail is not None:
        raise NotSupported("Tradier has no trailing stops")
    if changes.tif is not None and changes.tif not in TIFS:
        raise NotSupported(f"Tradier has no time in force {changes.tif.value}")


def change_form(changes: OrderChanges, *, is_net: bool = False) -> Form:
    """The body of PUT /accounts/{id}/orders/{id}: prices and duration.  Raises what `check_changes` does.

    `is_net`: the price is the net price of a multi-leg order.  Its sign is said by the type, which goes along with it.
    """
    check_changes(changes)
    body: Form = ()
    if changes.tif is not None:
        body += (("duration", TIFS[changes.tif]),)
    if changes.price is not None:
        body += _changed_price(changes.price, is_net=is_net)
    if changes.stop_px is not None:
        body += (("stop", _text(changes.stop_px)),)
    return body


def _changed_price(price: Price, *, is_net: bool) -> Form:
    if not is_net and price <= 0:
        raise InvalidRequest("the price of an order that is not multi-leg is above zero")
    if not is_net:
        return (("price", _text(price)),)
    if price == 0:
        raise NotSupported("Tradier changes no price to an even one: cancel and send anew")
    return (("type", _net_type(price)), ("price", _text(abs(price))))
