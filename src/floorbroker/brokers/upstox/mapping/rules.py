"""What Upstox and the exchanges would refuse, told before anything is sent.

Documents: upstox.com/developer/api-documentation/v3/place-order; /instruments (tick, lot, freeze quantity).
Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from floorbroker.brokers.upstox.info import INFO, Options
from floorbroker.brokers.upstox.mapping.orders import NO_GTT, check_words
from floorbroker.brokers.upstox.mapping.symbols import Listed
from floorbroker.domain.errors import FieldError, NotSupported
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
    is_multiple,
    text_of,
)

Found = Iterator[FieldError]
_ONE = Decimal(1)


def broken_rules(order: NewOrder, listed: Listed, options: Options) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    return tuple(found for rule in _RULES for found in rule(order, listed, options))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _words(order: NewOrder, listed: Listed, options: Options) -> Found:
    del listed, options
    if order.order_type not in INFO.order_types[AssetClass.EQUITY]:
        yield _no("/type", "not_supported", "market, limit, stop, stop_limit")
    elif order.tif not in INFO.tifs[AssetClass.EQUITY]:
        why = f"; {NO_GTT}" if order.tif is TimeInForce.GTC else ""
        yield _no("/time_in_force", "not_supported", f"day, ioc{why}")
    elif order.notional is None and is_multiple(order.order_qty or ZERO, _ONE):
        try:
            check_words(order)
        except NotSupported as refusal:
            yield _no("/order_class", "not_supported", refusal.detail)


def _size(order: NewOrder, listed: Listed, options: Options) -> Found:
    del options
    qty = order.order_qty
    if order.notional is not None or qty is None:
        yield _no("/notional", "not_supported", "Upstox takes quantities, not amounts of money")
    elif qty <= 0 or not is_multiple(qty, listed.lot):
        yield _no("/quantity", "not_whole", f"a multiple of {text_of(listed.lot)} above zero")
    elif listed.freeze is not None and qty > listed.freeze:
        yield _no("/quantity", "too_large", f"{text_of(listed.freeze)} at most in one order (freeze quantity)")


def _prices(order: NewOrder, listed: Listed, options: Options) -> Found:
    del options
    if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.price is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_px is None:
        yield _no("/stop_price", "missing", f"a {order.order_type.value} order needs a stop price")
    for pointer, price in (("/limit_price", order.price), ("/stop_price", order.stop_px)):
        if price is not None and (price <= 0 or not is_multiple(price, listed.tick)):
            yield _no(pointer, "off_tick", f"a multiple of {text_of(listed.tick)} above zero")


def _stop_limits(order: NewOrder, listed: Listed, options: Options) -> Found:
    """A stop that buys has its limit at or above its trigger, one that sells at or below it."""
    del listed, options
    if order.order_type is not OrderType.STOP_LIMIT or order.price is None or order.stop_px is None:
        return
    if (order.price - order.stop_px) * order.side.sign < 0:
        where = "above" if order.side is Side.BUY else "below"
        yield _no("/limit_price", "wrong_side", f"at the stop price or {where} it")


def _durations(order: NewOrder, listed: Listed, options: Options) -> Found:
    del listed, options
    if order.tif is TimeInForce.IOC and order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
        yield _no("/time_in_force", "not_supported", "a stop waits: it is for the day")


def _shorts(order: NewOrder, listed: Listed, options: Options) -> Found:
    """An option that is sold to open is written, which needs the venue's margin and no product of its own."""
    if listed.asset_class is AssetClass.OPTION:
        return
    if order.position_intent is PositionIntent.SELL_TO_OPEN and options.product != "I":
        yield _no("/position_intent", "not_supported", "a short sale is intraday: it needs a profile with product I")


def _products(order: NewOrder, listed: Listed, options: Options) -> Found:
    del order
    if listed.asset_class is AssetClass.OPTION and options.product == "MTF":
        yield _no("/symbol", "not_supported", "MTF is for shares: options need a profile with product D or I")


_RULES: tuple[Callable[[NewOrder, Listed, Options], Found], ...] = (
    _words, _size, _prices, _stop_limits, _durations, _shorts, _products,
)  # fmt: skip
