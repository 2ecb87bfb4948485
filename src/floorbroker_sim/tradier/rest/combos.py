"""Shares and options that trade together.  The engine nets prices a unit; here shares count in hundreds, as the price does:
a debit of 185 for a hundred shares less one call is 185 dollars a share.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO
from floorbroker.matching import XNYS
from floorbroker_sim.tradier.mapping import inside, net_limit, strategy_terms, units
from floorbroker_sim.tradier.rest.records import Record

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_HUNDRED = Decimal(100)


def enter(state: State, record: Record) -> None:
    """Let a combo wait for its net price, and look at once."""
    state.waiting.append(record)
    if is_open_now(state):
        _work(state, record)
        look(state)


def is_open_now(state: State) -> bool:
    """Whether the session runs."""
    return not state.settings.calendar or XNYS.is_open(state.clock.now())


def net_price(state: State, record: Record) -> Decimal | None:
    """What one unit costs at the touch, a share; None while a leg has no market."""
    total = ZERO
    for leg in record.legs:
        quote = state.market.quote(inside(leg.traded))
        touch = None if quote is None else quote.ask if leg.sign > 0 else quote.bid
        if touch is None:
            return None
        weight = leg.quantity if leg.option_symbol else leg.quantity / _HUNDRED
        total += leg.sign * weight * touch
    return total / units(record)


def look(state: State) -> None:
    """Trade what can trade now."""
    for record in list(state.waiting):
        if record not in state.waiting or record.status == "pending" or not is_open_now(state):
            continue
        net, limit = net_price(state, record), net_limit(record)
        if net is None or (limit is not None and net > limit):
            continue
        state.waiting.remove(record)
        _trade(state, record, strategy_terms(record, at_market=True))
        record.spent, record.last_px = record.quantity * net, net  # a share, not a unit


def _trade(state: State, record: Record, terms: NewOrder) -> None:
    for leg in record.legs:
        state.refresh(inside(leg.traded))
    submit_strategy(state, record, terms)


def submit_strategy(state: State, record: Record, terms: NewOrder) -> None:
    """Give the head to the engine and learn the names it gives the legs."""
    name = state.name_for_engine(record)
    events = state.engine.submit(name, terms, at=state.clock.stamp())
    for leg, child in zip(record.legs, state.engine.order(name).children, strict=True):
        leg.engine_id = child
        state.by_engine[child] = leg
    state.absorb(events)


def withdraw(state: State, record: Record, status: str, at: datetime) -> None:
    """Take a waiting combo out."""
    state.waiting.remove(record)
    for one in (record, *record.legs):
        state.become(one, status, at=at)


def pass_time(state: State, at: datetime) -> None:
    """Openings wake combos, and a day combo ends with the session."""
    if not state.settings.calendar:
        return
    for record in list(state.waiting):
        if record.duration != "gtc" and at >= XNYS.day_end(record.created_at):
            withdraw(state, record, "expired", XNYS.day_end(record.created_at))
        elif record.status == "pending" and XNYS.is_open(at):
            _work(state, record)
    look(state)


def _work(state: State, record: Record) -> None:
    for one in (record, *record.legs):
        state.become(one, "open", at=state.clock.now())
