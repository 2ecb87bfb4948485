"""Datasets and rankings: nothing of the future in them, the same bytes each time, and an honest word on what was learned."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import InvalidRequest, NotFound, SymbolNotFound
from floorbroker.marketdata.cache import direct
from floorbroker.research import Panel, load_panel
from floorbroker.research.dataset import Dataset, Sample, prepare, save
from floorbroker.research.features import FEATURES, Feature, LooksAhead, columns_of, prove_point_in_time, value_of
from floorbroker.research.ranking import rank
from floorbroker.research.seeded import SeededSectors
from floorbroker.research.shelf import encoded
from floorbroker.research.splits import Fold, Leaks, check, walk_forward
from tests.unit.research.conftest import SMALL, Lines

FIRST, LAST = date(2024, 1, 2), date(2025, 6, 30)
HORIZON = 5


@pytest.fixture(scope="module")
def panel() -> Panel:
    import asyncio

    source = SeededSectors(3, SMALL, first=FIRST)
    return asyncio.run(load_panel(direct(source), SMALL.symbols, first=FIRST, last=LAST))


@pytest.fixture(scope="module")
def dataset(panel: Panel) -> Dataset:
    return prepare(panel, SMALL, horizon=HORIZON, folds=2, least=200)


# --- Nothing of the future ---------------------------------------------------------------------------------------------


def test_every_feature_says_the_same_without_later_days(panel: Panel) -> None:
    assert prove_point_in_time(panel, SMALL.members) == 12 * len(SMALL.members) * len(FEATURES)


@pytest.mark.parametrize(
    "planted",
    [
        Feature("tomorrow", 1, "the close of tomorrow", lambda columns, at: columns["close"][at + 1]),
        Feature("mean_of_all", 1, "the mean over every day", lambda c, at: sum(one or 0 for one in c["close"]) / len(c["close"])),
        Feature("last", 1, "the newest close", lambda columns, at: columns["close"][-1]),
        Feature("future_high", 1, "the high of the next week", lambda c, at: max(one or 0 for one in c["high"][at : at + 5])),
    ],
)  # fmt: skip
def test_a_planted_look_ahead_is_caught_and_no_dataset_is_made(panel: Panel, planted: Feature) -> None:
    with pytest.raises(LooksAhead, match=planted.name):
        prepare(panel, SMALL, folds=2, least=200, features=[*FEATURES, planted])


def test_a_feature_is_unknown_before_it_has_seen_enough(panel: Panel) -> None:
    columns = columns_of(panel, "TECA")
    for feature in FEATURES:
        assert value_of(feature, columns, feature.look_back - 2) is None
        assert value_of(feature, columns, feature.look_back + 5) is not None


@given(st.integers(20, 400), st.integers(1, 6), st.integers(1, 20), st.integers(0, 20), st.integers(1, 200))
def test_no_label_of_training_reaches_into_testing(
    count: int, folds: int, horizon: int, embargo: int, least: int
) -> None:
    try:
        found = walk_forward(count, folds=folds, horizon=horizon, embargo=embargo, least=least)
    except InvalidRequest:
        return
    assert len(found) == folds
    for fold in found:
        assert fold.train[1] - fold.train[0] >= least
        assert (fold.train[1] - 1) + horizon + embargo < fold.test[0]
        assert fold.test[1] - 1 + horizon < count
    assert all(a.test[1] == b.test[0] for a, b in pairwise(found))


def test_a_fold_that_trains_on_its_test_is_refused() -> None:
    check(Fold(train=(0, 90), test=(100, 120)), horizon=5, embargo=5)
    with pytest.raises(Leaks):
        check(Fold(train=(0, 91), test=(100, 120)), horizon=5, embargo=5)
    with pytest.raises(InvalidRequest, match="too few"):
        walk_forward(100, folds=2, horizon=5, embargo=5, least=90)


# --- Datasets ----------------------------------------------------------------------------------------------------------


def test_a_label_is_the_place_of_what_came_next(panel: Panel, dataset: Dataset) -> None:
    day = [one for one in dataset.samples if one.at == 200]
    best = max(day, key=lambda one: one.label or 0)
    closes = panel.numbers(best.symbol, "close")
    now, then = closes[200], closes[200 + HORIZON]
    assert best.label == 1
    assert now is not None
    assert then is not None
    assert best.change == pytest.approx(then / now - 1)
    assert all(one.label is None for one in dataset.samples if one.at >= len(panel.days) - HORIZON)


def test_the_same_input_has_the_same_name_and_is_written_once(panel: Panel, dataset: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("polars", reason="the extra data is not installed")
    again = prepare(panel, SMALL, horizon=HORIZON, folds=2, least=200)
    assert encoded(again.manifest) == encoded(dataset.manifest)
    place = save(dataset, tmp_path)
    stamp = (place / "data.parquet").stat().st_mtime_ns
    assert save(again, tmp_path) == place
    assert (place / "data.parquet").stat().st_mtime_ns == stamp
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["rows"] == len(dataset.samples)
    assert set(manifest["features"]) == {one.name for one in FEATURES}
    other = prepare(panel, SMALL, horizon=10, folds=2, least=200)
    assert other.manifest.digest != dataset.manifest.digest


@pytest.mark.asyncio
async def test_what_is_left_out_is_counted(panel: Panel) -> None:
    gains = dict.fromkeys(SMALL.symbols, 3)
    source = Lines(gains, errors={"TECA": SymbolNotFound("nobody knows TECA")}, left_out={"ENEA": {date(2025, 6, 2)}})
    made = prepare(
        await load_panel(direct(source), SMALL.symbols, first=FIRST, last=LAST), SMALL, folds=2, least=200
    )  # fmt: skip
    assert made.manifest.dropped["no bar on the day"] == len(made.days) + 1
    assert {one.kind for one in made.manifest.quality} == {"unknown_symbol", "hole"}
    with pytest.raises(NotFound):
        prepare(panel.until(date(2020, 1, 1)), SMALL)


# --- Rankings ----------------------------------------------------------------------------------------------------------


def taught(dataset: Dataset, rule: str) -> Dataset:
    """The same with other outcomes: those that a feature foretells, or none at all."""
    random = Random(5)
    column = list(dataset.manifest.features).index("momentum_21")

    def outcome(one: Sample) -> float | None:
        if one.label is None:
            return None
        return random.random() if rule == "noise" else 0.7 * one.features[column] + 0.3 * random.random()

    samples = [dataclasses.replace(one, label=outcome(one)) for one in dataset.samples]
    samples = [dataclasses.replace(one, change=one.label) for one in samples]
    return dataclasses.replace(dataset, samples=tuple(samples))


@pytest.mark.parametrize("model", ["lightgbm", "ridge"])
def test_what_can_be_learned_is_learned_and_told_so(dataset: Dataset, model: str) -> None:
    pytest.importorskip("lightgbm", reason="the extra research is not installed")
    report = rank(taught(dataset, "signal"), model=model)
    assert float(report.model_overall.rank_correlation or 0) > 0.5
    assert float(report.model_overall.errors_from_zero or 0) > 5
    assert "chance and the plain rule do not" in report.verdict
    assert max(report.weights, key=lambda name: float(report.weights[name])) == "momentum_21"
    assert [one.rank for one in report.ranking] == [1, 2, 3, 4, 5]


def test_noise_is_called_noise_and_the_report_is_the_same_each_time(dataset: Dataset) -> None:
    pytest.importorskip("lightgbm", reason="the extra research is not installed")
    noise = taught(dataset, "noise")
    report = rank(noise)
    assert abs(float(report.model_overall.errors_from_zero or 9)) < 2
    assert "do not trade on it" in report.verdict
    assert encoded(rank(noise)) == encoded(report)
    with pytest.raises(InvalidRequest, match="lightgbm, ridge"):
        rank(noise, model="oracle")
