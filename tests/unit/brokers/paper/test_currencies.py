"""Pairs that are not quoted in dollars: paid in their own currency, told in the account's, refused where nobody knows a rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from floorbroker.domain.errors import InsufficientFunds, OrderRejected
from floorbroker.domain.values import Money, OrdStatus
from tests.unit.brokers.paper.account import Paper, opened
from tests.unit.matching.venue import buy, sell

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def paper() -> AsyncIterator[Paper]:
    """A pound is worth two dollars, a lite one fifty pounds."""
    async with opened() as account:
        account.quote(2, 2, "GBP/USD")
        account.quote(50, 50, "LTC/GBP")
        yield account


async def balances(paper: Paper) -> dict[str, Decimal]:
    return {balance.currency: balance.total for balance in (await paper.broker.get_balances()).items}


async def test_a_pair_is_paid_in_its_quote_and_told_in_the_accounts_currency(paper: Paper) -> None:
    await paper.send(buy(10, "LTC/GBP"))
    paper.quote(60, 60, "LTC/GBP")
    account = await paper.broker.get_account_info()
    assert await balances(paper) == {"USD": 100_000, "GBP": -500, "LTC": 10}
    assert (account.currency, account.cash, account.equity) == ("USD", 99_000, 100_200)
    (position,) = (await paper.broker.get_positions()).items
    assert (position.market_value, position.unrealized_pl) == (600, 100), "in the pair's own currency"
    metrics = await paper.broker.get_risk_metrics()
    assert (metrics.gross_exposure, metrics.equity) == (1_200, 100_200)
    paper.quote(1, 1, "GBP/USD")
    assert (await paper.broker.get_account_info()).equity == 100_100


async def test_what_comes_back_stays_in_its_currency(paper: Paper) -> None:
    await paper.send(buy(10, "LTC/GBP"))
    paper.quote(60, 60, "LTC/GBP")
    await paper.send(sell(10, "LTC/GBP"))
    assert await balances(paper) == {"USD": 100_000, "GBP": 100}
    assert (await paper.broker.get_account_info()).equity == 100_200


async def test_a_pair_upside_down_tells_the_rate_too(paper: Paper) -> None:
    paper.quote(100, 100, "USD/JPY")
    paper.quote(200, 200, "GBP/JPY")
    await paper.send(buy(1_000, "GBP/JPY"))
    paper.quote(210, 210, "GBP/JPY")
    assert (await paper.broker.get_account_info()).equity == 100_100


async def test_a_pair_in_a_currency_that_nothing_tells_the_worth_of_is_refused_by_name(paper: Paper) -> None:
    paper.quote(50, 50, "LTC/CHF")
    with pytest.raises(OrderRejected) as refused:
        await paper.send(buy(1, "LTC/CHF"))
    assert refused.value.venue_text == (
        "the account is in USD, and nothing here tells what CHF is worth in it: CHF/USD has no price"
    )


async def test_buying_power_is_in_the_accounts_currency(paper: Paper) -> None:
    """Two hundred thousand dollars buy a hundred thousand pounds' worth."""
    with pytest.raises(InsufficientFunds):
        await paper.send(buy(2_001, "LTC/GBP"))
    assert (await paper.send(buy(2_000, "LTC/GBP"))).ord_status is OrdStatus.FILLED
    assert (await paper.broker.get_account_info()).buying_power == 0


@pytest.mark.parametrize("symbol", ["LTC/USDT", "LTC/USDT:USDT"])
async def test_coins_that_stand_for_dollars_are_paid_as_dollars(paper: Paper, symbol: str) -> None:
    paper.quote(50, 50, symbol)
    await paper.send(buy(10, symbol))
    assert (await balances(paper))["USD"] == 99_500
    assert "USDT" not in await balances(paper)


async def test_a_fee_is_in_the_currency_of_the_price() -> None:
    async with opened(fee_per_share=Decimal("0.5")) as paper:
        paper.quote(2, 2, "GBP/USD")
        paper.quote(50, 50, "LTC/GBP")
        await paper.send(buy(10, "LTC/GBP"))
        assert (await balances(paper))["GBP"] == -505
        assert [report.fee for report in paper.ear.reports if report.fee] == [Money(Decimal(5), "GBP")]
        margin = await paper.broker.get_margin_requirements(buy(10, "LTC/GBP"))
        assert (margin.currency, margin.fees, margin.buying_power_effect) == ("USD", 10, 1_000)


async def test_small_prices_have_small_steps(paper: Paper) -> None:
    paper.quote(60_000, 60_000, "BTC/USD")
    paper.quote("0.05", "0.05", "LTC/BTC")
    assert not await paper.broker.validate_order(buy(1, "LTC/BTC", price=Decimal("0.05123")))
    await paper.send(buy(1, "LTC/BTC"))
    assert (await balances(paper))["BTC"] == Decimal("-0.05")


async def test_books_of_before_open_and_count_each_pair_in_its_currency(paper: Paper) -> None:
    await paper.send(buy(10, "LTC/GBP"))
    async with opened(state=paper.state) as again:
        assert (await balances(again))["GBP"] == -500
        account = await again.broker.get_account_info()
        assert (account.equity, account.buying_power) == (100_000, 0), "nothing tells yet what a pound is worth"
        with pytest.raises(InsufficientFunds):
            await again.send(buy(1))
        again.quote(2, 2, "GBP/USD")
        again.quote(50, 50, "LTC/GBP")
        assert (await again.broker.get_account_info()).equity == 100_000
        assert (await again.send(buy(1))).ord_status is OrdStatus.FILLED
