"""The pre-trade controls (RELIABILITY 5), one pure function each, cheap to dear.  `CONTROLS` is their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.options import OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    LIMITED,
    WIDE,
    ZERO,
    AssetClass,
    OrderClass,
    OrderType,
    Side,
    is_multiple,
    text_of,
)
from floorbroker.risk import guards, options, positions, shared
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.situation import Reference, Situation
from floorbroker.risk.verdict import Verdict, failed, passed, within
from floorbroker.risk.workload import part_of

Control = Callable[[Situation], Verdict]

_BPS = Decimal(10_000)
_HUNDRED = Decimal(100)
_ANY_PRICE = frozenset(OrderType) - LIMITED
_NEVER_SHORT = frozenset({AssetClass.FX, AssetClass.OPTION})  # what is sold of these is no short sale


def latch(s: Situation) -> Verdict:
    return failed("latch", s.blocked) if s.blocked else passed("latch")


def vault(s: Situation) -> Verdict:
    return failed("vault", s.locked) if s.locked else passed("vault")


def ready(s: Situation) -> Verdict:
    return failed("ready", s.not_ready) if s.not_ready else passed("ready")


def armed(s: Situation) -> Verdict:
    return failed("armed", s.not_armed) if s.not_armed else passed("armed")


def supported(s: Situation) -> Verdict:
    """What the broker says it can do, as data."""
    missing = unsupported(s.wish, s.info, s.instrument.asset_class)
    return failed("supported", f"{s.info.name} {missing}") if missing else passed("supported")


def unsupported(wish: NewOrder, info: BrokerInfo, kind: AssetClass) -> str:
    """What a broker lacks for a wish; empty when it lacks nothing."""
    types = info.order_types.get(kind)
    if not types:
        return f"does not trade {kind.value}"
    if wish.order_type not in types:
        return f"takes no {wish.order_type.value} orders in {kind.value}"
    if wish.tif not in info.tifs.get(kind, ()):
        return f"takes no {wish.tif.value} orders in {kind.value}"
    if wish.order_class not in info.order_classes:
        return f"takes no {wish.order_class.value} orders"
    if wish.notional is not None and Can.NOTIONAL not in info.can:
        return "takes no notional orders"
    if wish.extended_hours and Can.EXTENDED_HOURS not in info.can:
        return "takes no extended hours orders"
    if wish.post_only and Can.POST_ONLY not in info.can:
        return "takes no post-only orders"
    if wish.display_qty is not None and Can.DISPLAY_QTY not in info.can:
        return "takes no icebergs: it shows every order whole"
    return ""


def permission(s: Situation) -> Verdict:
    """Allow and deny lists."""
    what = _forbidden(s)
    return failed("permission", f"{what} is not permitted on this profile") if what else passed("permission")


def _forbidden(s: Situation) -> str:
    wish, limits = s.wish, s.limits
    if what := _forbidden_leg(s) if wish.legs else _unlisted({wish.symbol}, wish.symbol, limits):
        return what
    if s.instrument.asset_class not in limits.allow_assets:
        return f"asset class {s.instrument.asset_class.value}"
    for side in [leg.side for leg in wish.legs] or [wish.side]:
        if side not in limits.allow_sides:
            return f"side {side.value}"
    if wish.order_type not in limits.allow_types:
        return f"order type {wish.order_type.value}"
    if wish.tif not in limits.allow_tifs:
        return f"time in force {wish.tif.value}"
    return ""


def _forbidden_leg(s: Situation) -> str:
    """A leg goes by its own name and by what it is an option on: who permits a share permits spreads on it."""
    for leg in s.wish.legs:
        contract, kind = OptionContract.parse(leg.symbol), asset_class_of(leg.symbol)
        if what := _unlisted({leg.symbol, contract.root if contract else leg.symbol}, leg.symbol, s.limits):
            return what
        if kind not in s.limits.allow_assets:
            return f"asset class {kind.value}"
    return ""


def _unlisted(names: set[str], symbol: str, limits: RiskLimits) -> str:
    is_allowed = limits.allow_symbols is None or bool(names & limits.allow_symbols)
    return "" if is_allowed and not names & limits.deny_symbols else f"symbol {symbol}"


def expiry(s: Situation) -> Verdict:
    """What has stopped trading for good takes no order."""
    if s.instrument.asset_class is not AssetClass.OPTION:
        return passed("expiry")
    over = options.expired_of(s.wish, s.now)
    if over is None:
        return passed("expiry")
    return failed("expiry", f"{over.symbol} expired on {over.expiry.isoformat()}: it trades no more")


def written(s: Situation) -> Verdict:
    """Options sold beyond what is held owe something: shares, cash at the strike, or margin of which the venue told."""
    wish = s.wish
    if s.instrument.asset_class is not AssetClass.OPTION or s.margin is not None:
        return passed("written")
    if wish.order_class is OrderClass.MULTILEG:
        if s.bounded:
            return passed("written")
        return failed("written", "nothing bounds what these legs can lose, and the venue told no margin for them")
    short = ZERO if wish.side is Side.BUY or s.reduces else max(-s.after, ZERO)
    if short == 0:
        return passed("written")
    if not s.limits.allow_short:
        told = f"writing options is not permitted on this profile: {text_of(short)} more than held"
        return failed("written", told, limit=0, value=short)
    if s.bounded:
        return passed("written")
    return failed(
        "written",
        f"nothing bounds what {text_of(short)} uncovered calls can lose, and the venue told no margin for them: hold the"
        " shares, or buy a further call in the same order",
        limit=0,
        value=short,
    )


def short_sale(s: Situation) -> Verdict:
    """A sell beyond what is held needs permission, ours and the instrument's; for options see `written`."""
    if s.wish.order_class is OrderClass.MULTILEG:
        return _short_legs(s)
    if s.wish.side is Side.BUY or s.instrument.asset_class in _NEVER_SHORT:
        return passed("short_sale")
    if s.limits.allow_short and s.instrument.shortable:
        return passed("short_sale")
    if s.units is None:
        return failed("short_sale", "whether this sells more than is held cannot be told without a price", limit=0)
    after = s.exposure.left(s.wish.symbol, Side.SELL) - s.units
    if after >= 0:
        return passed("short_sale")
    why = (
        "selling short is not permitted on this profile"
        if not s.limits.allow_short
        else "this cannot be sold short here"
    )
    return failed("short_sale", f"{why}: {text_of(-after)} more than held", limit=0, value=-after)


