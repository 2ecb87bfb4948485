"""A rank-driven policy: a model scores each symbol by what it did lately, and the best are held.

Features are returns over `horizons`; the model is anything with `predict(rows)`, learned elsewhere (scikit-learn, LightGBM) and
handed in as a file that `joblib` wrote.  Without one the sum of the features ranks: plain momentum.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

from pydantic import Field

from floorbroker.domain.values import WIDE, Price
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.schedule import BeforeClose, On
from floorbroker.strategy.sizing import targets
from floorbroker.strategy.wishes import Fired


class Model(Protocol):
    """Scores rows of features; the higher the better."""

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]: ...


class Momentum:
    """The sum of the features."""

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        return [sum(row) for row in rows]


class Ranked(Strategy):
    """Holds the `best` symbols in equal parts of `share`, looked at on the last session of each month, at its close."""

    horizons: tuple[Annotated[int, Field(ge=1)], ...] = (21, 63, 126)
    best: Annotated[int, Field(ge=1)] = 2
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.95")
    model: Path | None = None

    def on_start(self) -> None:
        self._model: Model = Momentum() if self.model is None else _loaded(self.model)
        self.at(BeforeClose(on=On.MONTH_END), "rank")

    def on_timer(self, timer: Fired) -> None:
        ready = [symbol for symbol in self.symbols if len(self.bars(symbol)) > max(self.horizons)]
        if not ready:
            return
        scores = dict(zip(ready, self._model.predict([self._features(symbol) for symbol in ready]), strict=True))
        chosen = sorted(ready, key=lambda symbol: (-scores[symbol], symbol))[: self.best]
        self.see(**{symbol: round(scores[symbol], 6) for symbol in ready})
        weights = {symbol: self.share / self.best if symbol in chosen else Decimal(0) for symbol in ready}
        prices: dict[str, Price] = {symbol: self.bars(symbol).view().close for symbol in ready}
        wanted = targets(self.equity, weights, prices)
        for symbol in sorted(ready, key=lambda symbol: wanted[symbol] - self.position(symbol)):  # sells first
            self.target(symbol, wanted[symbol], reason="among the best" if symbol in chosen else "not among the best")

    def _features(self, symbol: str) -> list[Decimal]:
        """Returns over the horizons, splits already counted."""
        track = self.bars(symbol)
        now = track.steady[track.at]
        return [round(WIDE.divide(Decimal(now), track.steady[track.at - back]) - 1, 9) for back in self.horizons]


def _loaded(path: Path) -> Model:
    """A model that was learned elsewhere.  Whoever can write the file can run code here: it is the user's own."""
    joblib: Any = importlib.import_module("joblib")  # part of the research extra
    return cast("Model", joblib.load(path))
