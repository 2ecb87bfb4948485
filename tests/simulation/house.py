"""The house under test: venues, a desk that can die and come back, and hands for the people who use both."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from floorbroker.app.compose import Surroundings, compose
from floorbroker.app.redactor import SecretFilter, spelt
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.clock import Clock, ManualClock
from floorbroker.domain.errors import FloorbrokerError, JournalFault, NotSupported
from floorbroker.domain.ports import Journal, NoMeter, Record
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import Environment, ProfileName, from_epoch
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import Sentinel
from floorbroker.oms.archive import Archive
from floorbroker.store.seals import Seals
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.strategy.bots import Bot
from floorbroker.transport.types import OrderHttp, Request
from tests.simulation.bots.robot import Robot, tape_of
from tests.simulation.clock import SimulatedClock
from tests.simulation.disk import WeatheredExecutor
from tests.simulation.footsteps import Footsteps
from tests.simulation.loop import Node, SimulatedLoop, current_node
from tests.simulation.network import Network, SimulatedHttp, SimulatedOrderHttp
from tests.simulation.places import Place, places_of, policy_of
from tests.simulation.schedule import Plan
from tests.simulation.weather import Weather
from tests.simulation.witness import Witness

T = TypeVar("T")

EPOCH = from_epoch(s=1_772_463_600)  # Monday 2026-03-02, 15:00 UTC: the New York session is open
CLOSE = from_epoch(s=1_772_485_200)  # and closes at 21:00 UTC
TAG = 0x5F1
SEALED_AFTER = timedelta(seconds=2)  # soon, so that much of what comes late comes to sealed orders
LINGER_S = 0.5  # rows that nobody waits for go together: a flush for each question would be most of a schedule's work
FEED_S = 5.0  # prices stand where the plan puts them; what is left of the market's clock is the end of a day


_spelt = lru_cache(maxsize=256)(spelt)  # every life learns the same few credentials


class Died(Exception):
    """The desk died before it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Where a deliberate bug may stand: around the order shell, around the journal, in a finished desk or in a bot."""

    order_http: Callable[[OrderHttp], OrderHttp] | None = None
    journal: Callable[[Journal], Journal] | None = None
    desk: Callable[[Gateway], None] | None = None
    bot: Callable[[Bot], None] | None = None


HONEST = Plant()


class WithoutFills:
    """A broker whose venue cannot list executions."""

    def __init__(self, honest: Any) -> None:
        self._honest = honest
        self.info: BrokerInfo = replace(honest.info, can=honest.info.can - {Can.HISTORY_FILLS})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        raise NotSupported("this venue does not list fills")


@dataclass(slots=True)
class Permits:
    """Permit files, without files: they outlive the process."""

    granted: set[ProfileName] = field(default_factory=set[ProfileName])
    _written: asyncio.Event = field(default_factory=asyncio.Event)

    def has(self, profile: ProfileName) -> bool:
        return profile in self.granted

    def grant(self, profile: ProfileName) -> None:
        self.granted.add(profile)

    def withdraw(self, profile: ProfileName) -> None:
        self.granted.discard(profile)

    def sentinels(self) -> list[Sentinel]:
        return []

    def clear_sentinels(self, scope: ProfileName) -> None:
        """None was ever written."""

    async def changed(self, clock: Clock) -> None:
        """Nobody polls here; whoever writes a kill says so."""
        await self._written.wait()
        self._written.clear()


@dataclass(slots=True)
class Memory:
    """A log that keeps its lines, for a failed run's report."""

    now: Callable[[], float]
    lines: list[str] = field(default_factory=list[str])

    def info(self, event: str, **members: object) -> None:
        self._note("info", event, members)

    def warning(self, event: str, **members: object) -> None:
        self._note("warning", event, members)

    def error(self, event: str, **members: object) -> None:
        self._note("error", event, members)

    def note(self, text: str) -> None:
        self.lines.append(f"{self.now():9.3f} {text}")

    def _note(self, level: str, event: str, members: dict[str, object]) -> None:
        told = " ".join(f"{name}={value}" for name, value in members.items())
        self.note(f"desk {level} {event} {told}")


