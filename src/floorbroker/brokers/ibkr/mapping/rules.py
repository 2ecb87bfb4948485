"""What the venue would refuse, told before anything is sent.

Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (order types, brackets, OCA groups, combos, error codes).
Rules about the clock, the account's precautions and its permissions stay the venue's: it passes on its own refusal, or its
preview says so.  Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.ibkr.info import INFO
from floorbroker.brokers.ibkr.mapping.orders import WAITING
from floorbroker.brokers.ibkr.mapping.values import AT_THE_CLOSE
from floorbroker.domain.errors import FieldError
from floorbroker.domain.instrument import Instrument, OptionContract, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    LIMITED,
    TRIGGERED,
    AssetClass,
    OrderClass,
    OrderType,
    Price,
    Side,
    TimeInForce,
    is_multiple,
    text_of,
)

Found = Iterator[FieldError]
_ONE = Decimal(1)
_LEGS_MAX = 4
_SWIFT = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG})
_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_PLAIN = frozenset({OrderType.MARKET, OrderType.LIMIT})


@dataclass(frozen=True, slots=True)
class Wish:
    """An order with its asset class, and its instrument where one was found."""

    order: NewOrder
    asset_class: AssetClass
    instrument: Instrument | None = None


def asset_class_for(order: NewOrder) -> AssetClass:
    """A multi-leg order consists of options, whatever its own symbol says."""
    return AssetClass.OPTION if order.order_class is OrderClass.MULTILEG else asset_class_of(order.symbol)


def broken_rules(order: NewOrder, instrument: Instrument | None = None) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    wish = Wish(order, asset_class_for(order), instrument)
    if wish.asset_class not in INFO.asset_classes:
        return (_no("/symbol", "not_traded", "IBKR trades shares, listed options and currency pairs here"),)
    return tuple(found for rule in _RULES for found in rule(wish))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _list(words: frozenset[OrderType] | frozenset[TimeInForce] | frozenset[OrderClass]) -> str:
    return ", ".join(sorted(word.value for word in words))


def _words(wish: Wish) -> Found:
    order, kind = wish.order, wish.asset_class
    if order.order_type not in INFO.order_types[kind]:
        yield _no("/type", "not_supported", f"{kind.value} orders: {_list(INFO.order_types[kind])}")
    if order.tif not in INFO.tifs[kind]:
        yield _no("/time_in_force", "not_supported", f"{kind.value} orders: {_list(INFO.tifs[kind])}")
    if order.order_class not in INFO.order_classes:
        yield _no("/order_class", "not_supported", f"orders here: {_list(INFO.order_classes)}")
    if order.tif in _SWIFT and order.order_type not in _PLAIN:
        yield _no("/type", "not_supported", f"{order.tif.value} orders are market and limit orders")
    if order.tif is TimeInForce.CLS and order.order_type not in AT_THE_CLOSE:
        yield _no("/type", "not_supported", "a closing auction takes market and limit orders")
    if order.tif is TimeInForce.GTD and order.expire_at is None:
        yield _no("/expire_at", "missing", "an order that is good till a date has one")


def _size(wish: Wish) -> Found:
    order = wish.order
    if order.order_qty is None:
        yield _no("/quantity", "missing", "give a quantity: the socket takes no amounts of money")
    elif order.order_qty <= 0:
        yield _no("/quantity", "not_positive", "must be above zero")
    elif not is_multiple(order.order_qty, _ONE):
        yield _no("/quantity", "not_whole", "the socket takes whole numbers alone")


def _prices(wish: Wish) -> Found:
    """Each type has its own prices, and each price stands on a tick."""
    order = wish.order
    if order.order_type in LIMITED and order.price is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in TRIGGERED and order.stop_px is None:
        yield _no("/stop_price", "missing", f"a {order.order_type.value} order needs a stop price")
    for pointer, price in (
        ("/limit_price", order.price),
        ("/stop_price", order.stop_px),
        ("/take_profit/limit_price", order.take_profit),
        ("/stop_loss/stop_price", order.stop_loss.stop_px if order.stop_loss else None),
        ("/stop_loss/limit_price", order.stop_loss.price if order.stop_loss else None),
    ):
        if price is not None:
            yield from _on_tick(wish, pointer, price)


def _on_tick(wish: Wish, pointer: str, price: Price) -> Found:
    is_combo = wish.order.order_class is OrderClass.MULTILEG  # its price is a difference, and has ticks of its own
    if wish.instrument is not None and not is_combo and not wish.instrument.is_on_tick(price):
        yield _no(pointer, "off_tick", f"a multiple of {text_of(wish.instrument.tick_at(price))}")


def _trail(wish: Wish) -> Found:
    order = wish.order
    if order.order_type is not OrderType.TRAILING_STOP:
        return
    if (order.trail_amount is None) == (order.trail_percent is None):
        yield _no("/trail_percent", "missing", "a trailing stop has exactly one of trail_percent and trail_price")
    if order.order_class is not OrderClass.SIMPLE:
        yield _no("/order_class", "not_supported", "a trailing stop stands alone")


def _extended(wish: Wish) -> Found:
    """Limits may fill and stops may be triggered outside regular hours; of a market order the venue ignores the wish (2109)."""
    order = wish.order
    if order.extended_hours and (order.order_type is OrderType.MARKET or order.tif in _AUCTIONS):
        yield _no("/extended_hours", "not_supported", "market orders and auctions are for regular hours alone")


def _groups(wish: Wish) -> Found:
    order, group = wish.order, wish.order.order_class
    if group not in (OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO):
        return
    if order.tif not in WAITING:
        yield _no("/time_in_force", "not_supported", f"{group.value} orders are day or gtc")
    profit, stop = order.take_profit, order.stop_loss
    if group is OrderClass.OTO and (profit is None) == (stop is None):
        yield _no("/take_profit", "missing", "an oto order has exactly one exit")
    if group is OrderClass.BRACKET and (profit is None or stop is None):
        yield _no("/take_profit" if profit is None else "/stop_loss", "missing", "a bracket order has two exits")
    if group is OrderClass.OCO and stop is None:
        yield _no("/stop_loss", "missing", "an oco order has a stop loss beside its limit")
    if group is OrderClass.OCO and order.order_type is not OrderType.LIMIT:
        yield _no("/type", "not_supported", "an oco order is a limit order with a stop loss")
    # An oco is spoken of from its exits' own side, a bracket from its entry's.
    closes = order.side if group is OrderClass.OCO else order.side.opposite
    if profit is not None and stop is not None and (profit - stop.stop_px) * -closes.sign <= 0:
        where = "above" if closes is Side.SELL else "below"
        yield _no("/take_profit/limit_price", "out_of_order", f"must be {where} the stop")


def _legs(wish: Wish) -> Found:
    order = wish.order
    if order.order_class is not OrderClass.MULTILEG:
        return
    if not 2 <= len(order.legs) <= _LEGS_MAX:
        yield _no("/legs", "out_of_range", "two to four legs")
    if order.order_type not in _PLAIN:
        yield _no("/type", "not_supported", "combos are market and limit orders")
    for index, leg in enumerate(order.legs):
        if OptionContract.parse(leg.symbol) is None:
            yield _no(f"/legs/{index}/symbol", "not_supported", "each leg is a listed option")
        if leg.ratio_qty <= 0 or not is_multiple(leg.ratio_qty, _ONE):
            yield _no(f"/legs/{index}/ratio_qty", "not_whole", "a whole number of contracts")


def _resting(wish: Wish) -> Found:
    for pointer, given in (
        ("/post_only", wish.order.post_only),
        ("/display_quantity", wish.order.display_qty is not None),
        ("/reduce_only", wish.order.reduce_only),
    ):
        if given:
            yield _no(pointer, "not_supported", "IBKR knows neither post-only and reduce-only orders nor icebergs here")


def _tradable(wish: Wish) -> Found:
    if wish.instrument is not None and not wish.instrument.tradable:
        yield _no("/symbol", "not_tradable", f"this account may not trade {wish.order.symbol}")


_RULES: tuple[Callable[[Wish], Found], ...] = (
    _tradable, _words, _size, _prices, _trail, _extended, _groups, _legs, _resting,
)  # fmt: skip
