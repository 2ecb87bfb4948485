"""What trades are worth in the home currency: conversion, margin, and the figures of an account.

A gain in another currency is converted at the price at which that currency is sold for the home currency, a loss at the price at
which it is bought, positions at the middle.  Currencies without a pair of their own go by way of the US dollar.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from floorbroker.domain.values import ZERO
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.mapping import quote_currency
from floorbroker_sim.oanda.rest.records import Trade

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

ONE = Decimal(1)
_FACTOR = Decimal("0.0000000001")  # factors are shown and used with ten decimals
_PERCENT = Decimal("0.00001")
_VIA = "USD"


def cents(amount: Decimal) -> Decimal:
    """To the four decimals amounts have, halves to even."""
    return amount.quantize(info.MONEY)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Factors from a currency into the home currency: for gains, for losses, and for the worth of positions."""

    gain: Decimal
    loss: Decimal
    middle: Decimal

    def of(self, amount: Decimal) -> Decimal:
        """A gain or a loss, to the cent of the account."""
        return cents(amount * (self.gain if amount > 0 else self.loss))


def conversion(state: State, currency: str) -> Conversion | None:
    """None while a price that is needed is not known."""
    home = state.settings.currency
    direct = _pair(state, currency, home)
    if direct is not None or _VIA in {currency, home}:
        return _exact(direct)
    first, second = _pair(state, currency, _VIA), _pair(state, _VIA, home)
    if first is None or second is None:
        return None
    return _exact(
        Conversion(first.gain * second.gain, first.loss * second.loss, first.middle * second.middle)
    )  # fmt: skip


def _exact(found: Conversion | None) -> Conversion | None:
    if found is None or found.gain == found.loss == ONE:
        return found
    return Conversion(*(one.quantize(_FACTOR) for one in (found.gain, found.loss, found.middle)))


def _pair(state: State, base: str, quote: str) -> Conversion | None:
    if base == quote:
        return Conversion(ONE, ONE, ONE)
    if (touch := state.touch(f"{base}_{quote}")) is not None:
        return Conversion(touch.bid, touch.ask, touch.middle)
    if (touch := state.touch(f"{quote}_{base}")) is not None:
        return Conversion(ONE / touch.ask, ONE / touch.bid, ONE / touch.middle)
    return None


def exit_price(state: State, instrument: str, *, long: bool) -> Decimal | None:
    """What a trade would be closed at now."""
    touch = state.touch(instrument)
    return None if touch is None else touch.bid if long else touch.ask


def unrealized(state: State, trade: Trade, *, at_middle: bool = False) -> Decimal:
    """What closing a trade now would bring; nothing while no price is known."""
    touch, factors = state.touch(trade.instrument), conversion(state, quote_currency(trade.instrument))
    if touch is None or factors is None or not trade.units:
        return ZERO
    price = touch.middle if at_middle else touch.bid if trade.units > 0 else touch.ask
    return factors.of((price - trade.price) * trade.units)


def worth(state: State, instrument: str, units: Decimal) -> Decimal:
    """The value of so many units, positive."""
    touch, factors = state.touch(instrument), conversion(state, quote_currency(instrument))
    if touch is None or factors is None:
        return ZERO
    return cents(abs(units) * touch.middle * factors.middle)


def rate(state: State, instrument: str) -> Decimal:
    """The margin rate that holds: the instrument's, or the account's where that is higher."""
    return max(Decimal(info.INSTRUMENTS[instrument].rate), state.account.margin_rate)


def margin(state: State, instrument: str, units: Decimal) -> Decimal:
    """Margin that units tie up."""
    return cents(worth(state, instrument, units) * rate(state, instrument))


def margin_of(state: State, instrument: str) -> Decimal:
    """Margin of a position; of two sides the larger one counts."""
    sides = [margin(state, instrument, state.units(instrument, long=long)) for long in (True, False)]
    return max(sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What of an account depends on prices."""

    unrealized: Decimal
    unrealized_middle: Decimal
    nav: Decimal
    used: Decimal
    value: Decimal

    @property
    def available(self) -> Decimal:
        return max(ZERO, self.nav - self.used)

    @property
    def closeout(self) -> Decimal:
        """1 or more: the venue closes the account out."""
        if not self.used:
            return ZERO
        left = self.nav - self.unrealized + self.unrealized_middle
        return ratio(self.used * info.CLOSEOUT_AT, left)

    @property
    def call(self) -> Decimal:
        """1 or more: the account is in a margin call."""
        return ratio(self.used, self.nav) if self.used else ZERO


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """Five decimals; a thousand where nothing is left to compare with."""
    if whole <= 0:
        return Decimal("1000.00000")
    return min(Decimal(1000), part / whole).quantize(_PERCENT)


def figures(state: State) -> Figures:
    """The account as prices stand now."""
    trades = list(state.open_trades.values())
    held = {trade.instrument for trade in trades}
    brought = sum((unrealized(state, trade) for trade in trades), ZERO)
    return Figures(
        unrealized=brought,
        unrealized_middle=sum((unrealized(state, trade, at_middle=True) for trade in trades), ZERO),
        nav=state.account.balance + brought,
        used=sum((margin_of(state, instrument) for instrument in held), ZERO),
        value=sum((worth(state, trade.instrument, trade.units) for trade in trades), ZERO),
    )


def shown(found: Figures) -> dict[str, Any]:
    """The members of `wire.State`, for every struct that has them."""
    nav = found.nav - found.unrealized + found.unrealized_middle
    members = {
        "unrealized_pl": found.unrealized, "nav": found.nav, "margin_used": found.used, "margin_available": found.available,
        "position_value": found.value, "margin_closeout_unrealized_pl": found.unrealized_middle, "margin_closeout_nav": nav,
        "margin_closeout_margin_used": found.used, "margin_closeout_position_value": found.value,
        "withdrawal_limit": found.available, "margin_call_margin_used": found.used,
    }  # fmt: skip
    percents = {"margin_closeout_percent": found.closeout, "margin_call_percent": found.call}
    return {name: cents(value) for name, value in members.items()} | {
        name: value.quantize(_PERCENT) for name, value in percents.items()
    }


def units_available(state: State, instrument: str) -> wire.UnitsAvailable | None:
    """How many units the free margin opens, and what is there to reduce."""
    touch, factors = state.touch(instrument), conversion(state, quote_currency(instrument))
    if touch is None or factors is None:
        return None
    found = figures(state)
    each = touch.middle * factors.middle * rate(state, instrument)
    step = info.INSTRUMENTS[instrument].units_step
    opens = (found.available / each).quantize(step, ROUND_DOWN)
    longs, shorts = (abs(state.units(instrument, long=long)) for long in (True, False))

    def first(reducible: Decimal) -> Decimal:
        freed = found.available + margin(state, instrument, reducible)
        return reducible + (freed / each).quantize(step, ROUND_DOWN)

    only = wire.UnitsSides(long=opens, short=opens)
    reduce_first = wire.UnitsSides(long=first(shorts), short=first(longs))
    return wire.UnitsAvailable(
        default=only if state.account.hedging else reduce_first, open_only=only, reduce_first=reduce_first,
        reduce_only=wire.UnitsSides(long=shorts, short=longs),
    )  # fmt: skip
