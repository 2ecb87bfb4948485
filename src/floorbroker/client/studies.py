"""Bots and their decisions, research, backtests, and the long work that those are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.client.door import Door, segment
from floorbroker.client.shapes import Shape
from floorbroker.client.verbs import API, Body, every, items, one

OPERATIONS, BACKTESTS, RESEARCH = f"{API}/operations", f"{API}/backtests", f"{API}/research"


class Bot(Shape, frozen=True):
    """One bot: what it runs, for whom, and whether it may."""

    name: str
    strategy: str
    state: str
    reason: str
    open_orders: int
    profile: str | None = None
    last: str | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Decision(Shape, frozen=True):
    """One decision, as its line in the log; what a line lacks is empty."""

    time: str
    strategy: str
    bot: str
    profile: str
    act: str
    cause: str
    order: dict[str, str]
    market_context: dict[str, str]
    agent_reasoning: str
    intent_id: str = ""
    order_id: str = ""
    ord_status: str = ""
    refused: str = ""
    key: str = ""
    hash: str = ""


class Report(Shape, frozen=True):
    """The newest report of a kind; `as_of` is the last day that it knows."""

    name: str
    as_of: str
    universe: str
    source: str
    kept_at: datetime
    is_whole: bool | None = None


class WholeReport(Shape, frozen=True):
    """A report with all it says."""

    name: str
    as_of: str
    kept_at: datetime
    report: dict[str, Any]


class Backtest(Shape, frozen=True):
    """A kept result in a few numbers; `asked` is what it was made of."""

    id: str
    strategy: str
    parameters: dict[str, Any]
    start: str
    end: str
    equity_end: Decimal
    pnl: Decimal
    fees: Decimal
    income: Decimal
    statistics: dict[str, Any]
    asked: dict[str, Any]


class WholeBacktest(Shape, frozen=True):
    """A kept result with its fills and round trips."""

    id: str
    asked: dict[str, Any]
    result: dict[str, Any]


class Operation(Shape, frozen=True):
    """Long work: `state` is waiting, running, done, failed or cancelled; `result` is where to look once it is done."""

    id: str
    name: str
    state: str
    percent: int
    made_at: datetime
    ended_at: datetime | None = None
    detail: str = ""
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Studies:
    """What strategies do and did."""

    door: Door

    async def strategies(self) -> list[Bot]:
        """Every bot that has run at this desk."""
        return items(await self.door.call("GET", f"{API}/strategies"), Bot)

    def decisions(self, *, strategy: str | None = None) -> AsyncIterator[Decision]:
        """What strategies decided and why, newest first, fetched as they are read."""
        return every(self.door, f"{API}/decisions", {"strategy": strategy}, Decision)

    async def reports(self) -> list[Report]:
        """Which reports of research are kept."""
        return items(await self.door.call("GET", RESEARCH), Report)

    async def report(self, name: str) -> WholeReport:
        """The newest of one kind: sectors, outliers, ranking or allocation."""
        return one(await self.door.call("GET", f"{RESEARCH}/{segment(name)}"), WholeReport)

    def backtests(self) -> AsyncIterator[Backtest]:
        """Kept results, newest first, fetched as they are read."""
        return every(self.door, BACKTESTS, {}, Backtest)

    async def backtest(self, id: str) -> WholeBacktest:
        """One with all it says."""
        return one(await self.door.call("GET", f"{BACKTESTS}/{segment(id)}"), WholeBacktest)

    async def run_backtest(self, asked: Body) -> Operation:
        """Begin one: `strategy`, `symbols`, and what may be said of them.  Ask `operation` how far it is."""
        return one(await self.door.call("POST", BACKTESTS, body=asked), Operation)

    async def operation(self, id: str) -> Operation:
        """How far long work is."""
        return one(await self.door.call("GET", f"{OPERATIONS}/{segment(id)}"), Operation)

    async def cancel_operation(self, id: str) -> Operation:
        """End long work; what was over stays as it was."""
        return one(await self.door.call("DELETE", f"{OPERATIONS}/{segment(id)}"), Operation)
