"""Self-trade prevention: what happens when an order would meet another of the same account.

https://developers.binance.com/docs/binance-spot-api-docs/faqs/stp_faq
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, round_step
from floorbroker_sim.binance.rest.records import Prevented, Record
from floorbroker_sim.binance.stream import events

if TYPE_CHECKING:
    from floorbroker_sim.binance.rest.desk import Desk


def opposite(desk: Desk, taker: Record) -> Iterator[Record]:
    """Own resting orders that a taker would meet before anybody else's, the best first."""
    touch, limit = desk.state.touch(taker.symbol, taker.side), taker.ticket.limit
    sign = taker.side.sign
    found = [
        maker
        for maker in desk.state.open.values()
        if maker.symbol == taker.symbol and maker.side is not taker.side and desk.is_at_engine(maker)
        if maker.ticket.limit is not None and maker.id != taker.id
        if (limit is None or sign * maker.ticket.price <= sign * limit)
        and (touch is None or sign * maker.ticket.price < sign * touch)
    ]
    yield from sorted(found, key=lambda maker: (sign * maker.ticket.price, maker.id))


def prevent(desk: Desk, taker: Record) -> None:
    """Let a taker go through its own orders by its mode, until it is over or meets only others."""
    for maker in list(opposite(desk, taker)):
        if not taker.is_open or (not taker.ticket.quote_qty and taker.leaves <= 0):
            return
        if taker.ticket.prevention == "NONE":
            _trade(desk, taker, maker)
        else:
            _keep_apart(desk, taker, maker)


def _wanted(desk: Desk, taker: Record, price: Decimal) -> Decimal:
    """Base units a taker still wants at a price."""
    if not taker.ticket.quote_qty:
        return taker.leaves
    step = desk.state.instrument(taker.symbol).lot
    return round_step((taker.ticket.quote_qty - taker.spent) / price, step, ROUND_FLOOR)


def _trade(desk: Desk, taker: Record, maker: Record) -> None:
    """Nothing stands between them: they trade at the maker's price."""
    price = maker.ticket.price
    wanted = _wanted(desk, taker, price)
    qty = min(wanted, maker.leaves)
    if qty <= 0:
        return
    desk.force(maker, qty=qty, price=price)
    desk.filled(taker, qty=qty, price=price, maker=False, is_last=qty == wanted)


def _keep_apart(desk: Desk, taker: Record, maker: Record) -> None:
    mode, at = taker.ticket.prevention, desk.state.clock.stamp()
    wanted, left = _wanted(desk, taker, maker.ticket.price), maker.leaves
    of_taker = {"EXPIRE_MAKER": ZERO, "DECREMENT": min(wanted, left)}.get(mode, wanted)
    of_maker = {"EXPIRE_TAKER": ZERO, "DECREMENT": min(wanted, left)}.get(mode, left)
    match = Prevented(
        id=len(desk.state.prevented) + 1, symbol=taker.symbol, taker=taker.id, maker=maker.id, mode=mode,
        price=maker.ticket.price, taker_qty=of_taker or None, maker_qty=of_maker or None, at=at,
    )  # fmt: skip
    desk.state.prevented.append(match)
    for record, qty, counter in ((maker, of_maker, taker.id), (taker, of_taker, maker.id)):
        if qty:
            _decrement(desk, record, qty, match, counter=counter)


def _decrement(desk: Desk, record: Record, qty: Decimal, match: Prevented, *, counter: int) -> None:
    """Take prevented units from an order; it is over when nothing is left."""
    if qty < record.leaves:
        desk.shrink(record, qty)
    record.prevented, record.prevented_id = record.prevented + qty, match.id
    record.updated_at = match.at
    if record.ticket.quote_qty or record.leaves <= 0:
        desk.end_prevented(record)
    made = events.report(record, "TRADE_PREVENTION", at=match.at, execution_id=desk.state.next_execution())
    desk.tell_prevented(events.add_prevention(made, match, qty=qty, counter=counter), record)
