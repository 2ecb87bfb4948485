"""A sweep on a Dask cluster of this machine is the sweep of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from floorbroker.backtest import Feed, Plan, bounds_of, combinations, sweep, walk_forward
from tests.unit.backtest.market import flat, series

pytest.importorskip("joblib", reason="the research extra is not installed")
distributed = pytest.importorskip("distributed", reason="the dask extra is not installed")
CLOSES = [1000 + 90 * ((n // 25) % 2) + (n * 37) % 23 for n in range(400)]
PLAN = Plan(strategy="crossover", feed=Feed.of_bars(series(flat(*CLOSES), span_s=3_600)), sessions=False)
TRIES = combinations({"symbols": ("SPY",), "size": "100"}, {"fast": ["2", "5"], "slow": ["10", "30"]})


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of two workers in processes of their own."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_its_results_are_those_of_one_process(scheduler: str) -> None:
    seen: list[tuple[int, int]] = []
    found = sweep(PLAN, TRIES, by="profit", scheduler=scheduler, told=lambda done, total: seen.append((done, total)))
    assert found == sweep(PLAN, TRIES, by="profit", jobs=1)
    assert seen == [(done, 4) for done in range(1, 5)]


def test_walk_forward_chooses_there_as_well(scheduler: str) -> None:
    bounds = bounds_of(*PLAN.feed.span(), 2)
    found = walk_forward(PLAN, TRIES, bounds=bounds, by="profit", scheduler=scheduler)
    assert found == walk_forward(PLAN, TRIES, bounds=bounds, by="profit", jobs=1)
