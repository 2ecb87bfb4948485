"""Sweeps and walk-forward: every combination, the best first, and no choice that knows what came after it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from floorbroker.backtest import (
    Backtest,
    Feed,
    Plan,
    bounds_of,
    combinations,
    html_of,
    sweep,
    values_of,
    walk_forward,
)
from floorbroker.domain.errors import InvalidRequest
from floorbroker.strategy.shelf import Crossover
from tests.unit.backtest.market import Scripted, flat, play, series

pytest.importorskip("joblib", reason="the research extra is not installed")
CLOSES = [1000 + 90 * ((n // 25) % 2) + (n * 37) % 23 for n in range(400)]
PLAN = Plan(strategy="crossover", feed=Feed.of_bars(series(flat(*CLOSES), span_s=3_600)), sessions=False)
FIXED = {"symbols": ("SPY",), "size": "100"}


def test_a_grid_gives_every_combination() -> None:
    found = combinations(FIXED, {"fast": values_of("2:6:2"), "slow": values_of("10,20")})
    assert [(one["fast"], one["slow"]) for one in found] == [(f, s) for f in ("2", "4", "6") for s in ("10", "20")]
    assert {one["size"] for one in found} == {"100"}


@pytest.mark.parametrize("grid", [{}, {"fast": [*range(1000)], "slow": [*range(1000)]}])
def test_a_grid_of_nothing_or_too_much_is_refused(grid: dict[str, list[int]]) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 100,000 combinations"):
        combinations(FIXED, grid)


def test_the_best_comes_first_and_each_is_the_run_it_names() -> None:
    tries = combinations(FIXED, {"fast": ["2", "5"], "slow": ["10", "30"]})
    seen: list[tuple[int, int]] = []
    found = sweep(PLAN, tries, by="profit", jobs=1, told=lambda done, total: seen.append((done, total)))
    profits = [one.value("profit") for one in found]
    assert profits == sorted(profits, reverse=True)
    assert len({*profits}) > 1
    assert seen[-1] == (4, 4)
    alone = Backtest(Crossover(**found[0].parameters), PLAN.feed).run()
    assert alone.statistics == found[0].statistics


def test_on_several_cores_it_is_the_same() -> None:
    tries = combinations(FIXED, {"fast": ["2", "5"], "slow": ["10"]})
    assert sweep(PLAN, tries, jobs=2) == sweep(PLAN, tries, jobs=1)


def test_a_combination_that_is_refused_is_told_and_comes_last() -> None:
    found = sweep(PLAN, combinations(FIXED, {"fast": ["0", "5"], "slow": ["10"]}), jobs=1)
    assert not found[0].trouble
    assert "fast: Input should be greater than or equal to 1" in found[-1].trouble


def test_walk_forward_chooses_on_the_past_alone() -> None:
    tries = combinations(FIXED, {"fast": ["2", "5", "9"], "slow": ["12", "30"]})
    bounds = bounds_of(*PLAN.feed.span(), 3)
    steps = walk_forward(PLAN, tries, bounds=bounds, by="profit", jobs=1)
    assert [step.tested for step in steps] == [*pairwise(bounds)]
    changed = [*CLOSES[:200], *(5_000 - close for close in CLOSES[200:])]
    other = Plan(strategy="crossover", feed=Feed.of_bars(series(flat(*changed), span_s=3_600)), sessions=False)
    again = walk_forward(other, tries, bounds=bounds, by="profit", jobs=1)
    assert again[0].chosen == steps[0].chosen
    assert again[0].fared != steps[0].fared


def test_a_report_stands_alone() -> None:
    pytest.importorskip("plotly", reason="the research extra is not installed")
    result = play(
        Scripted({0: lambda s: s.buy("SPY", 1), 30: lambda s: s.close("SPY")}, symbols=("SPY",)),
        series(flat(*CLOSES), span_s=86_400),
        cash=Decimal(1_000),
    )
    page = html_of(result)
    for part in ("<!doctype html>", "Equity", "Drawdown, percent", "SPY: trades", "Months, percent", "sharpe"):
        assert part in page
    assert "<script src=" not in page