def _short_legs(s: Situation) -> Verdict:
    """Whether a leg may be sold short at its venue only that says."""
    for symbol, side, units in part_of(s.wish).legs if not s.limits.allow_short else ():
        after = s.exposure.left(symbol, side) - units
        if side is Side.SELL and after < 0 and asset_class_of(symbol) not in _NEVER_SHORT:
            told = f"selling short is not permitted on this profile: {text_of(-after)} {symbol} more than held"
            return failed("short_sale", told, limit=0, value=-after)
    return passed("short_sale")


def option_level(s: Situation) -> Verdict:
    """Written options (a sell that opens) need the higher levels."""
    if s.instrument.asset_class is not AssetClass.OPTION:
        return passed("option_level")
    needed = 3 if s.wish.order_class is OrderClass.MULTILEG else 2
    return within("option_level", needed, s.limits.option_level, "the option level needed,")


def instrument_age(s: Situation) -> Verdict:
    """Rules older than a day are not trusted."""
    if not s.instrument.tradable:
        return failed("instrument_age", f"{s.wish.symbol} is not tradable now")
    if s.instrument.as_of is None:
        return passed("instrument_age")
    age_s = int((s.now - s.instrument.as_of).total_seconds())
    return within("instrument_age", age_s, s.limits.instrument_age_max_s, "the age of the instrument rules in seconds,")