@dataclass(slots=True)
class House:
    """One desk and its accounts; `plant` may put a bug into each desk that is made."""

    plan: Plan
    loop: SimulatedLoop
    home: Path
    places: dict[str, Place]  # by the names that the plan has for them
    network: Network
    weather: Weather
    log: Memory
    witness: Witness
    plant: Plant = HONEST
    permits: Permits = field(default_factory=Permits)
    footsteps: Footsteps = field(default_factory=Footsteps)
    lives: int = 0
    commands: int = 0  # of this life
    hits: int = 0  # of the step at which this life is to end
    dies_at: str | None = None  # that step, once it was reached
    deaths: int = 0
    node: Node | None = None
    desk: Gateway | None = None
    robot: Robot | None = None
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: asyncio.Task[None] | None = None
    _markets: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    # -- the life of the desk -----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin the first life; each death is followed by another.  The market runs from here on."""
        self.network.on_command = self._on_command
        self.weather.on_strike = self.footsteps.struck
        self.footsteps.on_reach = self._on_step
        self.network.on_left, self.network.on_taken = self.witness.on_left, self.witness.on_taken
        self._markets = [self.loop.create_task(place.venue.run(every_s=FEED_S)) for place in self.places.values()]
        # A task more is another order of all that follows, so a venue without nights has none.
        nightly = [place for place in self.places.values() if place.world.nights(self.plan)]
        self._markets += [self.loop.create_task(self._nights(place)) for place in nightly]
        self._keeper = self.loop.create_task(self._keep_alive())

    async def _nights(self, place: Place) -> None:
        """What the venue's own clockwork does to everybody."""
        began_s = self.loop.now_s
        for hand in place.world.nights(self.plan):
            await self.loop.nap(max(0.0, began_s + hand.at_s - self.loop.now_s))
            self.log.note(f"{place.name} {hand.path} {dict(hand.fields)}")
            await place.venue.do(hand.path, **hand.fields)

    async def _keep_alive(self) -> None:
        while True:
            kill = self.plan.kills[self.lives] if self.lives < len(self.plan.kills) else None
            is_counted = kill is not None and kill.command is None and kill.at is None
            node = Node(f"desk {self.lives + 1}", fatal_step=kill.step if kill and is_counted else None)
            died = asyncio.Event()
            node.on_death += [self._fall, died.set]
            self.lives += 1
            self.commands = self.hits = 0
            self.node = node
            self.loop.spawn(node, self._live(node))
            await died.wait()
            self.log.note(f"{node.name} died at its step {node.steps}")
            self.deaths += 1
            await asyncio.sleep(kill.down_s if kill else 2.0)

    def _on_command(self) -> None:
        """A life that is to end at a command learns its last step here."""
        self.commands += 1
        kill = self.plan.kills[self.lives - 1] if self.lives <= len(self.plan.kills) else None
        node = current_node()
        if kill is not None and kill.command == self.commands and node is not None and node is self.node:
            node.fatal_step = node.steps + kill.step

    def _on_step(self, step: str) -> None:
        """A life that is to end at a named step does so at the first wait behind it."""
        kill = self.plan.kills[self.lives - 1] if self.lives <= len(self.plan.kills) else None
        node = current_node()
        if kill is None or kill.at != step or node is None or node is not self.node:
            return
        self.hits += 1
        if self.hits == kill.hit:
            node.fatal_step = node.steps + 1
            self.dies_at = step

    def _fall(self) -> None:
        """From this moment on nobody finds a desk."""
        self.desk = None
        self._up.clear()
        self.footsteps.died(self.dies_at)
        self.dies_at = None

    async def _live(self, node: Node) -> None:
        try:
            desk = self._make(node)
            await desk.start()
        except FloorbrokerError as error:
            self.log.note(f"{node.name} could not start: {error.detail}")
            self.loop.kill(node)
            await asyncio.sleep(0)
        else:
            self.desk = desk
            self._up.set()
            if self.robot is not None:
                self.loop.spawn(node, self.robot.live(desk, node))

    def _make(self, node: Node) -> Gateway:
        plan = self.plan
        clock = SimulatedClock(self.loop, epoch=epoch_of(plan), error=plan.clock)
        journal = SqliteJournal.open(
            self.home / "journal.db",
            clock=clock,
            environment=Environment.SIM,
            executor=WeatheredExecutor(self.weather),
            instance_tag=TAG,
        )
        node.on_death.append(journal.abandon)
        self.witness.journal = journal

        def stop(fault: JournalFault) -> None:
            self.log.note(f"{node.name} stops: {fault.detail}")
            self.loop.kill(node)

        random = Random(f"{self.plan.seed} {node.name}")
        around = Surroundings(
            clock=clock,
            random=random,
            log=self.log,
            meter=NoMeter(),
            redactor=SecretFilter(_spelt),
            shells=Shells(
                http=lambda: SimulatedHttp(self.network),
                order_http=self._order_http,
                connect=self.network.open_socket,
            ),
            permits=self.permits,
            on_fatal=stop,
            on_record=_nothing,
            instance_tag=journal.instance_tag,
            archive=lambda name: self._archive(name, journal, node),
            epoch=journal.epoch,
            steps=self.footsteps,
            routes=policy_of(plan),
        )
        kept = journal if self.plant.journal is None else self.plant.journal(journal)
        seats = [place.seat(self.home / "venue.log") for place in self.places.values()]
        desk = compose(journal=kept, seats=seats, around=around)
        self._furnish(desk)
        return desk

    def _furnish(self, desk: Gateway) -> None:
        """The venues as the plan wants them, the bug if there is one, and somebody who listens."""
        for place in self.places.values():
            session = desk.sessions[place.name]
            session.service.sealer.at_rest = SEALED_AFTER
            if not place.lists_fills:
                session.ctx.broker = WithoutFills(session.ctx.broker)  # pyright: ignore[reportAttributeAccessIssue]
            session.ctx.writer.linger_s = LINGER_S
        if self.plant.desk is not None:
            self.plant.desk(desk)
        for place in self.places.values():
            service = desk.sessions[place.name].service
            service.announce = self.witness.overhearing(service.announce)

    def let_go(self) -> None:
        """The story is told: what the last life holds open is left, as a killed process leaves it; that is no death of it."""
        if self.node is not None and self._fall in self.node.on_death:
            self.node.on_death.remove(self._fall)
        self.crash()

    def _archive(self, name: ProfileName, journal: SqliteJournal, node: Node) -> Archive | None:
        """Every fourth schedule seals what is closed; beside a journal that lies, everything stays in memory."""
        if self.plan.seed % 4 or self.plant.journal is not None:
            return None
        seals = Seals.open(self.home / f"seals-{name}.db")
        node.on_death.append(seals.abandon)
        return Archive(profile=name, seals=seals, history=journal.reader, log=self.log)

    def _order_http(self, check: Callable[[Request], None]) -> OrderHttp:
        honest = SimulatedOrderHttp(self.network, check=check, footsteps=self.footsteps)
        return honest if self.plant.order_http is None else self.plant.order_http(honest)

    def crash(self) -> None:
        """The living desk dies now."""
        if self.node is not None:
            self.loop.kill(self.node)

    def place(self, account: str = "") -> Place:
        """The account of that name; without one, the only one."""
        return self.places[account or self.plan.accounts[0]]

    def chosen(self, account: str = "") -> list[Place]:
        """That one; without a name, all of them."""
        return [self.places[account]] if account else list(self.places.values())

    # -- hands for people ---------------------------------------------------------------------------------------------

    async def up(self) -> Gateway:
        """The living desk, once there is one."""
        while self.desk is None:
            await self._up.wait()
        return self.desk

    async def call(self, act: Callable[[Gateway], Awaitable[T]]) -> T:
        """Let the living desk do something, as its own process.  Raises `Died` when it dies before it answers."""
        desk = await self.up()
        node = self.node
        assert node is not None  # a desk lives in a node
        answer: asyncio.Future[T] = self.loop.create_future()

        async def within() -> None:
            try:
                result = await act(desk)
            except FloorbrokerError as error:
                _settle(answer, error=error)
            else:
                _settle(answer, result=result)

        def dead() -> None:
            _settle(answer, error=Died())

        node.on_death.append(dead)
        self.loop.spawn(node, within())
        try:
            return await answer
        finally:
            node.on_death.remove(dead)


