"""One function for each thing the matching engine says about an order: what the venue records, and what it announces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, Side
from floorbroker.matching import Canceled, Event, Fill, Replaced, Working
from floorbroker_sim.kraken.info import ASSETS
from floorbroker_sim.kraken.mapping import closing_wish, rounded
from floorbroker_sim.kraken.rest import working
from floorbroker_sim.kraken.rest.records import LedgerLine, Record, Trade

if TYPE_CHECKING:
    from floorbroker_sim.kraken.rest.state import State

USER = "User requested"
_REASONS = {"user": USER, "ioc": "Immediate or cancel order not filled"}


def told(state: State, record: Record, event: Event) -> None:
    """Bring the record up to date and tell the streams."""
    match event:
        case Working():
            record.status = "open"
            if record.triggered_at is None:
                state.announce("new", record, at=event.at)
        case Fill():
            _filled(state, record, event)
        case Canceled():
            _ended(state, record, event)
        case Replaced():
            pass  # an amendment announces itself before the engine takes it
        case _:
            raise AssertionError(f"the engine said {event!r}, which no order of this venue can come to")


def _filled(state: State, record: Record, event: Fill) -> None:
    trade = _trade(state, record, event)
    state.trades[trade.id] = trade
    before = record.filled
    record.filled += event.qty
    record.spent += trade.cost
    record.fee += event.fee
    record.trades.append(trade.id)
    if event.is_last:
        record.status, record.closed_at = "closed", event.at
    state.touch(record)
    state.announce("trade", record, at=event.at, trade=trade)
    _book(state, record, trade)
    if record.display and not event.is_last and before // record.display != record.filled // record.display:
        state.announce("iceberg_refill", record, at=event.at)
    if event.is_last:
        state.announce("filled", record, at=event.at)
    if record.wish.close is not None:
        working.place(state, closing_wish(record, event.qty), refid=record.id)


def _trade(state: State, record: Record, event: Fill) -> Trade:
    pair = record.pair
    base, quote = ASSETS[pair.base], ASSETS[pair.quote]
    asset, qty = quote, event.fee
    if record.wish.fee_in_base:
        rate = state.settings.maker_bps if event.maker else state.settings.taker_bps
        coins = rounded(base, event.qty * rate / 10_000)
        if record.side is Side.BUY or state.wallet.available(pair.base) >= coins:
            asset, qty = base, coins
    return Trade(
        id=event.exec_id, order_id=record.id, exec_id=event.exec_id, pair=pair, side=record.side,
        ordertype=record.wish.ordertype, at=event.at, price=event.price, qty=event.qty, fee=event.fee, fee_asset=asset,
        fee_qty=qty, maker=event.maker, number=state.next_trade_number(pair.symbol), cl_ord_id=record.wish.cl_ord_id,
    )  # fmt: skip


def _book(state: State, record: Record, trade: Trade) -> None:
    """Two lines for each trade: what went and what came, the fee on the one it was taken from."""
    lines: list[LedgerLine] = []
    sign = record.side.sign
    for name, amount in ((record.pair.base, sign * trade.qty), (record.pair.quote, -sign * trade.cost)):
        asset = ASSETS[name]
        fee = trade.fee_qty if trade.fee_asset is asset else ZERO
        lines.append(
            state.wallet.book(asset, rounded(asset, amount), fee=rounded(asset, fee), kind="trade", refid=trade.id,
                              at=trade.at)
        )  # fmt: skip
    trade.ledgers.extend(line.id for line in lines)
    state.post(lines)


def _ended(state: State, record: Record, event: Canceled) -> None:
    if event.reason == "notional":  # what is left of the money buys no further unit
        working.finish(state, record, "closed", reason=None, at=event.at)
        return
    status = "expired" if record.canceling == working.EXPIRED else "canceled"
    reason = record.canceling or _REASONS.get(event.reason, event.reason)
    working.finish(state, record, status, reason=reason, at=event.at)
