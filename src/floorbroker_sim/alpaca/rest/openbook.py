"""The open orders of the account, by symbol and side, and the money they tie up: kept up to date instead of summed anew."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.alpaca.rest.records import Record


class OpenBook:
    """`touch` a record whenever it changed.  `reserved` counts all open orders, `in_full` those for options and coins."""

    def __init__(self) -> None:
        self.reserved = ZERO
        self.in_full = ZERO
        self._open: dict[str, Record] = {}
        self._sides: dict[tuple[str, Side], dict[str, Record]] = {}
        self._amounts: dict[str, Decimal] = {}

    def touch(self, record: Record) -> None:
        """Take in what the record says now."""
        side = self._sides.setdefault((record.order.symbol, record.order.side), {})
        if record.is_open:
            self._open[record.id] = side[record.id] = record
        else:
            self._open.pop(record.id, None)
            side.pop(record.id, None)
        self._reserve(record)

    def _reserve(self, record: Record) -> None:
        now = record.reserved
        change = now - self._amounts.pop(record.id, ZERO)
        if now:
            self._amounts[record.id] = now
        self.reserved += change
        if record.asset_class != "us_equity":
            self.in_full += change

    def all(self) -> list[Record]:
        """In order of arrival."""
        return list(self._open.values())

    def on(self, symbol: str, side: Side) -> list[Record]:
        """Of one symbol (canonical) and side."""
        return list(self._sides.get((symbol, side), {}).values())
