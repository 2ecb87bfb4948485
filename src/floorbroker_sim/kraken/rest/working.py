"""From an accepted wish to an order that works, and out again.  Every check that can refuse has been made before.

What an order meets only when it starts to work cancels it with a reason: a post-only order that would take, an own order on
the other side, a trigger that fires when the money is gone.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, OrderId, Side, round_step
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.mapping import engine_order, towards
from floorbroker_sim.kraken.rest.records import LIMITED, TRAILING, TRIGGERED, Amendment, Level, Record, Unit, Wish

if TYPE_CHECKING:
    from floorbroker_sim.kraken.rest.state import State

EXPIRED = "Order expired"
POST_ONLY = "Post only order"
SELF_TRADE = "Self trade prevention"
NO_FUNDS = "Insufficient funds"


def place(state: State, wish: Wish, *, refid: str | None = None) -> Record:
    """Take an order in and let it work, wait for its trigger or for its time.  `refid`: whose fill brought it along."""
    at = state.clock.stamp()
    record = state.record(state.new_id("O"), wish, at=at)
    record.refid = refid
    price(state, record)
    record.history.append(step(state, record, "original", at))
    state.add(record)
    state.announce("pending_new", record, at=at)
    if refid is not None and state.wallet.available(record.hold[0]) < ZERO:
        finish(state, record, "canceled", reason=NO_FUNDS, at=at)  # nobody was there to be refused
    elif wish.start is None or wish.start <= at:
        start(state, record, at)
    return record


def step(state: State, record: Record, kind: str, at: datetime, reason: str | None = None) -> Amendment:
    """The terms of an order as they stand now, for its history."""
    return Amendment(
        id=state.new_id("T"), type=kind, at=at, order_qty=record.qty or ZERO, remaining=(record.qty or ZERO) - record.filled,
        display=record.display, limit=record.limit, trigger=record.trigger_px, post=record.post, reason=reason,
    )  # fmt: skip


# --- Prices ----------------------------------------------------------------------------------------------------------


def price(state: State, record: Record) -> None:
    """Work out limit, trigger and what a unit ties up."""
    wish, pair = record.wish, record.pair
    last = state.last_price(pair.symbol) or ZERO
    if wish.ordertype in TRAILING:
        follow(record, reference(state, record) or last)
    elif wish.ordertype in TRIGGERED and wish.price is not None:
        record.trigger_px = on_tick(record, wish.price.from_(last, towards(wish.ordertype, wish.side)))
    level = wish.price2 if wish.ordertype in TRIGGERED else wish.price
    if wish.ordertype in LIMITED and wish.ordertype not in TRAILING and level is not None:
        base = last if record.trigger_px is None else record.trigger_px
        sign = -wish.side.sign if record.trigger_px is None else wish.side.sign
        record.limit = on_tick(record, level.from_(base, sign))
    hold(state, record)


def hold(state: State, record: Record) -> None:
    """What one open unit of a buy ties up: its price and the taker's fee."""
    ask = _dearest(state, record)
    fee = 1 + state.settings.taker_bps / 10_000
    if record.wish.cash is not None:
        record.unit_hold = fee
    elif record.limit is not None:
        record.unit_hold = record.limit * fee
    else:
        record.unit_hold = max(ask, record.trigger_px or ZERO) * fee


def _dearest(state: State, record: Record) -> Decimal:
    """The ask; the last level an order may walk to, where sizes count."""
    pair, quote = record.pair, state.market.quote(record.pair.symbol)
    if state.settings.displayed and quote is not None:
        book = state.ladder.book(pair, quote, state.clock.now(), info.WALKED_LEVELS)
        if book.asks:
            return book.asks[-1].price * pair.tick
    return (quote.ask if quote is not None else None) or state.last_price(pair.symbol) or ZERO


def on_tick(record: Record, value: Decimal) -> Decimal:
    return round_step(value, record.pair.tick)


def reference(state: State, record: Record) -> Decimal | None:
    """The price a trigger watches."""
    symbol = record.pair.symbol
    return state.index_price(symbol) if record.wish.trigger == "index" else state.last_price(symbol)


def offset(level: Level, base: Decimal) -> Decimal:
    """The distance an offset means, without its sign."""
    return abs(base * level.value / 100) if level.unit is Unit.PCT else abs(level.value)


