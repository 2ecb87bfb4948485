"""The accounts of a schedule: each a profile of the desk, and a simulated venue with a control door as plain calls."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from floorbroker.app.compose import Seat
from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy
from floorbroker.risk.limits import limits_of
from tests.simulation.asgi import App, ask
from tests.simulation.claims import Truth
from tests.simulation.network import Site
from tests.simulation.schedule import ROUTED, TICK, Plan
from tests.simulation.streams import Talk
from tests.simulation.worlds import World, origin_of

PROFILE = ProfileName("simulated")  # of a schedule with one account

# Wishes of a plan may stand on both sides of one price, and what a venue says of its equity may be anything.
BOTH_SIDES = {"self_match": "off", "max_loss_day_pct": None, "max_drawdown_pct": None}


@dataclass(slots=True)
class Venue:
    """A venue as those who look at it from outside have it."""

    world: World
    app: App
    control: App
    run: Callable[..., Coroutine[Any, Any, None]]
    credentials: dict[str, str]
    talk: Talk | None = None

    async def truth(self, what: str) -> list[dict[str, Any]]:
        """`orders`, `fills`, `positions` or `requests`, as the venue knows them."""
        reply = await ask(self.control, "GET", f"/{what}")
        rows: list[dict[str, Any]] = msgspec.json.decode(reply.body)
        return rows

    async def told(self) -> Truth:
        """All of it, by the names that our side has for things."""
        orders, fills, positions = [await self.truth(what) for what in ("orders", "fills", "positions")]
        orders, fills = self.world.as_ours(orders, fills)
        named = [(self.world.symbol_of(row["symbol"]), row) for row in positions]
        return Truth(
            orders=[self._named(row) for row in orders],
            fills=[self._named(row) for row in fills],
            positions=[{**row, "symbol": symbol} for symbol, row in named if symbol is not None],
        )

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        ids = {name: self.world.id_of(row["symbol"], row[name]) for name in ("order", "exec") if name in row}
        return {**row, **ids}

    async def do(self, what: str, **fields: Any) -> bool:
        """Play one hand; False when the venue could not."""
        reply = await ask(self.control, "POST", f"/{what}", msgspec.json.encode(fields))
        return reply.status < 300

    async def price(self, symbol: str, bid: Decimal) -> None:
        await self.do("price", symbol=symbol, bid=str(bid), ask=str(bid + TICK), last=str(bid))


@dataclass(slots=True)
class Seen:
    """The venue as a witness sees it: positions under our names."""

    made: Any
    world: World

    def orders(self) -> list[dict[str, str | None]]:
        rows, _ = self.world.as_ours(self.made.orders(), [])
        return rows

    def positions(self) -> list[dict[str, str | None]]:
        named = [(self.world.symbol_of(row["symbol"]), row) for row in self.made.positions()]
        return [{**row, "symbol": symbol} for symbol, row in named if symbol is not None]


@dataclass(slots=True)
class Place:
    """One account: the profile that trades there, at which address, under which limits."""

    name: ProfileName
    origin: str
    venue: Venue
    seen: Seen
    options: dict[str, str]
    limits: dict[str, Any]
    lists_fills: bool

    @property
    def world(self) -> World:
        return self.venue.world

    @property
    def authority(self) -> str:
        return urlsplit(self.origin).netloc

    @property
    def site(self) -> Site:
        """Where the network finds it."""
        world = self.world
        venue = self.venue
        return Site(app=venue.app, at=self.name, talk=venue.talk, words=world.words, spoken=world.spoken)

    def seat(self, state: Any) -> Seat:
        """Its profile, ready to be wired; `state` is a file for a venue that keeps one."""
        profile = Profile(name=self.name, broker=self.world.code, environment=Environment.SIM, options=self.options)
        plain, secrets = self.world.parted(self.venue.credentials, self.origin)
        limits = limits_of({**BOTH_SIDES, **self.limits}, Environment.SIM)
        return Seat(profile=profile, limits=limits, plain=plain, secrets=secrets, state=state)


def policy_of(plan: Plan) -> Policy:
    """How orders that name no account are routed; what dies there moves on soon."""
    if not plan.routes:
        return Policy()
    names = tuple(ProfileName(name) for name in ROUTED)
    rule = Rule(name="twins", uses=Strategy(plan.routes), profiles=names)
    return Policy(rules=(rule,), moving=Moving(enabled=True, demote_after_s=2.0, promote_after_s=5.0))


def places_of(plan: Plan, clock: Clock) -> dict[str, Place]:
    """The accounts of a plan by the names that it has for them, in its order."""
    return {name: _place(number, name, plan, clock) for number, name in enumerate(plan.accounts)}


def _place(number: int, name: str, plan: Plan, clock: Clock) -> Place:
    world = plan.world_at(name)
    made = world.venue(plan, clock)
    venue = Venue(
        world=world,
        app=made.app,
        control=made.control_app,
        run=made.run,
        credentials=dict(made.credentials),
        talk=getattr(made, "talk", None),
    )
    is_odd = plan.odd in {"", name}
    return Place(
        name=PROFILE if len(plan.accounts) == 1 else ProfileName(name),
        origin=origin_of(number),
        venue=venue,
        seen=Seen(made, world),
        options=world.options(plan),
        limits={**world.limits, **(dict(plan.limits) if is_odd else {})},
        lists_fills=world.lists_fills and (plan.lists_fills or not is_odd),
    )
