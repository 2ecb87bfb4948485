"""What members of an order must say together, one rule a function.

A rule yields a `FieldError` for each member that would have to change; rules do not depend on each other, so a wish
with three mistakes is told all three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.errors import FieldError
from floorbroker.domain.values import LIMITED, TRIGGERED, OrderClass, OrderType, Side, TimeInForce


class Exit(Protocol):
    """The winning exit of a group."""

    @property
    def limit_price(self) -> Decimal: ...


class Stop(Protocol):
    """The losing exit of a group."""

    @property
    def stop_price(self) -> Decimal: ...


class Wish(Protocol):
    """The members rules look at (`OrderSchema` has them)."""

    @property
    def symbol(self) -> str | None: ...

    @property
    def side(self) -> Side | None: ...

    @property
    def type(self) -> OrderType: ...

    @property
    def quantity(self) -> Decimal | None: ...

    @property
    def notional(self) -> Decimal | None: ...

    @property
    def limit_price(self) -> Decimal | None: ...

    @property
    def stop_price(self) -> Decimal | None: ...

    @property
    def trail_price(self) -> Decimal | None: ...

    @property
    def trail_percent(self) -> Decimal | None: ...

    @property
    def time_in_force(self) -> TimeInForce: ...

    @property
    def expire_at(self) -> datetime | None: ...

    @property
    def order_class(self) -> OrderClass: ...

    @property
    def take_profit(self) -> Exit | None: ...

    @property
    def stop_loss(self) -> Stop | None: ...

    @property
    def legs(self) -> Sequence[object]: ...

    @property
    def post_only(self) -> bool: ...

    @property
    def display_quantity(self) -> Decimal | None: ...


Found = Iterator[FieldError]
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
LEGS_MIN = 2
LEGS_MAX = 4


def _needs(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="missing", detail=detail)


def _extra(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="not_allowed_here", detail=detail)


def who_and_what(wish: Wish) -> Found:
    """Every order but a multi-leg one names its symbol and side; legs name their own."""
    if wish.order_class is OrderClass.MULTILEG:
        if wish.symbol is not None:
            yield _extra("/symbol", "leave it out: the legs of a multi-leg order name their symbols")
        return
    if wish.symbol is None:
        yield _needs("/symbol", 'name what to trade, like "AAPL"')
    if wish.side is None:
        yield _needs("/side", 'say "buy" or "sell"')


def how_much(wish: Wish) -> Found:
    """Exactly one of quantity and notional."""
    if wish.quantity is None and wish.notional is None:
        yield _needs("/quantity", "give a quantity (units), or a notional (an amount of money) instead")
    elif wish.quantity is not None and wish.notional is not None:
        yield _extra("/notional", "give quantity or notional, not both")


def limit_price(wish: Wish) -> Found:
    """Limit, stop-limit and limit-if-touched orders have a limit price, others none; an OCO takes it from its take-profit."""
    if wish.type in LIMITED:
        if wish.limit_price is None and wish.order_class is not OrderClass.OCO:
            yield _needs("/limit_price", f"a {wish.type.value} order needs the worst price you accept")
    elif wish.limit_price is not None:
        yield _extra("/limit_price", f'a {wish.type.value} order has no limit; leave it out, or use type "limit"')


def stop_price(wish: Wish) -> Found:
    """Stops and touched orders have a trigger, others none."""
    if wish.type in TRIGGERED and wish.stop_price is None:
        yield _needs("/stop_price", f"a {wish.type.value} order needs the price that triggers it")
    elif wish.type not in TRIGGERED and wish.stop_price is not None:
        yield _extra("/stop_price", f'a {wish.type.value} order has no trigger; leave it out, or use type "stop"')


def trail(wish: Wish) -> Found:
    """A trailing stop has exactly one of trail_price and trail_percent, other types none."""
    given = [n for n in ("trail_price", "trail_percent") if getattr(wish, n) is not None]
    if wish.type is not OrderType.TRAILING_STOP:
        for name in given:
            yield _extra(f"/{name}", 'only a "trailing_stop" order trails; leave it out')
    elif not given:
        yield _needs("/trail_percent", "a trailing stop needs trail_percent, or trail_price instead")
    elif len(given) > 1:
        yield _extra("/trail_price", "give trail_price or trail_percent, not both")
    if wish.trail_percent is not None and wish.trail_percent >= 100:
        yield FieldError(pointer="/trail_percent", code="out_of_range", detail="write a percentage below 100")


def good_till(wish: Wish) -> Found:
    """`gtd` and its date belong together."""
    if wish.time_in_force is TimeInForce.GTD and wish.expire_at is None:
        yield _needs("/expire_at", 'a "gtd" order needs the time it expires, in UTC')
    elif wish.time_in_force is not TimeInForce.GTD and wish.expire_at is not None:
        yield _extra("/expire_at", 'only a "gtd" order expires at a time; leave it out, or use time_in_force "gtd"')


def exits(wish: Wish) -> Found:
    """Which exits each class has: bracket and OCO both, OTO one, others none."""
    kind, given = wish.order_class, (wish.take_profit is not None, wish.stop_loss is not None)
    if kind in {OrderClass.BRACKET, OrderClass.OCO}:
        for name, there in zip(("take_profit", "stop_loss"), given, strict=True):
            if not there:
                yield _needs(f"/{name}", f'order_class "{kind.value}" needs both take_profit and stop_loss')
    elif kind is OrderClass.OTO:
        if not any(given):
            yield _needs("/take_profit", 'order_class "oto" needs one exit: take_profit or stop_loss')
        elif all(given):
            yield _extra("/stop_loss", 'order_class "oto" has one exit; for both use "bracket"')
    else:
        for name, there in zip(("take_profit", "stop_loss"), given, strict=True):
            if there:
                yield _extra(f"/{name}", f'order_class "{kind.value}" has no exits; use "bracket", "oco" or "oto"')


def oco(wish: Wish) -> Found:
    """An OCO is two exits: its own limit is the take-profit."""
    if wish.order_class is not OrderClass.OCO:
        return
    if wish.type is not OrderType.LIMIT:
        yield FieldError(pointer="/type", code="not_one_of", detail='an "oco" order has type "limit"')
    if (
        wish.take_profit is not None
        and wish.limit_price is not None
        and wish.limit_price != wish.take_profit.limit_price
    ):
        detail = "leave it out: the limit of an OCO is take_profit.limit_price"
        yield FieldError(pointer="/limit_price", code="contradiction", detail=detail)


def legs(wish: Wish) -> Found:
    """A multi-leg order has two to four legs and a quantity; others have no legs."""
    count = len(wish.legs)
    if wish.order_class is not OrderClass.MULTILEG:
        if count:
            yield _extra("/legs", 'only order_class "mleg" has legs')
        return
    if not LEGS_MIN <= count <= LEGS_MAX:
        yield FieldError(pointer="/legs", code="out_of_range", detail='order_class "mleg" needs two to four legs')
    if wish.notional is not None:
        yield _extra("/notional", "a multi-leg order is sized by quantity")


def resting(wish: Wish) -> Found:
    """Post-only and a display are about an order that rests: it has a limit, and time to wait."""
    for pointer, given, what in (
        ("/post_only", wish.post_only, "a post-only order"),
        ("/display_quantity", wish.display_quantity is not None, "an iceberg"),
    ):
        if not given:
            continue
        if wish.type not in LIMITED or wish.order_class is OrderClass.MULTILEG:
            yield _extra(pointer, f"{what} rests at a limit of its own: leave it out, or use a type with a limit")
        if wish.time_in_force in AT_ONCE:
            yield _extra(pointer, f'{what} waits, and "{wish.time_in_force.value}" does not: leave one of them out')


def display(wish: Wish) -> Found:
    """An iceberg shows a part of its quantity."""
    if wish.display_quantity is None:
        return
    if wish.notional is not None:
        yield _extra("/display_quantity", "an order sized by money has no quantity to show a part of")
    if wish.quantity is not None and wish.display_quantity >= wish.quantity:
        detail = f"must be below the quantity ({wish.quantity:f}): leave it out to show all of it"
        yield FieldError(pointer="/display_quantity", code="out_of_range", detail=detail)


def price_order(wish: Wish) -> Found:
    """Where prices are known they stand in order: a buy takes profit above and stops below, a sell the reverse."""
    if wish.side is None or wish.order_class is OrderClass.MULTILEG:
        return
    entry = None if wish.order_class is OrderClass.OCO else (wish.limit_price or wish.stop_price)
    # The exits of an OCO are orders of its own side; those of a bracket stand against the entry.
    sign = -wish.side.sign if wish.order_class is OrderClass.OCO else wish.side.sign
    above, below = ("above", "below") if sign > 0 else ("below", "above")
    profit = None if wish.take_profit is None else wish.take_profit.limit_price
    stop = None if wish.stop_loss is None else wish.stop_loss.stop_price
    for pointer, price, other, where, name in (
        ("/take_profit/limit_price", profit, entry, above, "the entry price"),
        ("/stop_loss/stop_price", stop, entry, below, "the entry price"),
        ("/stop_loss/stop_price", stop, profit, below, "take_profit.limit_price"),
    ):
        if price is not None and other is not None and (price - other) * (sign if where == above else -sign) <= 0:
            detail = f"must be {where} {name} ({other:f})"
            yield FieldError(pointer=pointer, code="out_of_order", detail=detail)


def plus_or_minus(wish: Wish) -> Found:
    """A limit below zero is a credit, which only a multi-leg order can ask for."""
    if wish.limit_price is not None and wish.limit_price < 0 and wish.order_class is not OrderClass.MULTILEG:
        yield FieldError(pointer="/limit_price", code="not_positive", detail='write a number above zero, like "10.5"')


RULES: tuple[Callable[[Wish], Found], ...] = (
    who_and_what, how_much, limit_price, plus_or_minus, stop_price, trail, good_till, exits, oco, legs, price_order,
    resting, display,
)  # fmt: skip


def broken(wish: Wish) -> tuple[FieldError, ...]:
    """Everything a wish would have to change, in the order of the rules."""
    return tuple(found for rule in RULES for found in rule(wish))
