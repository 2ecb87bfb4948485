"""What Bybit would refuse, told before anything is sent, and what an order would tie up.

Documents: bybit-exchange.github.io/docs/v5/order/create-order, /market/instrument.  Price bands around the market and caps on
open orders stay the venue's: its own refusal is passed on.  Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.bybit.info import INFO, Options
from floorbroker.brokers.bybit.mapping.instruments import Rules
from floorbroker.brokers.bybit.mapping.orders import KINDS, Kind, needs_short
from floorbroker.domain.errors import FieldError, NotSupported
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import (
    AssetClass,
    OrderClass,
    OrderType,
    Price,
    TimeInForce,
    is_multiple,
    text_of,
)

Found = Iterator[FieldError]
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Wish:
    """An order, the options of its profile, and the rules of its symbol where they are known."""

    order: NewOrder
    options: Options
    rules: Rules | None = None

    @property
    def kind(self) -> Kind | None:
        return KINDS.get(self.order.order_type)

    @property
    def instrument(self) -> Instrument | None:
        return None if self.rules is None else self.rules.instrument

    @property
    def is_spot(self) -> bool:
        return asset_class_of(self.order.symbol) is AssetClass.CRYPTO

    @property
    def is_market(self) -> bool:
        return self.kind is not None and self.kind.word == "Market"


def broken_rules(order: NewOrder, options: Options, rules: Rules | None = None) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    if asset_class_of(order.symbol) not in INFO.asset_classes:
        return (_no("/symbol", "not_traded", "spot pairs (BTC/USDT) and linear perpetuals (BTC/USDT:USDT) are traded"),)
    wish = Wish(order, options, rules)
    return tuple(found for rule in _RULES for found in rule(wish))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _tradable(wish: Wish) -> Found:
    if wish.instrument is not None and not wish.instrument.tradable:
        yield _no("/symbol", "not_tradable", f"{wish.order.symbol} cannot be traded now")


def _words(wish: Wish) -> Found:
    order = wish.order
    if wish.kind is None:
        yield _no("/type", "not_supported", "a position can have a trailing stop, an order of its own it is not")
    if order.tif not in INFO.tifs[asset_class_of(order.symbol)]:
        yield _no("/time_in_force", "not_supported", "gtc, ioc and fok")
    if wish.is_market and order.tif is TimeInForce.FOK:
        yield _no("/time_in_force", "not_supported", "a market order fills what it can at once: gtc or ioc")
    if order.order_class is not OrderClass.SIMPLE:
        yield _no("/order_class", "not_supported", "simple orders")
    if order.display_qty is not None:
        yield _no("/display_quantity", "not_supported", "no iceberg orders")
    if order.extended_hours:
        yield _no("/extended_hours", "not_supported", "trading is round the clock")
    if order.post_only and (wish.is_market or order.tif is not TimeInForce.GTC):
        yield _no("/post_only", "not_supported", "a post-only order has a limit and is good till cancelled")


def _position(wish: Wish) -> Found:
    order = wish.order
    if wish.is_spot and needs_short(order):
        pointer = "/reduce_only" if order.reduce_only else "/position_intent"
        yield _no(pointer, "not_supported", "spot is never short: only a sale reduces, and no sale opens")
    if not wish.is_spot and wish.options.is_hedged and order.position_intent is None:
        yield _no("/position_intent", "missing", "in hedge mode an order says what it opens or closes")


def _size(wish: Wish) -> Found:
    order = wish.order
    if (order.order_qty is None) == (order.notional is None):
        yield _no("/quantity", "missing", "give a quantity, or a notional instead")
    elif order.order_qty is not None:
        yield from _quantity(wish, order.order_qty)
    elif order.notional is not None:
        yield from _notional(wish, order.notional)


def _quantity(wish: Wish, qty: Decimal) -> Found:
    rules, instrument = wish.rules, wish.instrument
    if qty <= 0:
        yield _no("/quantity", "not_positive", "must be above zero")
    if rules is None or instrument is None:
        return
    if not instrument.is_on_lot(qty):
        yield _no("/quantity", "off_lot", f"a multiple of {text_of(instrument.lot)}")
    if qty < instrument.min_qty:
        yield _no("/quantity", "too_small", f"at least {text_of(instrument.min_qty)}")
    most = rules.max_market_qty if wish.is_market else instrument.max_qty
    if most is not None and qty > most:
        yield _no("/quantity", "too_large", f"at most {text_of(most)}")
    reduces = not wish.is_spot and (wish.order.reduce_only or wish.order.position_intent is not None)
    value = None if wish.order.price is None else qty * wish.order.price
    if value is not None and value < instrument.min_notional and not reduces:
        yield _no("/quantity", "too_small", f"quantity times price is at least {text_of(instrument.min_notional)}")


def _notional(wish: Wish, notional: Decimal) -> Found:
    rules, instrument = wish.rules, wish.instrument
    if not wish.is_spot or wish.order.order_type is not OrderType.MARKET:
        yield _no("/notional", "not_supported", "an amount of money is taken by spot market orders alone")
    if notional <= 0:
        yield _no("/notional", "not_positive", "must be above zero")
    if instrument is not None and notional < instrument.min_notional:
        yield _no("/notional", "too_small", f"at least {text_of(instrument.min_notional)}")
    if rules is not None and rules.quote_step is not None and not is_multiple(notional, rules.quote_step):
        yield _no("/notional", "too_precise", f"a multiple of {text_of(rules.quote_step)}")


def _prices(wish: Wish) -> Found:
    """Each type has exactly its own prices, and each price stands on a tick, within the bounds."""
    order, kind = wish.order, wish.kind
    if kind is None:
        return
    needs_limit, needs_stop = kind.word == "Limit", kind.is_conditional
    for pointer, price, needs in (
        ("/limit_price", order.price, needs_limit),
        ("/stop_price", order.stop_px, needs_stop),
    ):
        if needs != (price is not None):
            code, detail = ("missing", "is needed") if needs else ("not_supported", "has no place here")
            yield _no(pointer, code, f"a {order.order_type.value} order: this price {detail}")
        if price is not None:
            yield from _on_tick(wish, pointer, price)


def _on_tick(wish: Wish, pointer: str, price: Price) -> Found:
    rules, instrument = wish.rules, wish.instrument
    if price <= 0:
        yield _no(pointer, "not_positive", "must be above zero")
    if rules is None or instrument is None:
        return
    if not instrument.is_on_tick(price):
        yield _no(pointer, "off_tick", f"a multiple of {text_of(instrument.tick_at(price))}")
    if rules.min_px is not None and price < rules.min_px:
        yield _no(pointer, "out_of_range", f"at least {text_of(rules.min_px)}")
    if rules.max_px is not None and price > rules.max_px:
        yield _no(pointer, "out_of_range", f"at most {text_of(rules.max_px)}")


_RULES: tuple[Callable[[Wish], Found], ...] = (_tradable, _words, _position, _size, _prices)


# -- what an order ties up ------------------------------------------------------------------------------------------------


def margin_for(
    order: NewOrder, *, reference: Decimal | None, currency: str, leverage: Decimal, fee_rate: Decimal
) -> MarginRequirement:
    """Computed: all of it for spot, its value by the leverage for perpetuals, nothing for what reduces; and the taker's fee.

    `reference` is the price where the order has none.  Raises `NotSupported` without either.
    """
    price = order.price or order.stop_px or reference
    if order.notional is None and price is None:
        raise NotSupported(f"{order.symbol} has no price to compute a margin from")
    value = order.notional if order.notional is not None else (order.order_qty or Decimal(0)) * (price or Decimal(0))
    is_spot = asset_class_of(order.symbol) is AssetClass.CRYPTO
    initial = value if is_spot else value / max(leverage, _ONE)
    if order.reduce_only:
        initial = Decimal(0)
    fees = value * fee_rate
    return MarginRequirement(currency=currency, initial=initial, buying_power_effect=initial + fees, fees=fees)
