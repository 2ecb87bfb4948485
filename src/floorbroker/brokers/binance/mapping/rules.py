"""What Binance would refuse, told before anything is sent: its filters, and what its order types and lists take.

Document: developers.binance.com/docs/binance-spot-api-docs/filters and rest-api/trading-endpoints.  Filters that need to
know the market (percent price) are looked at where a price is at hand; what depends on the last trade alone (which side of it a
trigger lies) stays the venue's to say.  Pointers name members as our own order body spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.info import INFO
from floorbroker.brokers.binance.mapping.orders import LIMITED as WITH_TIF
from floorbroker.brokers.binance.mapping.orders import TIFS, take_profit_of, tifs_of, wire_type
from floorbroker.brokers.binance.mapping.symbols import Band, Rules, Span
from floorbroker.domain.errors import FieldError, NotSupported
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    OrderClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
    is_multiple,
    round_step,
    text_of,
)

Found = Iterator[FieldError]

_CENT_OF_PERCENT = Decimal("0.01")
_DECIMALS_MAX = 8
_FINEST = Decimal("0.00000001")
_STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED})
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED})
_ALGO = frozenset({*_STOPPED, OrderType.TRAILING_STOP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What works in one symbol already, as far as we know."""

    orders: int = 0
    algo: int = 0
    icebergs: int = 0


_WIRE_ALGO = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


