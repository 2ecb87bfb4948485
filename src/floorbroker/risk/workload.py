"""What open and undecided orders may still buy and sell, symbol by symbol, kept up to date one order at a time (I5).

A wish costs the same to measure beside one open order and beside ten thousand.  Sums are exact: they are added and taken
away in a context with room for every digit that an order may have.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import WIDE, ZERO, IntentId, Side, total_of


@frozen
class Part:
    """What one order may still do: units, or money where only an amount was asked for (quote currency).

    `group` is set for the exits of one group, of which no more than one fills.
    """

    symbol: str
    side: Side
    units: Decimal = ZERO
    money: Decimal = ZERO
    group: IntentId | None = None


def part_of(wish: NewOrder, leaves: Decimal | None = None, *, group: IntentId | None = None) -> Part:
    """The part of a wish of which `leaves` units are open; all of it when nobody can say."""
    units = leaves or wish.order_qty
    if units is not None:
        return Part(symbol=wish.symbol, side=wish.side, units=units, group=group)
    return Part(symbol=wish.symbol, side=wish.side, money=wish.notional or ZERO, group=group)


@dataclass(slots=True)
class Load:
    """All parts in one symbol: sums by side, and how many orders they are."""

    orders: int = 0
    units: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    money: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    groups: dict[tuple[IntentId, Side], tuple[Decimal, ...]] = field(
        default_factory=dict[tuple[IntentId, Side], tuple[Decimal, ...]]
    )  # units of the exits that stand in for each other
    spare: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    """Units that `at` counts though no fill can be theirs: all exits of a group but its largest."""

    def add(self, part: Part) -> None:
        """One order more."""
        self.orders += 1
        self.units[part.side] = WIDE.add(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.add(self.money[part.side], part.money)
        if part.group is not None:
            place = (part.group, part.side)
            self._regroup(place, [*self.groups.get(place, ()), part.units])

    def take(self, part: Part) -> None:
        """One order less."""
        self.orders -= 1
        self.units[part.side] = WIDE.subtract(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.subtract(self.money[part.side], part.money)
        if part.group is not None:
            place = (part.group, part.side)
            left = list(self.groups[place])
            left.remove(part.units)
            self._regroup(place, left)

    def _regroup(self, place: tuple[IntentId, Side], exits: list[Decimal]) -> None:
        side, before = place[1], _spare(self.groups.pop(place, ()))
        self.spare[side] = WIDE.add(self.spare[side], WIDE.subtract(_spare(exits), before))
        if exits:
            self.groups[place] = tuple(exits)

    def copy(self) -> Load:
        """The same sums, to be changed on their own."""
        return Load(self.orders, dict(self.units), dict(self.money), dict(self.groups), dict(self.spare))

    def at(self, side: Side, mark: Decimal | None) -> Decimal:
        """Units of one side; money counts at `mark`, and as nothing without one."""
        money = self.money[side]
        return self.units[side] + money / mark if money and mark else self.units[side]


def _spare(exits: Collection[Decimal]) -> Decimal:
    return WIDE.subtract(total_of(exits), max(exits)) if exits else ZERO


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
            loads={**self.loads, part.symbol: held.copy()},
            _parts=dict(self._parts),
        )
        alone.put(intent_id, None)
        if fills_yet:
            load = alone.loads.setdefault(part.symbol, Load())
            load.add(part)
            load.orders -= 1
        return alone
