"""A bot's own budget: counted in its account's currency, by what the desk says of symbols that the bot does not listen to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Quote
from floorbroker.domain.values import OrderType, Price, ProfileName, Quantity, Side
from floorbroker.gateway.desk import ANY, OrderFilter
from floorbroker.strategy import Budget
from floorbroker.strategy.bots import Bot, Clerk, Inside, Keep, Kept, Purse, Spec
from floorbroker.strategy.bots.wire import Begin
from floorbroker.strategy.bots.worker import BotGround
from tests.unit.strategy.bots.test_host import FakeDesk

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
CALL = "AAPL  260320C00150000"


def ground(budget: Budget, *, marks: dict[str, int], scales: dict[str, str]) -> BotGround:
    """It holds two units of `HELD`, and hears a price of ten for everything it listens to."""
    purse = Purse(
        cash=Decimal(100), equity=Decimal(100), held={"HELD": Decimal(2)},
        marks={symbol: Decimal(mark) for symbol, mark in marks.items()},
        scales={symbol: Decimal(scale) for symbol, scale in scales.items()},
    )  # fmt: skip
    made = BotGround(
        Begin(
            strategy="", parameters={}, calendar="24x7", now=NOW, state={}, purse=purse, wishes=[], history=[]
        )
    )  # fmt: skip
    made.budget = budget
    ten = Price(Decimal(10))
    made.quotes = {symbol: Quote(symbol=symbol, bid=ten, ask=ten, time=NOW) for symbol in ("AAA", "ETH/BTC", CALL)}
    return made


def refused(made: BotGround, symbol: str, qty: int) -> str:
    wish = NewOrder(
        symbol=symbol, side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(qty)), price=Price(Decimal(10))
    )  # fmt: skip
    made.place(wish)
    return made.news[-1].reason if made.news else ""  # pyright: ignore[reportAttributeAccessIssue] - an order's news


@pytest.mark.parametrize(("symbol", "most"), [("AAA", 10), (CALL, 1_000), ("ETH/BTC", 500_000)])
def test_a_unit_counts_for_what_it_is_about_in_the_accounts_currency(symbol: str, most: int) -> None:
    scales = {"": "1", "ETH/BTC": "50000"}
    assert not refused(ground(Budget(position_max=Decimal(most)), marks={}, scales=scales), symbol, 1)
    too_much = refused(ground(Budget(position_max=Decimal(most - 1)), marks={}, scales=scales), symbol, 1)
    assert f"{symbol} would be worth {most}, above position_max" in too_much


def test_a_pair_in_a_currency_of_which_nobody_said_what_it_is_worth_is_not_bought() -> None:
    told = refused(ground(Budget(position_max=Decimal(10**9)), marks={}, scales={"": "1"}), "ETH/BTC", 1)
    assert "without a price and a rate of exchange for ETH/BTC" in told


def test_what_is_held_and_not_listened_to_counts_at_the_desks_mark() -> None:
    tight = Budget(gross_max=Decimal(99))
    assert "worth 100, above gross_max 99" in refused(ground(tight, marks={"HELD": 45}, scales={"": "1"}), "AAA", 1)
    assert not refused(ground(tight, marks={"HELD": 44}, scales={"": "1"}), "AAA", 1)
    assert "exchange for HELD" in refused(ground(tight, marks={}, scales={"": "1"}), "AAA", 1)


CAREFUL = """
from decimal import Decimal
from floorbroker.strategy import Budget, Strategy


class Careful(Strategy):
    def __init__(self, symbols=("SPY",)):
        super().__init__()

    def risk_budget(self):
        return Budget(orders_day_max=2)

    def on_quote(self, quote):
        self.buy("SPY", 1)
"""


class Empty(FakeDesk):
    """It remembers no orders."""

    def orders(self, where: OrderFilter = ANY) -> list[Any]:
        del where
        return []


@pytest.mark.asyncio
async def test_a_bot_that_is_started_again_goes_on_counting_its_day(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CAREFUL, "utf-8")
    strategy, clock = f"{tmp_path}/own.py:Careful", ManualClock(NOW)
    desk, keep = Empty("SPY"), Keep(tmp_path / "careful.json")

    async def purse() -> Purse:
        return Purse(cash=Decimal(100), equity=Decimal(100), held={})

    def again() -> Bot:
        kept = keep.read() or Kept(strategy=strategy, parameters={})
        return Bot(
            name="careful", spec=Spec(strategy=strategy, parameters={}), host=Inside(), keep=keep, clock=clock,
            clerk=Clerk(name="careful", desk=cast("Any", desk), profile=ProfileName("paper"), kept=kept), log=NoLog(),
            purse=purse,
        )  # fmt: skip

    sent: list[int] = []
    for hours in (0, 1, 2, 24):
        clock.set(NOW + timedelta(hours=hours))
        bot = again()
        await bot.begin([])
        await bot.quote(Quote(symbol="SPY", bid=Price(Decimal(1)), ask=Price(Decimal(1)), time=clock.now()))
        await bot.stop()
        sent.append(len(desk.submitted))
    assert sent == [1, 2, 2, 3]
