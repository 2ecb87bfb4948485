"""One order on its way through the router: what is wanted, one try to place it, and whether it is past turning back."""

from __future__ import annotations

from dataclasses import dataclass, field

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Rule
from floorbroker.gateway.routing.record import Journey, PartOf
from floorbroker.gateway.routing.strategies import Choice, Ranking
from floorbroker.oms.account import Actor
from floorbroker.oms.submit import Key


@frozen
class Wanted:
    """One wish on its way: who wants it, under which key, by which rule; `part` where it is one of a split order's."""

    wish: NewOrder
    actor: Actor
    key: Key | None
    rule: Rule
    part: PartOf | None = None


@dataclass(slots=True)
class Attempt:
    """One try to place a wish: the ranking, who refused it meanwhile, and what is committed with it."""

    wanted: Wanted
    ranking: Ranking
    old: Order | None = None
    why: str = ""
    journey: Journey | None = None  # of the intent that is dead
    refused: dict[ProfileName, str] = field(default_factory=dict[ProfileName, str])
    poor: list[Choice] = field(default_factory=list[Choice])  # short of money when last looked at
    is_approved: bool = False
    has_twin: bool = False  # an account of its route had the same wish a moment ago
    is_audited: bool = False  # whether a refusal of it stands in the audit


@dataclass(slots=True)
class Trip:
    """Whether the point is passed from which the act goes on without its caller."""

    begun: bool = False
