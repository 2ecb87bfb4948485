"""What became of expired options, as adjustments with their cause and price.  Pure.

An option that has expired leaves the venue's positions without a trade: it was worthless, or it was exercised or assigned and
shares came or went at the strike.  The venue's own word counts first; without it, shares that moved by exactly what a contract
delivers show it.  What neither tells is said to be untold, and has no price: no profit is made up from silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.options import SHARES, Ending, OptionContract, OptionEvent
from floorbroker.domain.values import ZERO, ProfileName
from floorbroker.oms.adjustments import Adjustment
from floorbroker.oms.reconcile import PositionGap
from floorbroker.risk.options import may_have_ended

_DELIVERING = frozenset({Ending.EXERCISED, Ending.ASSIGNED})


@frozen
class Settled:
    """Signed units that left or came, why, and at which price (a share; None: nobody told)."""

    symbol: str
    qty: Decimal
    cause: str
    price: Decimal | None = None


@dataclass(slots=True)
class _Ended:
    """A contract that is gone: `delivery` are the signed shares that exercise or assignment brings."""

    gap: PositionGap
    contract: OptionContract
    delivery: Decimal
    told: Ending | None
    is_past: bool  # its last close

    @property
    def shown(self) -> Ending:
        """What moving shares show of it."""
        return Ending.EXERCISED if self.gap.ours > 0 else Ending.ASSIGNED


def gone(gaps: Iterable[PositionGap]) -> list[PositionGap]:
    """Those of options that the venue holds no more."""
    return [gap for gap in gaps if OptionContract.parse(gap.symbol) and gap.venue == 0 and gap.ours != 0]


def settled(gaps: Iterable[PositionGap], events: Iterable[OptionEvent], now: datetime) -> list[Settled]:
    """What explains gaps of options that ended, and of the shares that they delivered; a rest of shares is left unexplained.

    `events` are the venue's words, which may be none.  Before its last day an option ends by exercise or assignment alone, and
    one of which neither words nor shares tell is left unexplained as well.
    """
    known = list(gaps)
    told = {event.symbol: event.ending for event in events}
    ended = [_ended(gap, told.get(gap.symbol), now) for gap in gone(known)]
    shares = {gap.symbol.replace(".", ""): gap for gap in known if OptionContract.parse(gap.symbol) is None}
    found: list[Settled] = []
    for root in dict.fromkeys(one.contract.root for one in ended):
        found += _of_root([one for one in ended if one.contract.root == root], shares.get(root))
    return found


def adjustments_for(
    gaps: Iterable[PositionGap], known: Iterable[Settled], *, profile: ProfileName, cause: Callable[[str], str]
) -> list[Adjustment]:
    """One adjustment for each thing that is known of a gap, and one for what is left of it, by its `cause`."""
    by_symbol: dict[str, list[Settled]] = {}
    for one in known:
        by_symbol.setdefault(one.symbol, []).append(one)
    found: list[Adjustment] = []
    for gap in gaps:
        parts = by_symbol.get(gap.symbol, [])
        rest = gap.missing - sum((part.qty for part in parts), ZERO)
        if rest != 0:
            parts = [*parts, Settled(symbol=gap.symbol, qty=rest, cause=cause(gap.symbol))]
        stands = gap.ours
        for part in parts:
            stands += part.qty
            found.append(
                Adjustment(
                    profile=profile, symbol=gap.symbol, qty=part.qty, venue=stands, cause=part.cause, price=part.price
                )
            )
    return found


def _ended(gap: PositionGap, told: Ending | None, now: datetime) -> _Ended:
    contract = OptionContract.parse(gap.symbol)
    assert contract is not None
    delivery = contract.delivers(gap.ours, SHARES)
    return _Ended(gap, contract, delivery, None if told is Ending.UNTOLD else told, may_have_ended(contract, now))


def _of_root(ended: list[_Ended], shares: PositionGap | None) -> list[Settled]:
    """Contracts on one underlying.  Deliveries that were told are taken off the shares first, the rest may show the others."""
    missing = shares.missing if shares is not None else ZERO
    delivered = [one for one in ended if one.told in _DELIVERING]
    total = sum((one.delivery for one in delivered), ZERO)
    if total == 0 or not _within(total, missing):
        delivered = []  # nothing came for them yet, or cash did: what it was worth nobody tells
    untold = [one for one in ended if one.told is None]
    rest = missing - sum((one.delivery for one in delivered), ZERO)
    shown = _matching(untold, rest)
    found: list[Settled] = []
    for one in ended:
        moved = one in delivered or one in shown
        if one.told is None and not moved and not one.is_past:
            continue
        ending = one.told or (one.shown if moved else Ending.UNTOLD)
        is_priced = moved or ending is Ending.EXPIRED
        found.append(_settled_contract(one, ending, ZERO if is_priced else None))
        if moved and shares is not None:
            cause = f"delivered: {one.contract.compact} {ending.value}"
            found.append(Settled(symbol=shares.symbol, qty=one.delivery, cause=cause, price=one.contract.strike))
    return found


def _settled_contract(one: _Ended, ending: Ending, price: Decimal | None) -> Settled:
    return Settled(symbol=one.gap.symbol, qty=one.gap.missing, cause=ending.value, price=price)


def _within(part: Decimal, whole: Decimal) -> bool:
    """Whether a move of shares has room for a part of it, in its direction."""
    return part != 0 and (part > 0) == (whole > 0) and abs(part) <= abs(whole)


def _matching(untold: list[_Ended], moved: Decimal) -> list[_Ended]:
    """The contracts whose delivery is exactly what moved: all of them, or the only one that is."""
    if moved == 0 or not untold:
        return []
    if sum((one.delivery for one in untold), ZERO) == moved:
        return untold
    alone = [one for one in untold if one.delivery == moved]
    return alone if len(alone) == 1 else []
