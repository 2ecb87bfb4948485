"""Two events that bear one name, quotes or trades of one moment, are two causes: the wish of the second is no repeat."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Trade
from floorbroker.domain.values import Price
from floorbroker.strategy.bots import Bot, Clerk, Holdings, Inside, Keep, Kept, Spec
from tests.support.house import PROFILE, opened

STRATEGY = """
from floorbroker import Strategy

class InAndOut(Strategy):
    def on_trade(self, trade):
        if self.position(trade.symbol):
            self.close(trade.symbol)
        elif not self.orders():
            self.buy(trade.symbol, 10)

    def on_order(self, order):
        self.see(status=order.ord_status.value)
"""


@pytest.mark.asyncio
async def test_an_exit_at_the_moment_of_the_entry_is_not_taken_for_the_entry(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(STRATEGY, "utf-8")
    strategy, parameters = f"{tmp_path}/own.py:InAndOut", {"symbols": ["AAPL"]}
    async with opened(tmp_path) as desk:
        bot = Bot(
            name="inout", spec=Spec(strategy=strategy, parameters=parameters), host=Inside(),
            keep=Keep(tmp_path / "inout.json"), clock=desk.clock, log=NoLog(),
            clerk=Clerk(
                name="inout", desk=desk.gateway, profile=PROFILE, kept=Kept(strategy=strategy, parameters=parameters)
            ),
            purse=Holdings(desk.gateway, PROFILE).purse,
        )  # fmt: skip
        await bot.begin([])
        trade = Trade(symbol="AAPL", price=Price(Decimal(100)), size=Decimal(1), time=desk.clock.now())
        await bot.trade(trade)
        desk.broker.fill(desk.broker.of(desk.only().cl_ord_id), "10")
        await desk.wait(1)
        await bot.look()
        await bot.trade(trade)
        assert sorted(order.terms.side.value for order in desk.gateway.orders()) == ["buy", "sell"]
