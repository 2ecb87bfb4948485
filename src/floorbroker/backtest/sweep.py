"""Many backtests of one strategy: every combination of parameters, on all cores or a cluster, and walk-forward over time.

joblib carries them: on this machine by processes, and on a Dask cluster inside joblib's own `parallel_config(backend="dask")`.
Each run gives back its statistics, not its fills: a sweep is for choosing, a run for looking.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise, product
from math import prod
from typing import Any, cast

from floorbroker.backtest.actions import Happening
from floorbroker.backtest.costs import FREE, Costs
from floorbroker.backtest.feed import Feed, cut
from floorbroker.backtest.result import Result
from floorbroker.backtest.run import Backtest
from floorbroker.backtest.statistics import Figure
from floorbroker.domain.errors import ConfigInvalid, FieldError, InvalidRequest, without_extra
from floorbroker.domain.frozen import frozen
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.loading import strategy_class

COMBINATIONS_MAX = 100_000
Told = Callable[[int, int], None]
Given = Mapping[str, object]


@frozen
class Plan:
    """What every run of a sweep has in common; `strategy` is a name, since a process of its own looks it up again."""

    strategy: str
    feed: Feed
    happenings: tuple[Happening, ...] = ()
    cash: Decimal = Decimal(100_000)
    currency: str = ""
    rates: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    costs: Costs = FREE
    sessions: bool = True


@frozen
class Outcome:
    """One combination and what it came to; `trouble` instead where the strategy refused or raised."""

    parameters: Given
    statistics: Mapping[str, Figure]
    trouble: str = ""

    def value(self, by: str) -> Decimal:
        """What it is judged by; what cannot be told is worse than anything."""
        figure = self.statistics.get(by)
        return Decimal("-Infinity") if figure is None else Decimal(figure)


@frozen
class Step:
    """One step forward: the best combination of the time before, and how it fared afterwards."""

    trained: tuple[datetime, datetime]
    tested: tuple[datetime, datetime]
    chosen: Outcome
    fared: Outcome


def combinations(fixed: Given, grid: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    """Every combination of the grid, beside what is fixed.  Raises `InvalidRequest` for more than anybody would wait for."""
    count = prod(len(values) for values in grid.values()) if grid else 0
    if not 0 < count <= COMBINATIONS_MAX:
        detail = f"a sweep has from 1 to {COMBINATIONS_MAX:,} combinations, this one {count:,}"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/grid", code="out_of_range", detail=detail),))
    return [{**fixed, **dict(zip(grid, values, strict=True))} for values in product(*grid.values())]


def sweep(
    plan: Plan,
    tries: Sequence[Given],
    *,
    by: str = "sharpe",
    jobs: int = -1,
    scheduler: str = "",
    told: Told | None = None,
) -> list[Outcome]:
    """Every try, the best by `by` first; with `scheduler` (its address) on that Dask cluster, else on `jobs` cores (-1: all).

    Raises `ConfigInvalid` where the research extra, which brings joblib, is not installed.
    """
    joblib = _library("joblib", "research")
    with _cluster(scheduler, joblib):
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size="auto")
        found: list[Outcome] = []
        for outcome in parallel(joblib.delayed(attempt)(plan, one) for one in tries):
            found.append(cast("Outcome", outcome))
            if told is not None:
                told(len(found), len(tries))
    return sorted(found, key=lambda outcome: (-outcome.value(by), str(outcome.parameters)))


def attempt(plan: Plan, parameters: Given) -> Outcome:
    """One run; a strategy that raises is an outcome too, so that one bad corner does not end a night's work."""
    try:
        result = run(plan, parameters)
    except (InvalidRequest, ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as error:
        return Outcome(parameters=parameters, statistics={}, trouble=f"{type(error).__name__}: {error}")
    return Outcome(parameters=parameters, statistics=result.statistics)


def run(plan: Plan, parameters: Given) -> Result:
    """One run with its whole result."""
    made: Strategy = strategy_class(plan.strategy)(**parameters)
    return Backtest(
        made,
        plan.feed,
        cash=plan.cash,
        currency=plan.currency,
        rates=plan.rates,
        costs=plan.costs,
        actions=plan.happenings,
        sessions=plan.sessions,
    ).run()


def walk_forward(
    plan: Plan,
    tries: Sequence[Given],
    *,
    bounds: Sequence[datetime],
    by: str = "sharpe",
    jobs: int = -1,
    scheduler: str = "",
) -> list[Step]:
    """Choose on what lies before each bound but the last, and try the choice up to the next one.

    Training begins where the feed does, so that each choice knows all of its past and nothing of its future.
    """
    if len(bounds) < 2:
        raise InvalidRequest("walk-forward needs two bounds or more", fields=())
    start = plan.feed.span()[0]
    return [
        _step(plan, tries, (start, bound), (bound, following), by=by, jobs=jobs, scheduler=scheduler)
        for bound, following in pairwise(bounds)
    ]


def _step(
    plan: Plan,
    tries: Sequence[Given],
    trained: tuple[datetime, datetime],
    tested: tuple[datetime, datetime],
    *,
    by: str,
    jobs: int,
    scheduler: str,
) -> Step:
    best = sweep(_during(plan, *trained), tries, by=by, jobs=jobs, scheduler=scheduler)[0]
    return Step(trained=trained, tested=tested, chosen=best, fared=attempt(_during(plan, *tested), best.parameters))


def _during(plan: Plan, since: datetime, until: datetime) -> Plan:
    bars = {symbol: cut(columns, since, until) for symbol, columns in plan.feed.bars.items()}
    return replace(plan, feed=Feed(bars=bars))


def bounds_of(start: datetime, end: datetime, steps: int) -> list[datetime]:
    """The second half of a span in so many steps."""
    half = start + (end - start) / 2
    return [half + (end - half) * number / steps for number in range(steps + 1)]


def _cluster(scheduler: str, joblib: Any) -> AbstractContextManager[Any]:
    if not scheduler:
        return nullcontext()
    distributed = _library("distributed", "dask")
    client = distributed.Client(scheduler)
    return cast("AbstractContextManager[Any]", _Cluster(client, joblib.parallel_config(backend="dask")))


class _Cluster:
    """A client and joblib's configuration, both closed at the end."""

    def __init__(self, client: Any, configured: Any) -> None:
        self._client, self._configured = client, configured

    def __enter__(self) -> None:
        self._configured.__enter__()

    def __exit__(self, *error: object) -> None:
        self._configured.__exit__(*error)
        self._client.close()


def _library(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigInvalid(without_extra(f"{name} comes with", extra)) from error


def values_of(text: str) -> list[object]:
    """The values of one parameter: `10:50:10` counts from 10 to 50 by 10, `10,20,50` lists them."""
    if text.count(":") == 2:
        first, last, step = (Decimal(part) for part in text.split(":"))
        if step <= 0 or last < first:
            raise ValueError(f"{text}: first:last:step counts upwards")
        return [str(first + step * number) for number in range(int((last - first) / step) + 1)]
    return [part.strip() for part in text.split(",") if part.strip()]
