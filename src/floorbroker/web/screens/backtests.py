"""Backtests: the results that this home keeps, side by side, and one of them with its figures and last fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.web.frame import Ask, Screen

ROWS = 100
FIGURES = ("return_percent", "return_year_percent", "sharpe", "drawdown_percent", "trips", "won_percent")


async def backtests(ask: Ask) -> Mapping[str, Any]:
    """The newest, with the figures that people compare."""
    shown: dict[str, Any] = {"rows": [], "figures": FIGURES, "trouble": ""}
    if ask.studies is None or ask.studies.backtests is None:
        return shown
    try:
        return {**shown, "rows": await ask.studies.backtests.kept(limit=ROWS)}
    except ConfigInvalid as error:
        return {**shown, "trouble": error.detail}


async def backtest(ask: Ask) -> Mapping[str, Any]:
    """One result.  Raises `NotFound`."""
    if ask.studies is None or ask.studies.backtests is None:
        raise NotFound("no backtests are kept here")
    try:
        return {"trouble": "", "most": ROWS, **await ask.studies.backtests.whole(ask.params["id"])}
    except ConfigInvalid as error:
        raise NotFound(error.detail) from error


BACKTESTS = Screen(path="/backtests", title="Backtests", template="backtests.html", build=backtests)
BACKTEST = Screen(path="/backtests/{id}", title="Backtest", template="backtest.html", build=backtest)
