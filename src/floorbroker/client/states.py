"""What the desk answers about itself, typed: profiles, limits, kill switch, routes, audit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.client.shapes import Shape


class ProfileState(Shape, frozen=True):
    """One profile and where its session stands."""

    name: str
    broker: str
    environment: str
    enabled: bool
    state: str
    reason: str
    kill_level: int
    open_orders: int
    orders_in_doubt: int
    armed_until: datetime | None = None
    breakers: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Arming(Shape, frozen=True):
    """Whether one live profile may trade, until when, and if not, why."""

    profile: str
    armed: bool
    until: datetime | None = None
    since: datetime | None = None
    by: str = ""
    reason: str = ""
    why_not: str = ""


class Latch(Shape, frozen=True):
    """One closed latch; `scope` is `*`, a profile, or `account:`, `strategy:` or `token:` with a name behind it."""

    scope: str
    level: int
    reason: str
    by: str
    at: datetime | None = None


class KilledOrder(Shape, frozen=True):
    """An order that a kill still has to close: how often its cancel was asked, and what came of the last time."""

    id: str
    profile: str
    symbol: str
    ord_status: str
    asked: int = 0
    trouble: str = ""


class FlattenedPosition(Shape, frozen=True):
    """A position that level 3 came to: `state` is waiting, sent, flat or left; symbol `*` is the whole profile."""

    profile: str
    symbol: str
    state: str
    detail: str = ""
    order: str | None = None


class KillSwitch(Shape, frozen=True):
    """0 off, 1 blocks new orders and replaces, 2 also cancels, 3 also flattens.  `remaining` are the orders still open."""

    level: int
    by_profile: dict[str, int]
    reason: str
    by: str
    at: datetime | None = None
    remaining: tuple[str, ...] = ()
    latches: tuple[Latch, ...] = ()
    orders: tuple[KilledOrder, ...] = ()
    positions: tuple[FlattenedPosition, ...] = ()


class Round(Shape, frozen=True):
    """One reconciliation round."""

    profile: str
    at: datetime
    converged: bool
    counts: dict[str, int]
    differences: tuple[str, ...] = ()
    error: str = ""


class Check(Shape, frozen=True):
    """One line of a self-check."""

    name: str
    ok: bool
    detail: str


class SelfCheck(Shape, frozen=True):
    """What a self-check tried."""

    ok: bool
    checks: tuple[Check, ...]


class AuditRow(Shape, frozen=True):
    """One audit row; `seq` is its place in the journal."""

    seq: int
    at: datetime
    environment: str
    profile: str
    actor: str
    via: str
    action: str
    object: str
    outcome: str
    reason: str = ""
    req: str = ""
    detail: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Event(Shape, frozen=True):
    """One durable fact as it happened; `data` is the order after it, for orders and fills."""

    channel: str
    seq: int
    ts: datetime
    key: str
    profile: str
    data: dict[str, Any]


class Health(Shape, frozen=True):
    """The server lives."""

    status: str
    version: str


class Readiness(Shape, frozen=True):
    """How many profiles there are, and how many of them take orders."""

    status: str
    profiles: int
    ready: int


class Adjustment(Shape, frozen=True):
    """Signed units that were added to what the fills say of a symbol, and why."""

    seq: int
    at: datetime
    profile: str
    symbol: str
    quantity: Decimal
    venue: Decimal
    ours: Decimal
    cause: str
    price: Decimal | None = None


class ValueAtRisk(Shape, frozen=True):
    """With `confidence` one day loses no more than `loss`."""

    confidence: Decimal
    days: int
    loss: Decimal | None = None
    missing: tuple[str, ...] = ()


class Risk(Shape, frozen=True):
    """Exposure of one account, or of the desk (`profile` is None); what `unknown` names is not counted."""

    currency: str
    equity: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    leverage: Decimal
    concentration: Decimal
    open_orders: int
    profile: str | None = None
    day_pl: Decimal | None = None
    drawdown_pct: Decimal | None = None
    unknown: tuple[str, ...] = ()
    value_at_risk: tuple[ValueAtRisk, ...] = ()
    parts: tuple[Risk, ...] = ()


class Limit(Shape, frozen=True):
    """One limit: `value` as JSON text, how much of it is used, and who set it."""

    name: str
    value: str
    source: str
    used: str | None = None
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None


class LimitScope(Shape, frozen=True):
    """The limits of one scope."""

    scope: str
    limits: tuple[Limit, ...]


class Limits(Shape, frozen=True):
    """Every limit in force; `version` is what a change may name."""

    version: int
    scopes: tuple[LimitScope, ...]


class StrategyState(Shape, frozen=True):
    """A strategy that traded: fills since somebody looked, and why it is off."""

    name: str
    fills: int
    off: str | None = None
    by: str | None = None
    at: datetime | None = None


class Rule(Shape, frozen=True):
    """One rule of routing."""

    name: str
    use: str
    symbol: str
    strategy: str
    profiles: tuple[str, ...]
    active: str | None = None
    split_most: int = 1


class Standing(Shape, frozen=True):
    """How one profile stands for routes."""

    profile: str
    usable: bool
    trouble: str
    demoted: str
    health: int
    open_orders: int
    weight: Decimal
    fee_bps: Decimal
    fee_per_unit: Decimal
    budget_left: str = ""
    latency_ms: str = ""
    latency_expected_ms: str = ""
    latency_samples: str = ""


class Routing(Shape, frozen=True):
    """Rules, profiles, and when orders move to another broker."""

    rules: tuple[Rule, ...]
    profiles: tuple[Standing, ...]
    failover: dict[str, Any]


class AuditFinding(Shape, frozen=True):
    """What is wrong with an audit, and where."""

    kind: str
    seq: int
    where: str
    detail: str


class AuditVerdict(Shape, frozen=True):
    """What the verifier of the audit found; `finding` is None where all is as it was written."""

    environment: str
    ok: bool
    log: str
    records: int
    first: int
    last: int
    checkpoints: int
    segments: int
    waiting: int
    used: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    finding: AuditFinding | None = None


class Broker(Shape, frozen=True):
    """What a broker can do, and the fields and options that a profile there has."""

    code: str
    name: str
    environments: tuple[str, ...]
    can: tuple[str, ...]
    order_types: dict[str, tuple[str, ...]]
    times_in_force: dict[str, tuple[str, ...]]
    order_classes: tuple[str, ...]
    fields: tuple[dict[str, Any], ...]
    options: tuple[dict[str, Any], ...]
    withdrawals: str = ""
    etiquette: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    documents: tuple[str, ...] = ()
