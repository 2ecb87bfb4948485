"""The wiring diagram: one gateway for each environment in use, every collaborator handed in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

from floorbroker.app.clean_journal import CleanJournal
from floorbroker.app.listening import MAINTENANCE, hear_change, hear_exchange, sight_of, timetable_of
from floorbroker.app.measuring import measure_change
from floorbroker.app.meters import AccountLog, AccountMeter
from floorbroker.app.recovery import recover
from floorbroker.app.trust import CA_FILE
from floorbroker.brokers.registry import BROKERS, build
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.bus import InProcessBus
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, JournalFault
from floorbroker.domain.ids import IdSource
from floorbroker.domain.ports import (
    NO_STEPS,
    NO_TRACER,
    AuditEntry,
    Journal,
    Log,
    Meter,
    Profile,
    Record,
    Redactor,
    Steps,
    Tracer,
)
from floorbroker.domain.secret import LeasedSecret, Secret
from floorbroker.domain.timetable import NO_TIMETABLE
from floorbroker.domain.values import Environment, IntentId, ProfileName
from floorbroker.gateway.arming import Arming
from floorbroker.gateway.desk import NO_LOCK, DeskEvent, Lock
from floorbroker.gateway.flatten import COLLAR_BPS
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import KillSwitch, Permits
from floorbroker.gateway.killing import numbers_of
from floorbroker.gateway.maintenance import Calendar
from floorbroker.gateway.routing.looks import Looks
from floorbroker.gateway.routing.policy import Policy
from floorbroker.gateway.routing.promoting import Promotions
from floorbroker.gateway.routing.router import Router
from floorbroker.gateway.session import ProfileSession
from floorbroker.gateway.views import is_kept
from floorbroker.marketdata.native import core
from floorbroker.marketdata.shortway import ShortWay
from floorbroker.oms.account import AccountContext, Switches
from floorbroker.oms.archive import Archive
from floorbroker.oms.book import Change, OrderBook
from floorbroker.oms.external import ExternalOrders
from floorbroker.oms.last_look import LastLook
from floorbroker.oms.service import OrderService
from floorbroker.oms.writer import Writer
from floorbroker.risk.book import RiskBook
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.settings import RiskSettings
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.sign import MaySign


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One profile ready to be wired: its limits and what the user gave to log in with.

    `lock` and `may_sign` belong to a profile whose `secrets` are lent by the vault; `flatten` lets a kill close its positions.
    `made_of` is what the configuration said of it (`config.made_of`).
    """

    profile: Profile
    limits: RiskLimits
    plain: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    state: Path = Path("venue.log")
    external: ExternalOrders = ExternalOrders.ADOPT
    lock: Lock = NO_LOCK
    may_sign: MaySign | None = None
    flatten: bool = False
    made_of: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the outside world is to a gateway.  `on_fatal` is told of a journal that must not be written any more."""

    clock: Clock
    random: Random
    log: Log
    meter: Meter
    redactor: Redactor
    shells: Shells
    permits: Permits
    on_fatal: Callable[[JournalFault], None]
    on_record: Callable[[Record], None]  # every order fact, once it is durable: the list of unresolved orders
    instance_tag: int
    archive: Callable[[ProfileName], Archive | None] | None = None  # where the closed orders of a profile go
    epoch: int = 0
    send_timeout_s: float = 5.0
    read_retries: int = 3
    cancel_late: bool = True
    answers_when_heard: bool = False
    live_enabled: bool = False
    steps: Steps = NO_STEPS
    tracer: Tracer = NO_TRACER
    risk: RiskSettings = field(default_factory=RiskSettings)
    flatten_collar_bps: Decimal = COLLAR_BPS
    audit_fault_s: float = 0.0  # after which a fault of the audit trips the kill switch; 0 for never
    divergence_s: float = 0.0
    audit_trouble: Callable[[], str] = lambda: ""  # why the audit cannot be written; empty while it is
    failures_until_rest: int = 3
    monitor_every_s: float = 30.0
    log_tag: str = "FAILOVER"  # of log lines on profiles that rest
    routes: Policy = field(default_factory=Policy)


def compose(*, journal: Journal, seats: Iterable[Seat], around: Surroundings) -> Gateway:
    """A gateway over one journal: wired, replayed, not started."""
    seated = list(seats)
    environment = seated[0].profile.environment.value if seated else ""  # a journal is one environment's
    journal = CleanJournal(
        journal,
        around.redactor,
        clock=around.clock,
        seconds=lambda took_s: around.meter.observe("journal_commit_seconds", took_s, environment=environment),
    )
    switch = KillSwitch(
        journal=journal,
        permits=around.permits,
        clock=around.clock,
        log=around.log,
        profiles=lambda: tuple(gateway.sessions),
        steps=around.steps,
        accounts=lambda name: numbers_of(gateway.sessions[name].ctx),
    )

    def past(after: int) -> Iterator[DeskEvent]:
        return gateway.past(after)

    gateway = Gateway(
        journal=journal,
        kill_switch=switch,
        clock=around.clock,
        log=around.log,
        bus=InProcessBus[DeskEvent](seq_of=lambda event: event.seq, replay=past, kept=is_kept),
        health=HealthBook(around.clock),
    )
    gateway.monitor.every_s = around.monitor_every_s
    if any(seat.profile.environment is Environment.LIVE for seat in seated):
        gateway.arms = Arming(
            journal=journal,
            clock=around.clock,
            enabled=around.live_enabled,
            profiles=lambda: tuple(gateway.sessions),
            blocked=switch.blocked,
        )
        switch.disarm = gateway.arms.on_kill
    gateway.guard.risk.base, gateway.guard.risk.rates = around.risk.base_currency, around.risk.rates
    gateway.audit_fault_s, gateway.divergence_s = around.audit_fault_s, around.divergence_s
    gateway.killing.flattening.collar_bps = around.flatten_collar_bps
    for seat in seated:
        gateway.sessions[seat.profile.name] = seated_at(gateway, seat, around)
    for key, limits in around.risk.scopes.items():
        gateway.guard.risk.limit(key, limits)
    route(gateway, around, health=gateway.health.score)
    recover(gateway)
    return gateway


def route(gateway: Gateway, around: Surroundings, *, health: Callable[[ProfileName], int] = lambda _: 100) -> None:
    """The gateway's router and its promotions; `health` scores a profile up to 100."""
    gateway.promotions = promotions = Promotions(
        policy=around.routes,
        journal=gateway.journal,
        clock=around.clock,
        log=around.log,
        meter=around.meter,
        sessions=gateway.sessions,
        health=health,
        tell=gateway.on_route,
    )
    gateway.router = Router(
        policy=around.routes,
        journal=gateway.journal,
        clock=around.clock,
        log=around.log,
        meter=around.meter,
        looks=Looks(policy=around.routes, clock=around.clock, health=health, keeper=gateway.keeper_of),
        sessions=gateway.sessions,
        demoted=lambda: promotions.demoted,
        tell=gateway.on_route,
    )


