"""Ten thousand submits race a kill, at several accounts, by several strategies and tokens: none that it covers leaves after the
latch, and at level 2 none stays open (I14).  One of the five races of every run has that many,
the others fewer; `RACES=n` runs n, all at full size.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from floorbroker.bus import InProcessBus
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, KillSwitchOn
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import Approved
from floorbroker.domain.ports import NoLog, NoMeter, Profile, Reports
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller, DeskEvent
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.killing import numbers_of
from floorbroker.gateway.scopes import GLOBAL, Kind, named, parted
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.account import AccountContext, Switches
from floorbroker.oms.book import OrderBook
from floorbroker.oms.last_look import LastLook
from floorbroker.oms.service import OrderService
from floorbroker.oms.writer import Writer
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.transport.types import Lane, Request
from tests.simulation.clock import SimulatedClock
from tests.simulation.house import EPOCH, TAG, Permits, scratch
from tests.simulation.loop import SimulatedLoop
from tests.support.fake_broker import OPEN, FakeBroker, buy

SUBMITS, FEWER = 10_000, 2_000  # the first race is run at full size, those over other scopes by a smaller crowd
SCHEDULES = 5
PROFILES = tuple(ProfileName(name) for name in ("east", "west", "north"))
STRATEGIES, TOKENS = ("wild", "calm", "slow"), ("ada", "bot")
SPREAD_S = 4.0  # of virtual time, over which the wishes come
SCOPES = tuple(ProfileName(s) for s in ("*", "west", "account:A-north", "strategy:wild", "token:bot"))
LIMITS = RiskLimits(
    max_messages_s=None, max_messages_min=None, max_open_orders=None, max_open_orders_symbol=None, max_position_qty=None,
    max_position_notional=None, max_gross_exposure=None, max_net_exposure=None, max_leverage=None,
    max_order_notional=None, intent_age_max_s=Decimal(60),
)  # fmt: skip


class Wire(FakeBroker):
    """A venue at the end of a wire: each command waits for its turn, is looked at for the last time, and travels."""

    random: Random
    look: LastLook
    race: Race

    async def submit_order(self, approved: Approved) -> Reports:
        await asyncio.sleep(self.random.uniform(0, 0.2))
        self.look(
            Request(
                method="POST", origin="", path="/", endpoint="orders.submit", lane=Lane.NEW, order=approved.cl_ord_id
            )
        )
        self.race.left(approved)
        await asyncio.sleep(self.random.uniform(0, 0.2))
        return await super().submit_order(approved)


@dataclass(slots=True)
class Race:
    """Who left before the latch, who after it, and who was refused."""

    desk: Gateway
    scope: ProfileName
    latched: bool = False
    late: list[str] = field(default_factory=list[str])
    told: Counter[str] = field(default_factory=Counter[str])

    def covers(self, approved: Approved) -> bool:
        kind, name = parted(self.scope)
        principal = self.desk.sessions[approved.profile].ctx.book.principal(approved.intent_id)
        mine = {
            Kind.ALL: "", Kind.PROFILE: approved.profile, Kind.ACCOUNT: f"A-{approved.profile}",
            Kind.STRATEGY: approved.order.strategy, Kind.TOKEN: principal,
        }  # fmt: skip
        return mine[kind] == name

    def left(self, approved: Approved) -> None:
        is_covered = self.covers(approved)
        self.told[f"left {'after' if self.latched else 'before'}{'' if is_covered else ', not covered'}"] += 1
        if self.latched and is_covered:
            self.late.append(approved.cl_ord_id)


def desk_of(folder: Path, clock: Clock, random: Random) -> Gateway:
    """One desk with an account at each of three venues."""
    journal = SqliteJournal.open(folder / "journal.db", clock=clock, environment=Environment.SIM, instance_tag=TAG)
    switch = KillSwitch(
        journal=journal, permits=Permits(), clock=clock, log=NoLog(), profiles=lambda: tuple(desk.sessions),
        accounts=lambda name: numbers_of(desk.sessions[name].ctx),
    )  # fmt: skip
    bus = InProcessBus[DeskEvent](seq_of=lambda event: event.seq, replay=lambda after: desk.past(after))  # noqa: PLW0108
    health = HealthBook(clock)
    desk = Gateway(journal=journal, kill_switch=switch, clock=clock, log=NoLog(), bus=bus, health=health)
    for name in PROFILES:
        desk.sessions[name] = _session(desk, name, clock, random)
    return desk


def _session(desk: Gateway, name: ProfileName, clock: Clock, random: Random) -> ProfileSession:
    switch, profile = desk.kill_switch, Profile(name=name, broker="FAKE", environment=Environment.SIM)
    switches = Switches(
        blocked=lambda: switch.blocked(name), not_ready=lambda: session.not_ready(), not_armed=str,  # noqa: PLW0108
        barred=switch.barred, bars_some=lambda: switch.bars_some,
    )  # fmt: skip
    broker = Wire(clock, account=f"A-{name}", buying_power=Decimal(10**12))
    book = OrderBook(profile=name, identity=broker.identity)
    broker.random, broker.look = random, LastLook(switches, book)
    writer = Writer(journal=desk.journal, book=book, clock=clock, log=NoLog(), on_change=_nothing, on_fault=_nothing)
    ctx = AccountContext(
        profile=profile, broker=broker, journal=desk.journal, book=book, gate=RiskGate(profile, clock), writer=writer,
        clock=clock, ids=IdSource(tag=TAG, random=random), limits=LIMITS, switches=switches, log=NoLog(), meter=NoMeter(),
        arrival_bound_s=broker.info.arrival_bound_s, visibility_lag_s=broker.info.visibility_lag_s,
    )  # fmt: skip
    service = OrderService(ctx, announce=desk.on_change)
    session = ProfileSession(ctx=ctx, service=service, random=random, on_health=desk.on_health)
    return session


def _nothing(told: object) -> None:
    del told


async def raced(desk: Gateway, clock: Clock, random: Random, scope: ProfileName, level: int, *, submits: int) -> Race:
    """Everybody wishes at a moment of their own; in the middle of it somebody kills."""
    race = Race(desk, scope)
    await desk.start()
    await desk.until_settled()
    for session in desk.sessions.values():
        session.ctx.broker.race = race  # type: ignore[attr-defined]

    async def wish(number: int) -> None:
        order = replace(buy(str(1 + number % 7)), strategy=random.choice(STRATEGIES))
        profile, caller = random.choice(PROFILES), Caller(principal=random.choice(TOKENS), via="api")
        await asyncio.sleep(random.uniform(0, SPREAD_S))
        try:
            await desk.submit(order, profile=profile, caller=caller)
        except FloorbrokerError as error:
            race.told[f"refused: {error.code}"] += 1

    async def kill() -> None:
        await asyncio.sleep(random.uniform(0.2, 0.8) * SPREAD_S)
        killing = desk.kill(level, caller=Caller(principal="ada", via="api"), reason="race", **named(scope))
        task = asyncio.ensure_future(killing)
        while not desk.kill_switch.level_at(scope):  # noqa: ASYNC110 - the latch closes in the task's first step
            await asyncio.sleep(0)
        race.latched = True
        await task

    await asyncio.gather(kill(), *(wish(number) for number in range(submits)))
    for _ in range(200):
        if not desk.kill_state().remaining:
            break
        await clock.sleep(0.5)
    return race


@contextmanager
def looped(seed: int) -> Iterator[SimulatedLoop]:
    loop = SimulatedLoop(random=Random(f"loop {seed}"), steps_max=50_000_000)
    try:
        yield loop
    finally:
        loop.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(max(SCHEDULES, int(os.environ.get("RACES", "0")))))
def test_nothing_that_a_kill_covers_leaves_after_its_latch_i14(seed: int) -> None:
    random, is_whole = Random(f"race {seed}"), seed == 0 or "RACES" in os.environ
    scope, level = SCOPES[seed % len(SCOPES)], 2 if seed % 2 == 0 else random.choice((1, 2, 3))
    with looped(seed) as loop, scratch() as folder:
        clock = SimulatedClock(loop, epoch=EPOCH)
        desk = desk_of(folder, clock, random)
        race = loop.run_until_complete(raced(desk, clock, random, scope, level, submits=SUBMITS if is_whole else FEWER))
        open_after = [order for order in desk.orders() if order.is_open and desk.killing.level_of(order) > 1]
        venues = [session.ctx.broker for session in desk.sessions.values()]
        working = sum(o.status in OPEN for venue in venues if isinstance(venue, Wire) for o in venue.orders.values())
        loop.run_until_complete(desk.stop())
    assert race.late == []
    assert race.told["left before"] > 0
    assert race.told[f"refused: {KillSwitchOn.code}"] > 0
    assert open_after == []
    if scope == GLOBAL and level > 1:
        assert working == 0
    if scope != GLOBAL:
        assert race.told["left after, not covered"] > 0
