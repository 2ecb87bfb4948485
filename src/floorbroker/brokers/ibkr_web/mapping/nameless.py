"""Executions that name no order, matched to the orders that have no client id: exits of brackets, and what people place by hand.

The venue writes no order number in its executions, and exits have no client id.  But the list of orders tells how much of each
was filled, and at which average.  Where exactly one way of sharing the executions of a contract and side among those orders gives
every one its quantity and its average, that is how it was; where there is none, or more than one, nothing is said.
Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, trades and live orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side

PIECES_MAX = 200
STEPS_MAX = 10_000  # a few hundredths of a second, which is as long as nobody else may work
_ROUNDING = Decimal("0.006")  # averages may be told in cents
Place = tuple[int, Side]


@dataclass(frozen=True, slots=True)
class Piece:
    """One execution, as it stands after its corrections."""

    exec_id: str
    place: Place
    qty: Decimal
    px: Decimal


@dataclass(frozen=True, slots=True)
class Owner:
    """One order without a client id, and what was filled of it; `average` None where it is not told."""

    order_id: str
    place: Place
    filled: Decimal
    average: Decimal | None


def owners_of(pieces: Iterable[Piece], owners: Iterable[Owner]) -> dict[str, str]:
    """The order of each execution that can be told, by execution id."""
    by_place: dict[Place, tuple[list[Piece], list[Owner]]] = {}
    for piece in pieces:
        by_place.setdefault(piece.place, ([], []))[0].append(piece)
    for owner in owners:
        if owner.filled > 0 and owner.place in by_place:
            by_place[owner.place][1].append(owner)
    found: dict[str, str] = {}
    for mine, theirs in by_place.values():
        found.update(_only_way(mine, theirs))
    return found


def _only_way(pieces: Sequence[Piece], owners: Sequence[Owner]) -> Mapping[str, str]:
    if len(pieces) > PIECES_MAX:
        return {}
    if sum((piece.qty for piece in pieces), ZERO) != sum((owner.filled for owner in owners), ZERO):
        return {}
    search = _Search(pieces, owners)
    search.place(0)
    return search.found[0] if len(search.found) == 1 and search.steps < STEPS_MAX else {}


class _Search:
    """Gives execution after execution to an order that has room for it, until there are two ways, or it took too many steps."""

    def __init__(self, pieces: Sequence[Piece], owners: Sequence[Owner]) -> None:
        self._pieces = sorted(pieces, key=lambda piece: piece.qty, reverse=True)  # large ones have room in few places
        self._owners = owners
        self._left = [owner.filled for owner in owners]
        self._spent = [ZERO for _ in owners]
        self._chosen: list[int] = []
        self.found: list[dict[str, str]] = []
        self.steps = 0

    def place(self, number: int) -> None:
        self.steps += 1
        if len(self.found) > 1 or self.steps >= STEPS_MAX:
            return
        if number == len(self._pieces):
            if all(map(self._fits, range(len(self._owners)))):
                pairs = zip(self._pieces, self._chosen, strict=True)
                self.found.append({piece.exec_id: self._owners[index].order_id for piece, index in pairs})
            return
        piece = self._pieces[number]
        money = piece.qty * piece.px
        for index, left in enumerate(self._left):
            if piece.qty > left:
                continue
            before = self._spent[index]
            self._left[index], self._spent[index] = left - piece.qty, before + money
            self._chosen.append(index)
            self.place(number + 1)
            self._chosen.pop()
            self._left[index], self._spent[index] = left, before

    def _fits(self, index: int) -> bool:
        owner = self._owners[index]
        is_near = (
            owner.average is None or abs(self._spent[index] - owner.average * owner.filled) <= _ROUNDING * owner.filled
        )
        return self._left[index] == 0 and is_near
