"""Profiles, brokers, the kill switch and the records as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from floorbroker.api.views.shape import View, when
from floorbroker.domain.capability import USED_SHARE, BrokerInfo, CredentialField, Etiquette
from floorbroker.domain.ports import AuditEntry, Record
from floorbroker.domain.records import SelfCheck
from floorbroker.domain.timetable import Span
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.desk import ArmingState, KillState, ProfileStatus, RoundResult
from floorbroker.gateway.monitor import Connection
from floorbroker.oms.adjustments import Adjusted


class IngredientView(View, frozen=True):
    """Part of a health score: `mark` from 0 (worst) to 1, `share` what it can take away alone, `figure` what it was read from."""

    name: str
    mark: float
    share: float
    figure: str


class ConnectionView(View, frozen=True):
    """How a profile's connection is doing; times in seconds, null where there is no such thing.

    `health` is 0 to 100; `troubles` are disconnected, stream_down, stream_silent, data_stale, clock, budget, fair_health or
    poor_health.  `heartbeat_s` is how long ago the venue last answered, `budget_used` the part of the fullest rate budget,
    `budgets` that of each by name.
    """

    health: int
    ingredients: tuple[IngredientView, ...]
    troubles: tuple[str, ...]
    failures_in_a_row: int
    reconnects: int
    is_connected: bool
    stream_silence_s: float | None
    data_silence_s: float | None
    heartbeat_s: float | None
    clock_offset_s: float | None
    budget_used: float | None
    budgets: dict[str, float]


class SpanView(View, frozen=True):
    """A maintenance, on or to come."""

    begins_at: str
    ends_at: str
    why: str


class ProfileView(View, frozen=True):
    """One profile; `state` is offline, connecting, reconciling, ready, degraded, maintenance, locked or stopped, and `reason`
    says why.  While it `rests`, after API failures in a row, it takes no new orders.

    `breakers`: `closed`, `open` or `half_open` for each class of endpoints (`orders account history market access`).
    """

    name: str
    broker: str
    environment: str
    enabled: bool
    state: str
    since: str
    reason: str
    stream_up: bool
    kill_level: int
    open_orders: int
    orders_in_doubt: int
    last_reconciled: str | None
    armed_until: str | None
    breakers: dict[str, str]
    rests: bool
    connection: ConnectionView | None
    next_maintenance: SpanView | None


class RoundView(View, frozen=True):
    """One reconciliation round."""

    profile: str
    at: str
    converged: bool
    counts: dict[str, int]
    differences: tuple[str, ...]
    error: str


class AdjustmentView(View, frozen=True):
    """Signed units that were added to what the fills say of a symbol: `ours` was that sum, `venue` what the venue held.

    `price` comes with what is known to have been settled, such as an option that expired worthless (0).
    """

    seq: int
    at: str
    profile: str
    symbol: str
    quantity: str
    venue: str
    ours: str
    cause: str
    price: str | None = None


class CheckView(View, frozen=True):
    """One line of a self-check."""

    name: str
    ok: bool
    detail: str


class SelfCheckView(View, frozen=True):
    """What a self-check tried."""

    ok: bool
    checks: tuple[CheckView, ...]


class LatchView(View, frozen=True):
    """One closed latch; `scope` is `*`, a profile, or `account:`, `strategy:` or `token:` with a name behind it."""

    scope: str
    level: int
    reason: str
    by: str
    at: str | None


class KilledOrderView(View, frozen=True):
    """An order that a kill still has to close: how often its cancel was asked, and what came of the last time."""

    id: str
    profile: str
    symbol: str
    ord_status: str
    asked: int
    trouble: str


class FlattenedView(View, frozen=True):
    """A position that level 3 came to: `state` is waiting, sent, flat or left; symbol `*` is the whole profile."""

    profile: str
    symbol: str
    state: str
    detail: str
    order: str | None


class KillView(View, frozen=True):
    """The kill switch: 0 off, 1 blocks new and replace, 2 also cancels, 3 also flattens.  `remaining` are still open.

    `level` is that of everything; `latches` are all that are closed; `orders` tells of each that is still open how it
    goes, `positions` of each that level 3 closes.
    """

    level: int
    by_profile: dict[str, int]
    reason: str
    at: str | None
    by: str
    remaining: tuple[str, ...]
    latches: tuple[LatchView, ...]
    orders: tuple[KilledOrderView, ...]
    positions: tuple[FlattenedView, ...]


class ArmingView(View, frozen=True):
    """Whether one live profile may trade; `until` is when it ends, or ended, by itself, `why_not` why it may not."""

    profile: str
    armed: bool
    until: str | None
    since: str | None
    by: str
    reason: str
    why_not: str


class ArmingsView(View, frozen=True):
    """Every live profile."""

    items: tuple[ArmingView, ...]


class AuditView(View, frozen=True):
    """One audit row."""

    seq: int
    at: str
    environment: str
    profile: str
    actor: str
    via: str
    action: str
    object: str
    outcome: str
    reason: str
    req: str
    detail: dict[str, str]


class CredentialView(View, frozen=True):
    """How one of the eight agnostic fields maps to this venue.  `pattern` is the whole answer's, `shape` says it in words.

    `environments` are those that ask for it; `prefixes` is how keys of each environment begin, where the venue says.
    """

    name: str
    label: str
    help: str
    required: bool
    secret: bool
    environments: tuple[str, ...]
    example: str
    pattern: str
    shape: str
    prefixes: dict[str, str]


class BrokerOptionView(View, frozen=True):
    """One option of a profile, as text; `choices` is empty for numbers, which `shape` bounds in words."""

    name: str
    help: str
    default: str
    choices: tuple[str, ...]
    shape: str


class AllowanceView(View, frozen=True):
    """So many requests in any `per_s` seconds at this venue; `option` is the profile option that says another number."""

    name: str
    requests: int
    per_s: float
    endpoints: tuple[str, ...]
    reads_only: bool
    option: str
    document: str


class EtiquetteView(View, frozen=True):
    """How a venue wants to be spoken to; `used_share` is the part of each allowance that ordinary work may use."""

    used_share: float
    allowances: tuple[AllowanceView, ...]
    session_rules: tuple[str, ...]
    documents: tuple[str, ...]


class BrokerView(View, frozen=True):
    """What a broker can do."""

    code: str
    name: str
    environments: tuple[str, ...]
    can: tuple[str, ...]
    order_types: dict[str, list[str]]
    times_in_force: dict[str, list[str]]
    order_classes: tuple[str, ...]
    fields: tuple[CredentialView, ...]
    options: tuple[BrokerOptionView, ...]
    etiquette: EtiquetteView
    withdrawals: str
    documents: tuple[str, ...]


def profile_view(status: ProfileStatus) -> ProfileView:
    return ProfileView(
        name=status.profile.name,
        broker=status.profile.broker,
        environment=status.profile.environment.value,
        enabled=status.profile.enabled,
        state=status.state.value,
        since=time_text(status.since),
        reason=status.reason,
        stream_up=status.stream_up,
        kill_level=status.kill_level,
        open_orders=status.open_orders,
        orders_in_doubt=status.orders_in_doubt,
        last_reconciled=when(status.last_reconciled),
        armed_until=when(status.armed_until),
        breakers=dict(status.breakers),
        rests=status.rests,
        connection=None if status.connection is None else connection_view(status.connection),
        next_maintenance=None if status.next_maintenance is None else span_view(status.next_maintenance),
    )


def connection_view(seen: Connection) -> ConnectionView:
    return ConnectionView(
        health=seen.health.score,
        ingredients=tuple(
            IngredientView(name=i.name, mark=round(i.mark, 3), share=i.share, figure=i.figure)
            for i in seen.health.ingredients
        ),
        troubles=seen.troubles,
        failures_in_a_row=seen.health.failures_in_a_row,
        reconnects=seen.reconnects,
        is_connected=seen.is_connected,
        stream_silence_s=_thousandths(seen.stream_silence_s),
        data_silence_s=_thousandths(seen.data_silence_s),
        heartbeat_s=_thousandths(seen.heartbeat_s),
        clock_offset_s=_thousandths(seen.clock_offset_s),
        budget_used=_thousandths(seen.budget_used),
        budgets={name: round(share, 3) for name, share in seen.budgets.items()},
    )


def _thousandths(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def span_view(span: Span) -> SpanView:
    return SpanView(begins_at=time_text(span.begins_at), ends_at=time_text(span.ends_at), why=span.why)


def round_view(result: RoundResult) -> RoundView:
    return RoundView(
        profile=result.profile,
        at=time_text(result.at),
        converged=result.converged,
        counts=dict(result.counts),
        differences=result.differences,
        error=result.error,
    )


def adjustment_view(found: Adjusted) -> AdjustmentView:
    one = found.adjustment
    return AdjustmentView(
        seq=found.seq,
        at=time_text(found.at),
        profile=one.profile,
        symbol=one.symbol,
        quantity=text_of(one.qty),
        venue=text_of(one.venue),
        ours=text_of(one.ours),
        cause=one.cause,
        price=None if one.price is None else text_of(one.price),
    )


def self_check_view(check: SelfCheck) -> SelfCheckView:
    return SelfCheckView(
        ok=check.ok, checks=tuple(CheckView(name=c.name, ok=c.ok, detail=c.detail) for c in check.checks)
    )


def kill_view(state: KillState) -> KillView:
    return KillView(
        level=state.level,
        by_profile=dict(state.by_profile),
        reason=state.reason,
        at=when(state.at),
        by=state.by,
        remaining=tuple(state.remaining),
        latches=tuple(
            LatchView(scope=one.scope, level=one.level, reason=one.reason, by=one.by, at=when(one.at))
            for one in state.latches
        ),
        orders=tuple(
            KilledOrderView(
                id=order.intent_id,
                profile=order.profile,
                symbol=order.symbol,
                ord_status=order.ord_status.value,
                asked=order.asked,
                trouble=order.trouble,
            )
            for order in state.orders
        ),
        positions=tuple(
            FlattenedView(
                profile=one.profile, symbol=one.symbol, state=one.state, detail=one.detail, order=one.intent_id
            )
            for one in state.positions
        ),
    )


def armings_view(states: Sequence[ArmingState]) -> ArmingsView:
    return ArmingsView(
        items=tuple(
            ArmingView(
                profile=state.profile,
                armed=state.armed,
                until=when(state.until),
                since=when(state.since),
                by=state.by,
                reason=state.reason,
                why_not=state.why_not,
            )
            for state in states
        )
    )


def audit_view(record: Record, environment: str) -> AuditView | None:
    """None for records that are no audit rows."""
    entry = record.entry
    if not isinstance(entry, AuditEntry):
        return None
    return AuditView(
        seq=record.seq,
        at=time_text(record.at),
        environment=environment,
        profile=entry.profile,
        actor=entry.actor,
        via=entry.via,
        action=entry.action,
        object=entry.object,
        outcome=entry.outcome,
        reason=entry.reason,
        req=entry.req,
        detail=dict(entry.detail),
    )


def credential_view(asked: CredentialField, info: BrokerInfo) -> CredentialView:
    return CredentialView(
        name=asked.name,
        label=asked.label,
        help=asked.help,
        required=asked.required,
        secret=asked.secret,
        environments=tuple(e.value for e in info.environments if asked.is_for(e)),
        example=asked.example,
        pattern=asked.pattern,
        shape=asked.shape,
        prefixes={environment.value: prefix for environment, prefix in asked.prefixes.items()},
    )


def broker_view(info: BrokerInfo) -> BrokerView:
    return BrokerView(
        code=info.code,
        name=info.name,
        environments=tuple(e.value for e in info.environments),
        can=tuple(sorted(c.value for c in info.can)),
        order_types={asset.value: sorted(t.value for t in types) for asset, types in info.order_types.items()},
        times_in_force={asset.value: sorted(t.value for t in tifs) for asset, tifs in info.tifs.items()},
        order_classes=tuple(sorted(c.value for c in info.order_classes)),
        fields=tuple(credential_view(asked, info) for asked in info.fields),
        options=tuple(
            BrokerOptionView(name=o.name, help=o.help, default=o.default, choices=o.choices, shape=o.shape)
            for o in info.options
        ),
        etiquette=_etiquette_view(info.etiquette),
        withdrawals=info.withdrawals,
        documents=info.documents,
    )


def _etiquette_view(etiquette: Etiquette) -> EtiquetteView:
    return EtiquetteView(
        used_share=USED_SHARE,
        allowances=tuple(
            AllowanceView(
                name=a.name,
                requests=a.requests,
                per_s=a.per_s,
                endpoints=a.endpoints,
                reads_only=a.reads_only,
                option=a.option,
                document=a.document,
            )
            for a in etiquette.allowances
        ),
        session_rules=etiquette.session_rules,
        documents=etiquette.documents,
    )
