"""What doors are shown of routes: the rules, how each profile stands, and what became of one order's route."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.routing.latency import Expected
from floorbroker.gateway.routing.looks import budget_left, shut_of
from floorbroker.gateway.routing.parents import Parent
from floorbroker.gateway.routing.policy import Moving, Policy, Strategy, VenueTerms
from floorbroker.gateway.routing.promoting import Promotions
from floorbroker.gateway.routing.record import RouteRecord
from floorbroker.gateway.routing.router import Router


@frozen
class ShownRule:
    """A rule with the profiles this desk has for it; `active` is the one in front, where they are demoted and promoted.

    An order is split over `split_most` of them at the most.
    """

    name: str
    uses: Strategy
    symbol: str
    strategy: str
    profiles: tuple[ProfileName, ...]
    active: ProfileName | None = None
    split_most: int = 1


@frozen
class ShownProfile:
    """How a profile stands as a route: `trouble` is why it takes no orders now, `demoted` why it is not in front.

    `latency` is what a submit is expected to take there, by what was measured.
    """

    profile: ProfileName
    trouble: str
    demoted: str
    health: int
    open_orders: int
    budget_left: Decimal
    terms: VenueTerms
    latency: Expected


@frozen
class RoutingState:
    """Routes and standings of one environment."""

    rules: tuple[ShownRule, ...]
    profiles: tuple[ShownProfile, ...]
    moving: Moving


@frozen
class OrderRoute:
    """Why an order went where it went, and the intents before and behind it on its journey; `moving` while one is sought.

    An order that was split has no record of its own, but its plan (`split`) and `children` as they stand.
    """

    record: RouteRecord | None = None
    moved_from: IntentId | None = None
    moved_to: IntentId | None = None
    moving: bool = False
    split: Parent | None = None
    children: tuple[Order, ...] = ()


NO_ROUTING = RoutingState(rules=(), profiles=(), moving=Moving())
NOT_ROUTED = OrderRoute()


def routing_state(router: Router, promotions: Promotions) -> RoutingState:
    """Routes and standings now."""
    return RoutingState(
        rules=_rules(router, promotions, router.policy),
        profiles=tuple(_profile(name, router, promotions) for name in router.sessions),
        moving=router.policy.moving,
    )


def _rules(router: Router, promotions: Promotions, policy: Policy) -> tuple[ShownRule, ...]:
    return tuple(
        ShownRule(
            name=rule.name,
            uses=rule.uses,
            symbol=rule.symbol,
            strategy=rule.strategy,
            profiles=tuple(session.ctx.profile.name for session in router.among(rule)),
            active=promotions.active(rule.profiles) if rule.uses is Strategy.FAILOVER else None,
            split_most=rule.split_most,
        )
        for rule in policy.rules
    )


def _profile(name: ProfileName, router: Router, promotions: Promotions) -> ShownProfile:
    ctx = router.sessions[name].ctx
    shut = shut_of(ctx)
    return ShownProfile(
        profile=name,
        trouble="" if shut is None else shut.detail,
        demoted=promotions.why(name),
        health=promotions.health(name),
        open_orders=ctx.book.open_count,
        budget_left=budget_left(ctx),
        terms=router.policy.terms_of(name),
        latency=router.looks.latencies.expected(name, router.policy.terms_of(name).latency_ms),
    )
