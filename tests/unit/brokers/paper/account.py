"""What the paper tests share: an account on a clock that moves by hand, and an ear on its private stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from floorbroker.brokers.paper import MemoryState, Options, PaperBroker, StateFile
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import Approved, NewOrder, OrderRef
from floorbroker.domain.ports import Reports
from floorbroker.domain.records import ExecutionReport, Quote
from floorbroker.domain.values import ClOrdId, Environment, IntentId, ProfileName
from tests.unit.matching.venue import px, units

_SEEDS = count(1)  # two clients of one venue never make the same id
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Ear:
    """Everything the private stream said."""

    def __init__(self) -> None:
        self.reports: list[ExecutionReport] = []
        self.links: list[bool] = []

    def on_report(self, report: ExecutionReport) -> None:
        self.reports.append(report)

    def on_stream(self, up: bool, detail: str) -> None:
        self.links.append(up)

    def words(self) -> list[str]:
        return [f"{report.exec_type.value} {report.order_id}" for report in self.reports]


class Paper:
    """A connected account, and short spellings for what tests do with it."""

    def __init__(
        self,
        *,
        state: StateFile | None = None,
        may_send: Callable[[float | None, str], None] | None = None,
        **options: Any,
    ) -> None:
        options = {"latency_min_ms": 0, "latency_max_ms": 0, **options}
        self.clock = ManualClock(START)
        self.state = state if state is not None else MemoryState()
        self.ids = IdSource(tag=5, random=Random(next(_SEEDS)))
        self.ear = Ear()
        self.broker = PaperBroker(
            clock=self.clock, state=self.state, options=Options(**options), may_send=may_send or (lambda *_: None)
        )

    def approve(self, order: NewOrder, *, cl_ord_id: str | None = None) -> Approved:
        intent = self.ids.intent(self.clock.now())
        return Approved(
            intent_id=intent,
            cl_ord_id=ClOrdId(cl_ord_id or intent),
            profile=ProfileName("paper"),
            environment=Environment.PAPER,
            order=order,
            decided_at=self.clock.monotonic(),
        )

    async def send(self, order: NewOrder) -> ExecutionReport:
        """The report about the order itself."""
        return (await self.broker.submit_order(self.approve(order)))[0]

    async def family(self, order: NewOrder) -> Reports:
        return await self.broker.submit_order(self.approve(order))

    def quote(self, bid: int | str, ask: int | str, symbol: str = "AAPL", *, size: int = 1000) -> None:
        """Set the market by hand; the walk no longer moves this symbol."""
        self.broker.feed(
            Quote(
                symbol=symbol,
                bid=px(bid),
                ask=px(ask),
                bid_size=units(size),
                ask_size=units(size),
                time=self.clock.now(),
            )
        )

    async def cash(self) -> Decimal:
        return (await self.broker.get_account_info()).cash


def ref(report: ExecutionReport) -> OrderRef:
    assert report.cl_ord_id is not None
    return OrderRef(
        intent_id=IntentId(report.cl_ord_id), cl_ord_id=report.cl_ord_id, symbol=report.symbol, order_id=report.order_id
    )


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Paper]:
    """A connected account with AAPL at 99 to 101."""
    paper = Paper(**options)
    await paper.broker.subscribe_order_events(paper.ear)
    await paper.broker.connect()
    paper.quote(99, 101)
    yield paper
    await paper.broker.disconnect()
    await asyncio.sleep(0)
