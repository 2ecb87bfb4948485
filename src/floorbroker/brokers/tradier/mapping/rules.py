"""What Tradier would refuse, told before anything is sent, and what an order would tie up when the venue's preview cannot tell.

Documents: documentation.tradier.com/brokerage-api/trading (each order class); docs.tradier.com/docs/error-responses.
Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from floorbroker.brokers.tradier.info import INFO
from floorbroker.brokers.tradier.mapping.orders import is_for_any_hour, order_form, take_profit_of
from floorbroker.brokers.tradier.mapping.values import CONTRACT
from floorbroker.domain.errors import FieldError, InvalidRequest, NotSupported
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderClass,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
    from_epoch,
    is_multiple,
    text_of,
)

Found = Iterator[FieldError]
_HALF = Decimal("0.5")
_ANY_TIME = from_epoch(s=0)


def asset_class_for(order: NewOrder) -> AssetClass:
    """A multi-leg order consists of options, whatever its own symbol says."""
    return AssetClass.OPTION if order.order_class is OrderClass.MULTILEG else asset_class_of(order.symbol)


def broken_rules(order: NewOrder, instrument: Instrument | None = None) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    if asset_class_for(order) not in INFO.asset_classes:
        return (_no("/symbol", "not_traded", "Tradier trades US shares and listed options"),)
    return tuple(found for rule in _RULES for found in rule(order, instrument))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _words(order: NewOrder, instrument: Instrument | None) -> Found:
    del instrument
    if order.order_type not in INFO.order_types[AssetClass.EQUITY]:
        yield _no("/type", "not_supported", "market, limit, stop, stop_limit")
    if order.tif not in INFO.tifs[AssetClass.EQUITY]:
        yield _no("/time_in_force", "not_supported", "day, gtc")
    if order.post_only:
        yield _no("/post_only", "not_supported", "Tradier has no post-only orders")
    if order.display_qty is not None:
        yield _no("/display_quantity", "not_supported", "Tradier has no icebergs")


def _size(order: NewOrder, instrument: Instrument | None) -> Found:
    del instrument
    if order.notional is not None or order.order_qty is None:
        yield _no("/notional", "not_supported", "Tradier takes quantities, not amounts of money")
    elif order.order_qty <= 0 or not is_multiple(order.order_qty, Decimal(1)):
        yield _no("/quantity", "not_whole", "a whole number above zero")


def _prices(order: NewOrder, instrument: Instrument | None) -> Found:
    is_oco = order.order_class is OrderClass.OCO
    limit = take_profit_of(order) if is_oco else order.price
    if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and limit is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_px is None:
        yield _no("/stop_price", "missing", f"a {order.order_type.value} order needs a stop price")
    if instrument is None:
        return
    for pointer, price in (
        ("/limit_price", order.price),
        ("/stop_price", order.stop_px),
        ("/take_profit/limit_price", order.take_profit),
        ("/stop_loss/stop_price", order.stop_loss.stop_px if order.stop_loss else None),
        ("/stop_loss/limit_price", order.stop_loss.price if order.stop_loss else None),
    ):
        if price is not None and not instrument.is_on_tick(price):
            yield _no(pointer, "off_tick", f"a multiple of {text_of(instrument.tick_at(price))}")


def _durations(order: NewOrder, instrument: Instrument | None) -> Found:
    """Good-till-cancelled is refused for market and for short orders (MarketOrderIsGtc, ShortOrderIsGtc)."""
    del instrument
    if order.tif is not TimeInForce.GTC:
        return
    if order.order_type is OrderType.MARKET:
        yield _no("/time_in_force", "not_supported", "a market order is for the day")
    is_share = asset_class_for(order) is AssetClass.EQUITY
    if is_share and order.position_intent is PositionIntent.SELL_TO_OPEN:
        yield _no("/time_in_force", "not_supported", "a short sale is for the day")


def _extended(order: NewOrder, instrument: Instrument | None) -> Found:
    del instrument
    if order.extended_hours and not is_for_any_hour(order):
        yield _no(
            "/extended_hours", "not_supported", "outside regular hours: simple limit orders of shares, for the day"
        )


def _side(order: NewOrder, instrument: Instrument | None) -> Found:
    del instrument
    if order.order_class is OrderClass.MULTILEG and order.side is not Side.BUY:
        yield _no("/side", "not_supported", "buy: the legs have sides of their own, and a credit is a price below zero")


def _sayable(order: NewOrder, instrument: Instrument | None) -> Found:
    """What no body can say: groups without their exits, legs that fit in no class, sides against their intent."""
    del instrument
    if any(True for rule in (_words, _size, _prices, _extended, _side) for _ in rule(order, None)):
        return  # told already, by the member it is about
    try:
        order_form(order, "fb-0", now=_ANY_TIME)
    except (InvalidRequest, NotSupported) as refusal:
        yield _no("/order_class", "not_supported", refusal.detail)


_RULES: tuple[Callable[[NewOrder, Instrument | None], Found], ...] = (
    _words, _size, _prices, _durations, _extended, _side, _sayable,
)  # fmt: skip


def computed_margin(order: NewOrder, *, reference: Decimal | None, has_margin: bool) -> MarginRequirement:
    """Half for shares in a margin account (Regulation T), all of it for long options.  Raises `NotSupported` for the rest."""
    if order.order_class is OrderClass.MULTILEG:
        raise NotSupported("the margin of a multi-leg order is the venue's to tell")
    price = order.price or order.stop_px or reference
    if price is None:
        raise NotSupported(f"{order.symbol} has no price to compute a margin from")
    is_option = asset_class_of(order.symbol) is AssetClass.OPTION
    if is_option and order.position_intent is PositionIntent.SELL_TO_OPEN:
        raise NotSupported("the margin of a written option depends on what covers it: the venue alone can tell")
    value = (order.order_qty or ZERO) * price * (CONTRACT if is_option else Decimal(1))
    initial = value * _HALF if has_margin and not is_option else value
    return MarginRequirement(currency="USD", initial=initial, buying_power_effect=value)
