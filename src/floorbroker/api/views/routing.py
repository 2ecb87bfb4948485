"""Routes and standings as JSON."""

from __future__ import annotations

from floorbroker.api.views.shape import View
from floorbroker.domain.values import text_of
from floorbroker.gateway.routing.shown import RoutingState, ShownProfile, ShownRule


class RuleView(View, frozen=True):
    """One rule: orders that match `symbol` and `strategy` are routed by `use`; `active` is in front under failover.

    An order is split over `split_most` of its profiles at the most.
    """

    name: str
    use: str
    symbol: str
    strategy: str
    profiles: tuple[str, ...]
    active: str | None
    split_most: int


class StandingView(View, frozen=True):
    """One profile as a route: `trouble` is why it takes no orders now, `demoted` why it is not in front; empty when neither.

    `health` goes up to 100, `budget_left` from 0 to 1.  `latency_ms` is configured, `latency_expected_ms` what is expected of a
    submit by what `latency_samples` of late took.
    """

    profile: str
    usable: bool
    trouble: str
    demoted: str
    health: int
    open_orders: int
    budget_left: str
    weight: str
    fee_bps: str
    fee_per_unit: str
    latency_ms: str
    latency_expected_ms: str
    latency_samples: str


class MovingView(View, frozen=True):
    """When dead intents move on, and when profiles are demoted and promoted."""

    enabled: bool
    max_moves: int
    max_age_s: float
    demote_below: int
    demote_after_s: float
    promote_above: int
    promote_after_s: float


class RoutingView(View, frozen=True):
    """Routes, standings and failover of one environment."""

    rules: tuple[RuleView, ...]
    profiles: tuple[StandingView, ...]
    failover: MovingView


def routing_view(state: RoutingState) -> RoutingView:
    """Routes and standings as the door shows them."""
    moving = state.moving
    return RoutingView(
        rules=tuple(_rule(rule) for rule in state.rules),
        profiles=tuple(_standing(profile) for profile in state.profiles),
        failover=MovingView(
            enabled=moving.enabled,
            max_moves=moving.max_moves,
            max_age_s=moving.max_age_s,
            demote_below=moving.demote_below,
            demote_after_s=moving.demote_after_s,
            promote_above=moving.promote_above,
            promote_after_s=moving.promote_after_s,
        ),
    )


def _rule(rule: ShownRule) -> RuleView:
    return RuleView(
        name=rule.name,
        use=rule.uses.value,
        symbol=rule.symbol,
        strategy=rule.strategy,
        profiles=rule.profiles,
        active=rule.active,
        split_most=rule.split_most,
    )


def _standing(shown: ShownProfile) -> StandingView:
    return StandingView(
        profile=shown.profile,
        usable=not shown.trouble,
        trouble=shown.trouble,
        demoted=shown.demoted,
        health=shown.health,
        open_orders=shown.open_orders,
        budget_left=text_of(shown.budget_left),
        weight=text_of(shown.terms.weight),
        fee_bps=text_of(shown.terms.fee_bps),
        fee_per_unit=text_of(shown.terms.fee_per_unit),
        latency_ms=text_of(shown.terms.latency_ms),
        latency_expected_ms=text_of(shown.latency.latency_ms),
        latency_samples=text_of(shown.latency.samples),
    )
