"""What Alpaca would refuse, told before anything is sent, and what an order would tie up.

Documents: docs.alpaca.markets/docs/orders-at-alpaca; docs.alpaca.markets/docs/fractional-trading; Trading API 2.0.1, OrderType,
TimeInForce and OrderClass.  Rules about the clock (auction cut-offs, sessions) stay the venue's: it passes on its own refusal.
Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.alpaca.info import INFO
from floorbroker.brokers.alpaca.mapping.orders import take_profit_of
from floorbroker.domain.errors import FieldError, NotSupported
from floorbroker.domain.instrument import Instrument, OptionContract, asset_class_of
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import (
    ZERO,
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

_DECIMALS_MAX = 9
_TRAIL_PERCENT_MIN = Decimal("0.1")
_NOTIONAL_MIN = Decimal(1)
_ONE = Decimal(1)
_LEGS_MAX = 4
_EXIT_DISTANCE = Decimal("0.01")
_DAY_GTC = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_FRACTIONAL_TYPES = frozenset(OrderType) - {OrderType.TRAILING_STOP}
_GROUPS: dict[AssetClass, frozenset[OrderClass]] = {
    AssetClass.EQUITY: frozenset(OrderClass) - {OrderClass.MULTILEG},
    AssetClass.OPTION: frozenset({OrderClass.SIMPLE, OrderClass.MULTILEG}),
    AssetClass.CRYPTO: frozenset({OrderClass.SIMPLE}),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """An order with its asset class, and its instrument where one was found."""

    order: NewOrder
    asset_class: AssetClass
    instrument: Instrument | None = None

    @property
    def is_fractional(self) -> bool:
        """Sized by money, or in parts of a share."""
        order = self.order
        return order.notional is not None or (order.order_qty is not None and not is_multiple(order.order_qty, _ONE))


def asset_class_for(order: NewOrder) -> AssetClass:
    """An mleg order consists of options, whatever its own symbol says."""
    return AssetClass.OPTION if order.order_class is OrderClass.MULTILEG else asset_class_of(order.symbol)


def broken_rules(order: NewOrder, instrument: Instrument | None = None) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    wish = Wish(order, asset_class_for(order), instrument)
    if wish.asset_class not in INFO.asset_classes:
        return (_no("/symbol", "not_traded", "Alpaca trades US shares, listed options and coins"),)
    return tuple(found for rule in _RULES for found in rule(wish))


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _words(wish: Wish) -> Found:
    order, kind = wish.order, wish.asset_class
    if order.order_type not in INFO.order_types[kind]:
        yield _no("/type", "not_supported", f"{kind.value} orders: {_list(INFO.order_types[kind])}")
    if order.tif not in INFO.tifs[kind]:
        yield _no("/time_in_force", "not_supported", f"{kind.value} orders: {_list(INFO.tifs[kind])}")
    if order.order_class not in _GROUPS[kind]:
        yield _no("/order_class", "not_supported", f"{kind.value} orders: {_list(_GROUPS[kind])}")
    if order.tif in _AUCTIONS and order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        yield _no("/type", "not_supported", "an auction takes market and limit orders")


def _list(words: frozenset[OrderType] | frozenset[TimeInForce] | frozenset[OrderClass]) -> str:
    return ", ".join(sorted(word.value for word in words))


def _size(wish: Wish) -> Found:
    order = wish.order
    if (order.order_qty is None) == (order.notional is None):
        yield _no("/quantity", "missing", "give a quantity, or a notional instead")
        return
    pointer, size = ("/quantity", order.order_qty) if order.order_qty is not None else ("/notional", order.notional)
    assert size is not None  # one of the two is given
    if size <= 0:
        yield _no(pointer, "not_positive", "must be above zero")
    if _decimals(size) > _DECIMALS_MAX:
        yield _no(pointer, "too_precise", "at most nine decimals")
    if order.notional is not None and wish.asset_class is not AssetClass.CRYPTO and order.notional < _NOTIONAL_MIN:
        yield _no("/notional", "too_small", "at least 1.00")
    instrument = wish.instrument
    if wish.asset_class is AssetClass.CRYPTO and instrument is not None and order.order_qty is not None:
        if order.order_qty < instrument.min_qty:
            yield _no("/quantity", "too_small", f"at least {text_of(instrument.min_qty)}")
        if not instrument.is_on_lot(order.order_qty):
            yield _no("/quantity", "off_lot", f"a multiple of {text_of(instrument.lot)}")


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent)) if value else 0


def _fractions(wish: Wish) -> Found:
    """Fractional and notional orders of shares: four types, day, simple, no short, a fractionable asset."""
    order = wish.order
    if not wish.is_fractional or wish.asset_class is AssetClass.CRYPTO:
        return
    pointer = "/notional" if order.notional is not None else "/quantity"
    if wish.asset_class is AssetClass.OPTION:
        yield _no(pointer, "not_whole", "options are traded in whole contracts")
        return
    if order.order_type not in _FRACTIONAL_TYPES:
        yield _no("/type", "not_supported", f"fractional orders: {_list(_FRACTIONAL_TYPES)}")
    if order.tif is not TimeInForce.DAY:
        yield _no("/time_in_force", "not_supported", "fractional orders must be day orders")
    if order.order_class is not OrderClass.SIMPLE:
        yield _no("/order_class", "not_supported", "fractional orders must be simple orders")
    if wish.instrument is not None and wish.instrument.fraction is None:
        yield _no(pointer, "not_whole", f"{order.symbol} is not fractionable")


def _prices(wish: Wish) -> Found:
    """Each type has exactly its own prices, and each price stands on a tick."""
    order = wish.order
    limit = take_profit_of(order) if order.order_class is OrderClass.OCO else order.price
    if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and limit is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_px is None:
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
    if wish.asset_class is AssetClass.EQUITY:
        decimals = 2 if abs(price) >= 1 else 4
        if _decimals(price) > decimals:
            yield _no(pointer, "off_tick", f"at most {decimals} decimals at this price (sub-penny rule)")
    elif wish.instrument is not None and not wish.instrument.is_on_tick(price):
        yield _no(pointer, "off_tick", f"a multiple of {text_of(wish.instrument.tick_at(price))}")


def _trail(wish: Wish) -> Found:
    order = wish.order
    if order.order_type is not OrderType.TRAILING_STOP:
        return
    if (order.trail_amount is None) == (order.trail_percent is None):
        yield _no("/trail_percent", "missing", "a trailing stop has exactly one of trail_percent and trail_price")
    if order.trail_percent is not None and order.trail_percent < _TRAIL_PERCENT_MIN:
        yield _no("/trail_percent", "too_small", "at least 0.1")
    if order.order_class is not OrderClass.SIMPLE:
        yield _no("/order_class", "not_supported", "a trailing stop stands alone")
    if order.tif not in _DAY_GTC:
        yield _no("/time_in_force", "not_supported", "a trailing stop is day or gtc")


def _extended(wish: Wish) -> Found:
    order = wish.order
    if not order.extended_hours:
        return
    is_plain = order.order_type is OrderType.LIMIT and order.order_class is OrderClass.SIMPLE
    if not is_plain or order.tif not in _DAY_GTC or wish.asset_class is not AssetClass.EQUITY:
        yield _no("/extended_hours", "not_supported", "extended hours take simple limit orders of shares, day or gtc")


def _groups(wish: Wish) -> Found:
    order, group = wish.order, wish.order.order_class
    if group in (OrderClass.SIMPLE, OrderClass.MULTILEG):
        return
    if order.tif not in _DAY_GTC:
        yield _no("/time_in_force", "not_supported", f"{group.value} orders are day or gtc")
    profit, stop = take_profit_of(order), order.stop_loss
    if group is OrderClass.OCO and order.order_type is not OrderType.LIMIT:
        yield _no("/type", "not_supported", "an oco order has type limit")
    if group is OrderClass.OTO and (profit is None) == (stop is None):
        yield _no("/take_profit", "missing", "an oto order has exactly one exit")
    if group is not OrderClass.OTO and (profit is None or stop is None):
        yield _no("/take_profit" if profit is None else "/stop_loss", "missing", f"a {group.value} order has two exits")
    if profit is not None and stop is not None:
        yield from _exits_apart(order, profit, stop.stop_px)
    base = order.price if group is not OrderClass.OCO else None
    if base is not None and stop is not None and (base - stop.stop_px) * order.side.sign < _EXIT_DISTANCE:
        yield _no("/stop_loss/stop_price", "out_of_order", "at least 0.01 on the losing side of the entry")


def _exits_apart(order: NewOrder, profit: Price, stop: Price) -> Found:
    """The profit exit of a long position is above its stop; an OCO is spoken of from its exits' own side."""
    closes = order.side if order.order_class is OrderClass.OCO else order.side.opposite
    if (profit - stop) * -closes.sign <= 0:
        where = "above" if closes is Side.SELL else "below"
        yield _no("/take_profit/limit_price", "out_of_order", f"must be {where} the stop")


