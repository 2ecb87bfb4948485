"""What one scope holds and may still get, kept up to date one change at a time: the sums that its limits are held against.

A scope may span accounts.  Positions of one symbol are added over them; exposures are not netted between accounts, for a
long at one broker does not pay for a short at another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ZERO, IntentId, ProfileName, Side, total_of
from floorbroker.risk.limits import SharedLimits
from floorbroker.risk.workload import Load, Part

Place = tuple[ProfileName, str]  # one account's share of one symbol
_SECOND, _MINUTE = 1.0, 60.0


@frozen
class Ends:
    """Summed values of what is held and may yet fill: `up` if everything that buys did and nothing that sells, `down` the other
    way round, signed; `longs` and `shorts` (below zero) what is long and what is short at the worse end of each symbol.
    """

    longs: Decimal = ZERO
    shorts: Decimal = ZERO
    up: Decimal = ZERO
    down: Decimal = ZERO

    def plus(self, *values: tuple[Decimal, Decimal]) -> Ends:
        """With symbols more, of each the values of both ends."""
        longs, shorts, all_up, all_down, add = self.longs, self.shorts, self.up, self.down, WIDE.add
        for up, down in values:  # of all that an account holds, for each wish
            if up > 0:
                longs = add(longs, up)
            if down < 0:
                shorts = add(shorts, down)
            all_up, all_down = add(all_up, up), add(all_down, down)
        return Ends(longs=longs, shorts=shorts, up=all_up, down=all_down)

    @property
    def gross(self) -> Decimal:
        """Shorts add to it."""
        return WIDE.subtract(self.longs, self.shorts)

    @property
    def net(self) -> Decimal:
        """Shorts take from longs, at the worse end of all symbols together; without a sign."""
        return max(self.up, -self.down)


@frozen
class LegStanding:
    """One leg of a multi-leg wish in one scope: what the wish trades there, and what is there before it.

    `held` and `worst` are the scope's, of the leg's side; `up` and `down` both ends of the wish's own account.  `worth` is what
    one unit is worth in the scope's currency; None without a price, or a rate of exchange.
    """

    symbol: str
    side: Side
    units: Decimal
    held: Decimal
    worst: Decimal
    up: Decimal
    down: Decimal
    worth: Decimal | None


@frozen
class Standing:
    """One scope beside one wish, before it: units signed, amounts in the desk's base currency (an account's own in its scopes).

    `worst` is the position of the wish's symbol if all that is open on the wish's side filled; `up` and `down` are both ends
    of the wish's own account in it, `here` the values of everything else in that account, of a multi-leg wish all but its `legs`,
    None where something of the scope is in a currency of which nobody said what it is worth; `gross_else` and `net_else` are the
    exposures of all other accounts.  `rate` turns the account's currency into the base; None where nobody said.
    `equity` is None while an account's is not known.
    """

    key: str
    limits: SharedLimits
    held: Decimal
    worst: Decimal
    up: Decimal
    down: Decimal
    here: Ends | None
    gross_else: Decimal
    net_else: Decimal
    open_total: int
    open_symbol: int
    messages_s: int
    messages_min: int
    orders_day: int
    notional_day: Decimal | None
    rate: Decimal | None
    equity: Decimal | None
    currency: str = ""  # what its amounts are in, where that is known
    legs: tuple[LegStanding, ...] = ()


@dataclass(slots=True)
class Cell:
    """One account's share of one symbol; values in the scope's currency."""

    load: Load = field(default_factory=Load)
    held: Decimal = ZERO
    mark: Decimal | None = None
    scale: Decimal = Decimal(1)  # multiplier and rate of exchange
    worths: tuple[Decimal, Decimal] = (ZERO, ZERO)  # of both ends, signed

    @property
    def longs(self) -> Decimal:
        return max(self.worths[0], ZERO)

    @property
    def shorts(self) -> Decimal:
        return min(self.worths[1], ZERO)

    @property
    def up(self) -> Decimal:
        return self.end(Side.BUY)

    @property
    def down(self) -> Decimal:
        return self.end(Side.SELL)

    def end(self, side: Side) -> Decimal:
        """Signed units if all that is open on one side filled."""
        return WIDE.add(self.held, side.sign * self.load.at(side, self.mark))


@dataclass(slots=True)
class Watch:
    """One scope with limits."""

    key: str
    limits: SharedLimits
    ends: dict[ProfileName, Ends] = field(default_factory=dict[ProfileName, Ends])  # by account
    cells: dict[Place, Cell] = field(default_factory=dict[Place, Cell])
    unrated: set[Place] = field(default_factory=set[Place])  # in a currency of which nobody said what it is worth
    _accounts: dict[str, list[ProfileName]] = field(default_factory=dict[str, list[ProfileName]])
    _parts: dict[IntentId, tuple[Place, Part]] = field(default_factory=dict[IntentId, tuple[Place, Part]])
    _second_s: deque[float] = field(default_factory=deque[float])
    _minute_s: deque[float] = field(default_factory=deque[float])

    # -- changes ------------------------------------------------------------------------------------------------------

    def put(self, intent_id: IntentId, profile: ProfileName, part: Part | None) -> None:
        """Count an order of an account by this part from now on; not at all when it is None."""
        before = self._parts.get(intent_id)
        if before is not None and part is not None and before == ((profile, part.symbol), part):
            return
        if before is not None:
            del self._parts[intent_id]
            self.cells[before[0]].load.take(before[1])
            self._claim(intent_id, before[0][0], [(symbol, side, ZERO) for symbol, side, _ in before[1].legs])
            self._revalue(before[0])
        if part is not None:
            place = (profile, part.symbol)
            self._parts[intent_id] = (place, part)
            self.cell(place).load.add(part)
            self._claim(intent_id, profile, part.legs)
            self._revalue(place)

    def _claim(self, intent_id: IntentId, profile: ProfileName, legs: Iterable[tuple[str, Side, Decimal]]) -> None:
        """What a multi-leg order may trade in each of its symbols."""
        for symbol, side, units in legs:
            self.cell((profile, symbol)).load.claim(intent_id, side, units)
            self._revalue((profile, symbol))

    def hold(self, place: Place, units: Decimal) -> None:
        """An account holds so many units of a symbol, signed."""
        self.cell(place).held = units
        self._revalue(place)

    def fill(self, place: Place, units: Decimal) -> None:
        """So many units more."""
        self.hold(place, WIDE.add(self.cell(place).held, units))

    def mark(self, place: Place, mark: Decimal | None, scale: Decimal | None, rate: Decimal | None) -> None:
        """What a unit is worth: its price, what makes that an amount of its account, and the rate into the scope's currency.

        Where one of the latter two is missing its value is in another currency, and in no sum that could be told.
        """
        cell = self.cells.get(place)
        if cell is None:
            return
        if rate is None or scale is None:
            self.unrated.add(place)
            cell.mark, cell.scale = mark, Decimal(1)
        else:
            self.unrated.discard(place)
            cell.mark, cell.scale = mark, WIDE.multiply(scale, rate)
        self._revalue(place)

    def count_message(self, now_s: float) -> None:
        """One more order message went out."""
        self._second_s.append(now_s)
        self._minute_s.append(now_s)

    def take_messages(self, other: Watch) -> None:
        """Go on counting where another left off."""
        self._second_s, self._minute_s = other._second_s, other._minute_s

    def cell(self, place: Place) -> Cell:
        cell = self.cells.get(place)
        if cell is None:
            cell = self.cells[place] = Cell()
            self._accounts.setdefault(place[1], []).append(place[0])
        return cell

    def _revalue(self, place: Place) -> None:
        cell = self.cells[place]
        worth = WIDE.multiply(cell.mark or ZERO, cell.scale)
        worths = (WIDE.multiply(cell.end(Side.BUY), worth), WIDE.multiply(cell.end(Side.SELL), worth))
        if worths != cell.worths:
            self.ends[place[0]] = _without(self.ends.get(place[0], Ends()), cell).plus(worths)
            cell.worths = worths

    # -- questions ----------------------------------------------------------------------------------------------------

    @property
    def open_total(self) -> int:
        return len(self._parts)

    @property
    def longs(self) -> Decimal:
        return total_of(ends.longs for ends in self.ends.values())

    @property
    def shorts(self) -> Decimal:
        return total_of(ends.shorts for ends in self.ends.values())

    @property
    def gross(self) -> Decimal:
        """Over all accounts."""
        return total_of(ends.gross for ends in self.ends.values())

    @property
    def net(self) -> Decimal:
        """Over all accounts, of which none pays for another."""
        return total_of(ends.net for ends in self.ends.values())

    def else_than(self, *places: Place) -> Ends | None:
        """What one account has beside some of its symbols; None where something of the scope cannot be told."""
        if self.lacks(*places):
            return None
        ends = self.ends.get(places[0][0], Ends())
        for place in dict.fromkeys(places):
            ends = _without(ends, self.cell(place))
        return ends

    def of_others(self, profile: ProfileName) -> tuple[Decimal, Decimal]:
        """Gross and net exposure of all accounts but one."""
        ends = self.ends.get(profile, Ends())
        return WIDE.subtract(self.gross, ends.gross), WIDE.subtract(self.net, ends.net)

    def lacks(self, *but: Place) -> bool:
        """Whether something of it, but for some places, is in a currency of which nobody said what it is worth."""
        return any(at not in but and any(self.cells[at].worths) for at in self.unrated)

    def leg(self, place: Place, side: Side, units: Decimal) -> LegStanding:
        """How a leg of a wish stands before the wish."""
        cell, symbol = self.cell(place), place[1]
        known = cell.mark is not None and place not in self.unrated
        return LegStanding(
            symbol=symbol,
            side=side,
            units=units,
            held=self.position(symbol),
            worst=self.worst(symbol, side),
            up=cell.up,
            down=cell.down,
            worth=WIDE.multiply(cell.mark, cell.scale) if known and cell.mark is not None else None,
        )

    def messages(self, now_s: float) -> tuple[int, int]:
        """Order messages of the last second and the last minute."""
        forget(self._second_s, now_s - _SECOND)
        forget(self._minute_s, now_s - _MINUTE)
        return len(self._second_s), len(self._minute_s)

    def position(self, symbol: str) -> Decimal:
        """Signed units held over all accounts."""
        return sum((self.cells[name, symbol].held for name in self._accounts.get(symbol, ())), ZERO)

    def worst(self, symbol: str, side: Side) -> Decimal:
        """Signed units if everything open on one side filled."""
        return sum((self.cells[name, symbol].end(side) for name in self._accounts.get(symbol, ())), ZERO)

    def open_symbol(self, symbol: str) -> int:
        return sum(self.cells[name, symbol].load.orders for name in self._accounts.get(symbol, ()))

    @contextmanager
    def without(self, leave_out: IntentId | None, *, fills_yet: bool) -> Generator[None]:
        """Meanwhile one order counts as if it were not there; with `fills_yet` what it may still fill does."""
        left = self._parts.get(leave_out) if leave_out is not None else None
        if left is None or leave_out is None:
            yield
            return
        place, part = left
        if fills_yet:
            self.cells[place].load.orders -= 1
            del self._parts[leave_out]
            try:
                yield
            finally:
                self.cells[place].load.orders += 1
                self._parts[leave_out] = left
            return
        self.put(leave_out, place[0], None)
        try:
            yield
        finally:
            self.put(leave_out, place[0], part)


def _without(ends: Ends, cell: Cell) -> Ends:
    """An account's ends but for one symbol."""
    return Ends(
        longs=WIDE.subtract(ends.longs, cell.longs),
        shorts=WIDE.subtract(ends.shorts, cell.shorts),
        up=WIDE.subtract(ends.up, cell.worths[0]),
        down=WIDE.subtract(ends.down, cell.worths[1]),
    )


def forget(times_s: deque[float], since_s: float) -> None:
    """Drop what is as old as a moment or older; times are in order."""
    while times_s and times_s[0] <= since_s:
        times_s.popleft()
