"""Which rule an order falls under, and what the order itself says about that: a route by name, a broker, a profile of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy


@frozen
class Named:
    """What an order names; empty for what it leaves open.  `broker` is a code like `KRAKEN`."""

    route: str = ""
    broker: str = ""
    profile: ProfileName | None = None

    def __bool__(self) -> bool:
        return bool(self.route or self.broker)


OPEN = Named()
_ALONE = Rule(name="only", uses=Strategy.PRIMARY)


def chosen(policy: Policy, wish: NewOrder, named: Named, here: Mapping[ProfileName, str]) -> Rule:
    """The rule for an order, narrowed to what it names; `here` are this desk's profiles with their brokers, in order.

    A route that is named counts whatever its patterns say.  Raises `InvalidRequest` for a route that there is not, a profile or a
    broker that is not in it, and where several profiles are left and nobody said how to choose.
    """
    rule = _rule(policy, wish, named)
    members = [name for name in (rule.profiles if rule is not None else ()) or here if name in here]
    if not named:
        if rule is not None:
            return rule
        if len(here) == 1:
            return _ALONE
        raise InvalidRequest(f"name a profile; there are: {', '.join(here) or 'none'}")
    left = _left(named, members, here, of_route=rule.name if rule is not None else "")
    if rule is None and len(left) > 1:
        raise _wrong("profile", "missing", f"no route chooses among these, so name a profile: {', '.join(left)}")
    return replace(rule or _ALONE, profiles=tuple(left), narrowed=bool(named.broker or named.profile))


def narrowed(rule: Rule, only: tuple[ProfileName, ...]) -> Rule:
    """A rule as an order narrowed it when it was placed."""
    return replace(rule, profiles=only, narrowed=True) if only else rule


def _rule(policy: Policy, wish: NewOrder, named: Named) -> Rule | None:
    if not named.route:
        return policy.rule_for(wish)
    found = next((rule for rule in policy.rules if rule.name == named.route), None)
    if found is None:
        names = ", ".join(rule.name for rule in policy.rules) or "none"
        raise _wrong("route", "not_one_of", f"no route {named.route!r}; there are: {names}")
    return found


def _left(
    named: Named, members: list[ProfileName], here: Mapping[ProfileName, str], *, of_route: str
) -> list[ProfileName]:
    where = f"route {of_route}" if of_route else "this desk"
    left = [name for name in members if not named.broker or here[name] == named.broker]
    if not left:
        brokers = ", ".join(sorted({here[name] for name in members})) or "none"
        raise _wrong("broker", "not_one_of", f"{where} has no profile at {named.broker}; its brokers are: {brokers}")
    if named.profile is None:
        return left
    if named.profile not in left:
        raise _wrong("profile", "not_one_of", f"{where} has no profile {named.profile!r}; it has: {', '.join(left)}")
    return [named.profile]


def _wrong(member: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=f"/{member}", code=code, detail=detail),))
