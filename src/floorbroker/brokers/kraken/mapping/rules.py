"""What Kraken would refuse, told before anything is sent, and what an order would tie up.

Documents: docs.kraken.com/api-reference/trading/add-order; the pair's own rules from AssetPairs.  Pointers name members as our
own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.kraken.info import INFO
from floorbroker.brokers.kraken.mapping.orders import LIMITED, TRIGGERED
from floorbroker.domain.errors import FieldError, NotSupported
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderClass,
    OrderType,
    Price,
    Side,
    TimeInForce,
    text_of,
)

Found = Iterator[FieldError]

_DISPLAY_MIN = Decimal(15)  # the visible part is at least a fifteenth
_PERCENT_MAX = Decimal(100)


@dataclass(frozen=True, slots=True)
class Wish:
    """An order, its instrument where one was found, and the time."""

    order: NewOrder
    now: datetime
    instrument: Instrument | None = None


def broken_rules(order: NewOrder, instrument: Instrument | None, *, now: datetime) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    if asset_class_of(order.symbol) not in INFO.asset_classes:
        return (_no("/symbol", "not_traded", "Kraken trades coins here, spelled like BTC/USD"),)
    wish = Wish(order, now, instrument)
    return tuple(found for rule in _RULES for found in rule(wish))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _tradable(wish: Wish) -> Found:
    if wish.instrument is not None and not wish.instrument.tradable:
        yield _no("/symbol", "not_tradable", f"{wish.order.symbol} cannot be traded now")


def _words(wish: Wish) -> Found:
    order = wish.order
    if order.order_class is not OrderClass.SIMPLE:
        yield _no("/order_class", "not_supported", "each order stands alone")
    if order.tif not in INFO.tifs[AssetClass.CRYPTO]:
        yield _no("/time_in_force", "not_supported", "gtc, ioc or gtd")
    if order.extended_hours:
        yield _no("/extended_hours", "not_supported", "the market does not close")
    if order.post_only and order.order_type not in LIMITED:
        yield _no("/post_only", "not_supported", "an order without a limit takes what is there")


def _expiry(wish: Wish) -> Found:
    order = wish.order
    if order.tif is not TimeInForce.GTD:
        return
    if order.expire_at is None:
        yield _no("/expire_at", "missing", "a good-till-date order says until when")
    elif order.expire_at <= wish.now:
        yield _no("/expire_at", "out_of_range", "must lie ahead")


def _size(wish: Wish) -> Found:
    order, instrument = wish.order, wish.instrument
    if (order.order_qty is None) == (order.notional is None):
        yield _no("/quantity", "missing", "give a quantity, or a notional instead")
        return
    if order.notional is not None:
        yield from _notional(wish, order.notional)
        return
    qty = order.order_qty or ZERO
    if qty <= 0:
        yield _no("/quantity", "not_positive", "must be above zero")
    elif instrument is not None:
        if qty < instrument.min_qty:
            yield _no("/quantity", "too_small", f"at least {text_of(instrument.min_qty)}")
        if not instrument.is_on_lot(qty):
            yield _no("/quantity", "off_lot", f"a multiple of {text_of(instrument.lot)}")
        if order.price is not None and 0 < order.price * qty < instrument.min_notional:
            yield _no("/quantity", "too_small", f"worth at least {text_of(instrument.min_notional)}")


def _notional(wish: Wish, notional: Decimal) -> Found:
    order, instrument = wish.order, wish.instrument
    if order.order_type is not OrderType.MARKET or order.side is not Side.BUY:
        yield _no("/notional", "not_supported", "market buys alone are sized by money")
    if notional <= 0:
        yield _no("/notional", "not_positive", "must be above zero")
    elif instrument is not None and notional < instrument.min_notional:
        yield _no("/notional", "too_small", f"at least {text_of(instrument.min_notional)}")


def _display(wish: Wish) -> Found:
    order = wish.order
    if order.display_qty is None:
        return
    if order.order_type is not OrderType.LIMIT:
        yield _no("/display_quantity", "not_supported", "limit orders alone show part of themselves")
    qty = order.order_qty or ZERO
    if not qty / _DISPLAY_MIN <= order.display_qty <= qty:
        yield _no("/display_quantity", "out_of_range", "at least a fifteenth of the quantity, at most all of it")


def _prices(wish: Wish) -> Found:
    """Each type has exactly its own prices, and each price stands on a tick."""
    order = wish.order
    if order.order_type in LIMITED and order.price is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in TRIGGERED and order.stop_px is None:
        yield _no("/stop_price", "missing", f"a {order.order_type.value} order needs a stop price")
    for pointer, price in (("/limit_price", order.price), ("/stop_price", order.stop_px)):
        if price is not None:
            yield from _on_tick(wish, pointer, price)


def _on_tick(wish: Wish, pointer: str, price: Price) -> Found:
    if price <= 0:
        yield _no(pointer, "not_positive", "must be above zero")
    elif wish.instrument is not None and not wish.instrument.is_on_tick(price):
        yield _no(pointer, "off_tick", f"a multiple of {text_of(wish.instrument.tick_at(price))}")


def _trail(wish: Wish) -> Found:
    order = wish.order
    if order.order_type is not OrderType.TRAILING_STOP:
        return
    if (order.trail_amount is None) == (order.trail_percent is None):
        yield _no("/trail_percent", "missing", "a trailing stop has exactly one of trail_percent and trail_price")
    if order.trail_percent is not None and not 0 < order.trail_percent < _PERCENT_MAX:
        yield _no("/trail_percent", "out_of_range", "above 0 and below 100")
    if order.trail_amount is not None:
        yield from _on_tick(wish, "/trail_price", order.trail_amount)


_RULES: tuple[Callable[[Wish], Found], ...] = (_tradable, _words, _expiry, _size, _display, _prices, _trail)


def margin_for(order: NewOrder, *, reference: Decimal | None) -> MarginRequirement:
    """Spot pays in full: a buy ties up its cost in the quote currency, a sell its units in the coin.

    `reference` is the price where the order has none.  Raises `NotSupported` where there is none to compute with.
    """
    base, _, quote = order.symbol.partition("/")
    if order.side is Side.SELL:
        qty = order.order_qty or ZERO
        return MarginRequirement(currency=base, initial=qty, buying_power_effect=ZERO)
    price = order.price or order.stop_px or reference
    if order.notional is None and price is None:
        raise NotSupported(f"{order.symbol} has no price to compute a margin from")
    cost = order.notional if order.notional is not None else (order.order_qty or ZERO) * (price or ZERO)
    return MarginRequirement(currency=quote, initial=cost, buying_power_effect=cost)
