"""Learn to rank symbols by what comes next, and say honestly how well that went.

Each fold learns from the past alone and is tested on days it has not seen.  The figure is the rank correlation of score and
outcome of each test day; beside it stands the same of a plain rule (momentum of a quarter), and of a coin.  Labels of
neighbouring days overlap, so the error of the mean counts one day in `horizon`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Any

import msgspec

from floorbroker.domain.errors import ConfigInvalid, InvalidRequest, without_extra
from floorbroker.research.dataset import Dataset, FoldDays, Sample
from floorbroker.research.numbers import correlation, deviation, mean, text

SCHEMA = "floorbroker.rank_report/1"
RULE = "momentum_63"
EXTRA = "research"
SURE = 2.0
_THIRD = 3
Score = Callable[[Sequence[Sample]], list[float]]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of some test days: mean rank correlation, its size in errors of the mean, and what the best third gained on the worst."""

    days: int
    rank_correlation: str | None
    errors_from_zero: str | None
    best_minus_worst: str | None
    hit_rate: str | None


class FoldReport(msgspec.Struct, frozen=True, kw_only=True):
    days: FoldDays
    learned_from: int
    model: Figures
    rule: Figures


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol in the newest ranking, the best first."""

    rank: int
    symbol: str
    score: str


class RankReport(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict` is one sentence; `weights` say which features counted, summing to one."""

    schema: str
    dataset: str
    inputs: str
    model: str
    seed: int
    horizon: int
    as_of: str
    verdict: str
    model_overall: Figures
    rule_overall: Figures
    coin_overall: Figures
    folds: list[FoldReport]
    weights: dict[str, str]
    ranking: list[Place]


@dataclass(frozen=True, slots=True)
class Learner:
    """A kind of model: `make` gives one that has not learned yet."""

    name: str
    make: Callable[[int], Any]


def _lightgbm(seed: int) -> Any:
    library: Any = _library("lightgbm")
    return library.LGBMRegressor(
        n_estimators=120, learning_rate=0.05, num_leaves=7, min_child_samples=60, subsample=0.8, subsample_freq=1,
        colsample_bytree=0.8, reg_lambda=5.0, random_state=seed, n_jobs=1, deterministic=True, force_row_wise=True,
        verbose=-1,
    )  # fmt: skip


def _ridge(seed: int) -> Any:
    library: Any = _library("sklearn.linear_model")
    return library.Ridge(alpha=10.0, random_state=seed)


LEARNERS = {one.name: one for one in (Learner("lightgbm", _lightgbm), Learner("ridge", _ridge))}


def rank(dataset: Dataset, *, model: str = "lightgbm", seed: int = 0) -> RankReport:
    """Walk forward, then learn from everything for the newest ranking.  Raises `ConfigInvalid` without the extra `research`."""
    if model not in LEARNERS:
        raise InvalidRequest(f"--model {model}: say one of {', '.join(sorted(LEARNERS))}")
    learner = LEARNERS[model]
    names = list(dataset.manifest.features)
    rule = _by_column(names.index(RULE)) if RULE in names else _coin(seed)
    folds: list[FoldReport] = []
    told: dict[str, list[tuple[float, float, bool]]] = {"model": [], "rule": [], "coin": []}
    for fold, days in zip(dataset.folds, dataset.manifest.folds, strict=True):
        train, test = dataset.within(fold.train), dataset.within(fold.test)
        scorers = {"model": _learned(learner, train, seed), "rule": rule, "coin": _coin(seed)}
        found = {name: _judged(test, scorer) for name, scorer in scorers.items()}
        for name, days_told in found.items():
            told[name] += days_told
        figures = {name: _figures(days_told, dataset.manifest.horizon) for name, days_told in found.items()}
        folds.append(
            FoldReport(days=days, learned_from=len(train), model=figures["model"], rule=figures["rule"])
        )  # fmt: skip
    overall = {name: _figures(days_told, dataset.manifest.horizon) for name, days_told in told.items()}
    weights, ranking = _newest(dataset, learner, seed)
    return RankReport(
        schema=SCHEMA, dataset=dataset.manifest.name, inputs=dataset.manifest.inputs, model=model, seed=seed,
        horizon=dataset.manifest.horizon, as_of=dataset.days[-1].isoformat(),
        verdict=_verdict(overall["model"], overall["rule"]), model_overall=overall["model"],
        rule_overall=overall["rule"], coin_overall=overall["coin"], folds=folds, weights=weights, ranking=ranking,
    )  # fmt: skip


