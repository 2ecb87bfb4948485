"""What open and undecided orders may still buy and sell, symbol by symbol, kept up to date one order at a time (I5).

A wish costs the same to measure beside one open order and beside ten thousand.  Sums are exact: they are added and taken
away in a context with room for every digit that an order may have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import WIDE, ZERO, IntentId, Side


@frozen
class Part:
    """What one order may still do: units, or money where only an amount was asked for (quote currency)."""

    symbol: str
    side: Side
    units: Decimal = ZERO
    money: Decimal = ZERO


def part_of(wish: NewOrder, leaves: Decimal | None = None) -> Part:
    """The part of a wish of which `leaves` units are open; all of it when nobody can say."""
    if leaves:
        return Part(symbol=wish.symbol, side=wish.side, units=leaves)
    if wish.order_qty is not None:
        return Part(symbol=wish.symbol, side=wish.side, units=wish.order_qty)
    return Part(symbol=wish.symbol, side=wish.side, money=wish.notional or ZERO)


@dataclass(slots=True)
class Load:
    """All parts in one symbol: sums by side, and how many orders they are."""

    orders: int = 0
    units: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    money: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})

    def add(self, part: Part) -> None:
        """One order more."""
        self.orders += 1
        self.units[part.side] = WIDE.add(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.add(self.money[part.side], part.money)

    def take(self, part: Part) -> None:
        """One order less."""
        self.orders -= 1
        self.units[part.side] = WIDE.subtract(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.subtract(self.money[part.side], part.money)

    def at(self, side: Side, mark: Decimal | None) -> Decimal:
        """Units of one side; money counts at `mark`, and as nothing without one."""
        money = self.money[side]
        return self.units[side] + money / mark if money and mark else self.units[side]


@dataclass(slots=True)
class Workload:
    """The loads of one account, by symbol; `total` counts its orders."""

    loads: dict[str, Load] = field(default_factory=dict[str, Load])
    _parts: dict[IntentId, Part] = field(default_factory=dict[IntentId, Part])

    @property
    def total(self) -> int:
        return len(self._parts)

    def parts(self) -> list[tuple[IntentId, Part]]:
        """Every order that counts."""
        return list(self._parts.items())

    def put(self, intent_id: IntentId, part: Part | None) -> None:
        """Count an order by this part from now on; not at all when it is None."""
        before = self._parts.get(intent_id)
        if before == part:
            return
        if before is not None:
            self._take(intent_id, before)
        if part is not None:
            self._parts[intent_id] = part
            if part.symbol not in self.loads:
                self.loads[part.symbol] = Load()
            self.loads[part.symbol].add(part)

    def _take(self, intent_id: IntentId, part: Part) -> None:
        del self._parts[intent_id]
        load = self.loads[part.symbol]
        load.take(part)
        if not load.orders:
            del self.loads[part.symbol]

    def without(self, intent_id: IntentId, *, fills_yet: bool = False) -> Workload:
        """The same account as if one order were not there; with `fills_yet` it is none, and what it may still fill counts."""
        part = self._parts.get(intent_id)
        if part is None:
            return self
        held = self.loads[part.symbol]
        alone = Workload(
            loads={**self.loads, part.symbol: Load(held.orders, dict(held.units), dict(held.money))},
            _parts=dict(self._parts),
        )
        alone.put(intent_id, None)
        if fills_yet:
            load = alone.loads.setdefault(part.symbol, Load())
            load.add(part)
            load.orders -= 1
        return alone
