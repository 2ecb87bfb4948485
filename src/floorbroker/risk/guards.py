"""The controls that look at a day, a strategy, the clock, our own resting orders, or a person's word."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import LIMITED, WIDE, Environment, OrderClass, Side, text_of
from floorbroker.risk.hours import shut, window_of
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import RATES, Verdict, failed, passed, within

_BPS = Decimal(10_000)
_TYPED = frozenset({"page"})  # doors at which a person types


def strategy(s: Situation) -> Verdict:
    """A strategy that filled too often without a human touch stays off until a person switches it on."""
    return failed("max_fills_untouched", s.off, limit=s.limits.max_fills_untouched) if s.off else passed("strategy")


def hours(s: Situation) -> Verdict:
    """Calendar and blackouts; what only reduces a position may pass a blackout."""
    if why := shut(s.instrument.calendar, s.limits.trade_hours, s.now):
        return failed("trade_hours", why)
    for window in s.limits.blackouts:
        if window_of(window).holds(s.now) and not s.reduces:
            return failed("blackouts", f"nothing new begins in the blackout {window} UTC; what only reduces may pass")
    return passed("hours")


def day(s: Situation) -> Verdict:
    """How much one profile may order from midnight to midnight, UTC."""
    count = within("max_orders_day", s.orders_day + 1, s.limits.max_orders_day, "orders today")
    if not count.ok or s.limits.max_notional_day is None or s.reduces:
        return count
    before, limit, what = s.notional_day, s.limits.max_notional_day, "notional ordered today"
    ordered = None if s.notional is None or before is None else WIDE.add(before, s.notional)
    lacks = RATES if before is None else ""
    return within("max_notional_day", ordered, limit, what, currency=s.currency, lacks=lacks)


def confirm(s: Situation) -> Verdict:
    """A person at the page types the symbol of a large order; in practice any word will do."""
    least = s.limits.confirm_above_notional
    if s.via not in _TYPED or least is None or (s.notional is not None and s.notional <= least):
        return passed("confirm")
    if s.confirm == s.wish.symbol or (s.confirm and s.environment is not Environment.LIVE):
        return passed("confirm")
    text = f"an order above {text_of(least)} {s.currency} wants its symbol typed once more: confirm {s.wish.symbol}"
    return failed("confirm", text, limit=least, value=s.notional, pointer="/confirm")


def collar_window(s: Situation) -> Verdict:
    """What a wish would pay, or what it asks, against the mean of the last minute: a spike is no price to trade at."""
    allowed, middle = s.limits.collar_window_bps, s.middle
    if allowed is None or not middle or s.wish.order_class is OrderClass.MULTILEG or s.reduces:
        return passed("collar_window")
    worst = s.wish.price if s.wish.order_type in LIMITED else s.price
    if worst is None:
        return passed("collar_window")
    worse_bps = ((worst - middle) / middle * _BPS * s.wish.side.sign).quantize(Decimal("0.1"), context=WIDE)
    span = f"distance beyond the mean of {s.limits.collar_window_s} s in basis points,"
    return within("collar_window_bps", worse_bps, allowed, span)


def loss(s: Situation) -> Verdict:
    """Behind its loss limit or drawdown an account may only reduce."""
    equity, limits = s.equity, s.limits
    if equity is None or not (equity.loss or equity.drawdown_pct) or s.reduces:
        return passed("loss")
    for name, value, limit, what in (
        ("max_loss_day", equity.loss, limits.max_loss_day, "today's loss"),
        ("max_loss_day_pct", equity.loss_pct, limits.max_loss_day_pct, "today's loss in percent,"),
        ("max_drawdown_pct", equity.drawdown_pct, limits.max_drawdown_pct, "the drawdown in percent,"),
    ):
        if limit is not None and value >= limit:
            detail = (
                f"{what} {text_of(value)} has reached {name} {text_of(limit)}: only what reduces a position may pass"
            )
            return failed(name, detail, limit=limit, value=value)
    return passed("loss")


def self_match(s: Situation) -> Verdict:
    """Nobody trades with themselves, on one account or between two.

    How deep a market order reaches nobody can promise: it could meet any order of ours, however far away that rests.
    """
    if s.met is None or s.limits.self_match == "off":
        return passed("self_match")
    price, intent_id = s.met
    side = "sells" if s.wish.side is Side.BUY else "buys"
    far = "" if s.wish.order_type in LIMITED else " and a market order takes any price: give it a limit short of that"
    detail = f"it could trade with our own order {intent_id}, which {side} at {text_of(price)}{far}"
    return failed("self_match", detail, value=price)
