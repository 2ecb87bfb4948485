"""Orders that wait for a price: an entry, and the two exits that come to life when it has filled.

Fires as a limit order.  Where the document is silent: the limit is the trigger, `market_protection` percent worse where that is
asked for, and one percent worse for a stop-loss; an exit waits in `PENDING` until the entry has filled.
https://upstox.com/developer/api-documentation/place-gtt-order
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, is_multiple
from floorbroker_sim.http import Reply
from floorbroker_sim.market import Tick
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.mapping import gtt_object, gtt_update, protected, rule_side
from floorbroker_sim.upstox.rest import checks, life
from floorbroker_sim.upstox.rest.answers import Call, timed
from floorbroker_sim.upstox.rest.hours import INDIA, local_day
from floorbroker_sim.upstox.rest.reading import amount, body_of, units
from floorbroker_sim.upstox.rest.records import Gtt, Order, Rule, Terms
from floorbroker_sim.upstox.wire import GttName, GttWish, RuleWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_STRATEGIES, _TRIGGERS = ("ENTRY", "TARGET", "STOPLOSS"), ("ABOVE", "BELOW", "IMMEDIATE")
_YEAR = timedelta(days=365)
_STOP_PROTECTION = Decimal(1)
_LIVE = frozenset({"SCHEDULED", "PENDING", "OPEN", "TRIGGERED"})


# --- Requests ----------------------------------------------------------------------------------------------------------


def place(state: State, call: Call) -> Reply:
    wish = body_of(call.request, GttWish)
    listed = checks.listed_of(state, wish.instrument_token)
    side = checks.word(
        wish.transaction_type, info.SIDES, missing="UDAPI1005", wrong="UDAPI1057", path="transaction_type"
    )
    product = checks.word(wish.product, info.PRODUCTS, missing="UDAPI1006", wrong="UDAPI1054", path="product")
    quantity, rules = _quantity(wish), _rules(wish)
    _check_prices(rules, side, listed.tick)
    now = state.clock.now()
    gtt = Gtt(
        id=f"GTT-C{local_day(now):%y%m%d}{state.next_number():08d}", listed=listed, type=wish.type or "", quantity=quantity,
        product=product, side=side, rules=rules, created=now, expires=_expiry(product, now),
    )  # fmt: skip
    state.gtts[gtt.id] = gtt
    rules[0].status = "SCHEDULED"
    _say(state, gtt)
    _try(state, gtt, state.last(listed))
    return timed({"gtt_order_ids": [gtt.id]})


def _expiry(product: str, now: datetime) -> datetime:
    return INDIA.day_end(now) if product == "I" else now + _YEAR


def _quantity(wish: GttWish) -> int:
    quantity = units(wish.quantity, "quantity")
    if not quantity:
        raise Refused("UDAPI1052", path="quantity", value=wish.quantity)
    return quantity


def _rules(wish: GttWish) -> list[Rule]:
    """The legs, entry first."""
    given = wish.rules or []
    if wish.type not in {"SINGLE", "MULTIPLE"}:
        raise Refused("UDAPI1126", path="type", value=wish.type)
    if not (len(given) == 1 if wish.type == "SINGLE" else 2 <= len(given) <= info.MAX_RULES):
        raise Refused("UDAPI1128", path="rules", value=len(given))
    rules = sorted((_rule(one) for one in given), key=lambda rule: _STRATEGIES.index(rule.strategy))
    if len({rule.strategy for rule in rules}) < len(rules) or rules[0].strategy != "ENTRY":
        raise Refused("UDAPI1132", path="rules.strategy")
    return rules


def _rule(wish: RuleWish) -> Rule:
    strategy, trigger = wish.strategy or "", wish.trigger_type or ""
    if strategy not in _STRATEGIES:
        raise Refused("UDAPI1132", path="rules.strategy", value=strategy)
    if trigger not in _TRIGGERS or (strategy != "ENTRY" and trigger != "IMMEDIATE"):
        raise Refused("UDAPI1130", path="rules.trigger_type", value=trigger)
    price, gap = amount(wish.trigger_price, "rules.trigger_price"), amount(wish.trailing_gap, "rules.trailing_gap")
    if not price:
        raise Refused("UDAPI1143", path="rules.trigger_price", value=price)
    if gap and strategy != "STOPLOSS":
        raise Refused("UDAPI100036", path="rules.trailing_gap", value=gap)
    return Rule(
        strategy=strategy, trigger_type=trigger, trigger_price=price, trailing_gap=gap or None,
        protection=checks.protection(wish.market_protection),
    )  # fmt: skip


def _check_prices(rules: list[Rule], side: str, tick: Decimal) -> None:
    """Every trigger on the price step; the target beyond the entry, the stop on its other side."""
    entry, sign = rules[0].trigger_price, 1 if side == "BUY" else -1
    for rule in rules:
        beyond = {"ENTRY": ZERO, "TARGET": rule.trigger_price - entry, "STOPLOSS": entry - rule.trigger_price}
        is_wrong = rule.strategy != "ENTRY" and sign * beyond[rule.strategy] <= 0
        if is_wrong or not is_multiple(rule.trigger_price, tick):
            raise Refused("UDAPI1143", path="rules.trigger_price", value=rule.trigger_price)


def modify(state: State, call: Call) -> Reply:
    """Other triggers, and another quantity while the entry has not fired."""
    wish = body_of(call.request, GttWish)
    gtt = _open(state, wish.gtt_order_id)
    quantity, rules = _quantity(wish), _rules(wish)
    if wish.type != gtt.type or {one.strategy for one in rules} != {one.strategy for one in gtt.rules}:
        raise Refused("UDAPI1126", path="type", value=wish.type)
    _check_prices(rules, gtt.side, gtt.listed.tick)
    fired = gtt.rules[0].status not in {"SCHEDULED", "PENDING"}
    if fired and (quantity != gtt.quantity or _moves(gtt.rules[0], rules[0])):
        raise Refused("UDAPI1137", path="quantity", value=quantity)
    gtt.quantity = quantity
    for old, new in zip(gtt.rules, rules, strict=True):
        if old.status in {"SCHEDULED", "PENDING"}:
            old.trigger_type, old.trigger_price = new.trigger_type, new.trigger_price
            old.trailing_gap, old.protection = new.trailing_gap, new.protection
    _say(state, gtt)
    _try(state, gtt, state.last(gtt.listed))
    return timed({"gtt_order_ids": [gtt.id]})


def _moves(old: Rule, new: Rule) -> bool:
    return (old.trigger_type, old.trigger_price) != (new.trigger_type, new.trigger_price)


def cancel(state: State, call: Call) -> Reply:
    """Everything that still waits; an order of it that is open as well."""
    gtt = _open(state, body_of(call.request, GttName).gtt_order_id)
    end(state, gtt, "CANCELLED")
    return timed({"gtt_order_ids": [gtt.id]})


def _open(state: State, name: str | None) -> Gtt:
    if not name:
        raise Refused("UDAPI100036", text="Invalid Input: gtt_order_id is required", path="gtt_order_id")
    found = state.gtts.get(name)
    if found is None:
        raise Refused("UDAPI1136", path="gtt_order_id", value=name)
    if found.done:
        raise Refused("UDAPI1137", path="gtt_order_id", value=name)
    return found


def get(state: State, call: Call) -> Reply:
    """One, or all that are not over."""
    name = call.query.get("gtt_order_id")
    if name is not None and name not in state.gtts:
        raise Refused("UDAPI1136", path="gtt_order_id", value=name)
    found = [state.gtts[name]] if name is not None else list(state.gtts.values())
    return timed([gtt_object(one) for one in found if not one.done])


# --- What prices and orders do to them ----------------------------------------------------------------------------------


def look(state: State, tick: Tick) -> None:
    """New prices: what waits for them fires."""
    named = tick.trade or tick.quote
    for gtt in list(state.gtts.values()) if named is not None else ():
        if not gtt.done and named is not None and gtt.listed.symbol == named.symbol:
            _try(state, gtt, state.last(gtt.listed))


def _try(state: State, gtt: Gtt, last: Decimal) -> None:
    for rule in gtt.rules:
        if rule.status == "SCHEDULED" and last and _is_due(gtt, rule, last):
            _fire(state, gtt, rule)
            return


def _is_due(gtt: Gtt, rule: Rule, last: Decimal) -> bool:
    if rule.strategy == "ENTRY":
        above, below = rule.trigger_type == "ABOVE", rule.trigger_type == "BELOW"
        return (above and last >= rule.trigger_price) or (below and last <= rule.trigger_price) or not (above or below)
    sign = 1 if gtt.side == "BUY" else -1
    if rule.strategy == "TARGET":
        return sign * (last - rule.trigger_price) >= 0
    if rule.trailing_gap is not None and sign * (last - sign * rule.trailing_gap - rule.trigger_price) > 0:
        rule.trigger_price = last - sign * rule.trailing_gap
    return sign * (last - rule.trigger_price) <= 0


def _fire(state: State, gtt: Gtt, rule: Rule) -> None:
    side = rule_side(gtt, rule)
    percent = info.PROTECTION_AUTO if rule.protection < 0 else rule.protection
    if rule.strategy == "STOPLOSS":
        percent = percent or _STOP_PROTECTION
    price = (
        protected(rule.trigger_price, 1 if side == "BUY" else -1, percent, gtt.listed.tick)
        if percent
        else rule.trigger_price
    )
    terms = Terms(
        quantity=gtt.quantity, product=gtt.product, validity="DAY", order_type="LIMIT", side=side, price=price
    )
    rule.status = "TRIGGERED"
    order = life.create(state, gtt.listed, terms)
    order.gtt, rule.order_id = gtt, order.id
    _say(state, gtt)
    life.begin(state, order)


def follow(state: State, order: Order) -> None:
    """An order of a GTT order went on: its leg goes with it."""
    gtt = order.gtt
    rule = None if gtt is None else next((one for one in gtt.rules if one.order_id == order.id), None)
    if gtt is None or rule is None or rule.status not in _LIVE:
        return
    if order.status in {"open", info.WAITING} and rule.status != "OPEN":
        rule.status = "OPEN"
        _say(state, gtt)
    elif order.status == "complete":
        rule.status = "COMPLETED"
        _completed(state, gtt, rule)
    elif not order.is_open:
        rule.status, rule.message = ("FAILED" if order.status == "rejected" else "CANCELLED"), order.message or None
        end(state, gtt, "CANCELLED")


def _completed(state: State, gtt: Gtt, rule: Rule) -> None:
    if rule.strategy != "ENTRY" or len(gtt.rules) == 1:
        end(state, gtt, "CANCELLED")
        return
    for other in gtt.rules[1:]:
        other.status = "SCHEDULED"
    _say(state, gtt)
    _try(state, gtt, state.last(gtt.listed))


def end(state: State, gtt: Gtt, word: str) -> None:
    """Nothing waits any more; the open order of a leg is canceled."""
    if gtt.done:
        return
    gtt.done = True
    for rule in gtt.rules:
        order = state.orders.get(rule.order_id or "")
        if rule.status in _LIVE:
            rule.status = word
            if order is not None and order.is_open:
                life.cancel(state, order)
    _say(state, gtt)


def expire(state: State, at: datetime) -> None:
    """A year is over, or the day for an intraday one."""
    for gtt in list(state.gtts.values()):
        if not gtt.done and gtt.expires <= at and (gtt.product != "I" or state.settings.calendar):
            end(state, gtt, "EXPIRED")


def _say(state: State, gtt: Gtt) -> None:
    state.say(gtt_update(gtt))