def seated_at(gateway: Gateway, seat: Seat, around: Surroundings) -> ProfileSession:
    """A session of a desk: wired, not replayed, and not yet one that the desk shows."""
    name, journal = seat.profile.name, gateway.journal
    if seat.flatten:
        gateway.killing.flattening.opted.add(name)

    def not_ready() -> str:
        return session.not_ready() or around.audit_trouble() or gateway.guard.limits.unreadable

    def outlived(intent_id: IntentId) -> str:
        return gateway.router.outlived(intent_id) if gateway.router is not None else ""

    switches = Switches(
        blocked=lambda: gateway.kill_switch.blocked(name),
        latched=lambda: gateway.kill_switch.latched(name),
        not_ready=not_ready,
        not_armed=_not_needed if gateway.arms is None else partial(gateway.arms.not_armed, name),
        locked=lambda: seat.lock.reason,
        barred=gateway.kill_switch.barred,
        bars_some=lambda: gateway.kill_switch.bars_some,
        outlived=outlived,
    )

    def hear(exchange: Exchange) -> None:
        hear_exchange(gateway.health, name, exchange, on_failures=session.on_failures)

    way = ShortWay() if core() is not None else None  # without the native core, sessions decode for the books in Python
    if way is not None:
        gateway.ways[name] = way
    risk = gateway.guard.risk
    ctx = _context(seat, journal=journal, switches=switches, around=around, hear=hear, way=way, risk=risk)
    gateway.guard.attend(ctx)
    service = OrderService(ctx, announce=lambda change: _announce(change, gateway, around, ctx.meter))
    service.reconciler.tell = partial(gateway.on_reconciled, name)
    session = ProfileSession(
        ctx=ctx,
        service=service,
        random=around.random,
        on_health=gateway.on_health,
        lock=seat.lock,
        timetable=timetable_of(seat.profile, ctx.broker.info.timetable),
        on_fatal=gateway.on_fatal,
        on_lost=partial(gateway.health.reconnected, name),
        failures_until_rest=around.failures_until_rest,
        log_tag=around.log_tag,
    )
    gateway.health.sights[name] = partial(sight_of, session)
    return session


