"""Positions as the sum of fills and of visible adjustments; realised profit by average cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import ZERO, IntentId, OrderClass


@dataclass(slots=True)
class Holdings:
    """Signed units by symbol.  An order's part is replaced whole when it changes, so busts and corrections come out right."""

    _parts: dict[IntentId, tuple[Execution, ...]] = field(default_factory=dict[IntentId, tuple[Execution, ...]])
    _qty: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    _adjusted: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    def update(self, order: Order) -> None:
        """Take an order's live executions; the head of a multi-leg order holds nothing itself, its legs do."""
        if order.terms.order_class is OrderClass.MULTILEG:
            return
        before = self._parts.get(order.intent_id, ())
        if before == order.executions:
            return
        for execution in before:
            self._add(execution.symbol or order.terms.symbol, -execution.side.sign * execution.last_qty)
        for execution in order.executions:
            self._add(execution.symbol or order.terms.symbol, execution.side.sign * execution.last_qty)
        self._parts[order.intent_id] = order.executions

    def adjust(self, symbol: str, qty: Decimal) -> None:
        """A difference that reconciliation explained: signed units."""
        self._adjusted[symbol] = self._adjusted.get(symbol, ZERO) + qty
        self._add(symbol, qty)

    def _add(self, symbol: str, qty: Decimal) -> None:
        self._qty[symbol] = self._qty.get(symbol, ZERO) + qty

    def qty(self, symbol: str) -> Decimal:
        return self._qty.get(symbol, ZERO)

    def all(self) -> dict[str, Decimal]:
        """Every non-zero position, by symbol."""
        return {symbol: qty for symbol, qty in sorted(self._qty.items()) if qty != 0}

    def realized(self, symbol: str) -> Decimal:
        """Profit of closed units by average cost, before fees, in quote currency; adjustments have no price and no profit."""
        fills = [e for part in self._parts.values() for e in part if e.symbol == symbol]
        return realized_pl(sorted(fills, key=lambda e: (e.transact_time, e.exec_id)))


def realized_pl(fills: list[Execution]) -> Decimal:
    """Average-cost profit of a sequence of fills of one symbol."""
    held, cost, profit = ZERO, ZERO, ZERO
    for fill in fills:
        signed = fill.side.sign * fill.last_qty
        if held == 0 or (held > 0) == (signed > 0):
            held, cost = held + signed, cost + signed * fill.last_px
            continue
        closed = min(abs(signed), abs(held)) * (1 if signed > 0 else -1)
        average = cost / held
        profit += -closed * (fill.last_px - average)
        held += closed
        cost = average * held
        opened = signed - closed
        if opened != 0:
            held, cost = opened, opened * fill.last_px
    return profit