def _legs(wish: Wish) -> Found:
    order = wish.order
    if order.order_class is not OrderClass.MULTILEG:
        return
    if not 2 <= len(order.legs) <= _LEGS_MAX:
        yield _no("/legs", "out_of_range", "two to four legs")
    for index, leg in enumerate(order.legs):
        if OptionContract.parse(leg.symbol) is None:
            yield _no(f"/legs/{index}/symbol", "not_supported", "each leg is a listed option")
        if leg.ratio_qty <= 0 or not is_multiple(leg.ratio_qty, _ONE):
            yield _no(f"/legs/{index}/ratio_qty", "not_whole", "a whole number of contracts")


def _resting(wish: Wish) -> Found:
    for pointer, given in (
        ("/post_only", wish.order.post_only),
        ("/display_quantity", wish.order.display_qty is not None),
    ):
        if given:
            yield _no(pointer, "not_supported", "Alpaca knows neither post-only orders nor icebergs")


def _tradable(wish: Wish) -> Found:
    if wish.instrument is not None and not wish.instrument.tradable:
        yield _no("/symbol", "not_tradable", f"{wish.order.symbol} cannot be traded now")


_RULES: tuple[Callable[[Wish], Found], ...] = (
    _tradable, _words, _size, _fractions, _prices, _trail, _extended, _groups, _legs,
    _resting,
)  # fmt: skip