def _context(
    seat: Seat,
    *,
    journal: Journal,
    switches: Switches,
    around: Surroundings,
    hear: Callable[[Exchange], None],
    way: ShortWay | None,
    risk: RiskBook,
) -> AccountContext:
    def tap(exchange: Exchange) -> None:
        writer.leave([exchange_row(exchange, seat.profile.name)])
        hear(exchange)

    last_look = LastLook(switches)
    broker = build(_wiring(seat, last_look=last_look, tap=tap, around=around, way=way))
    name = seat.profile.name
    archive = around.archive(name) if around.archive is not None else None
    last_look.book = book = OrderBook(profile=name, identity=broker.identity, archive=archive)
    writer = Writer(
        journal=journal,
        book=book,
        clock=around.clock,
        log=AccountLog(around.log, name),
        on_change=_nobody,
        on_fault=lambda fault: _on_fault(fault, around),
        steps=around.steps,
    )
    return AccountContext(
        profile=seat.profile,
        broker=broker,
        journal=journal,
        book=book,
        gate=RiskGate(seat.profile, around.clock),
        writer=writer,
        clock=around.clock,
        ids=IdSource(tag=around.instance_tag, random=around.random),
        limits=seat.limits,
        switches=switches,
        log=AccountLog(around.log, name),
        meter=AccountMeter.of(seat.profile, around.meter),
        arrival_bound_s=_arrival_bound_s(seat.profile, broker.info.arrival_bound_s),
        visibility_lag_s=broker.info.visibility_lag_s,
        send_timeout_s=around.send_timeout_s,
        epoch=around.epoch,
        account_number=lambda: _account_number(seat),
        cancel_late=around.cancel_late,
        external=seat.external,
        answers_when_heard=around.answers_when_heard,
        steps=around.steps,
        tracer=around.tracer,
        risk_book=risk,
    )


def _wiring(
    seat: Seat, *, last_look: LastLook, tap: Callable[[Exchange], None], around: Surroundings, way: ShortWay | None
) -> Wiring:
    for secret in seat.secrets.values():
        if not isinstance(secret, LeasedSecret):  # what a vault lends is learned when it is unlocked
            around.redactor.learn(secret.reveal())
    options = {name: text for name, text in seat.profile.options.items() if name not in OWN_OPTIONS}
    return Wiring(
        profile=Profile(
            name=seat.profile.name,
            broker=seat.profile.broker,
            environment=seat.profile.environment,
            enabled=seat.profile.enabled,
            options=options,
        ),
        shells=around.shells,
        clock=around.clock,
        random=around.random,
        log=AccountLog(around.log, seat.profile.name),
        meter=AccountMeter.of(seat.profile, around.meter),
        redactor=around.redactor,
        tap=tap,
        may_send=last_look,
        may_sign=seat.may_sign,
        state=seat.state,
        plain=seat.plain,
        secrets=seat.secrets,
        read_retries=around.read_retries,
        intent_age_s=float(seat.limits.intent_age_max_s),
        send_timeout_s=around.send_timeout_s,
        steps=around.steps,
        tracer=around.tracer,
        sinks=None if way is None else way.line,
        symbols=last_look.symbols,
        shuts_in_s=_shuts(seat, around),
    )


