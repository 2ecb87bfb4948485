"""Positions as the sum of fills and of visible adjustments; realised profit by average cost.

Fills of orders in memory are at hand; those of sealed orders are asked for, and only when a profit is: what they sum up
to is in the tally already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from heapq import merge
from typing import Protocol

from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import WIDE, ZERO, AssetClass, ExecId, IntentId, OrderClass, Price, Quantity, Side
from floorbroker.oms.adjustments import Adjustment
from floorbroker.oms.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where average cost stands after every fill of one symbol up to and including the moment `until` (None: before any)."""

    until: datetime | None = None
    held: Decimal = ZERO
    cost: Decimal = ZERO
    profit: Decimal = ZERO

    def after(self, fills: Iterable[Execution]) -> Run:
        """The run after later fills, which are in order."""
        until, held, cost, profit = self.until, self.held, self.cost, self.profit
        for fill in fills:
            held, cost, gained = _step(held, cost, fill)
            profit, until = profit + gained, fill.transact_time
        return Run(until=until, held=held, cost=cost, profit=profit)


class SealedFills(Protocol):
    """The fills that are not in memory."""

    def run(self, symbol: str, *, before: datetime | None) -> Run:
        """A run over sealed fills that all happened before a moment (None: any moment); the one that goes furthest."""
        ...

    def fills_after(self, symbol: str, after: datetime | None) -> Iterable[Execution]:
        """Sealed fills of orders that are not in memory, later than a moment, in the order of `by_time`."""
        ...


@dataclass(slots=True)
class Holdings:
    """Signed units by symbol: a function of the live executions and the adjustments, whatever way led there (I26)."""

    sealed: SealedFills | None = None
    stirred: set[str] = field(
        default_factory=set[str], compare=False
    )  # symbols that changed since whoever counts looked
    _parts: dict[IntentId, tuple[Execution, ...]] = field(default_factory=dict[IntentId, tuple[Execution, ...]])
    _sums: dict[str, Tally] = field(default_factory=dict[str, Tally])
    _qty: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    _settled: dict[str, list[Execution]] = field(default_factory=dict[str, list[Execution]])
    _moves: Counter[str] = field(default_factory=Counter[str], compare=False)

    def update(self, order: Order) -> None:
        """Take an order's live executions in place of those it had before."""
        if not order.executions and order.intent_id not in self._parts:
            return
        before, live = self._parts.pop(order.intent_id, ()), part_of(order)
        if live:
            self._parts[order.intent_id] = live
        kept = next((n for n, pair in enumerate(zip(before, live, strict=False)) if not _alike(*pair)), None)
        kept = min(len(before), len(live)) if kept is None else kept
        for execution in before[kept:]:
            self._count(execution.symbol, signed(execution), Tally.take)
        for execution in live[kept:]:
            self._count(execution.symbol, signed(execution), Tally.add)

    def recall(self, order: Order) -> None:
        """A sealed order is in memory again: what it holds is in the sums already."""
        if live := part_of(order):
            self._parts[order.intent_id] = live

    def seal(self, intent_id: IntentId) -> None:
        """An order leaves memory, and what it holds stays in the sums."""
        self._parts.pop(intent_id, None)

    def add_sealed(self, sums: Mapping[str, Tally]) -> None:
        """What orders hold that were sealed before this start."""
        for symbol, tally in sums.items():
            sum_of = self._sums.setdefault(symbol, Tally())
            sum_of.merge(tally)
            self._qty[symbol] = sum_of.total
            self.stirred.add(symbol)

    def take_sealed(self, sums: Mapping[str, Tally], kept: Iterable[Execution]) -> None:
        """Forget what sealed orders are said to hold, but for the executions that orders in memory have of it."""
        for symbol, tally in sums.items():
            sum_of = self._sums.setdefault(symbol, Tally())
            sum_of.part_with(tally)
            self._qty[symbol] = sum_of.total
            self.stirred.add(symbol)
        for execution in kept:
            self._count(execution.symbol, signed(execution), Tally.add)

    def adjust(self, symbol: str, qty: Decimal) -> None:
        """A difference that reconciliation explained: signed units."""
        self._count(symbol, qty, Tally.add)

    def settle(self, adjustment: Adjustment, *, at: datetime, seq: int) -> None:
        """The price at which an adjustment closed or opened units, for the profit alone: `adjust` counted them."""
        assert adjustment.price is not None
        settled = Execution(
            exec_id=ExecId(f"settled-{seq}"),
            order_id=None,
            symbol=adjustment.symbol,
            side=Side.BUY if adjustment.qty > 0 else Side.SELL,
            last_qty=Quantity(abs(adjustment.qty)),
            last_px=Price(adjustment.price),
            transact_time=at,
        )
        self._settled.setdefault(adjustment.symbol, []).append(settled)

    def _count(self, symbol: str, qty: Decimal, how: Callable[[Tally, Decimal], None]) -> None:
        sum_of = self._sums.setdefault(symbol, Tally())
        how(sum_of, qty)
        self._moves[symbol] += 1
        self.stirred.add(symbol)
        self._qty[symbol] = sum_of.total

    def fills(self, symbol: str) -> list[Execution]:
        """The live executions in memory of one symbol, in order."""
        found = [execution for part in self._parts.values() for execution in part if execution.symbol == symbol]
        return sorted(found, key=by_time)

    def qty(self, symbol: str) -> Decimal:
        return self._qty.get(symbol, ZERO)

    @property
    def units(self) -> Mapping[str, Decimal]:
        """Signed units by symbol as they stand, zeros included: a live view, for looking at and not for keeping."""
        return self._qty

    def moves(self) -> dict[str, int]:
        """How often each symbol's quantity was touched: equal at two moments means that nothing happened in between."""
        return dict(self._moves)

    def all(self) -> dict[str, Decimal]:
        """Every non-zero position, by symbol."""
        return {symbol: qty for symbol, qty in sorted(self._qty.items()) if qty != 0}

    def realized(self, symbol: str) -> Decimal:
        """Profit of closed units by average cost, before fees, in quote currency a unit of price.

        Adjustments without a price have no profit.
        """
        mine = sorted([*self.fills(symbol), *self._settled.get(symbol, ())], key=by_time)
        if self.sealed is None:
            return Run().after(mine).profit
        start = self.sealed.run(symbol, before=mine[0].transact_time if mine else None)
        return start.after(merge(self.sealed.fills_after(symbol, start.until), mine, key=by_time)).profit