# -- what an order ties up ----------------------------------------------------------------------------------------------

_HALF = Decimal("0.5")
_SHORT_MARK_UP = Decimal("1.03")
_CONTRACT = Decimal(100)


def margin_for(
    order: NewOrder, *, reference: Decimal | None, instrument: Instrument | None, has_margin: bool
) -> MarginRequirement:
    """Computed: half for marginable shares in a margin account (Regulation T), all of it for coins, options and the rest.

    Buying power for a short is max(limit, 1.03 x ask) x quantity (orders-at-alpaca#buying-power).  `reference` is the price
    where the order has none (the ask).  Raises `NotSupported` where the venue alone can tell.
    """
    if order.order_class is OrderClass.MULTILEG:
        return _strategy_margin(order)
    price = _price_for(order, reference)
    kind = asset_class_of(order.symbol)
    if kind is AssetClass.OPTION:
        return _option_margin(order, price)
    value = order.notional if order.notional is not None else (order.order_qty or ZERO) * price
    may_borrow = kind is AssetClass.EQUITY and has_margin and (instrument is None or instrument.marginable)
    initial = value * _HALF if may_borrow else value
    return MarginRequirement(currency=_currency(order.symbol), initial=initial, buying_power_effect=value)


def _price_for(order: NewOrder, reference: Decimal | None) -> Decimal:
    price = take_profit_of(order) if order.order_class is OrderClass.OCO else (order.price or order.stop_px)
    if order.side is Side.SELL and reference is not None:
        return max(price or ZERO, reference * _SHORT_MARK_UP)
    if price is None and reference is None and order.notional is None:
        raise NotSupported(f"{order.symbol} has no price to compute a margin from")
    return price or reference or ZERO


def _option_margin(order: NewOrder, premium: Decimal) -> MarginRequirement:
    if order.side is Side.SELL:
        raise NotSupported("the margin of a written option depends on what covers it: the venue alone can tell")
    cost = (order.order_qty or ZERO) * premium * _CONTRACT
    return MarginRequirement(currency="USD", initial=cost, buying_power_effect=cost)


def _strategy_margin(order: NewOrder) -> MarginRequirement:
    """The worst loss at expiry over every price of the underlying; a positive limit is a debit, a negative one a credit."""
    if order.price is None or order.order_qty is None:
        raise NotSupported("a multi-leg order without a limit has no price to compute a margin from")
    pairs = [(leg, contract) for leg in order.legs if (contract := OptionContract.parse(leg.symbol))]
    if len({(contract.root, contract.expiry) for _, contract in pairs}) != 1 or len(pairs) != len(order.legs):
        raise NotSupported("the margin of legs with several expiries or roots is the venue's to tell")
    calls = sum((leg.side.sign * leg.ratio_qty for leg, contract in pairs if contract.right == "C"), ZERO)
    if calls < 0:
        raise NotSupported("an uncovered call has no worst loss: the venue alone can tell")
    spots = [ZERO, *(contract.strike for _, contract in pairs)]
    worst = max(order.price - sum((_payoff(leg, contract, spot) for leg, contract in pairs), ZERO) for spot in spots)
    loss = max(worst, ZERO) * order.order_qty * _CONTRACT
    return MarginRequirement(currency="USD", initial=loss, buying_power_effect=loss)


def _payoff(leg: OrderLeg, contract: OptionContract, spot: Decimal) -> Decimal:
    intrinsic = spot - contract.strike if contract.right == "C" else contract.strike - spot
    return leg.side.sign * leg.ratio_qty * max(intrinsic, ZERO)


def _currency(symbol: str) -> str:
    return symbol.partition("/")[2] or "USD"
