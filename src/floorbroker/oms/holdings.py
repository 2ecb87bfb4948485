"""Positions as the sum of fills and of visible adjustments; realised profit by average cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import ZERO, IntentId, OrderClass


@dataclass(slots=True)
class Holdings:
    """Signed units by symbol: a function of the live executions and the adjustments, whatever way led there (I26)."""

    _parts: dict[IntentId, tuple[Execution, ...]] = field(default_factory=dict[IntentId, tuple[Execution, ...]])
    _qty: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    _adjusted: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    def update(self, order: Order) -> None:
        """Take an order's live executions in place of those it had before."""
        before, live = self._parts.pop(order.intent_id, ()), _part_of(order)
        if live:
            self._parts[order.intent_id] = live
        if live[: len(before)] == before:
            for execution in live[len(before) :]:
                self._add(execution.symbol, _signed(execution))
            return
        for symbol in {execution.symbol for execution in (*before, *live)}:
            self._count_anew(symbol)

    def adjust(self, symbol: str, qty: Decimal) -> None:
        """A difference that reconciliation explained: signed units."""
        self._adjusted[symbol] = self._adjusted.get(symbol, ZERO) + qty
        self._add(symbol, qty)

    def _count_anew(self, symbol: str) -> None:
        """After a bust or a correction.  Taking away what was added would leave its decimal places behind."""
        self._qty.pop(symbol, None)
        if symbol in self._adjusted:
            self._add(symbol, self._adjusted[symbol])
        for execution in self._fills(symbol):
            self._add(symbol, _signed(execution))

    def _fills(self, symbol: str) -> list[Execution]:
        return [execution for part in self._parts.values() for execution in part if execution.symbol == symbol]

    def _add(self, symbol: str, qty: Decimal) -> None:
        self._qty[symbol] = self._qty.get(symbol, ZERO) + qty

    def qty(self, symbol: str) -> Decimal:
        return self._qty.get(symbol, ZERO)

    @property
    def units(self) -> Mapping[str, Decimal]:
        """Signed units by symbol as they stand, zeros included: a live view, for looking at and not for keeping."""
        return self._qty

    def all(self) -> dict[str, Decimal]:
        """Every non-zero position, by symbol."""
        return {symbol: qty for symbol, qty in sorted(self._qty.items()) if qty != 0}

    def realized(self, symbol: str) -> Decimal:
        """Profit of closed units by average cost, before fees, in quote currency; adjustments have no price and no profit."""
        return realized_pl(sorted(self._fills(symbol), key=_by_time))


def _part_of(order: Order) -> tuple[Execution, ...]:
    """What an order holds, each execution with its symbol; the head of a multi-leg order holds nothing, its legs do."""
    if order.terms.order_class is OrderClass.MULTILEG:
        return ()
    symbol = order.terms.symbol
    return tuple(e if e.symbol else replace(e, symbol=symbol) for e in order.executions)


def _signed(execution: Execution) -> Decimal:
    return execution.side.sign * execution.last_qty


def _by_time(execution: Execution) -> tuple[datetime, str, str, str, Decimal, Decimal]:
    """A total order: what happened at one moment must not sort by who was told first."""
    return (
        execution.transact_time,
        execution.exec_id,
        execution.order_id or "",
        execution.side.value,
        execution.last_qty,
        execution.last_px,
    )


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
