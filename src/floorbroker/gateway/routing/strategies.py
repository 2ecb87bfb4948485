"""The strategies: from what is known of each profile to an order of preference with reasons, pure and without waiting.

Whatever the strategy, a profile that cannot take the wish is dropped with its reason, and a profile that holds what the wish
would close comes before those where it would open something new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ProfileName, text_of
from floorbroker.gateway.routing.cost import Cost
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.risk.verdict import Verdict

_LEAST = Decimal("0.01")
_STEP = Decimal("0.0001")


@frozen
class Candidate:
    """One profile as a route for one wish, at one moment.

    `unfit` is why it cannot take the wish.  `closes`: the wish would only reduce what it holds.  `budget_left` is the share of
    its message rate that is free (0 to 1), `health` a score up to 100.  `cost` is known to best execution alone; `unpriced` says
    why it is not.
    """

    profile: ProfileName
    unfit: Verdict | None = None
    closes: bool = False
    demoted: bool = False
    weight: Decimal = Decimal(1)
    open_orders: int = 0
    health: int = 100
    budget_left: Decimal = Decimal(1)
    cost: Cost | None = None
    unpriced: str = ""


class Sum(Protocol):
    """The numbers behind a score; they are put into words, so that anybody can do the sum again, where somebody reads them."""

    def told(self) -> Mapping[str, str]:
        """Each number as text."""
        ...


@frozen
class NoSum:
    """What strategies have that reckon nothing."""

    def told(self) -> Mapping[str, str]:
        return {}


@frozen
class Load:
    """What `load_of` reckons for a candidate."""

    candidate: Candidate
    load: Decimal

    def told(self) -> Mapping[str, str]:
        return {
            "open_orders": str(self.candidate.open_orders),
            "weight": text_of(self.candidate.weight),
            "health": str(self.candidate.health),
            "budget_left": text_of(self.candidate.budget_left),
            "load": text_of(self.load),
        }


NO_SUM = NoSum()
_Scored = tuple[int, Decimal, str, Sum]  # its group, its score there, the reason and the sum


@frozen
class Choice:
    """A profile in its place, the score that put it there (lower is better), the reason in words and the sum behind it."""

    profile: ProfileName
    reason: str
    score: Decimal | None = None
    closes: bool = False
    demoted: bool = False
    sum: Sum = NO_SUM

    @property
    def arithmetic(self) -> Mapping[str, str]:
        """The sum in words."""
        return self.sum.told()


@frozen
class Ranking:
    """Those that can take the wish, best first, and those that cannot."""

    uses: Strategy
    choices: tuple[Choice, ...]
    dropped: tuple[tuple[ProfileName, Verdict], ...]


def rank(uses: Strategy, candidates: Sequence[Candidate], *, last: ProfileName | None = None) -> Ranking:
    """Candidates, given in order of preference, in the order in which to try them.

    `last` is whom the previous order of a round robin went to.
    """
    choose = _STRATEGIES[uses]
    scored = [
        (not candidate.closes, place, candidate, choose(candidate))
        for place, candidate in enumerate(_from(candidates, uses, last))
        if candidate.unfit is None
    ]
    scored.sort(key=_place)
    return Ranking(
        uses=uses,
        choices=tuple([_choice(candidate, found) for _, _, candidate, found in scored]),
        dropped=tuple([(c.profile, c.unfit) for c in candidates if c.unfit is not None]),
    )


def _place(scored: tuple[bool, int, Candidate, _Scored]) -> tuple[bool, int, Decimal, int]:
    opens, place, _, found = scored
    return opens, found[0], found[1], place


def _choice(candidate: Candidate, found: _Scored) -> Choice:
    _, score, reason, its_sum = found
    if candidate.closes:
        reason = f"closes what it holds; {reason}"
    return Choice(
        profile=candidate.profile,
        reason=reason,
        score=score,
        closes=candidate.closes,
        demoted=candidate.demoted,
        sum=its_sum,
    )


def _from(candidates: Sequence[Candidate], uses: Strategy, last: ProfileName | None) -> Sequence[Candidate]:
    """The order of preference; a round robin begins behind the one whose turn was last."""
    if uses is not Strategy.ROUND_ROBIN:
        return candidates
    begin = next((i + 1 for i, candidate in enumerate(candidates) if candidate.profile == last), 0)
    return [*candidates[begin:], *candidates[:begin]]


_NOTHING = Decimal(0)


def _primary(candidate: Candidate) -> _Scored:
    del candidate
    return 0, _NOTHING, "first in order of preference that can take it", NO_SUM


def _in_turn(candidate: Candidate) -> _Scored:
    del candidate
    return 0, _NOTHING, "its turn", NO_SUM


def _standing(candidate: Candidate) -> _Scored:
    if candidate.demoted:
        return 1, _NOTHING, "demoted; used for want of a better one", NO_SUM
    return 0, _NOTHING, "first in order of preference that is not demoted", NO_SUM


def _by_load(candidate: Candidate) -> _Scored:
    load = load_of(candidate)
    return 0, load, f"load {text_of(load)}", Load(candidate=candidate, load=load)


def load_of(candidate: Candidate) -> Decimal:
    """(open orders + 1) / (weight x health share x free share of the message rate); less is better."""
    health = max(Decimal(candidate.health) / 100, _LEAST)
    room = candidate.weight * health * max(candidate.budget_left, _LEAST)
    return (Decimal(candidate.open_orders + 1) / room).quantize(_STEP)


def _by_cost(candidate: Candidate) -> _Scored:
    cost = candidate.cost
    if cost is None:
        return 2, _NOTHING, f"no price to compare: {candidate.unpriced}", NO_SUM
    total = cost.total_bps
    if cost.missing:
        return 1, total, f"{text_of(total)} bps, but {cost.missing}", cost
    return 0, total, f"{text_of(total)} bps", cost


_STRATEGIES: dict[Strategy, Callable[[Candidate], _Scored]] = {
    Strategy.PRIMARY: _primary,
    Strategy.ROUND_ROBIN: _in_turn,
    Strategy.FAILOVER: _standing,
    Strategy.LOAD_BALANCED: _by_load,
    Strategy.BEST_EXECUTION: _by_cost,
}
