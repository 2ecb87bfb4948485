"""A bot's own budget: counted in its account's currency, by what the desk says of symbols that the bot does not listen to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import OrderType, Price, Quantity, Side
from floorbroker.strategy import Budget
from floorbroker.strategy.bots import Purse
from floorbroker.strategy.bots.wire import Begin
from floorbroker.strategy.bots.worker import BotGround

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