def epoch_of(plan: Plan) -> datetime:
    """When the schedule begins: in the middle of a session, or so long before its end as the plan says."""
    return EPOCH if plan.closes_at_s is None else CLOSE - timedelta(seconds=plan.closes_at_s)


def _settle(answer: asyncio.Future[Any], *, result: Any = None, error: Exception | None = None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)


def _nothing(record: Record) -> None:
    """Nobody keeps a list of unresolved orders here."""
    del record


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where the machine has one, with a fresh journal in it."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="floorbroker-simulation-", dir=base))
    try:
        (folder / "journal.db").write_bytes(_template())
        yield folder
    finally:
        shutil.rmtree(folder)


@lru_cache(maxsize=1)
def _template() -> bytes:
    """An empty journal as the store makes it, made once: migrations cost more than a schedule."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        clock = ManualClock(EPOCH)
        asyncio.run(_made(path, clock))
        return path.read_bytes()


async def _made(path: Path, clock: ManualClock) -> None:
    journal = SqliteJournal.open(path, clock=clock, environment=Environment.SIM, instance_tag=TAG)
    await journal.close()


def build(plan: Plan, loop: SimulatedLoop, home: Path, *, plant: Plant = HONEST) -> House:
    """The house of a plan, nobody in it yet.  Called inside the loop, outside any node."""
    weather = Weather(faults=plan.faults, random=Random(f"weather {plan.seed}"), now=loop.time)
    places = places_of(plan, SimulatedClock(loop, epoch=epoch_of(plan)))
    watched = [place for place in places.values() if plan.limits and plan.odd in {"", place.name}]
    house = House(
        plan=plan,
        loop=loop,
        home=home,
        places=places,
        network=Network(loop=loop, weather=weather, sites={place.authority: place.site for place in places.values()}),
        weather=weather,
        log=Memory(now=loop.time),
        witness=Witness(
            now=loop.time,
            names={place.authority: place.name for place in places.values()},
            looks={place.name: place.seen for place in watched},
        ),
        plant=plant,
    )
    if plan.bot:
        house.robot = Robot(
            loop=loop, home=home, tape=tape_of(plan), epoch=epoch_of(plan), log=house.log, fate=house, plant=plant.bot
        )
    return house


async def set_prices(house: House) -> None:
    """The markets before anything happens."""
    for place in house.places.values():
        for symbol, bid in place.world.symbols.items():
            await place.venue.price(symbol, bid)
