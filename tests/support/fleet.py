"""Several fake brokers behind one desk with routes, over a real journal and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

from floorbroker.app.compose import Surroundings, route
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.recovery import recover
from floorbroker.bus import InProcessBus
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NoMeter, Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller, DeskEvent, Submitted
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy
from floorbroker.gateway.routing.promoting import Promotions
from floorbroker.gateway.routing.record import RouteRecord
from floorbroker.gateway.routing.router import Router
from floorbroker.gateway.session import ProfileSession
from floorbroker.gateway.views import is_kept
from floorbroker.oms.account import AccountContext, Switches
from floorbroker.oms.book import OrderBook
from floorbroker.oms.service import OrderService
from floorbroker.oms.writer import Writer
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.store.sqlite import SqliteJournal
from tests.support.fake_broker import INFO, FakeBroker
from tests.support.house import NOON, TAG, FaultyJournal, Notes

CALLER = Caller(principal="tester", via="test")
A, B, C = (ProfileName(name) for name in ("alpha", "beta", "gamma"))
NAMES = (A, B, C)
MOVING = Moving(enabled=True)
ENFORCED = replace(INFO, bound_enforced=True)


def ruled(uses: Strategy, *, moving: Moving = MOVING, **members: Any) -> Policy:
    """One rule for everything."""
    return Policy(rules=(Rule(name="default", uses=uses),), moving=moving, **members)


@dataclass(slots=True, repr=False)
class Fleet:
    """The desk, its venues, and everything around it that a test may want to touch."""

    gateway: Gateway
    brokers: dict[ProfileName, FakeBroker]
    journal: FaultyJournal
    clock: ManualClock
    log: Notes
    health: dict[ProfileName, int]
    told: list[DeskEvent]
    before: set[asyncio.Task[object]] = field(default_factory=lambda: set(asyncio.all_tasks()))

    @property
    def router(self) -> Router:
        assert self.gateway.router is not None
        return self.gateway.router

    @property
    def promotions(self) -> Promotions:
        assert self.gateway.promotions is not None
        return self.gateway.promotions

    async def submitted(self, wish: NewOrder, *, key: str | None = None, body_hash: str = "") -> Submitted:
        return await self.gateway.submit(wish, profile=None, caller=CALLER, key=key, body_hash=body_hash)

    async def place(self, wish: NewOrder, *, key: str | None = None) -> Order:
        return (await self.submitted(wish, key=key)).order

    def route(self, order: Order) -> RouteRecord:
        found = self.router.record(self.gateway.order(order.intent_id))
        assert found is not None
        return found

    def sent(self) -> list[ProfileName]:
        """Whose venue got how many orders, one entry each."""
        return [name for name, broker in self.brokers.items() for kind, _ in broker.requests if kind == "submit"]

    def working(self) -> list[ProfileName]:
        """Where an order works or was filled at the venue itself."""
        return [
            name
            for name, broker in self.brokers.items()
            for order in broker.orders.values()
            if order.status.value in ("new", "partially_filled", "filled")
        ]

    async def until(self, holds: Callable[[], bool], *, longest_s: float = 120.0) -> None:
        """Let time pass in quarter seconds until something holds."""
        for _ in range(int(longest_s * 4)):
            if holds():
                return
            await self.clock.advance(0.25)
        raise AssertionError(f"not within {longest_s} s; {self.gateway.profiles()} {self.gateway.orders()}")

    def ready(self) -> bool:
        return all(session.state.value == "ready" for session in self.gateway.sessions.values())

    def events(self, word: str) -> list[DeskEvent]:
        return [event for event in self.told if event.data.get("event") == word]

    async def crash(self) -> None:
        """End as a killed process does: nothing is finished or written any more."""
        self.journal.honest.abandon()
        mine = asyncio.all_tasks() - self.before - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    async def stop(self) -> None:
        self.journal.fault_when = lambda entries: False
        for broker in self.brokers.values():
            for gate in broker.gates.values():
                gate.set()
        stopping = asyncio.ensure_future(self.gateway.stop())
        while not stopping.done():
            await self.clock.advance(1.0)
        await stopping


def make(
    root: Path,
    policy: Policy,
    *,
    names: Iterable[ProfileName] = NAMES,
    brokers: dict[ProfileName, FakeBroker] | None = None,
    clock: ManualClock | None = None,
    limits: dict[ProfileName, RiskLimits] | None = None,
    environment: Environment = Environment.SIM,
) -> Fleet:
    """A desk recovered from whatever journal is in `root`, not started."""
    clock, log = clock or ManualClock(NOON), Notes()
    brokers = brokers or {name: FakeBroker(clock, info=ENFORCED) for name in names}
    honest = SqliteJournal.open(root / "journal.db", clock=clock, environment=environment, instance_tag=TAG)
    journal, permits, random = FaultyJournal(honest), FilePermits(Home.at(root)), Random(7)
    switch = KillSwitch(
        journal=journal, permits=permits, clock=clock, log=log, profiles=lambda: tuple(gateway.sessions)
    )
    told: list[DeskEvent] = []
    bus = InProcessBus[DeskEvent](
        seq_of=lambda event: event.seq,
        replay=lambda after: gateway.past(after),  # noqa: PLW0108
        kept=is_kept,
    )
    gateway = Gateway(journal=journal, kill_switch=switch, clock=clock, log=log, bus=bus, health=HealthBook(clock))
    for name, broker in brokers.items():
        mine = (limits or {}).get(name, RiskLimits(duplicate_window_s=Decimal(0)))
        gateway.sessions[name] = _session(name, broker, gateway, limits=mine, random=random, environment=environment)
    around = cast("Surroundings", _Around(clock, log, policy))
    health: dict[ProfileName, int] = {}
    route(gateway, around, health=lambda name: health.get(name, 100))
    recover(gateway)
    publish = bus.publish

    def heard(event: DeskEvent) -> None:
        told.append(event)
        publish(event)

    bus.publish = heard
    return Fleet(gateway, brokers, journal, clock, log, health, told)


@dataclass(slots=True)
class _Around:
    """As much of the surroundings as routes ask for."""

    clock: ManualClock
    log: Notes
    routes: Policy
    meter: NoMeter = field(default_factory=NoMeter)


def _session(
    name: ProfileName,
    broker: FakeBroker,
    gateway: Gateway,
    *,
    limits: RiskLimits,
    random: Random,
    environment: Environment,
) -> ProfileSession:
    profile = Profile(name=name, broker="FAKE", environment=environment)
    book = OrderBook(profile=name, identity=broker.identity)
    writer = Writer(
        journal=gateway.journal,
        book=book,
        clock=gateway.clock,
        log=gateway.log,
        on_change=lambda change: None,
        on_fault=lambda fault: None,
    )
    ctx = AccountContext(
        profile=profile,
        broker=broker,
        journal=gateway.journal,
        book=book,
        gate=RiskGate(profile, gateway.clock),
        writer=writer,
        clock=gateway.clock,
        ids=IdSource(tag=TAG, random=random),
        limits=limits,
        switches=Switches(
            blocked=lambda: gateway.kill_switch.blocked(name),
            latched=lambda: gateway.kill_switch.latched(name),
            not_ready=lambda: session.not_ready(),  # noqa: PLW0108 - it is made below
            not_armed=str,
        ),
        log=gateway.log,
        meter=NoMeter(),
        arrival_bound_s=broker.info.arrival_bound_s,
        visibility_lag_s=broker.info.visibility_lag_s,
        risk_book=gateway.guard.risk,
    )
    gateway.guard.attend(ctx)
    service = OrderService(ctx, announce=gateway.on_change)
    session = ProfileSession(ctx=ctx, service=service, random=random, on_health=gateway.on_health)
    return session


@asynccontextmanager
async def opened(root: Path, policy: Policy, *, ready: bool = True, **how: Any) -> AsyncGenerator[Fleet]:
    """A running desk, every session READY unless told otherwise."""
    fleet = make(root, policy, **how)
    await fleet.gateway.start()
    try:
        if ready:
            await fleet.until(fleet.ready)
        yield fleet
    finally:
        await fleet.stop()
