"""The whole floor of one process: home, configuration, and one running gateway for each environment in use."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from floorbroker.app.auditing import Auditing
from floorbroker.app.binding import assert_bound, bind
from floorbroker.app.compose import Seat, Surroundings, compose
from floorbroker.app.config import PAPER, Config, load, made_of
from floorbroker.app.credentials import BotFile, place_of, profile_of, read_bot
from floorbroker.app.entrusting import Entrusting
from floorbroker.app.failpoints import VARIABLE, fail_points
from floorbroker.app.home import Home
from floorbroker.app.limits_in_force import record_limits
from floorbroker.app.measuring import Measuring
from floorbroker.app.permits import FilePermits
from floorbroker.app.proving import Prover, prover_of
from floorbroker.app.redactor import SecretFilter, secrets_in
from floorbroker.app.routes import has_routes, policy_of
from floorbroker.app.seating import Seating
from floorbroker.app.sources import Sources, gather
from floorbroker.app.tracing import tracer_of
from floorbroker.app.trust import trusted_by
from floorbroker.app.unlocking import STARTING, Unlocking
from floorbroker.brokers.registry import BROKERS, load_rooms
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, JournalFault, WrongPassphrase
from floorbroker.domain.forms import SEALED
from floorbroker.domain.ids import instance_tag
from floorbroker.domain.ports import NO_STEPS, NO_TRACER, Log, Meter, NoLog, NoMeter, Profile, Record, Steps, Tracer
from floorbroker.domain.secret import LeasedSecret, Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import NO_LOCK
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.archive import Archive
from floorbroker.oms.external import ExternalOrders
from floorbroker.store.executors import ThreadExecutor
from floorbroker.store.reserve import Reserve
from floorbroker.store.seals import Seals
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.store.unresolved import UnresolvedLog
from floorbroker.transport.http import AioHttp
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.reach import LoopbackOnly, Resolve, system_resolve
from floorbroker.transport.tcp import ByScheme, TcpConnect
from floorbroker.transport.ws import WsConnect
from floorbroker.vault import KeyDerivation, Scrypt, Seen, SessionLimits

if TYPE_CHECKING:
    from floorbroker.store.desk.database import DeskDatabase

NO_ROUTE = "failover is switched on and no failover route is configured: no order moves to another broker"
_CRASH_TAIL = 1_000  # a line follows its commit at once: only the last records can lack theirs


def _exit_on_fatal(fault: JournalFault) -> None:
    """An I/O error on the journal: stop at once, exit code 12, nothing is tried again (RELIABILITY 10)."""
    del fault
    os._exit(12)


Ask = Callable[[Seen, FloorbrokerError | None], Secret | None]
"""The vault's passphrase, asked for before the desks start: told what the file says of itself, and why the last one was wrong.

