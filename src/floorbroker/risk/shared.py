"""The controls of scopes: the same limits for a whole desk, an account, a strategy, a token or a symbol together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from floorbroker.domain.values import WIDE, ZERO, Side
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import Verdict, passed, within
from floorbroker.risk.watch import Ends, Standing


def _first(control: str, verdicts: Iterable[Verdict]) -> Verdict:
    return next((verdict for verdict in verdicts if not verdict.ok), passed(control))


def _amount(standing: Standing, amount: Decimal | None) -> Decimal | None:
    """An amount of the wish's account in the scope's currency; None where it cannot be told, which no limit takes."""
    return None if amount is None or standing.rate is None else WIDE.multiply(amount, standing.rate)


def message_rate(s: Situation) -> Verdict:
    if not s.shared:
        return passed("shared_rate")
    return _first("shared_rate", (verdict for standing in s.shared for verdict in _rates(standing)))


def _rates(at: Standing) -> Iterable[Verdict]:
    yield within(
        "max_messages_s", at.messages_s + 1, at.limits.max_messages_s, "order messages in a second", scope=at.key
    )
    minute = at.messages_min + 1
    yield within("max_messages_min", minute, at.limits.max_messages_min, "order messages in a minute", scope=at.key)


def open_orders(s: Situation) -> Verdict:
    if not s.shared:
        return passed("shared_orders")
    return _first("shared_orders", (verdict for standing in s.shared for verdict in _orders(s, standing)))


def _orders(s: Situation, at: Standing) -> Iterable[Verdict]:
    yield within("max_open_orders", at.open_total + 1, at.limits.max_open_orders, "open orders", scope=at.key)
    here, what = at.open_symbol + 1, f"open orders in {s.wish.symbol}"
    yield within("max_open_orders_symbol", here, at.limits.max_open_orders_symbol, what, scope=at.key)


def order_size(s: Situation) -> Verdict:
    if not s.shared:
        return passed("shared_size")
    return _first("shared_size", (verdict for standing in s.shared for verdict in _sizes(s, standing)))


def _sizes(s: Situation, at: Standing) -> Iterable[Verdict]:
    yield within("max_order_qty", s.units, at.limits.max_order_qty, "quantity", scope=at.key)
    if s.rate is None:
        return  # `currency` lets nothing through but what reduces
    size = _amount(at, s.notional)
    yield within(
        "max_order_notional", size, at.limits.max_order_notional, "order size", scope=at.key, currency=at.currency
    )


def day(s: Situation) -> Verdict:
    if not s.shared:
        return passed("shared_day")
    return _first("shared_day", (verdict for standing in s.shared for verdict in _day(s, standing)))


def _day(s: Situation, at: Standing) -> Iterable[Verdict]:
    yield within("max_orders_day", at.orders_day + 1, at.limits.max_orders_day, "orders today", scope=at.key)
    if not s.reduces:
        size = _amount(at, s.notional)
        before = at.notional_day
        ordered = None if size is None or before is None else WIDE.add(before, size)
        yield within(
            "max_notional_day",
            ordered,
            at.limits.max_notional_day,
            "notional ordered today",
            scope=at.key,
            currency=at.currency,
        )


def position(s: Situation) -> Verdict:
    """The scope's position in the wish's symbol after everything open and this wish filled."""
    if not s.shared:
        return passed("shared_position")
    return _first("shared_position", (verdict for standing in s.shared for verdict in _positions(s, standing)))


def _positions(s: Situation, at: Standing) -> Iterable[Verdict]:
    if not s.wish.legs:
        signed = None if s.units is None else WIDE.add(at.worst, s.wish.side.sign * s.units)
        yield from _position(at, s.wish.side, at.held, signed, _amount(at, s.unit))
    for leg in at.legs:
        signed = WIDE.add(leg.worst, leg.side.sign * leg.units)
        yield from _position(at, leg.side, leg.held, signed, leg.worth)


def _position(
    at: Standing, side: Side, held: Decimal, signed: Decimal | None, worth: Decimal | None
) -> Iterable[Verdict]:
    """In one symbol: `held` units before, `signed` after everything open on this side and the wish."""
    if signed is not None and held != 0 and (held > 0) != (side is Side.BUY) and signed * held >= 0:
        return  # it can only lower what the scope holds
    after = None if signed is None else abs(signed)
    yield within("max_position", after, at.limits.max_position_qty, "position after worst case", scope=at.key)
    value = None if after is None or worth is None else WIDE.multiply(after, worth)
    what = "position value after worst case"
    yield within("max_position", value, at.limits.max_position_notional, what, scope=at.key, currency=at.currency)


def exposure(s: Situation) -> Verdict:
    """Gross and net exposure and leverage of the scope after the worst case."""
    if not s.shared:
        return passed("shared_exposure")
    return _first("shared_exposure", (verdict for standing in s.shared for verdict in _exposures(s, standing)))


def _exposures(s: Situation, at: Standing) -> Iterable[Verdict]:
    if not _adds(s, at):
        return
    ends = _ends(s, at)
    gross = None if ends is None else at.gross_else + ends.gross
    net = None if ends is None else at.net_else + ends.net
    money, what = at.currency, "exposure after worst case"
    yield within(
        "max_gross_exposure", gross, at.limits.max_gross_exposure, f"gross {what}", scope=at.key, currency=money
    )
    yield within("max_net_exposure", net, at.limits.max_net_exposure, f"net {what}", scope=at.key, currency=money)
    if at.limits.max_leverage is not None:
        leverage = _leverage(gross, at.equity)
        yield within("max_leverage", leverage, at.limits.max_leverage, "leverage after worst case", scope=at.key)


def _leverage(gross: Decimal | None, equity: Decimal | None) -> Decimal | None:
    """None where it cannot be measured, which no limit takes."""
    if gross is None or equity is None or equity <= 0:
        return None
    return (gross / equity).quantize(Decimal("0.001"), context=WIDE)


def _adds(s: Situation, at: Standing) -> bool:
    """Whether the wish adds to an end of this scope, whatever it does to others."""
    if s.wish.legs:
        return any(leg.up + leg.units > 0 if leg.side is Side.BUY else leg.down - leg.units < 0 for leg in at.legs)
    if s.units is None:
        return True
    return at.up + s.units > 0 if s.wish.side is Side.BUY else at.down - s.units < 0


def _ends(s: Situation, at: Standing) -> Ends | None:
    """What the wish's account has after it; None where price or currency of some of it, or of the scope, cannot be told."""
    if s.wish.legs:
        return _ends_of_legs(at)
    worth = _amount(at, s.unit)
    if worth is None or s.units is None or at.here is None:
        return None
    up = at.up + s.units if s.wish.side is Side.BUY else at.up
    down = at.down - s.units if s.wish.side is Side.SELL else at.down
    return at.here.plus((up * worth, down * worth))


def _ends_of_legs(at: Standing) -> Ends | None:
    """The same of a multi-leg wish, of which each symbol goes to both of its ends with all the legs that trade in it."""
    ends = at.here
    for symbol in dict.fromkeys(leg.symbol for leg in at.legs):
        legs = [leg for leg in at.legs if leg.symbol == symbol]
        up = legs[0].up + sum((leg.units for leg in legs if leg.side is Side.BUY), ZERO)
        down = legs[0].down - sum((leg.units for leg in legs if leg.side is Side.SELL), ZERO)
        worth = legs[0].worth
        if worth is None or ends is None:
            return None
        ends = ends.plus((up * worth, down * worth))
    return ends
