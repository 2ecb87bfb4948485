"""One account's cash and positions, kept exactly.

Cash always equals the start plus realised profit and other income, less fees and open cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO, ExecId, round_step
from floorbroker.matching.events import Fill

_COST_STEP = Decimal("1e-12")


def one(symbol: str) -> Decimal:
    """Every unit stands for itself, whatever the symbol."""
    del symbol
    return Decimal(1)


@frozen
class LedgerPosition:
    """Signed `qty` (units); `avg_px` is the average entry price, zero when flat; `cost` is what the open part cost, signed."""

    symbol: str
    qty: Decimal
    avg_px: Decimal
    realized: Decimal
    cost: Decimal = ZERO


@dataclass(slots=True)
class _Holding:
    qty: Decimal = ZERO
    cost: Decimal = ZERO  # signed: quantity x price x multiplier of the open part
    realized: Decimal = ZERO

    def trade(self, qty: Decimal, value: Decimal) -> None:
        """Add signed `qty` that is worth signed `value`; the closing part realises profit at average cost."""
        closing = min(abs(qty), abs(self.qty)) if qty * self.qty < 0 else ZERO
        if not closing:
            self.qty, self.cost = self.qty + qty, self.cost + value
            return
        closed_cost = self.cost if closing == abs(self.qty) else _share(self.cost, closing, abs(self.qty))
        closed_value = value if closing == abs(qty) else _share(value, closing, abs(qty))
        self.realized -= closed_value + closed_cost
        self.cost += value - closed_value - closed_cost
        self.qty += qty


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    return round_step(whole * part / of, _COST_STEP, ROUND_HALF_EVEN)


class Ledger:
    """Applies fills once each.  `multiplier` tells how many units of money one unit at price one is worth (options: 100)."""

    def __init__(self, *, currency: str, cash: Decimal, multiplier: Callable[[str], Decimal] = one) -> None:
        self.currency = currency
        self.cash = cash
        self.fees = ZERO
        self.income = ZERO
        self._multiplier = multiplier
        self._fills: dict[ExecId, Fill] = {}
        self._holdings: dict[str, _Holding] = {}

    @property
    def realized(self) -> Decimal:
        """Profit of everything closed so far, before fees."""
        return sum((holding.realized for holding in self._holdings.values()), ZERO)

    def apply(self, fill: Fill) -> None:
        """Book one execution; the sum of a multi-leg order is skipped, its legs carry the money.

        Raises `ValueError` for an execution that is booked already.
        """
        if fill.is_summary:
            return
        if fill.exec_id in self._fills:
            raise ValueError(f"execution {fill.exec_id} is booked already")
        self._fills[fill.exec_id] = fill
        self.cash -= self._book(fill) + fill.fee
        self.fees += fill.fee

    def undo(self, fill: Fill) -> None:
        """Take an execution back, as if it had never been.  Raises `KeyError` when it is not booked."""
        if fill.is_summary:
            return
        booked = self._fills.pop(fill.exec_id)
        value = booked.side.sign * booked.qty * booked.price * self._multiplier(booked.symbol)
        self.cash += value + booked.fee
        self.fees -= booked.fee
        del self._holdings[booked.symbol]
        for other in self._fills.values():
            if other.symbol == booked.symbol:
                self._book(other)

    def pay(self, amount: Decimal) -> None:
        """Cash that came without a trade (negative: that went): a dividend, the cost of borrowing."""
        self.cash += amount
        self.income += amount

    def restate(self, symbol: str, qty: Decimal, *, paid: Decimal = ZERO) -> None:
        """Other units for the same cost, as after a split; `paid` is cash for what was no whole unit."""
        held = self._holdings.get(symbol)
        if held is not None:
            held.qty = qty
        if paid:
            self.pay(paid)

    def rename(self, symbol: str, new: str) -> None:
        """The same position under another symbol.  Raises `ValueError` when both are held."""
        held = self._holdings.pop(symbol, None)
        if held is None:
            return
        if self.qty(new):
            raise ValueError(f"{new} is held already")
        self._holdings[new] = held

    def _book(self, fill: Fill) -> Decimal:
        """Change the position and return the signed value that the trade moved."""
        qty = fill.side.sign * fill.qty
        value = qty * fill.price * self._multiplier(fill.symbol)
        self._holdings.setdefault(fill.symbol, _Holding()).trade(qty, value)
        return value

    def qty(self, symbol: str) -> Decimal:
        """Signed units held."""
        held = self._holdings.get(symbol)
        return ZERO if held is None else held.qty

    def position(self, symbol: str) -> LedgerPosition:
        """The position in `symbol`, flat when there never was one."""
        held = self._holdings.get(symbol, _Holding())
        average = held.cost / held.qty / self._multiplier(symbol) if held.qty else ZERO
        return LedgerPosition(symbol=symbol, qty=held.qty, avg_px=average, realized=held.realized, cost=held.cost)

    def positions(self) -> list[LedgerPosition]:
        """Every position that is not flat, by symbol."""
        return [self.position(symbol) for symbol in sorted(self._holdings) if self._holdings[symbol].qty]

    def equity(self, mark: Callable[[str], Decimal | None]) -> Decimal:
        """Cash and the value of all positions at `mark`; a position without a mark counts at cost."""
        total = self.cash
        for position in self.positions():
            price = mark(position.symbol)
            value = position.cost if price is None else position.qty * price * self._multiplier(position.symbol)
            total += value
        return total
