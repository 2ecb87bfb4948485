"""What the matching engine looks at before it takes an order: its name, its trigger, the other side, and the purse."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.binance import errors
from floorbroker_sim.binance.mapping import assets_of
from floorbroker_sim.binance.rest import money, prevention
from floorbroker_sim.binance.rest.book import LEVELS
from floorbroker_sim.binance.rest.records import Record
from floorbroker_sim.binance.rest.state import State

if TYPE_CHECKING:
    from floorbroker_sim.binance.rest.desk import Desk

DELTA_UNIT = Decimal(10_000)


def check(desk: Desk, record: Record) -> None:
    """Raises `Refused` for an order that is not taken."""
    ticket = record.ticket
    if ticket.client_id is not None and desk.state.open_by_client(record.symbol, ticket.client_id):
        raise errors.rejected(errors.DUPLICATE)
    check_released(desk, record, ())


def check_released(desk: Desk, record: Record, family: Iterable[int]) -> None:
    """The same for an order that waited for another; nobody else of its `family` holds money back yet."""
    ticket, last = record.ticket, desk.state.last_price(record.symbol)
    if ticket.is_contingent and ticket.stop_price and last is not None and is_met(record, last):
        raise errors.rejected(errors.WOULD_TRIGGER)
    if ticket.type == "LIMIT_MAKER" and _would_take(desk, record):
        raise errors.rejected(errors.WOULD_MATCH)
    asset, amount = needs(desk.state, record)
    if amount > desk.state.free(asset, without=family):
        raise errors.rejected(errors.INSUFFICIENT)


def is_met(record: Record, last: Decimal) -> bool:
    """Whether the last price is at the trigger or beyond it."""
    stop = record.ticket.stop_price
    return last >= stop if record.ticket.triggers_above else last <= stop


def _would_take(desk: Desk, record: Record) -> bool:
    """Whether a limit order would trade at once, with others or with an own order."""
    offer, limit = desk.state.touch(record.symbol, record.side), record.ticket.price
    if offer is not None and (offer <= limit if record.side is Side.BUY else offer >= limit):
        return True
    return any(True for _ in prevention.opposite(desk, record))


# --- The purse ---------------------------------------------------------------------------------------------------------


def needs(state: State, record: Record) -> tuple[str, Decimal]:
    """The asset an order takes from the free balance when it comes in, and how much."""
    ticket, (base, quote) = record.ticket, assets_of(record.symbol)
    if ticket.quote_qty:
        if record.side is Side.BUY:
            return quote, ticket.quote_qty
        return base, walk(state, record.symbol, record.side, worth=ticket.quote_qty)[0]
    if record.side is Side.BUY and ticket.is_market and not ticket.is_contingent:
        return quote, walk(state, record.symbol, record.side, units=record.leaves)[1]
    return money.held_by(record, trail_mark(state, record))


def needs_now(state: State, record: Record) -> tuple[str, Decimal]:
    """The same when its trigger is met: a buy at any price costs what is offered now."""
    base, quote = assets_of(record.symbol)
    if record.side is Side.SELL:
        return base, record.leaves
    if record.ticket.price:
        return quote, money.exact(record.leaves * record.ticket.price)
    return quote, walk(state, record.symbol, record.side, units=record.leaves)[1]


def trail_mark(state: State, record: Record) -> Decimal:
    """What a buy that only trails may come to: the last price and its delta."""
    last = state.last_price(record.symbol) or ZERO
    return last * (1 + Decimal(record.ticket.delta or 0) / DELTA_UNIT)


def walk(
    state: State, symbol: str, side: Side, *, units: Decimal | None = None, worth: Decimal = ZERO
) -> tuple[Decimal, Decimal]:
    """What a taker of so many units, or of units worth so much, would trade: units and their worth."""
    got, paid = ZERO, ZERO
    for price, size in _offers(state, symbol, side):
        wanted = units - got if units is not None else (worth - paid) / price
        qty = wanted if size is None else min(wanted, size)
        got, paid = got + qty, paid + qty * price
    return money.exact(got), money.exact(paid)


def _offers(state: State, symbol: str, side: Side) -> list[tuple[Decimal, Decimal | None]]:
    """What a taker meets: levels with their sizes where sizes count, else the touch without an end."""
    if state.settings.displayed:
        bids, asks = state.book(symbol).top(LEVELS)
        return [*(asks if side is Side.BUY else bids)]
    offer = state.touch(symbol, side)
    return [] if offer is None else [(offer, None)]
