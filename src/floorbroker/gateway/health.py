"""How well each profile's venue serves us: a score from 0 to 100, by a published formula over sums that decay.

    score = 100 x product of (1 - share x (1 - mark)) over the ingredients, rounded

A mark is 1 where all is well and 0 at its worst; the share is what an ingredient alone can take away (`INGREDIENTS`).  What
counts events halves every `HALF_LIFE_S` of steady time, so old trouble fades without anybody resetting it.  Hearing of an
exchange costs a few additions, whatever came before.  The formula with an example: docs/concepts/health.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from floorbroker.domain.clock import Clock
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ProfileName

HALF_LIFE_S = 120.0
DECAY_STEP_S = 1.0  # within a second nothing fades: most exchanges cost no power of two
KEPT_S = 1.0  # a score is worked out again after this time at the earliest: routes ask often
PRIOR = 2.0  # good answers that everybody is credited with: one bad one of one says little
GOOD_LATENCY_S, BAD_LATENCY_S = 0.25, 2.0
BAD_RATE = 0.5
BAD_RECONNECTS = 4.0
STALE_S = 60.0
USED_FROM = 0.8  # of a rate budget; what is above it is kept for cancels
FAILED = frozenset({"connection_failed", "gateway_not_running", "timeout", "api_error"})


class Ingredient(NamedTuple):
    """What a score is made of: a mark from 0 to 1, the share it can take away, and the figure it was read from."""

    name: str
    mark: float
    share: float
    figure: str


INGREDIENTS: Mapping[str, float] = MappingProxyType(
    {"errors": 1.0, "latency": 0.4, "rejects": 0.3, "reconnects": 0.4, "staleness": 0.6, "budget": 0.3}
)
"""Each ingredient's share."""


@frozen
class Health:
    """One profile's score and what it is made of."""

    score: int = 100
    failures_in_a_row: int = 0
    ingredients: tuple[Ingredient, ...] = ()


PERFECT = Health()


@frozen
class Sight:
    """What is seen of a connection now: how long its stream has been down or silent beyond what is usual (0 while it is
    neither), and the part of the fullest rate budget in use (None where nothing is counted).
    """

    stale_s: float = 0.0
    budget_used: float | None = None


NOTHING_SEEN = Sight()


@dataclass(slots=True)
class Vitals:
    """The sums of one profile, as of `at_s` (monotonic).  What does not fade: the row of failures, when the last answer came,
    and how many connections were lost since the start.
    """

    at_s: float
    exchanges: float = 0.0
    failures: float = 0.0
    latency_s: float = 0.0
    orders: float = 0.0
    rejects: float = 0.0
    reconnects: float = 0.0
    failures_in_a_row: int = 0
    answered_s: float | None = None
    lost: int = 0

    def fade(self, now_s: float) -> None:
        """Let the time since the last event pass."""
        passed_s = now_s - self.at_s
        if passed_s < DECAY_STEP_S:
            return
        left = 0.5 ** (passed_s / HALF_LIFE_S)
        self.exchanges *= left
        self.failures *= left
        self.latency_s *= left
        self.orders *= left
        self.rejects *= left
        self.reconnects *= left
        self.at_s = now_s


def ingredients_of(vitals: Vitals, sight: Sight) -> tuple[Ingredient, ...]:
    """The marks of sums that have faded to now."""
    answered = vitals.exchanges - vitals.failures
    errors = vitals.failures / (vitals.exchanges + PRIOR)
    latency_s = vitals.latency_s / answered if answered > 0.01 else 0.0
    rejects = vitals.rejects / (vitals.orders + PRIOR)
    used = sight.budget_used
    marks = (
        ("errors", 1 - errors / BAD_RATE, f"{errors:.1%} of exchanges"),
        ("latency", (BAD_LATENCY_S - latency_s) / (BAD_LATENCY_S - GOOD_LATENCY_S), f"{latency_s * 1000:.0f} ms"),
        ("rejects", 1 - rejects / BAD_RATE, f"{rejects:.1%} of orders"),
        ("reconnects", 1 - vitals.reconnects / BAD_RECONNECTS, f"{vitals.reconnects:.1f} lately"),
        ("staleness", 1 - sight.stale_s / STALE_S, f"{sight.stale_s:.0f} s"),
        ("budget", 1 if used is None else (1 - used) / (1 - USED_FROM), "none" if used is None else f"{used:.0%} used"),
    )
    return tuple(Ingredient(name, min(max(mark, 0.0), 1.0), INGREDIENTS[name], told) for name, mark, told in marks)


