"""Balances by asset, and the book of every change to them.  What an asset gains here, nothing else explains but a ledger line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.kraken.info import ASSETS, Asset
from floorbroker_sim.kraken.rest.records import LedgerLine, Record


class Wallet:
    """One account's assets, by our names (`BTC`).  `touch` an order whenever it changed, so that holds stay summed up."""

    def __init__(self, *, start: dict[str, Decimal], new_id: Callable[[], str], at: datetime) -> None:
        self.balances: dict[str, Decimal] = dict.fromkeys(ASSETS, ZERO)
        self.lines: dict[str, LedgerLine] = {}
        self._new_id = new_id
        self._holds: dict[str, tuple[str, Decimal]] = {}
        self._held: dict[str, Decimal] = dict.fromkeys(ASSETS, ZERO)
        for name, amount in start.items():
            if amount:
                self.book(ASSETS[name], amount, fee=ZERO, kind="deposit", refid=new_id(), at=at)

    def book(self, asset: Asset, amount: Decimal, *, fee: Decimal, kind: str, refid: str, at: datetime) -> LedgerLine:
        """Add signed `amount` and take `fee`; the balance may go below zero only by what the caller let through."""
        self.balances[asset.name] += amount - fee
        line = LedgerLine(
            id=self._new_id(), refid=refid, at=at, type=kind, asset=asset, amount=amount, fee=fee,
            balance=self.balances[asset.name],
        )  # fmt: skip
        self.lines[line.id] = line
        return line

    def touch(self, record: Record) -> None:
        """Take in what an order ties up now."""
        before = self._holds.pop(record.id, None)
        if before is not None:
            self._held[before[0]] -= before[1]
        name, amount = record.hold
        if record.is_open and amount:
            self._holds[record.id] = (name, amount)
            self._held[name] += amount

    def held(self, name: str) -> Decimal:
        """What open orders tie up."""
        return self._held[name]

    def available(self, name: str) -> Decimal:
        return self.balances[name] - self._held[name]
