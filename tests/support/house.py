"""One account's desk over a fake broker, a real journal and a clock that tests move: for tests of the order service,
the sessions and the kill switch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.recovery import recover
from floorbroker.bus import InProcessBus
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError, JournalFault
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NO_STEPS, Entry, Journal, KeyEntry, NoMeter, NoteEntry, Profile, Record, Steps
from floorbroker.domain.timetable import NO_TIMETABLE, Timetable
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.arming import Arming
from floorbroker.gateway.desk import NO_LOCK, Caller, DeskEvent, Lock
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.killing import numbers_of
from floorbroker.gateway.session import ProfileSession
from floorbroker.gateway.views import is_kept
from floorbroker.oms.account import AccountContext, Switches
from floorbroker.oms.archive import Archive
from floorbroker.oms.book import Change, OrderBook
from floorbroker.oms.rounds import restored_watermark
from floorbroker.oms.service import OrderService
from floorbroker.oms.writer import Writer
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.store.seals import Seals
from floorbroker.store.sqlite import SqliteJournal
from tests.support.fake_broker import FakeBroker

NOON = datetime(2026, 3, 2, 15, tzinfo=UTC)
PROFILE = ProfileName("fake")
CALLER = Caller(principal="tester", via="test")
TAG = 0x5A5
BOTH_SIDES = RiskLimits(self_match="off")  # tests may stand on both sides of one price


@dataclass(slots=True)
class FaultyJournal:
    """A journal that fails when told to (`fault_when`), or is durable and slow to say so (`hold_when`)."""

    honest: SqliteJournal
    fault_when: Callable[[Sequence[Entry]], bool] = lambda entries: False
    fault: FloorbrokerError = field(default_factory=lambda: JournalFault("the disk is full"))
    hold_when: Callable[[Sequence[Entry]], asyncio.Event | None] = lambda entries: None
    writable: bool = True
    commits: list[tuple[Entry, ...]] = field(default_factory=list[tuple[Entry, ...]])

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        if self.fault_when(entries):
            raise self.fault
        hold = self.hold_when(entries)
        records = await self.honest.commit(entries)
        self.commits.append(tuple(entries))
        if hold is not None:
            await hold.wait()
        return records

    def replay(self, after: int = 0) -> Iterator[Record]:
        return self.honest.replay(after)

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.honest.read(after=after, limit=limit, kinds=kinds)

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        return self.honest.notes(topic, newest=newest)

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        return self.honest.notes_before(topic, profile, before=before, limit=limit)

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return self.honest.find_key(principal=principal, profile=profile, key=key)

    @property
    def last_seq(self) -> int:
        return self.honest.last_seq

    @property
    def is_writable(self) -> bool:
        return self.writable and self.honest.is_writable

    def recover(self) -> bool:
        return self.writable and self.honest.recover()

    async def close(self) -> None:
        await self.honest.close()


@dataclass(slots=True)
class Notes:
    """A log that keeps its events."""

    events: list[str] = field(default_factory=list[str])
    details: list[str] = field(default_factory=list[str])

    def info(self, event: str, **members: object) -> None:
        self._note(event, members)

    def warning(self, event: str, **members: object) -> None:
        self._note(event, members)

    def error(self, event: str, **members: object) -> None:
        self._note(event, members)

    def _note(self, event: str, members: dict[str, object]) -> None:
        self.events.append(event)
        self.details.append(str(members.get("detail", "")))


@dataclass(slots=True)
class Desk:
    """The desk, and everything around it that a test may want to touch."""

    gateway: Gateway
    session: ProfileSession
    broker: FakeBroker
    journal: FaultyJournal
    clock: ManualClock
    permits: FilePermits
    log: Notes
    faults: list[JournalFault]
    before: set[asyncio.Task[object]] = field(default_factory=lambda: set(asyncio.all_tasks()))

    @property
    def ctx(self) -> AccountContext:
        return self.session.ctx

    @property
    def service(self) -> OrderService:
        return self.session.service

    async def place(
        self, wish: NewOrder, *, key: str | None = None, body_hash: str = "", caller: Caller = CALLER
    ) -> Order:
        submitted = await self.gateway.submit(wish, profile=None, caller=caller, key=key, body_hash=body_hash)
        return submitted.order

    def now(self, order: Order) -> Order:
        """The order as it stands."""
        return self.gateway.order(order.intent_id)

    def only(self) -> Order:
        (order,) = self.gateway.orders()
        return order

    def sent(self, what: str) -> int:
        """How many requests of a kind reached the venue."""
        return sum(1 for kind, _ in self.broker.requests if kind == what)

    async def wait(self, seconds: float = 0.0) -> None:
        """Let time pass, and whatever is due happen."""
        await self.clock.advance(seconds)

    async def until(self, holds: Callable[[], bool], *, longest_s: float = 120.0) -> None:
        """Let time pass in quarter seconds until something holds."""
        for _ in range(int(longest_s * 4)):
            if holds():
                return
            await self.clock.advance(0.25)
        raise AssertionError(f"not within {longest_s} s; {self.gateway.profiles()} {self.gateway.orders()}")

    async def crash(self) -> None:
        """End as a killed process does: nothing is finished or written any more."""
        self.journal.honest.abandon()
        if self.ctx.book.archive is not None:
            self.ctx.book.archive.seals.abandon()
        mine = asyncio.all_tasks() - self.before - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)


def make(
    root: Path,
    *,
    broker: FakeBroker | None = None,
    clock: ManualClock | None = None,
    limits: RiskLimits | None = None,
    environment: Environment = Environment.SIM,
    cancel_late: bool = True,
    answers_when_heard: bool = False,
    not_armed: Callable[[], str] = lambda: "",
    account_number: str = "",
    live_enabled: bool | None = None,
    seals: bool = False,
    steps: Steps = NO_STEPS,
    lock: Lock = NO_LOCK,
    timetable: Timetable = NO_TIMETABLE,
    linger_s: float | None = None,
    journal_name: str = "journal.db",
) -> Desk:
    """A desk recovered from whatever journal is in `root`, not started.

    With `live_enabled` given it is armed, or not, as a live desk is; else `not_armed` is asked.
    """
    clock = clock or ManualClock(NOON)
    broker = broker or FakeBroker(clock)
    home, log, faults = Home.at(root), Notes(), list[JournalFault]()
    permits = FilePermits(home)
    honest = SqliteJournal.open(root / journal_name, clock=clock, environment=environment, instance_tag=TAG)
    journal = FaultyJournal(honest)
    kept: Journal = journal
    switch = KillSwitch(
        journal=kept,
        permits=permits,
        clock=clock,
        log=log,
        profiles=lambda: tuple(gateway.sessions),
        steps=steps,
        accounts=lambda name: numbers_of(gateway.sessions[name].ctx),
    )
    gateway = Gateway(
        journal=kept,
        kill_switch=switch,
        clock=clock,
        log=log,
        bus=InProcessBus[DeskEvent](
            seq_of=lambda event: event.seq,
            replay=lambda after: gateway.past(after),  # noqa: PLW0108
            kept=is_kept,
        ),
        health=HealthBook(clock),
    )
    if live_enabled is not None:
        gateway.arms = Arming(
            journal=kept,
            clock=clock,
            enabled=live_enabled,
            profiles=lambda: tuple(gateway.sessions),
            blocked=switch.blocked,
        )
        switch.disarm = gateway.arms.on_kill
        not_armed = partial(gateway.arms.not_armed, PROFILE)
    profile = Profile(name=PROFILE, broker="FAKE", environment=environment)
    archive = None
    if seals:
        file = Seals.open(root / "seals.db")
        archive = Archive(profile=PROFILE, seals=file, history=honest.reader, log=log)
    book = OrderBook(profile=PROFILE, identity=broker.identity, archive=archive)
    ctx = AccountContext(
        profile=profile,
        broker=broker,
        journal=kept,
        book=book,
        gate=RiskGate(profile, clock),
        writer=Writer(
            journal=kept,
            book=book,
            clock=clock,
            log=log,
            on_change=lambda change: None,
            on_fault=faults.append,
            steps=steps,
        ),
        clock=clock,
        ids=IdSource(tag=TAG, random=Random(7)),
        limits=limits or BOTH_SIDES,
        switches=Switches(
            blocked=lambda: switch.blocked(PROFILE),
            not_ready=lambda: session.not_ready(),  # noqa: PLW0108 - the session is made below
            not_armed=not_armed,
            locked=lambda: lock.reason,
            barred=switch.barred,
            bars_some=lambda: switch.bars_some,
        ),
        log=log,
        meter=NoMeter(),
        arrival_bound_s=broker.info.arrival_bound_s,
        visibility_lag_s=broker.info.visibility_lag_s,
        epoch=honest.epoch,
        account_number=lambda: account_number,
        cancel_late=cancel_late,
        answers_when_heard=answers_when_heard,
        steps=steps,
        risk_book=gateway.guard.risk,
    )
    gateway.guard.attend(ctx)
    service = OrderService(ctx, announce=gateway.on_change)
    service.reconciler.tell = partial(gateway.on_reconciled, PROFILE)
    session = ProfileSession(
        ctx=ctx,
        service=service,
        random=Random(3),
        on_health=gateway.on_health,
        lock=lock,
        timetable=timetable,
        on_fatal=gateway.on_fatal,
        on_lost=partial(gateway.health.reconnected, PROFILE),
    )
    gateway.sessions[PROFILE] = session
    if linger_s is not None:  # before the desk starts: what it leaves then sets the first timer
        ctx.writer.linger_s = linger_s
    if seals or live_enabled is not None:
        recover(gateway)
    else:
        _replay(gateway)
    return Desk(gateway, session, broker, journal, clock, permits, log, faults)


def _replay(gateway: Gateway) -> None:
    for record in gateway.journal.replay():
        gateway.kill_switch.restore(record)
        session = gateway.sessions[PROFILE]
        session.ctx.book.apply(record)
        if isinstance(record.entry, NoteEntry) and record.entry.topic == "recon.round":
            session.service.reconciler.watermark = restored_watermark(record.entry.data)


@asynccontextmanager
async def opened(root: Path, *, ready: bool = True, **how: object) -> AsyncGenerator[Desk]:
    """A running desk, READY unless told otherwise."""
    desk = make(root, **how)  # type: ignore[arg-type]
    await desk.gateway.start()
    try:
        if ready:
            await desk.until(lambda: desk.session.state.value == "ready")
        yield desk
    finally:
        await stopped(desk)


async def stopped(desk: Desk) -> None:
    """Stop in order; time passes for whoever waits for it.  A crashed desk only has its tasks ended."""
    desk.journal.fault_when = lambda entries: False
    for gate in desk.broker.gates.values():
        gate.set()
    stopping = asyncio.ensure_future(desk.gateway.stop())
    while not stopping.done():
        await desk.clock.advance(1.0)
    await stopping


def changes_of(desk: Desk) -> list[Change]:
    """Every change the desk announces from now on."""
    heard: list[Change] = []
    tell = desk.service.announce

    def both(change: Change) -> None:
        heard.append(change)
        tell(change)

    desk.service.announce = both
    return heard