def score_of(ingredients: tuple[Ingredient, ...]) -> int:
    """0 to 100: what is left when each ingredient has taken its part of what the others left."""
    left = 1.0
    for ingredient in ingredients:
        left *= 1 - ingredient.share * (1 - ingredient.mark)
    return round(left * 100)


@dataclass(slots=True)
class HealthBook:
    """The health of every profile of a desk.  `sights` are asked for what is seen now."""

    clock: Clock
    sights: dict[ProfileName, Callable[[], Sight]] = field(default_factory=dict[ProfileName, Callable[[], Sight]])
    _vitals: dict[ProfileName, Vitals] = field(default_factory=dict[ProfileName, Vitals])
    _kept: dict[ProfileName, tuple[float, Health]] = field(default_factory=dict[ProfileName, tuple[float, Health]])

    # -- what is heard ------------------------------------------------------------------------------------------------

    def answered(self, profile: ProfileName, elapsed_s: float) -> None:
        """An exchange ended with an answer, a refusal included: the venue is there."""
        vitals = self._faded(profile)
        vitals.exchanges += 1
        vitals.latency_s += elapsed_s
        vitals.failures_in_a_row, vitals.answered_s = 0, self.clock.monotonic()

    def failed(self, profile: ProfileName) -> int:
        """An exchange ended without a usable answer.  How many did in a row now."""
        vitals = self._faded(profile)
        vitals.exchanges += 1
        vitals.failures += 1
        vitals.failures_in_a_row += 1
        return vitals.failures_in_a_row

    def ordered(self, profile: ProfileName) -> None:
        """A new order was decided."""
        self._faded(profile).orders += 1

    def rejected(self, profile: ProfileName) -> None:
        """The venue turned an order down."""
        self._faded(profile).rejects += 1

    def reconnected(self, profile: ProfileName) -> None:
        """A connection was lost, or had to be made anew."""
        vitals = self._faded(profile)
        vitals.reconnects += 1
        vitals.lost += 1
        self._kept.pop(profile, None)

    def forget(self, profile: ProfileName) -> None:
        """A profile was let go; one of that name that comes later begins anew."""
        for known in (self.sights, self._vitals, self._kept):
            known.pop(profile, None)

    # -- what is asked ------------------------------------------------------------------------------------------------

    def score(self, profile: ProfileName) -> int:
        """0 to 100; 100 for a profile of which nothing was heard yet.  At most a second old."""
        return self.health(profile).score

    def failures_in_a_row(self, profile: ProfileName) -> int:
        vitals = self._vitals.get(profile)
        return 0 if vitals is None else vitals.failures_in_a_row

    def heartbeat_s(self, profile: ProfileName) -> float | None:
        """How long ago the venue last answered; None when it never did."""
        vitals = self._vitals.get(profile)
        return None if vitals is None or vitals.answered_s is None else self.clock.monotonic() - vitals.answered_s

    def reconnects(self, profile: ProfileName) -> int:
        """How many connections were lost since the start."""
        vitals = self._vitals.get(profile)
        return 0 if vitals is None else vitals.lost

    def health(self, profile: ProfileName) -> Health:
        """The score and its ingredients.  At most a second old."""
        now_s, kept = self.clock.monotonic(), self._kept.get(profile)
        if kept is not None and 0 <= now_s - kept[0] < KEPT_S:
            return kept[1]
        vitals, sight = self._faded(profile), self.sights.get(profile, _nothing_seen)()
        ingredients = ingredients_of(vitals, sight)
        health = Health(
            score=score_of(ingredients), failures_in_a_row=vitals.failures_in_a_row, ingredients=ingredients
        )
        self._kept[profile] = (now_s, health)
        return health

    def _faded(self, profile: ProfileName) -> Vitals:
        now_s, vitals = self.clock.monotonic(), self._vitals.get(profile)
        if vitals is None:
            vitals = self._vitals[profile] = Vitals(at_s=now_s)
        vitals.fade(now_s)
        return vitals


def _nothing_seen() -> Sight:
    return NOTHING_SEEN
