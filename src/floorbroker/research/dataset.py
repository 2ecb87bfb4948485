"""Datasets for ranking: features and labels of every symbol and day, with a manifest that says what went in.

A dataset is named by the digest of what it says.  The same input makes the same name, and one that is there stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.domain.errors import ConfigInvalid, NotFound, without_extra
from floorbroker.research.features import FEATURES, Columns, Feature, columns_of, prove_point_in_time, value_of
from floorbroker.research.numbers import change
from floorbroker.research.panel import Panel, Quality
from floorbroker.research.shelf import encoded, write
from floorbroker.research.splits import Fold, walk_forward
from floorbroker.research.universe import Universe

SCHEMA = "floorbroker.dataset/1"
DIGITS = 12


class FoldDays(msgspec.Struct, frozen=True, kw_only=True):
    """One fold by its days, both included."""

    train_from: str
    train_to: str
    test_from: str
    test_to: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset is made of.  `dropped` counts rows that are left out, by the reason."""

    schema: str
    name: str
    universe: str
    symbols: list[str]
    source: str
    basis: str
    inputs: str
    first: str
    last: str
    features: dict[str, str]
    label: str
    horizon: int
    embargo: int
    folds: list[FoldDays]
    rows: int
    dropped: dict[str, int]
    proven: int
    digest: str
    quality: list[Quality]


@dataclass(frozen=True, slots=True)
class Sample:
    """One symbol on one day.

    `features` and `label` are places among the symbols of the day, from 0 to 1; labels of the newest days are not known yet.
    """

    at: int
    symbol: str
    features: tuple[float, ...]
    change: float | None
    label: float | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples in order of day and symbol."""

    manifest: Manifest
    days: tuple[date, ...]
    folds: tuple[Fold, ...]
    samples: tuple[Sample, ...]

    def within(self, places: tuple[int, int]) -> list[Sample]:
        """Samples of some days whose label is known."""
        return [one for one in self.samples if places[0] <= one.at < places[1] and one.label is not None]


def prepare(
    panel: Panel, universe: Universe, *, horizon: int = 5, embargo: int = 5, folds: int = 5, least: int = 252,
    features: Sequence[Feature] = FEATURES,
) -> Dataset:  # fmt: skip
    """Raises `LooksAhead` for a feature that knows the future, and `InvalidRequest` for too few days."""
    if not panel.days:
        raise NotFound(f"{panel.source} has no day for the universe {universe.name}")
    symbols = universe.members
    parts = walk_forward(len(panel.days), folds=folds, horizon=horizon, embargo=embargo, least=least)
    proven = prove_point_in_time(panel, symbols, features)
    dropped: dict[str, int] = {}
    samples: list[Sample] = []
    columns = {symbol: columns_of(panel, symbol) for symbol in symbols}
    for at in range(len(panel.days)):
        samples += _day(columns, features, at, horizon, dropped)
    digest = _digest(panel, samples, features, horizon)
    manifest = Manifest(
        schema=SCHEMA, name=f"{universe.name}-{digest[:12]}", universe=universe.name, symbols=list(symbols),
        source=panel.source, basis=panel.basis, inputs=panel.digest, first=panel.days[0].isoformat(),
        last=panel.days[-1].isoformat(), features={one.name: one.told for one in features},
        label=f"place among the day's symbols of the change of the close over the next {horizon} sessions",
        horizon=horizon, embargo=embargo, folds=[_days_of(panel, fold) for fold in parts], rows=len(samples),
        dropped=dict(sorted(dropped.items())), proven=proven, digest=digest, quality=panel.quality,
    )  # fmt: skip
    return Dataset(manifest, panel.days, tuple(parts), tuple(samples))


def _day(
    columns: Mapping[str, Columns], features: Sequence[Feature], at: int, horizon: int, dropped: dict[str, int]
) -> list[Sample]:
    raw: dict[str, list[float]] = {}
    for symbol, column in columns.items():
        values = [value_of(feature, column, at) for feature in features]
        if column["close"][at] is None:
            dropped["no bar on the day"] = dropped.get("no bar on the day", 0) + 1
        elif any(one is None for one in values):
            dropped["a feature is unknown"] = dropped.get("a feature is unknown", 0) + 1
        else:
            raw[symbol] = [one for one in values if one is not None]
    if len(raw) < 2:
        return []
    names = list(raw)
    places = [_places([raw[name][column] for name in names]) for column in range(len(features))]
    ahead = [change(columns[name]["close"], horizon, at + horizon) for name in names]
    known = [one for one in ahead if one is not None]
    labels = dict(zip([n for n, one in zip(names, ahead, strict=True) if one is not None], _places(known), strict=True))
    return [
        Sample(at, name, tuple(column[number] for column in places), ahead[number], labels.get(name))
        for number, name in enumerate(names)
    ]


def _places(values: Sequence[float]) -> list[float]:
    """From 0 for the least to 1 for the most; equals share the mean of their places."""
    if len(values) < 2:
        return [0.5] * len(values)
    order = sorted(values)
    first = {value: order.index(value) for value in set(order)}
    count = {value: order.count(value) for value in set(order)}
    return [(first[one] + (count[one] - 1) / 2) / (len(values) - 1) for one in values]


def _days_of(panel: Panel, fold: Fold) -> FoldDays:
    return FoldDays(
        train_from=panel.days[fold.train[0]].isoformat(), train_to=panel.days[fold.train[1] - 1].isoformat(),
        test_from=panel.days[fold.test[0]].isoformat(), test_to=panel.days[fold.test[1] - 1].isoformat(),
    )  # fmt: skip


def _digest(panel: Panel, samples: Sequence[Sample], features: Sequence[Feature], horizon: int) -> str:
    hashed = hashlib.sha256(f"{SCHEMA} {horizon} {[one.name for one in features]}\n".encode())
    for one in samples:
        values = " ".join(f"{value:.{DIGITS}f}" for value in one.features)
        hashed.update(f"{panel.days[one.at]} {one.symbol} {values} {_text(one.change)} {_text(one.label)}\n".encode())
    return hashed.hexdigest()


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.{DIGITS}f}"


def save(dataset: Dataset, folder: Path) -> Path:
    """`datasets/NAME/data.parquet` and `manifest.json`.  Raises `ConfigInvalid` without the extra `data`."""
    place = folder / "datasets" / dataset.manifest.name
    if (place / "manifest.json").is_file():
        return place
    try:
        polars: Any = import_module("polars")
    except ImportError as error:
        raise ConfigInvalid(without_extra("datasets need", "data")) from error
    names = list(dataset.manifest.features)
    table: dict[str, list[Any]] = {
        "day": [dataset.days[one.at] for one in dataset.samples],
        "symbol": [one.symbol for one in dataset.samples],
        **{name: [one.features[at] for one in dataset.samples] for at, name in enumerate(names)},
        "change": [one.change for one in dataset.samples],
        "label": [one.label for one in dataset.samples],
    }
    place.mkdir(parents=True, exist_ok=True)
    polars.DataFrame(table).write_parquet(place / "data.parquet", compression="zstd", statistics=False)
    write(place / "manifest.json", encoded(dataset.manifest))
    return place