None leaves the vault locked; whoever cannot give another one raises the error.
"""


def nobody(seen: Seen, error: FloorbrokerError | None) -> Secret | None:
    """Nobody is there to ask."""
    del seen, error
    return None


@dataclass(slots=True, kw_only=True)
class Outside:
    """What the process hands in from outside; the defaults are the real world."""

    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)
    log: Log = field(default_factory=NoLog)
    meter: Meter = field(default_factory=NoMeter)
    redactor: SecretFilter = field(default_factory=SecretFilter)
    tls: ssl.SSLContext | None = None
    shells: Shells | None = None
    resolve: Resolve | None = None
    steps: Steps = NO_STEPS
    tracer: Tracer = NO_TRACER
    sources: Sources = field(default_factory=Sources)
    derive: KeyDerivation = field(default_factory=Scrypt)
    passphrase: Ask = nobody

    def network(self, environment: Environment, *, tls: ssl.SSLContext | None = None) -> Shells:
        """The shells over real sockets, unless others were handed in; `tls` believes what these profiles name.

        In `sim` each address is looked at before it is connected to: it must be this machine's.
        """
        believed, resolve = tls or self.tls, self.resolve
        if environment is Environment.SIM:
            resolve = LoopbackOnly(resolve or system_resolve)
        return self.shells or self._over_sockets(believed, resolve)

    def _over_sockets(self, tls: ssl.SSLContext | None, resolve: Resolve | None) -> Shells:
        return Shells(
            http=lambda: AioHttp(tls=tls, resolve=resolve),
            order_http=lambda check: OrderHttpClient(tls=tls, check=check, steps=self.steps, resolve=resolve),
            connect=ByScheme(plain=TcpConnect(resolve=resolve), otherwise=WsConnect(tls=tls, resolve=resolve)),
            trusting=lambda other: self._over_sockets(other, resolve),
        )


@dataclass(slots=True)
class Floor:
    """The running desks by environment."""

    home: Home
    config: Config
    desks: dict[Environment, Gateway]
    profiles: tuple[Profile, ...]
    vault: Unlocking
    prove: Prover
    seating: Seating
    _opened: list[DeskDatabase] = field(default_factory=list["DeskDatabase"])

    @property
    def cold(self) -> DeskDatabase:
        """`desk.db`, opened when somebody first asks it: a program that only trades loads nothing for it."""
        if not self._opened:
            from floorbroker.store.desk.database import DeskDatabase

            self._opened.append(DeskDatabase(self.home.desk))
        return self._opened[0]


@asynccontextmanager
async def open_floor(
    home: Home,
    *,
    outside: Outside | None = None,
    config_path: Path | None = None,
    only: frozenset[ProfileName] | None = None,
    environ: Mapping[str, str] | None = None,
    handed: BotFile | None = None,
) -> AsyncGenerator[Floor]:
    """Everything configured, recovered and started; stopped in order on leaving.

    `only` limits the floor to some profiles; `environ` stands in for the process's environment; `handed` are credentials that
    a program hands in, in the place of those that environment and `.env_bot` describe.  Raises `ConfigInvalid`
    for wrong configuration and `Conflict` when another process has a journal open.
    """
    world = outside or Outside()
    written = partial(_written, home, config_path, environ, handed)
    config, bot = written()
    tracing = tracer_of(config.telemetry.endpoint, clock=world.clock, random=world.random)
    if tracing is not None:
        world.tracer = tracing
    for secret in secrets_in(bot.values):
        world.redactor.learn(secret)
    vault = vault_of(home, config, world)
    seats = seats_of(home, config, bot, only=only, sources=world.sources, vault=vault)
    if config.failover.enabled and not has_routes(config):
        world.log.warning("failover.no_route", tag=config.failover.log_tag, detail=NO_ROUTE)
    if plan := (os.environ if environ is None else environ).get(VARIABLE):
        world = replace(world, steps=fail_points(plan, profiles=[seat.profile for seat in seats], log=world.log))
        vault.steps = world.steps
    assert_bound(home, [seat.profile for seat in seats], world.log)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_closed, opened := list["DeskDatabase"]())
        desks: dict[Environment, Gateway] = {}
        seating = _seating(home, world, vault, desks, written)
        if tracing is not None:
            stack.push_async_callback(asyncio.to_thread, tracing.close)
        stack.callback(vault.session.end, "the desk stopped", at_once=True)
        entrusting = Entrusting(vault, world.log)
        opening = _Opening(home=home, world=world, vault=vault, seating=seating, entrusting=entrusting, written=written)
        stack.push_async_callback(opening.stop)
        for environment in Environment:
            if mine := [seat for seat in seats if seat.profile.environment is environment]:
                desks[environment] = await opening.open(environment, mine, config)
        if any(seat.lock is not NO_LOCK for seat in seats):
            await _unlock(vault, world.passphrase)
        stack.push_async_callback(entrusting.finish)
        for desk in desks.values():
            await opening.start(desk)
        vault.listeners.append(entrusting.look)
        stack.push_async_callback(seating.finish)
        stack.push_async_callback(_ended, asyncio.create_task(vault.watch(), name="vault"))
        opening.prove = prover_of(home, config.audit.copy_to, desks, vault)
        seating.begin = opening.later
        yield Floor(
            home=home,
            config=config,
            desks=desks,
            profiles=tuple(seat.profile for seat in seats),
            vault=vault,
            prove=opening.prove,
            seating=seating,
            _opened=opened,
        )


def vault_of(home: Home, config: Config, world: Outside) -> Unlocking:
    """The vault of a home, locked; nothing is read."""
    section = config.vault
    limits = SessionLimits(idle_s=section.idle_s, absolute_s=section.absolute_s, cancel_grace_s=section.cancel_grace_s)
    return Unlocking.of(
        home,
        limits=limits,
        clock=world.clock,
        redactor=world.redactor,
        derive=world.derive,
        log=world.log,
        steps=world.steps,
    )


async def _unlock(vault: Unlocking, ask: Ask) -> None:
    """Before the desks start, with whatever passphrase there is; without one they start locked."""
    seen, error = vault.seen(), None
    while seen is not None and (passphrase := ask(seen, error)) is not None:
        try:
            await vault.unlock(passphrase, caller=STARTING)
        except WrongPassphrase as wrong:
            error = wrong
            await vault.until_free()
        else:
            return


async def _closed(opened: list[DeskDatabase]) -> None:
    for cold in opened:
        await cold.close()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def profiles_in(config: Config, bot: BotFile) -> dict[ProfileName, Profile]:
    """Every enabled profile; the one that the eight fields describe comes beside the configured, unless it is one of them."""
    described = profile_of(bot, BROKERS)
    profiles = {profile.name: profile for profile in config.enabled()}
    if described is not None:
        found = place_of(described, profiles.values())
        profiles.setdefault(found.name, found)
    return profiles


def seats_of(
    home: Home,
    config: Config,
    bot: BotFile,
    *,
    only: frozenset[ProfileName] | None = None,
    sources: Sources | None = None,
    vault: Unlocking | None = None,
) -> list[Seat]:
    """Every enabled profile with its limits and credentials, which `vault` lends where nothing before it gives them."""
    profiles = profiles_in(config, bot)
    if only is not None:
        missing = [name for name in only if name not in profiles]
        if missing:
            raise ConfigInvalid(f"no enabled profile {missing[0]!r}; there are: {', '.join(profiles)}")
    described = profile_of(bot, BROKERS)
    meant = None if described is None else place_of(described, profiles.values()).name
    return [
        _seat(home, config, profile, bot if name == meant else None, sources=sources or Sources(), vault=vault)
        for name, profile in profiles.items()
        if only is None or name in only
    ]


def _seat(
    home: Home, config: Config, profile: Profile, bot: BotFile | None, *, sources: Sources, vault: Unlocking | None
) -> Seat:
    load_rooms(profile.broker)
    section = config.profiles.get(profile.name)
    given = gather(
        profile,
        section,
        bot=bot,
        keystore=sources.keystore() if _asks_keyring(config, profile) else None,
        sealed=sources.sealed(profile)
        or (vault.sealed(profile) if vault is not None and _asks_secrets(profile) else {}),
    )
    lent = vault if any(isinstance(secret, LeasedSecret) for secret in given.secrets.values()) else None
    limits = config.limits(profile)
    if not config.trading.fractional:
        limits = limits.model_copy(update={"allow_fractional": False})
    return Seat(
        profile=profile,
        limits=limits,
        plain=given.plain,
        secrets=given.secrets,
        state=home.venue_state(profile.name),
        external=ExternalOrders(section.external_orders) if section is not None else ExternalOrders.ADOPT,
        lock=NO_LOCK if lent is None else lent.session,
        may_sign=None if lent is None else lent.session.may_sign,
        flatten=section is not None and section.flatten,
        made_of=made_of(section),
    )


def _asks_secrets(profile: Profile) -> bool:
    """Whether its broker asks for any: else neither keyring nor vault is looked at."""
    info = BROKERS.get(profile.broker)
    return info is not None and any(asked.name in SEALED for asked in info.fields)


def _asks_keyring(config: Config, profile: Profile) -> bool:
    """Whether the configuration says so; a broker without secrets is never a reason to ask."""
    section = config.profiles.get(profile.name)
    if not _asks_secrets(profile):
        return False
    return config.vault.keyring or (section is not None and section.credentials == "keyring")


@dataclass(slots=True, kw_only=True)
class _Opening:
    """Opens the desks of a floor and starts them: those of a start, and one whose environment gets its first profile later."""

    home: Home
    world: Outside
    vault: Unlocking
    seating: Seating
    entrusting: Entrusting
    written: Callable[[], tuple[Config, BotFile]]
    prove: Prover | None = None

    async def open(self, environment: Environment, seats: list[Seat], config: Config) -> Gateway:
        """The desk of an environment, replayed; it has its journal from now on."""
        desk, self.seating.around[environment] = _desk(self.home, environment, seats, config=config, world=self.world)
        try:
            await bind(desk.journal, [seat.profile for seat in seats], self.world.log)
            await record_limits(desk.journal, seats, self.world.log)
        except BaseException:
            await desk.stop()
            raise
        self.vault.acts.opened[environment] = desk.journal
        self.seating.made_of |= {seat.profile.name: seat.made_of for seat in seats}
        return desk

    async def start(self, desk: Gateway) -> None:
        self.entrusting.attend(desk.attendants)
        await desk.start()
        for session in desk.sessions.values():
            self.seating.lend(session)

    async def later(self, seat: Seat) -> Gateway:
        """Beside the desks that run.  One that does not come about leaves nothing open."""
        environment, (config, _) = seat.profile.environment, self.written()
        if self.world.steps is not NO_STEPS and environment is not Environment.SIM:
            raise ConfigInvalid(f"{VARIABLE} is for simulators alone: no desk of {environment.value} begins beside it")
        desk = await self.open(environment, [seat], config)
        try:
            await self.start(desk)
        except BaseException:
            del self.vault.acts.opened[environment]
            await desk.stop()
            raise
        if self.prove is not None:
            self.prove.attend(environment, desk)
        self.seating.desks[environment] = desk
        for listener in self.seating.on_desk:
            await listener(environment)
        return desk

    async def stop(self) -> None:
        """Every desk, whatever one of them meets on its way out."""
        async with AsyncExitStack() as stack:
            for desk in self.seating.desks.values():
                stack.push_async_callback(desk.stop)


def _written(
    home: Home, path: Path | None, environ: Mapping[str, str] | None, handed: BotFile | None
) -> tuple[Config, BotFile]:
    """What is configured now, and which credentials environment and `.env_bot` give."""
    return load(home, path=path, environ=environ), read_bot(home.env_bot, environ) if handed is None else handed


def _seating(
    home: Home,
    world: Outside,
    vault: Unlocking,
    desks: dict[Environment, Gateway],
    written: Callable[[], tuple[Config, BotFile]],
) -> Seating:
    def look(name: ProfileName) -> Seat:
        config, bot = written()
        return seats_of(home, config, bot, only=frozenset({name}), sources=world.sources, vault=vault)[0]

    return Seating(
        home=home,
        vault=vault,
        clock=world.clock,
        log=world.log,
        desks=desks,
        look=look,
        trusting=partial(_trusting, world),
    )


def _trusting(world: Outside, profile: Profile) -> Shells | None:
    """The shells for a profile that names an authority of its own."""
    tls = trusted_by([profile])
    return None if tls is None else world.network(profile.environment, tls=tls)


def _desk(
    home: Home, environment: Environment, seats: list[Seat], *, config: Config, world: Outside
) -> tuple[Gateway, Surroundings]:
    shells = world.network(environment, tls=trusted_by(seat.profile for seat in seats))
    routes = policy_of(config, [seat.profile.name for seat in seats])
    journal = SqliteJournal.open(
        home.journal(environment),
        clock=world.clock,
        environment=environment,
        executor=ThreadExecutor(),
        instance_tag=instance_tag(environment, world.random),
        reserve=Reserve(home.reserve),
    )
    unresolved = UnresolvedLog(home.unresolved, environment=environment, redactor=world.redactor)
    tail = max(unresolved.last_seq, journal.last_seq - _CRASH_TAIL)
    _list(unresolved, journal.replay(tail), world.log)  # what a crash kept from the list
    archives = _Archives(home, journal, world.log)
    auditing = Auditing.of(
        home, journal, clock=world.clock, log=world.log, meter=world.meter, copy=config.audit.copy_to, steps=world.steps
    )
    around = Surroundings(
        clock=world.clock,
        random=world.random,
        log=world.log,
        meter=world.meter,
        redactor=world.redactor,
        shells=shells,
        permits=FilePermits(home),
        on_fatal=_exit_on_fatal,
        on_record=lambda record: _list(unresolved, [record], world.log),
        instance_tag=journal.instance_tag,
        archive=archives.of,
        epoch=journal.epoch,
        send_timeout_s=config.trading.send_timeout_s,
        read_retries=config.trading.read_retries,
        cancel_late=config.trading.cancel_late,
        answers_when_heard=config.trading.answers == "heard",
        live_enabled=config.live_enabled,
        risk=config.risk_settings(),
        steps=world.steps,
        tracer=world.tracer,
        flatten_collar_bps=Decimal(config.kill.flatten_collar_bps),
        audit_fault_s=config.kill.audit_fault_s,
        divergence_s=config.kill.divergence_s,
        audit_trouble=auditing.fault,
        failures_until_rest=config.trading.failures_until_rest,
        monitor_every_s=config.trading.monitor_every_s,
        log_tag=config.failover.log_tag,
        routes=routes,
    )
    try:
        gateway = compose(journal=journal, seats=seats, around=around)
        measuring = Measuring(gateway, environment.value, clock=world.clock, meter=world.meter)
        gateway.attendants = (auditing, measuring)
        return gateway, around
    except BaseException:
        archives.abandon()
        journal.abandon()  # a profile that cannot be wired must not keep the journal locked
        raise


@dataclass(slots=True)
class _Archives:
    """Where the closed orders of each profile go; nowhere, when there is no room for such a file."""

    home: Home
    journal: SqliteJournal
    log: Log
    _opened: list[Archive] = field(default_factory=list[Archive])

    def of(self, name: ProfileName) -> Archive | None:
        try:
            seals = Seals.open(self.home.seals(self.journal.environment, name))
        except OSError as error:
            self.log.warning("seals.not_opened", profile=name, detail=str(error))
            return None
        history = self.journal.reader
        archive = Archive(profile=name, seals=seals, history=history, log=self.log, executor=ThreadExecutor())
        self._opened.append(archive)
        return archive

    def abandon(self) -> None:
        for archive in self._opened:
            archive.executor.close()
            archive.seals.abandon()


def _list(unresolved: UnresolvedLog, records: Iterable[Record], log: Log) -> None:
    """Note rejected and doubtful orders for people; the journal has them in any case."""
    try:
        unresolved.take(records)
    except JournalFault as fault:
        log.error("unresolved.not_written", detail=fault.detail)


__all__ = ["NO_ROUTE", "PAPER", "Floor", "Outside", "open_floor", "profiles_in", "seats_of", "vault_of"]
