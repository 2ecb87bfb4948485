"""What is held and what own orders have filled are of one moment, whatever of it was told: `target` trades nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import ExecutionReport, Quote
from floorbroker.domain.values import ExecType, OrdStatus, Price
from floorbroker.strategy.bots import Bot, Clerk, Holdings, Inside, Keep, Kept, Spec
from tests.support.house import PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio

STRATEGY = """
from floorbroker import Strategy

class Ten(Strategy):
    after: str = "quote"

    def on_quote(self, quote):
        if self.after == "quote" or not self.state.get("begun"):
            self.state["begun"] = True
            self.target(quote.symbol, 10)

    def on_fill(self, fill):
        if self.after == "fill":
            self.target(fill.symbol, 10)

    def on_order(self, order):
        if self.after == "order":
            self.target(order.symbol, 10)
"""


async def ten(desk: Desk, folder: Path, after: str) -> Bot:
    """A bot that wants to hold ten, and looks at it with each quote, fill or news of an order."""
    (folder / "own.py").write_text(STRATEGY, "utf-8")
    strategy, parameters = f"{folder}/own.py:Ten", {"symbols": ["AAPL"], "after": after}
    bot = Bot(
        name="ten", spec=Spec(strategy=strategy, parameters=parameters), host=Inside(), keep=Keep(folder / "ten.json"),
        clerk=Clerk(name="ten", desk=desk.gateway, profile=PROFILE, kept=Kept(strategy=strategy, parameters=parameters)),
        clock=desk.clock, log=NoLog(), purse=Holdings(desk.gateway, PROFILE).purse,
    )  # fmt: skip
    await bot.begin([])
    return bot


def quote(desk: Desk, *, later_s: float = 0) -> Quote:
    at = desk.clock.now() + timedelta(seconds=later_s)
    return Quote(symbol="AAPL", bid=Price(Decimal("99.99")), ask=Price(Decimal("100.01")), time=at)


def total_only(told: ExecutionReport) -> ExecutionReport:
    """What a venue says of an order before it lists the execution."""
    return replace(told, exec_type=ExecType.ORDER_STATUS, exec_id=None, last_qty=None, last_px=None)


@pytest.mark.parametrize("parts", [("10",), ("4",), ("4", "6")])
@pytest.mark.parametrize("after", ["quote", "fill", "order"])
async def test_a_fill_that_was_not_told_yet_is_counted_once(tmp_path: Path, after: str, parts: tuple[str, ...]) -> None:
    async with opened(tmp_path) as desk:
        bot = await ten(desk, tmp_path, after)
        await bot.quote(quote(desk))
        for part in parts:
            desk.broker.fill(desk.broker.of(desk.only().cl_ord_id), part)
        await desk.wait(1)
        await bot.quote(quote(desk))
        await bot.look()
        assert [order.terms.side.value for order in desk.gateway.orders()] == ["buy"]


@pytest.mark.parametrize("after", ["quote", "order"])
async def test_units_whose_executions_are_still_to_come_are_held(tmp_path: Path, after: str) -> None:
    async with opened(tmp_path) as desk:
        bot = await ten(desk, tmp_path, after)
        await bot.quote(quote(desk))
        order = desk.broker.of(desk.only().cl_ord_id)
        desk.broker.muted = True
        told = desk.broker.fill(order, "10", listed=False)
        desk.broker.muted = False
        desk.broker.tell(total_only(told))
        await desk.wait(0.5)
        assert desk.only().ord_status is OrdStatus.FILLED
        await bot.look()
        await bot.quote(quote(desk))
        assert [one.terms.side.value for one in desk.gateway.orders()] == ["buy"]