def tick(s: Situation) -> Verdict:
    for name, price in _prices(s.wish):
        if price is not None and not s.instrument.is_on_tick(price):
            step = s.instrument.tick_at(price)
            return failed(
                "tick",
                f"{name[1:]} {text_of(price)} is not a multiple of {text_of(step)}",
                limit=step,
                value=price,
                pointer=name,
            )
    return passed("tick")


def _prices(wish: NewOrder) -> tuple[tuple[str, Decimal | None], ...]:
    loss = wish.stop_loss
    is_net = wish.order_class is OrderClass.MULTILEG  # what the legs cost together has steps of its own
    return (
        ("/limit_price", None if is_net else wish.price),
        ("/stop_price", wish.stop_px),
        ("/trail_price", wish.trail_amount),
        ("/take_profit/limit_price", wish.take_profit),
        ("/stop_loss/stop_price", loss.stop_px if loss else None),
        ("/stop_loss/limit_price", loss.price if loss else None),
    )


def lot(s: Situation) -> Verdict:
    fraction = s.instrument.fraction if s.limits.allow_fractional else None
    step = fraction or s.instrument.lot
    if s.wish.notional is not None and not s.limits.allow_fractional:
        return failed(
            "lot", "an order for an amount of money buys fractions, which are switched off", pointer="/notional"
        )
    for name, size in (("quantity", s.wish.order_qty), ("display_quantity", s.wish.display_qty)):
        if size is not None and not is_multiple(size, step):
            told = f"{name} {text_of(size)} is not a multiple of {text_of(step)}"
            return failed("lot", told, limit=step, value=size, pointer=f"/{name}")
    return passed("lot")


def min_qty(s: Situation) -> Verdict:
    qty, least = s.wish.order_qty, s.instrument.min_qty
    if qty is None or qty >= least:
        return passed("min_qty")
    return failed(
        "min_qty", f"quantity {text_of(qty)} is below the venue's minimum {text_of(least)}", limit=least, value=qty
    )


def min_notional(s: Situation) -> Verdict:
    size, least = s.quoted, s.instrument.min_notional
    if size is None or size >= least:
        return passed("min_notional")
    return failed(
        "min_notional",
        f"size {text_of(size)} is below the venue's minimum {text_of(least)}",
        limit=least,
        value=size,
        pointer="/notional" if s.wish.notional is not None else "/quantity",
    )


def max_order_qty(s: Situation) -> Verdict:
    limit = s.limits.max_order_qty
    if s.instrument.max_qty is not None:
        limit = min(limit, s.instrument.max_qty) if limit is not None else s.instrument.max_qty
    return within("max_order_qty", s.units, limit, "quantity")


def max_order_notional(s: Situation) -> Verdict:
    if s.rate is None:
        return passed("max_order_notional")  # `currency` lets nothing through but what reduces
    return within("max_order_notional", s.notional, s.limits.max_order_notional, "order size", currency=s.currency)


def currency(s: Situation) -> Verdict:
    """Amounts in another currency than the account's want a rate: a limit in dollars says nothing of a size in coins."""
    if s.rate is not None or s.reduces:
        return passed("currency")
    told, own = s.instrument.currency, s.currency
    return failed(
        "currency",
        f"{s.wish.symbol} is measured in {told} and the limits of this account in {own}: say under [risk.rates] what one"
        f" unit of each that is not the base currency is worth in it",
    )


def reference(s: Situation) -> Verdict:
    """Orders that take any price need a fresh one to be measured against, of each leg."""
    wish = s.wish
    if wish.order_type not in _ANY_PRICE or s.limits.collar_bps is None:
        return passed("reference")
    if not wish.legs:
        return _fresh(s, wish.symbol, wish.side, s.reference, s.instrument.asset_class)
    prices = s.leg_prices
    said = [_fresh(s, leg.symbol, leg.side, prices.get(leg.symbol), asset_class_of(leg.symbol)) for leg in wish.legs]
    return next((verdict for verdict in said if not verdict.ok), said[0])