def working_from(listed: Iterable[wire.Order]) -> Working:
    """Counted as the venue's filters count."""
    orders = list(listed)
    return Working(
        orders=len(orders),
        algo=sum(1 for order in orders if order.type in _WIRE_ALGO),
        icebergs=sum(1 for order in orders if order.iceberg_qty),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order with its symbol's rules, and what is at hand of the market."""

    order: NewOrder
    rules: Rules
    reference: Decimal | None = None  # a price of now
    working: Working | None = None

    @property
    def is_market(self) -> bool:
        return self.order.order_type is OrderType.MARKET

    @property
    def price(self) -> Decimal | None:
        """The limit, or the profit exit that describes an OCO."""
        return take_profit_of(self.order) if self.order.order_class is OrderClass.OCO else self.order.price


def broken_rules(
    order: NewOrder, rules: Rules, *, reference: Decimal | None = None, working: Working | None = None
) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks; an empty answer is no promise."""
    wish = Wish(order=order, rules=rules, reference=reference, working=working)
    return tuple(found for rule in _RULES for found in rule(wish))


def smallest(rules: Rules, reference: Decimal) -> NewOrder:
    """The smallest order to buy at about this price that the filters let through, for trying whether orders are taken."""
    tick, step = rules.price.step or _FINEST, rules.lot.step or _FINEST
    price = round_step(reference, tick, ROUND_FLOOR) or tick
    worth = rules.notional.least / price
    qty = round_step(max(rules.lot.least, worth, step), step, ROUND_CEILING)
    return NewOrder(
        symbol=rules.symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(qty),
        price=Price(price),
        tif=TimeInForce.GTC,
    )


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _tradable(wish: Wish) -> Found:
    if not wish.rules.is_trading:
        yield _no("/symbol", "not_tradable", f"{wish.order.symbol} is {wish.rules.status[:20]} at Binance")


def _words(wish: Wish) -> Found:
    order, rules = wish.order, wish.rules
    if order.tif not in TIFS:
        yield _no("/time_in_force", "not_supported", "coins at Binance: gtc, ioc, fok")
    if order.order_class not in INFO.order_classes:
        yield _no("/order_class", "not_supported", "Binance has simple, bracket, oco and oto orders")
        return
    try:
        kind = wire_type(order)
    except NotSupported as error:
        yield _no("/post_only", "not_supported", error.detail)
        return
    if order.order_class is not OrderClass.OCO and kind not in rules.order_types:
        yield _no("/type", "not_supported", f"{order.symbol} takes {', '.join(sorted(rules.order_types))}")
    if order.tif in TIFS and kind not in WITH_TIF and order.tif not in tifs_of(kind) and not order.post_only:
        known = ", ".join(tif.value for tif in tifs_of(kind))
        yield _no("/time_in_force", "not_supported", f"{order.order_type.value} orders at Binance: {known}")
    if order.post_only and order.tif is not TimeInForce.GTC:
        yield _no("/time_in_force", "not_supported", "a post-only order is gtc")
    if order.reduce_only and order.side is Side.BUY:
        yield _no("/reduce_only", "not_supported", "a spot account is never short: only a sale reduces what it holds")
    if order.extended_hours:
        yield _no("/extended_hours", "not_supported", "coins trade round the clock")


def _size(wish: Wish) -> Found:
    order, rules = wish.order, wish.rules
    if (order.order_qty is None) == (order.notional is None):
        yield _no("/quantity", "missing", "give a quantity, or a notional instead")
    elif order.notional is not None:
        yield from _by_money(wish, order.notional)
    elif order.order_qty is not None:
        yield from _within("/quantity", order.order_qty, rules.lot)
        if wish.is_market:
            yield from _within("/quantity", order.order_qty, rules.market_lot)


def _by_money(wish: Wish, notional: Decimal) -> Found:
    if not wish.is_market or wish.order.order_class is not OrderClass.SIMPLE:
        yield _no("/notional", "not_supported", "Binance sizes simple market orders alone by money")
    elif "notional" not in wish.rules.can:
        yield _no("/notional", "not_supported", f"{wish.order.symbol} takes quantities alone")
    if notional <= 0:
        yield _no("/notional", "not_positive", "must be above zero")
    if -int(notional.normalize().as_tuple().exponent) > _DECIMALS_MAX:
        yield _no("/notional", "too_precise", f"at most {_DECIMALS_MAX} decimals")


def _within(pointer: str, value: Decimal, span: Span) -> Found:
    """A filter of bounds and step; the step counts from zero."""
    if value <= 0 or value < span.least:
        yield _no(pointer, "too_small", f"at least {text_of(span.least or span.step)}")
    if span.most and value > span.most:
        yield _no(pointer, "too_large", f"at most {text_of(span.most)}")
    if span.step and not is_multiple(value, span.step):
        yield _no(pointer, "off_step", f"a multiple of {text_of(span.step)}")


def _prices(wish: Wish) -> Found:
    """Each type has its own prices, and each price stands on a tick within the bounds."""
    order = wish.order
    if order.order_type in _LIMITED and wish.price is None:
        yield _no("/limit_price", "missing", f"a {order.order_type.value} order needs a limit price")
    if order.order_type in _STOPPED and order.stop_px is None:
        yield _no("/stop_price", "missing", f"a {order.order_type.value} order needs a trigger price")
    stop = order.stop_loss
    for pointer, price in (
        ("/limit_price", order.price),
        ("/stop_price", order.stop_px),
        ("/take_profit/limit_price", order.take_profit),
        ("/stop_loss/stop_price", stop.stop_px if stop else None),
        ("/stop_loss/limit_price", stop.price if stop else None),
    ):
        if price is not None:
            yield from _within(pointer, price, wish.rules.price)


def _percent_price(wish: Wish) -> Found:
    """A limit may not lie too far from the market, with bounds of its own on each side."""
    band = wish.rules.bids if wish.order.side is Side.BUY else wish.rules.asks
    if band is None or wish.reference is None or wish.price is None:
        return
    low, high = _bounds(band, wish.reference)
    if not low <= wish.price <= high:
        yield _no("/limit_price", "out_of_range", f"between {text_of(low)} and {text_of(high)} at this moment")


def _bounds(band: Band, reference: Decimal) -> tuple[Decimal, Decimal]:
    return band.down * reference, band.up * reference


def _notional(wish: Wish) -> Found:
    """How much money an order must be worth at least and at most."""
    order, span = wish.order, wish.rules.notional
    price = wish.reference if wish.is_market else (wish.price or order.stop_px)
    value = order.notional
    if value is None and price is not None and order.order_qty is not None:
        value = order.order_qty * price
    if value is None:
        return
    least_of_market, most_of_market = wish.rules.notional_of_market
    pointer = "/notional" if order.notional is not None else "/quantity"
    if span.least and value < span.least and (not wish.is_market or least_of_market):
        yield _no(pointer, "too_small", f"worth at least {text_of(span.least)} {wish.rules.quote}")
    if span.most and value > span.most and (not wish.is_market or most_of_market):
        yield _no(pointer, "too_large", f"worth at most {text_of(span.most)} {wish.rules.quote}")


def _trail(wish: Wish) -> Found:
    order = wish.order
    if order.order_type is not OrderType.TRAILING_STOP:
        return
    if order.trail_percent is None or order.trail_amount is not None:
        yield _no("/trail_percent", "missing", "Binance trails by per cent alone")
        return
    if "trailing" not in wish.rules.can:
        yield _no("/type", "not_supported", f"{order.symbol} takes no trailing stops")
    if not is_multiple(order.trail_percent, _CENT_OF_PERCENT):
        yield _no("/trail_percent", "too_precise", "a multiple of 0.01")
    limits = wish.rules.trail_above if order.side is Side.BUY else wish.rules.trail_below
    if limits is not None:
        low, high = limits[0] * _CENT_OF_PERCENT, limits[1] * _CENT_OF_PERCENT
        if not low <= order.trail_percent <= high:
            yield _no("/trail_percent", "out_of_range", f"from {text_of(low)} to {text_of(high)}")


def _iceberg(wish: Wish) -> Found:
    order, rules = wish.order, wish.rules
    shown = order.display_qty
    if shown is None:
        return
    if "iceberg" not in rules.can or order.order_type not in _LIMITED or order.order_class is OrderClass.OCO:
        yield _no("/display_quantity", "not_supported", "icebergs at Binance are limit orders of symbols that allow it")
        return
    if order.tif is not TimeInForce.GTC:
        yield _no("/time_in_force", "not_supported", "an iceberg is gtc")
    yield from _within("/display_quantity", shown, rules.lot)
    if order.order_qty is None or shown <= 0:
        return
    if shown > order.order_qty:
        yield _no("/display_quantity", "too_large", "no more than the quantity")
    parts = (order.order_qty / shown).to_integral_value(rounding=ROUND_CEILING)
    if rules.iceberg_parts is not None and parts > rules.iceberg_parts:
        yield _no("/display_quantity", "too_small", f"at most {rules.iceberg_parts} parts")


def _groups(wish: Wish) -> Found:
    order, rules, kind = wish.order, wish.rules, wish.order.order_class
    if kind not in (OrderClass.OCO, OrderClass.OTO, OrderClass.BRACKET):
        return
    needs = {OrderClass.OCO: ("oco",), OrderClass.OTO: ("oto",), OrderClass.BRACKET: ("oto", "oco")}[kind]
    if not set(needs) <= rules.can:
        yield _no("/order_class", "not_supported", f"{order.symbol} takes no {kind.value} orders")
    if order.order_type is not OrderType.LIMIT:
        yield _no("/type", "not_supported", f"a {kind.value} order at Binance is a limit order")
    if kind is OrderClass.OCO and order.tif is not TimeInForce.GTC:
        yield _no("/time_in_force", "not_supported", "the exits of an oco are gtc")
    profit, stop = take_profit_of(order), order.stop_loss
    if kind is OrderClass.OTO and (profit is None) == (stop is None):
        yield _no("/take_profit", "missing", "an oto order has exactly one exit")
    if kind is not OrderClass.OTO and (profit is None or stop is None):
        yield _no("/take_profit" if profit is None else "/stop_loss", "missing", f"a {kind.value} order has two exits")
    if profit is not None and stop is not None:
        yield from _exits_apart(order, profit, stop.stop_px)


def _exits_apart(order: NewOrder, profit: Decimal, stop: Decimal) -> Found:
    """A sale takes profit above its stop; an OCO is spoken of from its exits' own side."""
    closes = order.side if order.order_class is OrderClass.OCO else order.side.opposite
    if (profit - stop) * -closes.sign <= 0:
        where = "above" if closes is Side.SELL else "below"
        yield _no("/take_profit/limit_price", "out_of_order", f"must be {where} the stop")


def _counts(wish: Wish) -> Found:
    """How many orders may work in one symbol; counted before this one, and only where we know how many do."""
    working, rules, order = wish.working, wish.rules, wish.order
    if working is None:
        return
    if rules.orders is not None and working.orders >= rules.orders:
        yield _no("/symbol", "too_many", f"at most {rules.orders} open orders in {order.symbol}")
    if rules.algo_orders is not None and order.order_type in _ALGO and working.algo >= rules.algo_orders:
        yield _no("/type", "too_many", f"at most {rules.algo_orders} open stop and touched orders in {order.symbol}")
    if rules.iceberg_orders is not None and order.display_qty and working.icebergs >= rules.iceberg_orders:
        yield _no("/display_quantity", "too_many", f"at most {rules.iceberg_orders} open icebergs in {order.symbol}")


_RULES: tuple[Callable[[Wish], Found], ...] = (
    _tradable, _words, _size, _prices, _percent_price, _notional, _trail, _iceberg, _groups, _counts,
)  # fmt: skip
