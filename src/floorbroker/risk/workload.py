"""What open and undecided orders may still buy and sell, symbol by symbol, kept up to date one order at a time (I5).

A wish costs the same to measure beside one open order and beside ten thousand.  Sums are exact: they are added and taken
away in a context with room for every digit that an order may have.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import WIDE, ZERO, IntentId, Side, total_of


@frozen
class Part:
    """What one order may still do: units, or money where only an amount was asked for (quote currency).

    `group` is set for the exits of one group, of which no more than one fills; `entered` is what its entry filled so far, where
    it is known: no exit closes more, and what the entry fills yet it also brings in.  `legs` are the symbols, sides and units of
    a multi-leg order, which itself trades in no symbol.
    """

    symbol: str
    side: Side
    units: Decimal = ZERO
    money: Decimal = ZERO
    group: IntentId | None = None
    entered: Decimal | None = None
    legs: tuple[tuple[str, Side, Decimal], ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it trades in, each once: its own symbol, or those of its legs."""
        return tuple(dict.fromkeys(symbol for symbol, _, _ in self.legs)) or (self.symbol,)

    def only(self, symbol: str) -> Part:
        """What of it trades in one symbol: all of an order without legs."""
        return self if not self.legs else replace(self, legs=tuple(leg for leg in self.legs if leg[0] == symbol))


def part_of(
    wish: NewOrder,
    leaves: Decimal | None = None,
    *,
    group: IntentId | None = None,
    entered: Decimal | None = None,
) -> Part:
    """The part of a wish of which `leaves` units are open; all of it when nobody can say."""
    units = leaves or wish.order_qty
    if wish.legs and units is not None:
        legs: dict[tuple[str, Side], Decimal] = {}
        for leg in wish.legs:
            place = (leg.symbol, leg.side)
            legs[place] = WIDE.add(legs.get(place, ZERO), WIDE.multiply(leg.ratio_qty, units))
        return Part(symbol=wish.symbol, side=wish.side, legs=tuple((*place, qty) for place, qty in legs.items()))
    if units is not None:
        return Part(symbol=wish.symbol, side=wish.side, units=units, group=group, entered=entered)
    return Part(symbol=wish.symbol, side=wish.side, money=wish.notional or ZERO, group=group)


@frozen
class Group:
    """Orders of one side of which no more than the largest fills: units of each exit with what was entered, and of a leg."""

    exits: tuple[tuple[Decimal, Decimal | None], ...] = ()
    claimed: Decimal = ZERO

    @property
    def beyond(self) -> Decimal:
        """Units of a leg that no order of its own stands for."""
        return max(WIDE.subtract(self.claimed, total_of(units for units, _ in self.exits)), ZERO)

    @property
    def spare(self) -> Decimal:
        """Units counted that cannot fill beside each other."""
        may = [units if entered is None else min(units, entered) for units, entered in self.exits]
        counted = WIDE.add(total_of(units for units, _ in self.exits), self.beyond)
        return WIDE.subtract(counted, max([*may, self.claimed]))


@dataclass(slots=True)
class Load:
    """All parts in one symbol: sums by side, and how many orders they are."""

    orders: int = 0
    units: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    money: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    groups: dict[tuple[IntentId, Side], Group] = field(default_factory=dict[tuple[IntentId, Side], "Group"])
    spare: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    """Units that `at` counts though no fill can be theirs: all exits of a group but its largest, and what was not entered yet."""

    @property
    def is_empty(self) -> bool:
        return not self.orders and not self.groups

    def add(self, part: Part) -> None:
        """One order more."""
        self.orders += 1
        self.units[part.side] = WIDE.add(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.add(self.money[part.side], part.money)
        if part.group is not None:
            place = (part.group, part.side)
            group = self.groups.get(place, Group())
            self._regroup(place, replace(group, exits=(*group.exits, (part.units, part.entered))))

    def take(self, part: Part) -> None:
        """One order less."""
        self.orders -= 1
        self.units[part.side] = WIDE.subtract(self.units[part.side], part.units)
        if part.money:
            self.money[part.side] = WIDE.subtract(self.money[part.side], part.money)
        if part.group is not None:
            place = (part.group, part.side)
            left = list(self.groups[place].exits)
            left.remove((part.units, part.entered))
            self._regroup(place, replace(self.groups[place], exits=tuple(left)))

    def claim(self, head: IntentId, side: Side, units: Decimal) -> None:
        """A multi-leg order may trade so many units here by itself; an order that its venue makes of the leg stands in for it."""
        place = (head, side)
        self._regroup(place, replace(self.groups.get(place, Group()), claimed=units))

    def _regroup(self, place: tuple[IntentId, Side], group: Group) -> None:
        side, before = place[1], self.groups.pop(place, Group())
        self.units[side] = WIDE.add(self.units[side], WIDE.subtract(group.beyond, before.beyond))
        self.spare[side] = WIDE.add(self.spare[side], WIDE.subtract(group.spare, before.spare))
        if group != Group():
            self.groups[place] = group

    def copy(self) -> Load:
        """The same sums, to be changed on their own."""
        return Load(self.orders, dict(self.units), dict(self.money), dict(self.groups), dict(self.spare))

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
            self._load(part.symbol).add(part)
            for symbol, side, units in part.legs:
                self._load(symbol).claim(intent_id, side, units)

    def _load(self, symbol: str) -> Load:
        if symbol not in self.loads:
            self.loads[symbol] = Load()
        return self.loads[symbol]

    def _take(self, intent_id: IntentId, part: Part) -> None:
        del self._parts[intent_id]
        self.loads[part.symbol].take(part)
        for symbol, side, _ in part.legs:
            self.loads[symbol].claim(intent_id, side, ZERO)
        for symbol in {part.symbol, *(symbol for symbol, _, _ in part.legs)}:
            if self.loads[symbol].is_empty:
                del self.loads[symbol]

    def without(self, intent_id: IntentId, *, fills_yet: bool = False) -> Workload:
        """The same account as if one order were not there; with `fills_yet` it is none, and what it may still fill counts."""
        part = self._parts.get(intent_id)
        if part is None:
            return self
        touched = {part.symbol, *(symbol for symbol, _, _ in part.legs)}
        alone = Workload(
            loads={**self.loads, **{symbol: self.loads[symbol].copy() for symbol in touched}},
            _parts=dict(self._parts),
        )
        alone.put(intent_id, None)
        if fills_yet:
            alone.put(intent_id, part)
            alone.loads[part.symbol].orders -= 1
            del alone._parts[intent_id]
        return alone
