"""What people decide about routes: which strategy chooses among which profiles, and when an intent may move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from fnmatch import fnmatchcase

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, ProfileName, Word

ANY = "*"


class Strategy(Word):
    """How one profile is chosen among several."""

    PRIMARY = "primary"  # the first that can
    ROUND_ROBIN = "round_robin"  # each in turn
    BEST_EXECUTION = "best_execution"  # the one where it costs least
    LOAD_BALANCED = "load_balanced"  # the one with the most room for its weight
    FAILOVER = "failover"  # the first that is not demoted


@frozen
class Rule:
    """Orders whose symbol and strategy match these patterns (`*` and `?`) go to one of `profiles`, in order of preference.

    Without `profiles` it is every profile of the environment, in the order of the configuration.  Under best execution an order
    may be split over `split_most` of them, where that saves `split_gain_bps` basis points; 1 for never.  `narrowed`: an order
    said that it goes to these profiles of the rule and to no others.
    """

    name: str
    uses: Strategy
    profiles: tuple[ProfileName, ...] = ()
    symbol: str = ANY
    strategy: str = ANY
    split_most: int = 1
    split_gain_bps: Decimal = Decimal(1)
    narrowed: bool = False

    def fits(self, wish: NewOrder) -> bool:
        """Whether a wish falls under this rule."""
        return (self.symbol == ANY or fnmatchcase(wish.symbol, self.symbol)) and (
            self.strategy == ANY or fnmatchcase(wish.strategy, self.strategy)
        )


@frozen
class VenueTerms:
    """What a profile costs and bears: `fee_bps` of the value traded, `fee_per_unit` in quote currency, expected latency (ms).

    `weight` is its share under `load_balanced`.
    """

    weight: Decimal = Decimal(1)
    fee_bps: Decimal = ZERO
    fee_per_unit: Decimal = ZERO
    latency_ms: Decimal = Decimal(100)


@frozen
class Moving:
    """When an intent that is proven dead moves on, and when a profile is demoted and promoted again.

    An intent moves `max_moves` times at most, and not once it is older than `max_age_s`.  A profile that cannot be used, or whose
    health is below `demote_below`, for `demote_after_s` is demoted; it comes back when its health was above `promote_above` for
    `promote_after_s`.
    """

    enabled: bool = False
    log_tag: str = "FAILOVER"
    max_moves: int = 2
    max_age_s: float = 60.0
    demote_below: int = 40
    demote_after_s: float = 10.0
    promote_above: int = 80
    promote_after_s: float = 60.0


@frozen
class Policy:
    """All of it.  A quote older than `quote_age_max_s` prices nothing; an order waits `quote_wait_s` for quotes at most.

    `latency_bps_s` is what a second of waiting is taken to cost, in basis points.
    """

    rules: tuple[Rule, ...] = ()
    terms: Mapping[ProfileName, VenueTerms] = field(default_factory=dict[ProfileName, VenueTerms])
    moving: Moving = Moving()
    quote_age_max_s: float = 5.0
    quote_wait_s: float = 1.0
    latency_bps_s: Decimal = Decimal(1)

    def rule_for(self, wish: NewOrder) -> Rule | None:
        """The first rule that fits; None where nobody said how to choose."""
        return next((rule for rule in self.rules if rule.fits(wish)), None)

    def terms_of(self, profile: ProfileName) -> VenueTerms:
        """A profile's terms, the usual ones where none are configured."""
        return self.terms.get(profile, _USUAL)

    @property
    def promotes(self) -> bool:
        """Whether any rule demotes and promotes."""
        return any(rule.uses is Strategy.FAILOVER for rule in self.rules)


_USUAL = VenueTerms()