def follow(record: Record, seen: Decimal) -> bool:
    """Let a trailing trigger follow a better price; whether it moved."""
    level = record.wish.price
    assert level is not None
    is_better = record.peak is None or (seen < record.peak if record.side is Side.BUY else seen > record.peak)
    if is_better:
        record.peak = seen
        record.trigger_px = on_tick(record, seen + record.side.sign * offset(level, seen))
    return is_better


# --- Working ---------------------------------------------------------------------------------------------------------


def start(state: State, record: Record, at: datetime) -> None:
    """Its time has come: it works, or waits for its trigger."""
    record.status = "open"
    state.touch(record)
    if not record.waits:
        activate(state, record, at)
        return
    state.announce("new", record, at=at)
    fire_if_due(state, record, at)


def fire_if_due(state: State, record: Record, at: datetime) -> None:
    """Set a waiting order off when the price it watches got there."""
    seen = reference(state, record)
    if seen is None or record.trigger_px is None:
        return
    if record.wish.ordertype in TRAILING:
        follow(record, seen)
    rises = (record.side is Side.BUY) != record.wish.ordertype.startswith("take-profit")
    if not (seen >= record.trigger_px if rises else seen <= record.trigger_px):
        return
    record.triggered_at, record.triggered_by = at, seen
    level = record.wish.price2
    if record.wish.ordertype in TRAILING & LIMITED and level is not None:
        shift = level.value if level.unit is not Unit.PCT else record.trigger_px * level.value / 100
        record.limit = on_tick(
            record, record.trigger_px + (record.side.sign * abs(shift) if level.automatic else shift)
        )
    hold(state, record)
    state.touch(record)
    state.announce("status", record, at=at)
    activate(state, record, at)


def activate(state: State, record: Record, at: datetime) -> None:
    """Let the engine have it, unless something stands against that."""
    symbol = record.pair.symbol
    if record.triggered_at is not None and state.wallet.available(record.hold[0]) < ZERO:
        finish(state, record, "canceled", reason=NO_FUNDS, at=at)
        return
    if record.post and would_take(state, record):
        finish(state, record, "canceled", reason=POST_ONLY, at=at)
        return
    for other in _own_in_the_way(state, record):
        if record.wish.stp != "cancel-newest":
            cancel(state, other, reason=SELF_TRADE, at=at)
        if record.wish.stp != "cancel-oldest":
            finish(state, record, "canceled", reason=SELF_TRADE, at=at)
            return
    record.in_engine = True
    state.refresh(symbol)
    state.absorb(
        state.engine.submit(OrderId(record.id), engine_order(record, is_shown=state.settings.displayed), at=at)
    )


def would_take(state: State, record: Record) -> bool:
    """Whether a limit order meets the market, or an own order, at once."""
    quote = state.market.quote(record.pair.symbol)
    touch = None if quote is None else quote.ask if record.side is Side.BUY else quote.bid
    return (touch is not None and reaches(record, touch)) or bool(_own_in_the_way(state, record))


def reaches(record: Record, price: Decimal) -> bool:
    """Whether the order takes `price`; a market order takes any."""
    if record.limit is None:
        return True
    return record.limit >= price if record.side is Side.BUY else record.limit <= price


def _own_in_the_way(state: State, record: Record) -> list[Record]:
    """Own resting orders that this one would trade with: within its limit, and no worse than the market's best."""
    quote = state.market.quote(record.pair.symbol)
    best = None if quote is None else quote.ask if record.side is Side.BUY else quote.bid
    found: list[Record] = []
    for other in state.open_on(record.pair.symbol):
        if other.side is record.side or not other.in_engine or other.limit is None or not reaches(record, other.limit):
            continue
        if best is None or (other.limit <= best if record.side is Side.BUY else other.limit >= best):
            found.append(other)
    return found


# --- Going out -------------------------------------------------------------------------------------------------------


def cancel(state: State, record: Record, *, reason: str, at: datetime) -> None:
    """Take an open order out."""
    if record.in_engine:
        record.canceling = reason
        state.absorb(state.engine.cancel(OrderId(record.id), at=at))
    else:
        finish(state, record, "expired" if reason == EXPIRED else "canceled", reason=reason, at=at)


def finish(state: State, record: Record, status: str, *, reason: str | None, at: datetime) -> None:
    """Record how it ended, and tell."""
    record.status, record.reason, record.closed_at = status, reason, at
    state.touch(record)
    word = {"closed": "filled", "canceled": "canceled", "expired": "expired"}[status]
    state.announce(word, record, at=at)
