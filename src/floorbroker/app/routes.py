"""The routes that the configuration asks for, as the policy of one environment's router."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from floorbroker.app.config import Config, FailoverSection, RoutingSection
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy, VenueTerms

DEFAULT = "default"


def policy_of(config: Config, known: Iterable[ProfileName]) -> Policy:
    """The policy.  Raises `ConfigInvalid` for a route that names a profile nobody configured, or two routes of one name."""
    routing = config.routing
    names = frozenset(known) | frozenset(ProfileName(name) for name in config.profiles)
    rules = _rules(routing, names)
    for name in routing.venues:
        _assert_known("routing.venues", [name], names)
    return Policy(
        rules=rules,
        terms=_terms(routing),
        moving=_moving(config.failover),
        quote_age_max_s=routing.quote_age_max_s,
        quote_wait_s=routing.quote_wait_s,
        latency_bps_s=routing.latency_bps_s,
    )


def has_routes(config: Config) -> bool:
    """Whether any order can be routed at all."""
    return config.routing.strategy != "none" or bool(config.routing.rules)


def _rules(routing: RoutingSection, names: frozenset[ProfileName]) -> tuple[Rule, ...]:
    found = [
        Rule(
            name=rule.name,
            uses=Strategy(rule.use),
            profiles=_assert_known(f"routing.rules.{rule.name}.profiles", rule.profiles, names),
            symbol=rule.symbol,
            strategy=rule.strategy,
            split_most=_most(f"routing.rules.{rule.name}", rule.use, rule.split_most),
            split_gain_bps=rule.split_gain_bps,
        )
        for rule in routing.rules
    ]
    last = _assert_known("routing.profiles", routing.profiles, names)
    if routing.strategy != "none":
        found.append(
            Rule(
                name=DEFAULT,
                uses=Strategy(routing.strategy),
                profiles=last,
                split_most=_most("routing", routing.strategy, routing.split_most),
                split_gain_bps=routing.split_gain_bps,
            )
        )
    twice = [rule.name for place, rule in enumerate(found) if rule.name in {other.name for other in found[:place]}]
    if twice:
        raise ConfigInvalid(f"routing.rules: two routes are called {twice[0]!r}; give each a name of its own")
    return tuple(found)


def _most(where: str, use: str, split_most: int) -> int:
    if split_most > 1 and use != Strategy.BEST_EXECUTION.value:
        raise ConfigInvalid(f"{where}.split_most: only best_execution splits orders, and this route uses {use}")
    return split_most


def _assert_known(where: str, given: Sequence[str], names: frozenset[ProfileName]) -> tuple[ProfileName, ...]:
    for place, name in enumerate(given):
        if ProfileName(name) not in names:
            raise ConfigInvalid(f"{where}: no profile {name!r}; there are: {', '.join(sorted(names)) or 'none'}")
        if name in given[:place]:
            raise ConfigInvalid(f"{where}: {name!r} stands there twice")
    return tuple(ProfileName(name) for name in given)


def _terms(routing: RoutingSection) -> Mapping[ProfileName, VenueTerms]:
    return {
        ProfileName(name): VenueTerms(
            weight=venue.weight, fee_bps=venue.fee_bps, fee_per_unit=venue.fee_per_unit, latency_ms=venue.latency_ms
        )
        for name, venue in routing.venues.items()
    }


def _moving(section: FailoverSection) -> Moving:
    if section.promote_above < section.demote_below:
        raise ConfigInvalid("failover.promote_above: it may not be below failover.demote_below")
    return Moving(**section.model_dump())
