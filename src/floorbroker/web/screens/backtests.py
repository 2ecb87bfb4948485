"""Backtests: results that this home keeps, some of them on one plot, one with its curves and figures, and new runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from floorbroker.app.backtesting import Backtests
from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO, decimal_of
from floorbroker.web.frame import Ask, Screen
from floorbroker.web.plots import Plot, Series, gains_of, plot_of

ROWS = 100
COMPARED_MAX = 6  # lines that one can tell apart
FIGURES = ("return_percent", "return_year_percent", "sharpe", "drawdown_percent", "trips", "won_percent")


async def backtests(ask: Ask) -> Mapping[str, Any]:
    """The newest, with the figures that people compare; those that the address names are drawn."""
    shown: dict[str, Any] = {
        "rows": [],
        "figures": FIGURES,
        "trouble": "",
        "compared": (),
        "plots": None,
        "most": COMPARED_MAX,
        "strategies": [],
        "can_run": False,
    }
    kept = _backtests_of(ask)
    if kept is None:
        return shown
    shown |= {"strategies": kept.strategies, "can_run": kept.recorded is not None}
    try:
        shown["rows"] = await kept.kept(limit=ROWS)
        chosen = [await kept.whole(id) for id in dict.fromkeys(ask.ids[:COMPARED_MAX])]
    except (ConfigInvalid, NotFound) as error:
        return {**shown, "trouble": error.detail}
    return {**shown, "compared": tuple(one["id"] for one in chosen), "plots": plots_of(chosen)}


async def backtest(ask: Ask) -> Mapping[str, Any]:
    """One result.  Raises `NotFound`."""
    kept = _backtests_of(ask)
    if kept is None:
        raise NotFound("no backtests are kept here")
    try:
        whole = await kept.whole(ask.params["id"])
    except ConfigInvalid as error:
        raise NotFound(error.detail) from error
    return {"trouble": "", "most": ROWS, "plots": plots_of([whole]), **whole}


def _backtests_of(ask: Ask) -> Backtests | None:
    return None if ask.studies is None else ask.studies.backtests


@frozen
class Plots:
    """Gains and falls of the same results, in percent."""

    gains: Plot | None
    falls: Plot | None


def plots_of(results: Sequence[Mapping[str, Any]]) -> Plots:
    """Of kept results; those that were kept without a curve are left out."""
    equity: list[Series] = []
    falls: list[Series] = []
    for one in results:
        points = [(datetime.fromisoformat(at), decimal_of(worth), decimal_of(fall)) for at, worth, fall in _curve(one)]
        worths = Series(name=one["id"], points=[(at, worth) for at, worth, _ in points])
        equity.append(gains_of(worths, decimal_of(one["result"]["equity"]["start"])))
        falls.append(Series(name=one["id"], points=[(at, fall) for at, _, fall in points]))
    return Plots(gains=plot_of(equity), falls=plot_of(falls, top=ZERO))


def _curve(kept: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    return kept.get("curve", ())


BACKTESTS = Screen(
    path="/backtests", title="Backtests", template="backtests.html", build=backtests, scripts=("backtests.js",)
)
BACKTEST = Screen(path="/backtests/{id}", title="Backtest", template="backtest.html", build=backtest)
