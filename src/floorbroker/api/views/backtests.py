"""Backtests and long work as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.api.views.shape import View, when
from floorbroker.app.operations import Operation
from floorbroker.domain.values import time_text


class BacktestView(View, frozen=True):
    """A kept result in a few numbers; `asked` is what it was made of, numbers are text."""

    id: str
    strategy: str
    parameters: dict[str, Any]
    start: str
    end: str
    equity_end: str
    pnl: str
    fees: str
    income: str
    statistics: dict[str, Any]
    asked: dict[str, Any]


class WholeBacktestView(View, frozen=True):
    """A kept result with fills and round trips: `result` is what `floorbroker backtest run --json` prints."""

    id: str
    asked: dict[str, Any]
    result: dict[str, Any]


class OperationView(View, frozen=True):
    """Long work: `state` is waiting, running, done, failed or cancelled; `result` is where to look once it is done."""

    id: str
    name: str
    state: str
    percent: int
    made_at: str
    ended_at: str | None
    detail: str
    result: str | None


def backtest_view(kept: Mapping[str, Any]) -> BacktestView:
    return BacktestView(**{name: kept[name] for name in BacktestView.__struct_fields__})


def whole_backtest_view(kept: Mapping[str, Any]) -> WholeBacktestView:
    return WholeBacktestView(id=kept["id"], asked=kept["asked"], result=kept["result"])


def operation_view(one: Operation) -> OperationView:
    return OperationView(
        id=one.id,
        name=one.name,
        state=one.state.value,
        percent=one.percent,
        made_at=time_text(one.made_at),
        ended_at=when(one.ended_at),
        detail=one.detail,
        result=one.result or None,
    )
