"""Target weights of a portfolio, from returns that are all there; the optimiser is skfolio (extra `research`).

A symbol with a hole in the window is left out by name: a made-up return would move every weight.  Weights are cut (never rounded
up) to six decimals, and what is left of one is cash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from importlib import import_module
from typing import Any, Literal

import msgspec

from floorbroker.domain.errors import ConfigInvalid, InvalidRequest, without_extra
from floorbroker.research.numbers import YEAR, changes, deviation, mean, text
from floorbroker.research.panel import Panel, Quality
from floorbroker.research.universe import Universe

EXTRA = "research"
Method = Literal["mean_variance", "risk_parity", "hierarchical"]
METHODS: tuple[Method, ...] = ("mean_variance", "risk_parity", "hierarchical")
_STEP = Decimal("0.000001")
_LEAST_SYMBOLS = 2


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What weights may be: of one symbol, and of one sector (1: no bound)."""

    least: Decimal = Decimal(0)
    most: Decimal = Decimal(1)
    sector_most: Decimal = Decimal(1)


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """Weights as text, the largest first; `left_out` says of whom nothing was asked, and why."""

    method: str
    as_of: str
    universe: str
    source: str
    inputs: str
    sessions: int
    weights: dict[str, str]
    cash: str
    left_out: dict[str, str]
    sectors: dict[str, str]
    volatility: str | None
    quality: list[Quality]


def allocate(
    panel: Panel, universe: Universe, *, method: Method, sessions: int = 252, bounds: Bounds | None = None
) -> Allocation:
    """Raises `InvalidRequest` for bounds that no weights can keep, and `ConfigInvalid` without the extra."""
    if method not in METHODS:
        raise InvalidRequest(f"--method {method}: say one of {', '.join(METHODS)}")
    limits = bounds or Bounds()
    returns, left_out = whole_returns(panel, universe.members, sessions)
    _check(limits, universe, list(returns), method)
    raw = _optimal(returns, universe, method, limits)
    weights = {name: _cut(value) for name, value in raw.items()}
    ordered = dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])))
    total = sum(weights.values(), Decimal(0))
    sectors = {
        sector: sum((weights.get(one, Decimal(0)) for one in members), Decimal(0))
        for sector, members in universe.sectors.items()
    }
    return Allocation(
        method=method, as_of=panel.days[-1].isoformat(), universe=universe.name, source=panel.source,
        inputs=panel.digest, sessions=sessions, weights={name: f"{one:f}" for name, one in ordered.items()},
        cash=f"{1 - total:f}", left_out=left_out, sectors={name: f"{one:f}" for name, one in sectors.items()},
        volatility=text(_volatility(returns, weights)), quality=panel.quality,
    )  # fmt: skip


def whole_returns(panel: Panel, symbols: Sequence[str], sessions: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Daily returns of the last so many sessions of everybody who has them all; and who has not.

    Raises `InvalidRequest` where fewer than two are left.
    """
    found: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for symbol in symbols:
        window = changes(panel.numbers(symbol, "close"))[-sessions:]
        known = [one for one in window if one is not None]
        if len(known) == sessions:
            found[symbol] = known
        else:
            left_out[symbol] = f"{sessions - len(known)} of {sessions} daily returns are missing"
    if len(found) < _LEAST_SYMBOLS:
        told = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise InvalidRequest(f"fewer than {_LEAST_SYMBOLS} symbols have all their returns: {told}")
    return found, left_out


def _check(limits: Bounds, universe: Universe, names: Sequence[str], method: Method) -> None:
    if not 0 <= limits.least <= limits.most <= 1 or not 0 < limits.sector_most <= 1:
        raise InvalidRequest("bounds of weights lie between 0 and 1, the least below the most")
    if limits.most * len(names) < 1:
        raise InvalidRequest(
            f"{len(names)} symbols of at most {limits.most} each are less than the whole: raise --most"
        )
    if limits.least * len(names) > 1:
        raise InvalidRequest(f"{len(names)} symbols of at least {limits.least} each are more than the whole")
    sectors = [one for one, members in universe.sectors.items() if set(members) & set(names)]
    if limits.sector_most * len(sectors) < 1:
        raise InvalidRequest(f"{len(sectors)} sectors of at most {limits.sector_most} each are less than the whole")
    if limits.sector_most < 1 and method == "hierarchical":
        raise InvalidRequest("hierarchical weights know no bound of sectors: take another --method, or leave it out")


def _optimal(
    returns: Mapping[str, list[float]], universe: Universe, method: Method, limits: Bounds
) -> dict[str, float]:
    optimisation, pandas = _library("skfolio.optimization"), _library("pandas")
    names = list(returns)
    common: dict[str, Any] = {"min_weights": float(limits.least), "max_weights": float(limits.most)}
    if limits.sector_most < 1:
        codes = {name: f"s{number}" for number, name in enumerate(universe.sectors)}
        of = {one: codes[sector] for sector, members in universe.sectors.items() for one in members}
        common["groups"] = {name: [of[name]] for name in names}
        used = sorted({of[name] for name in names})
        common["linear_constraints"] = [f"{code} <= {limits.sector_most}" for code in used]
    match method:
        case "mean_variance":
            objective = _library("skfolio.optimization").ObjectiveFunction.MAXIMIZE_UTILITY
            model = optimisation.MeanRisk(objective_function=objective, risk_aversion=5.0, **common)
        case "risk_parity":
            model = optimisation.RiskBudgeting(**common)
        case "hierarchical":
            model = optimisation.HierarchicalRiskParity(**common)
    exceptions: Any = _library("skfolio.exceptions")
    try:
        model.fit(pandas.DataFrame(returns))
    except (exceptions.OptimizationError, ValueError) as error:
        raise InvalidRequest(f"no weights keep these bounds: {str(error)[:200]}") from error
    return {name: float(one) for name, one in zip(names, model.weights_, strict=True)}


def _cut(value: float) -> Decimal:
    """Down to six decimals; what the solver leaves below zero is nothing."""
    return max(Decimal(repr(value)).quantize(_STEP, rounding=ROUND_DOWN), Decimal(0)) + 0


def _volatility(returns: Mapping[str, list[float]], weights: Mapping[str, Decimal]) -> float | None:
    days = zip(*returns.values(), strict=True)
    names = list(returns)
    daily = [sum(float(weights[name]) * one for name, one in zip(names, day, strict=True)) for day in days]
    width = deviation(daily)
    return None if width is None or mean(daily) is None else width * YEAR**0.5


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigInvalid(without_extra("allocation needs", EXTRA)) from error