def _fresh(s: Situation, symbol: str, side: Side, heard: Reference | None, kind: AssetClass) -> Verdict:
    if heard is None or heard.against(side) is None:
        return failed("reference", f"no price for {symbol}: an order without a limit is not sent blind")
    age = Decimal(round(heard.age_s * 1000)) / 1000
    return within("reference", age, s.limits.reference_age_of(kind), f"{symbol}: the age of the price in seconds,")


def collar(s: Situation) -> Verdict:
    """A limit or trigger far on the losing side of the market is a typing error until proven otherwise."""
    allowed, market = (
        s.limits.collar_of(s.instrument.asset_class),
        s.reference.against(s.wish.side) if s.reference else None,
    )
    asked = s.wish.price if s.wish.order_type in LIMITED else s.wish.stop_px
    if allowed is None or not market or asked is None or s.wish.order_class is OrderClass.MULTILEG:
        return passed("collar")
    base = _when_it_works(s.wish, market)
    worse_bps = ((asked - base) / base * _BPS * s.wish.side.sign).quantize(Decimal("0.1"), context=WIDE)
    return within("collar_bps", worse_bps, allowed, "distance beyond the market in basis points,")


def _when_it_works(wish: NewOrder, market: Decimal) -> Decimal:
    """Where the market stands once an order works: at a stop's trigger; at a touched order's only if that is the better price."""
    if wish.stop_px is None or wish.order_type not in LIMITED:
        return market
    if wish.order_type is OrderType.STOP_LIMIT:
        return wish.stop_px
    return min(wish.stop_px, market) if wish.side is Side.BUY else max(wish.stop_px, market)


def reduce_only(s: Situation) -> Verdict:
    """What says that it reduces or closes never opens."""
    for symbol, side, units in _closing(s):
        free = s.exposure.free(symbol, side)
        if units is None or units > free or not free:
            return failed("reduce_only", _not_covered(s, symbol, side, units), limit=free, value=units)
    return passed("reduce_only")


def _closing(s: Situation) -> Iterator[tuple[str, Side, Decimal | None]]:
    """Symbol, side and units of what a wish says it only closes.

    A venue that reduces only keeps that itself, and knows each side of a hedge, of which we hold but the difference.
    """
    wish, is_kept = s.wish, Can.REDUCE_ONLY in s.info.can
    if wish.reduce_only or (wish.position_intent in options.CLOSING and not is_kept):
        yield wish.symbol, wish.side, s.units
    for leg in wish.legs:
        if leg.position_intent in options.CLOSING and not is_kept:
            yield leg.symbol, leg.side, leg.ratio_qty * (wish.order_qty or ZERO)


def _not_covered(s: Situation, symbol: str, side: Side, units: Decimal | None) -> str:
    held, free = s.exposure.positions.get(symbol, ZERO), s.exposure.free(symbol, side)
    asked = "an unknown quantity" if units is None else text_of(units)
    told = f"an order that only reduces or closes must not open: it would {side.value} {asked} {symbol}"
    if held * -side.sign <= 0:
        return f"{told}, and {text_of(held)} are held"
    taken = max(held * -side.sign - free, ZERO)
    others = f", of which open orders take {text_of(taken)} already: {_way_on(free)}" if taken else ""
    return f"{told}, and {text_of(held)} are held{others}"


def _way_on(free: Decimal) -> str:
    return f"ask for {text_of(free)} at most, or cancel them first" if free else "cancel them first"


def buying_power(s: Situation) -> Verdict:
    """Cost against the venue's figure less what it does not know of yet."""
    if s.account is None or s.reduces or s.wish.order_class is OrderClass.OCO:
        return passed("buying_power")
    cost = s.cost
    if cost is None:
        return failed("buying_power", "the cost cannot be measured without a price")
    told, whose = s.account.buying_power, "buying power"
    if s.instrument.asset_class is AssetClass.OPTION and s.account.option_buying_power is not None:
        told, whose = s.account.option_buying_power, "buying power for options"
    if s.exposure.reserved is None:
        detail = "what orders in doubt may cost cannot be measured without a rate of exchange under [risk.rates]"
        return failed("buying_power", detail)
    free = told * (_HUNDRED - s.limits.buying_power_buffer_pct) / _HUNDRED - s.exposure.reserved
    if cost <= free:
        return Verdict(control="buying_power", ok=True, limit=free, value=cost)
    shown = max(free, ZERO)
    text = f"cost {cost:,.2f} is above the free {whose} {shown:,.2f} {s.account.currency}"
    return failed("buying_power", text, limit=shown, value=cost)