def part_of(order: Order) -> tuple[Execution, ...]:
    """What an order holds, each execution with its symbol; the head of a multi-leg order holds nothing, its legs do."""
    if order.terms.order_class is OrderClass.MULTILEG:
        return ()
    symbol = order.terms.symbol
    return tuple(e if e.symbol else replace(e, symbol=symbol) for e in order.executions)


def signed(execution: Execution) -> Decimal:
    """Its units as the position counts them: less a fee that the venue took out of the coins themselves."""
    units, fee = execution.side.sign * execution.last_qty, execution.fee
    if fee is None or asset_class_of(execution.symbol) is not AssetClass.CRYPTO:
        return units
    return WIDE.subtract(units, fee.amount) if fee.currency == execution.symbol.partition("/")[0] else units


def _alike(one: Execution, other: Execution) -> bool:
    """Whether two executions count the same, to the last place: 1 and 1.0 do not."""
    same = one.symbol == other.symbol and one.side is other.side and one.fee == other.fee
    return same and one.last_qty.as_tuple() == other.last_qty.as_tuple()


def by_time(execution: Execution) -> tuple[datetime, str, str, str, Decimal, Decimal]:
    """A total order: what happened at one moment must not sort by who was told first."""
    return (
        execution.transact_time,
        execution.exec_id,
        execution.order_id or "",
        execution.side.value,
        execution.last_qty,
        execution.last_px,
    )


def realized_pl(fills: Iterable[Execution]) -> Decimal:
    """Average-cost profit of a sequence of fills of one symbol."""
    return Run().after(fills).profit


def _step(held: Decimal, cost: Decimal, fill: Execution) -> tuple[Decimal, Decimal, Decimal]:
    """Units held, their cost, and the profit that one fill made."""
    units = signed(fill)
    if held == 0 or (held > 0) == (units > 0):
        return held + units, cost + units * fill.last_px, ZERO
    closed = min(abs(units), abs(held)) * (1 if units > 0 else -1)
    average = cost / held
    gained = -closed * (fill.last_px - average)
    held += closed
    opened = units - closed
    if opened != 0:
        return opened, opened * fill.last_px, gained
    return held, average * held, gained