def _learned(learner: Learner, samples: Sequence[Sample], seed: int) -> Score:
    numpy: Any = _library("numpy")
    model = learner.make(seed)
    model.fit(_matrix(numpy, samples), numpy.asarray([one.label for one in samples]))
    return lambda wanted: [float(one) for one in model.predict(_matrix(numpy, wanted))]


def _matrix(numpy: Any, samples: Sequence[Sample]) -> Any:
    return numpy.asarray([one.features for one in samples], dtype="float64")


def _by_column(column: int) -> Score:
    return lambda wanted: [one.features[column] for one in wanted]


def _coin(seed: int) -> Score:
    random = Random(f"coin {seed}")  # noqa: S311 - a coin that falls the same way again
    return lambda wanted: [random.random() for _ in wanted]


def _judged(samples: Sequence[Sample], score: Score) -> list[tuple[float, float, bool]]:
    """Of each day: rank correlation, what the best third gained on the worst, and whether it gained at all."""
    if not samples:
        return []
    by_day: dict[int, list[tuple[float, Sample]]] = {}
    for value, sample in zip(score(samples), samples, strict=True):
        by_day.setdefault(sample.at, []).append((value, sample))
    found: list[tuple[float, float, bool]] = []
    for pairs in by_day.values():
        told = _one_day(pairs)
        if told is not None:
            found.append(told)
    return found


def _one_day(pairs: Sequence[tuple[float, Sample]]) -> tuple[float, float, bool] | None:
    if len(pairs) < _THIRD:
        return None
    order = sorted(pairs, key=lambda pair: (pair[0], pair[1].symbol))
    places: list[float | None] = [float(number) for number in range(len(order))]
    labels: list[float | None] = [pair[1].label for pair in order]
    together = correlation(places, labels, least=_THIRD)
    count = max(1, len(order) // _THIRD)
    gains = [pair[1].change or 0.0 for pair in order]
    spread = (mean(gains[-count:]) or 0.0) - (mean(gains[:count]) or 0.0)
    return None if together is None else (together, spread, spread > 0)


def _figures(days: Sequence[tuple[float, float, bool]], horizon: int) -> Figures:
    correlations = [one[0] for one in days]
    middle, width = mean(correlations), deviation(correlations)
    independent = len(days) / horizon
    away = None if middle is None or not width or independent < 2 else middle / (width / independent**0.5)
    return Figures(
        days=len(days), rank_correlation=text(middle), errors_from_zero=text(away),
        best_minus_worst=text(mean([one[1] for one in days])),
        hit_rate=text(sum(one[2] for one in days) / len(days)) if days else None,
    )  # fmt: skip


def _verdict(model: Figures, rule: Figures) -> str:
    if model.errors_from_zero is None or model.rank_correlation is None:
        return "there are too few test days to tell anything"
    if abs(float(model.errors_from_zero)) < SURE:
        return "what the model says of unseen days cannot be told from chance: do not trade on it"
    if float(model.rank_correlation) < 0:
        return "the model is wrong about unseen days more often than chance: do not trade on it"
    if rule.rank_correlation is not None and float(model.rank_correlation) <= float(rule.rank_correlation):
        return f"the model tells something of unseen days, and no more than {RULE} does by itself"
    return (
        "the model tells something of unseen days that chance and the plain rule do not; costs are not in these figures"
    )


def _newest(dataset: Dataset, learner: Learner, seed: int) -> tuple[dict[str, str], list[Place]]:
    """Learned from every label there is; the ranking is of the last day that has features."""
    numpy: Any = _library("numpy")
    known = [one for one in dataset.samples if one.label is not None]
    model = learner.make(seed)
    model.fit(_matrix(numpy, known), numpy.asarray([one.label for one in known]))
    last = max(one.at for one in dataset.samples)
    newest = [one for one in dataset.samples if one.at == last]
    scored = sorted(
        zip((float(one) for one in model.predict(_matrix(numpy, newest))), newest, strict=True),
        key=lambda pair: (-pair[0], pair[1].symbol),
    )
    ranking = [
        Place(rank=number, symbol=sample.symbol, score=text(score) or "")
        for number, (score, sample) in enumerate(scored, start=1)
    ]
    raw = [abs(float(one)) for one in getattr(model, "feature_importances_", getattr(model, "coef_", ()))]
    total = sum(raw) or 1.0
    weights = {name: text(one / total) or "" for name, one in zip(dataset.manifest.features, raw, strict=True)}
    return weights, ranking


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigInvalid(without_extra("ranking needs", EXTRA)) from error