def venue_rules(s: Situation) -> Verdict:
    """What the venue would refuse by its documents, in the words of a preview: a type at such a time in force, say."""
    if not s.objections:
        return passed("venue_rules")
    first = s.objections[0]
    at = f"{first.pointer}: " if first.pointer else ""
    told = f"{s.info.name} takes no such order: {at}{first.detail}"
    return Verdict(control="venue_rules", ok=False, detail=told, pointer=first.pointer, fields=s.objections)


def open_orders(s: Situation) -> Verdict:
    total = within("max_open_orders", s.exposure.open_total + 1, s.limits.max_open_orders, "open orders")
    if not total.ok:
        return total
    here = s.exposure.open_count(s.wish.symbol) + 1
    return within("max_open_orders_symbol", here, s.limits.max_open_orders_symbol, f"open orders in {s.wish.symbol}")


def message_rate(s: Situation) -> Verdict:
    limits = s.limits
    second = within("max_messages_s", s.messages_s + 1, limits.max_messages_s, "order messages in a second")
    if not second.ok:
        return second
    minute = within("max_messages_min", s.messages_min + 1, limits.max_messages_min, "order messages in a minute")
    if not minute.ok or limits.max_messages_symbol_min is None:
        return minute
    here, what = s.messages_symbol_min + 1, f"order messages about {s.wish.symbol} in a minute"
    return within("max_messages_symbol_min", here, limits.max_messages_symbol_min, what)


def duplicate(s: Situation) -> Verdict:
    """The same wish again within seconds is a double click until the caller says otherwise."""
    if s.wish.allow_duplicate or s.twin_age_s is None or Decimal(str(s.twin_age_s)) > s.limits.duplicate_window_s:
        return passed("duplicate")
    text = f"the same order was placed {s.twin_age_s:.1f} s ago; set allow_duplicate and another key if it is meant"
    return failed("duplicate", text, limit=s.limits.duplicate_window_s)


CONTROLS: tuple[Control, ...] = (
    latch,
    vault,
    ready,
    armed,
    guards.strategy,
    supported,
    expiry,
    permission,
    guards.hours,
    tick,
    lot,
    min_qty,
    duplicate,
    message_rate,
    shared.message_rate,
    open_orders,
    shared.open_orders,
    reference,  # before what it measures, so that a price that lacks is named
    guards.day,
    instrument_age,
    option_level,
    max_order_qty,
    min_notional,
    currency,
    max_order_notional,
    shared.order_size,
    shared.day,
    guards.confirm,
    collar,
    guards.collar_window,
    short_sale,
    written,
    reduce_only,
    guards.loss,
    guards.self_match,
    positions.max_position,
    shared.position,
    positions.exposure,
    shared.exposure,
    buying_power,
    venue_rules,
)
SHARED = frozenset(
    {shared.message_rate, shared.open_orders, shared.order_size, shared.day, shared.position, shared.exposure}
)
OWN_CONTROLS = tuple(control for control in CONTROLS if control not in SHARED)  # where no scope has limits
QUOTAS = frozenset(
    {
        message_rate,
        shared.message_rate,
        open_orders,
        shared.open_orders,
        guards.day,
        shared.day,
        max_order_qty,
        max_order_notional,
        shared.order_size,
    }
)  # of how much and how often


def asked_of(s: Situation) -> tuple[Control, ...]:
    """The controls that a wish must pass.  One that a kill pardons closes what is held, however much and often was ordered."""
    controls = CONTROLS if s.shared else OWN_CONTROLS
    return tuple(control for control in controls if control not in QUOTAS) if s.is_pardoned else controls
