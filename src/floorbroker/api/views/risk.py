"""Exposure, limits and strategies as JSON."""

from __future__ import annotations

from floorbroker.api.views.shape import View, plain, text, when
from floorbroker.domain.values import text_of
from floorbroker.gateway.guarding import Guard
from floorbroker.risk.changes import text_of_limit
from floorbroker.risk.metrics import Report, ValueAtRisk
from floorbroker.risk.untouched import StrategyState


class ValueAtRiskView(View, frozen=True):
    """With `confidence` one day loses no more than `loss`, by `days` days of history; `missing` symbols are not in it."""

    confidence: str
    loss: str | None
    days: int
    missing: tuple[str, ...]


class RiskView(View, frozen=True):
    """Exposure of one account, or of the desk (`profile` is null), in `currency`.

    Leverage and concentration are shares of equity.  What `unknown` names is not counted.  `parts` are the accounts of a
    desk, each in its own currency.
    """

    profile: str | None
    currency: str
    equity: str
    gross_exposure: str
    net_exposure: str
    leverage: str
    concentration: str
    open_orders: int
    day_pl: str | None
    drawdown_pct: str | None
    unknown: tuple[str, ...]
    value_at_risk: tuple[ValueAtRiskView, ...]
    parts: tuple[RiskView, ...]


class LimitView(View, frozen=True):
    """One limit: `value` as JSON text (null is off), `used` where it can be told, and who changed it since the file was read."""

    name: str
    value: str
    used: str | None
    source: str
    by: str | None
    at: str | None
    reason: str | None


class ScopeView(View, frozen=True):
    """The limits of one scope: `profile:NAME`, `global`, `account:NUMBER`, `strategy:NAME`, `token:NAME` or `symbol:NAME`."""

    scope: str
    limits: tuple[LimitView, ...]


class LimitsView(View, frozen=True):
    """Every limit in force.  `version` counts the changes made while desks ran."""

    version: int
    scopes: tuple[ScopeView, ...]


class StrategyView(View, frozen=True):
    """A strategy: fills since a person touched it or the UTC day began, and why it is switched off; null while it is on."""

    name: str
    fills: int
    off: str | None
    by: str | None
    at: str | None


def risk_view(report: Report) -> RiskView:
    return RiskView(
        profile=report.profile,
        currency=report.currency,
        equity=text_of(report.equity),
        gross_exposure=text_of(report.gross_exposure),
        net_exposure=text_of(report.net_exposure),
        leverage=text_of(round(report.leverage, 6)),
        concentration=text_of(round(report.concentration, 6)),
        open_orders=report.open_orders,
        day_pl=text(report.day_pl),
        drawdown_pct=text(report.drawdown_pct),
        unknown=report.unknown,
        value_at_risk=tuple(map(_at_risk_view, report.value_at_risk)),
        parts=tuple(map(risk_view, report.parts)),
    )


def _at_risk_view(found: ValueAtRisk) -> ValueAtRiskView:
    return ValueAtRiskView(
        confidence=text_of(found.confidence), loss=text(found.loss), days=found.days, missing=found.missing
    )


def limits_view(guard: Guard) -> LimitsView:
    scopes = tuple(scope_view(guard, scope) for scope in guard.limits.scopes())
    return LimitsView(version=guard.limits.version, scopes=scopes)


def scope_view(guard: Guard, scope: str) -> ScopeView:
    limits, used = guard.limits.of(scope), guard.usage(scope)
    rows: list[LimitView] = []
    for name in type(limits).model_fields:
        kept = guard.limits.kept.get((scope, name))
        rows.append(
            LimitView(
                name=name,
                value=text_of_limit(limits, name),
                used=None if name not in used else str(plain(used[name])),
                source="file" if kept is None else f"change {kept.change.version}",
                by=None if kept is None else kept.change.by,
                at=None if kept is None else when(kept.at),
                reason=None if kept is None else kept.change.reason,
            )
        )
    return ScopeView(scope=scope, limits=tuple(rows))


def strategy_view(state: StrategyState) -> StrategyView:
    return StrategyView(
        name=state.name, fills=state.fills, off=state.off or None, by=state.by or None, at=when(state.at)
    )
