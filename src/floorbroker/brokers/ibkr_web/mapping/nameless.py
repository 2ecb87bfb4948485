"""Executions that name no order, matched to the orders that have no client id: exits of brackets, and what people place by hand.

The venue writes no order number in its executions, and exits have no client id.  But the list of orders tells how much of each
was filled, and at which average.  Where exactly one way of sharing the executions of a contract and side among those orders gives
every one its quantity and its average, that is how it was; where there is none, or more than one, nothing is said.
Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, trades and live orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from floorbroker.domain.values import ZERO, Side

WAYS_MAX = 20_000
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
    if not owners or len(owners) ** len(pieces) > WAYS_MAX:
        return {}
    ways = list(_ways(pieces, owners))
    return ways[0] if len(ways) == 1 else {}


def _ways(pieces: Sequence[Piece], owners: Sequence[Owner]) -> Iterator[dict[str, str]]:
    for chosen in product(range(len(owners)), repeat=len(pieces)):
        shares: list[list[Piece]] = [[] for _ in owners]
        for piece, index in zip(pieces, chosen, strict=True):
            shares[index].append(piece)
        if all(_fits(owner, share) for owner, share in zip(owners, shares, strict=True)):
            yield {piece.exec_id: owners[index].order_id for piece, index in zip(pieces, chosen, strict=True)}


def _fits(owner: Owner, share: Sequence[Piece]) -> bool:
    qty = sum((piece.qty for piece in share), ZERO)
    if qty != owner.filled:
        return False
    spent = sum((piece.qty * piece.px for piece in share), ZERO)
    return owner.average is None or abs(spent - owner.average * qty) <= _ROUNDING * qty
