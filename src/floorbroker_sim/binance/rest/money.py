"""Balances: what the account has, what its open orders hold back, and what an execution moves."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.binance import info
from floorbroker_sim.binance.mapping import assets_of
from floorbroker_sim.binance.rest.records import OrderList, Record


def exact(value: Decimal) -> Decimal:
    """An amount in whole units of an asset; what is smaller is dropped."""
    return value.quantize(info.UNIT, rounding=ROUND_DOWN)


def held_by(record: Record, stop_mark: Decimal) -> tuple[str, Decimal]:
    """The asset an open order holds back, and how much: its worth for a buy, its units for a sale.

    A buy at any price is held back at its trigger; `stop_mark` stands in for one that only trails.
    """
    base, quote = assets_of(record.symbol)
    if record.side is Side.SELL:
        return base, record.leaves
    price = record.ticket.price or record.ticket.stop_price or stop_mark
    return quote, exact(record.leaves * price)


class Balances:
    """Totals by asset.  What is locked follows from the open orders."""

    def __init__(self, start: dict[str, Decimal]) -> None:
        self.totals = dict(start)

    def total(self, asset: str) -> Decimal:
        return self.totals.get(asset, ZERO)

    def move(self, asset: str, amount: Decimal) -> None:
        """Add a signed amount."""
        self.totals[asset] = self.total(asset) + amount

    def trade(self, record: Record, *, qty: Decimal, quote_qty: Decimal, commission: Decimal) -> None:
        """One execution: a buyer gets units, a seller gets money, each less the commission."""
        base, quote = assets_of(record.symbol)
        sign = record.side.sign
        self.move(base, sign * qty)
        self.move(quote, -sign * quote_qty)
        self.move(base if record.side is Side.BUY else quote, -commission)


def locked(records: Iterable[Record], lists: dict[int, OrderList], marks: dict[int, Decimal]) -> dict[str, Decimal]:
    """What open orders hold back, by asset.  Of two that cancel each other only the larger counts; pending ones hold nothing."""
    found: dict[str, Decimal] = {}
    pairs: dict[int, tuple[str, Decimal]] = {}
    for record in records:
        if record.is_pending:
            continue
        asset, amount = held_by(record, marks.get(record.id, ZERO))
        pair = lists.get(record.list_id)
        if pair is not None and record.id in pair.pair:
            _, before = pairs.get(record.list_id, (asset, ZERO))
            pairs[record.list_id] = (asset, max(before, amount))
        else:
            found[asset] = found.get(asset, ZERO) + amount
    for asset, amount in pairs.values():
        found[asset] = found.get(asset, ZERO) + amount
    return found