def _shuts(seat: Seat, around: Surroundings) -> Callable[[float], bool]:
    """Whether a profile's venue is in planned maintenance, or soon will be, by its own calendar and the profile's."""
    info = BROKERS.get(seat.profile.broker)
    calendar = Calendar(timetable_of(seat.profile, NO_TIMETABLE if info is None else info.timetable), around.clock)
    return lambda within_s: calendar.is_near(before_s=within_s, after_s=0.0)


def _account_number(seat: Seat) -> str:
    """The one the user gave, from wherever it is kept; empty when none was."""
    kept = seat.secrets.get(ACCOUNT_NUMBER)
    return seat.plain.get(ACCOUNT_NUMBER, "") if kept is None else kept.reveal()


ACCOUNT_NUMBER = "BROKER_ACCOUNT_NUMBER"
OWN_OPTIONS = frozenset({"arrival_bound_s", CA_FILE, MAINTENANCE})


def _arrival_bound_s(profile: Profile, documented_s: float) -> float:
    """The venue's bound; only the simulators' environment may shorten it (RELIABILITY 2.6)."""
    text = profile.options.get("arrival_bound_s")
    if text is None:
        return documented_s
    if profile.environment is not Environment.SIM:
        raise ConfigInvalid(f"profile {profile.name}: only environment sim may set arrival_bound_s")
    try:
        bound_s = float(text)
    except ValueError:
        bound_s = math.nan
    if not (math.isfinite(bound_s) and bound_s >= 0):
        raise ConfigInvalid(f"profile {profile.name}: arrival_bound_s {text!r} is not a number of seconds")
    return bound_s


def _not_needed() -> str:
    """Practice needs no arming."""
    return ""


def _announce(change: Change, gateway: Gateway, around: Surroundings, meter: Meter) -> None:
    hear_change(gateway.health, change)
    gateway.on_change(change)
    measure_change(change, meter)
    around.on_record(change.record)


def _on_fault(fault: JournalFault, around: Surroundings) -> None:
    around.log.error("journal.fault", detail=fault.detail)
    if getattr(fault, "fatal", False):
        around.on_fatal(fault)


def _nobody(change: Change) -> None:
    """Before the service listens, nobody does."""
    del change


def exchange_row(exchange: Exchange, profile: ProfileName) -> AuditEntry:
    """One exchange with the venue as an audit row; what stands in it went through the lists of headers and fields."""
    detail = {
        "method": exchange.method,
        "url": exchange.url,
        "endpoint": exchange.endpoint,
        "status": str(exchange.status or ""),
        "order": exchange.order or "",
        "elapsed_ms": str(round(exchange.elapsed_s * 1000)),
        "headers": _headers(exchange.headers),
        "body": exchange.body,
        "reply_headers": _headers(exchange.reply_headers),
        "reply": exchange.reply_body,
    }
    return AuditEntry(
        actor="gateway",
        via="broker",
        action="broker.read" if exchange.method == "GET" else "broker.command",
        object=exchange.endpoint,
        profile=profile,
        outcome=exchange.error or "answered",
        detail=detail,
    )


def _headers(headers: Mapping[str, str]) -> str:
    return "; ".join([f"{name}: {value}" for name, value in headers.items()])


__all__ = ["BROKERS", "OWN_OPTIONS", "Seat", "Surroundings", "compose", "exchange_row", "seated_at"]
