"""What a desk can ask of every broker."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Quantity, Side
from tests.conformance.desk import Desk

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


async def test_the_account_starts_with_money_and_moves_by_the_fill(desk: Desk) -> None:
    start = await desk.gateway.account()
    assert (start.cash, start.currency) == (desk.goods.cash, desk.goods.currency)
    await desk.settled(await desk.place())
    cost = start.cash - (await desk.gateway.account()).cash
    assert 0 <= cost - desk.goods.cost(Decimal("2001.00")) <= desk.goods.paid(Decimal("2001.00"))


async def test_the_quote_is_the_price_that_was_set(desk: Desk) -> None:
    quote = await desk.gateway.quote(desk.goods.symbol)
    assert (quote.bid, quote.ask) == (Decimal("199.90"), Decimal("200.10"))


async def test_balances_name_the_currency(desk: Desk) -> None:
    assert desk.goods.currency in {balance.currency for balance in await desk.gateway.balances()}


@needs(Can.MARKET_HOURS)
async def test_market_hours_are_aware_and_ordered(desk: Desk) -> None:
    if desk.goods.market == "crypto":
        pytest.skip("a market that never closes is told in test_a_market_of_coins_is_open_at_any_hour")
    day = SystemClock().now().date()
    hours = [await desk.gateway.market_hours(desk.goods.market, day - timedelta(days=back)) for back in range(7)]
    sessions = [found for found in hours if found.is_open_day]
    assert sessions
    for found in sessions:
        assert found.open is not None
        assert found.close is not None
        assert found.open.utcoffset() == timedelta(0)
        assert found.open < found.close


@needs(Can.MARKET_HOURS)
async def test_a_market_of_coins_is_open_at_any_hour(desk: Desk) -> None:
    if desk.goods.market != "crypto":
        pytest.skip(f"{desk.goods.symbol} has hours")
    found = await desk.gateway.market_hours(desk.goods.market, SystemClock().now().date())
    assert found.is_open_day
    assert found.is_open_now


@needs(Can.HISTORY_BARS)
async def test_bars_come_in_order_inside_the_asked_time(desk: Desk) -> None:
    end = SystemClock().now()
    start = end - timedelta(days=5)
    bars = await desk.gateway.bars(desk.goods.bars, span_s=3600, start=start, end=end, limit=50)
    assert 0 < len(bars) <= 50
    starts = [bar.start for bar in bars]
    assert starts == sorted(set(starts))
    assert all(bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high for bar in bars)


async def test_the_self_check_holds(desk: Desk) -> None:
    found = await desk.gateway.self_check(desk.gateway.default_profile())
    assert found.ok, [check for check in found.checks if not check.ok]
    assert found.checks


async def test_a_preview_shows_every_control_and_sends_nothing(desk: Desk) -> None:
    wish = NewOrder(
        symbol=desk.goods.symbol,
        side=Side.BUY,
        order_type=OrderType.MARKET,
        order_qty=Quantity(Decimal(1_000_000)),
        tif=desk.goods.tif,
    )
    preview = await desk.gateway.preview(wish, profile=None)
    assert not preview.ok
    assert "buying_power" in {verdict.control for verdict in preview.verdicts if not verdict.ok}
    assert await desk.venue.orders() == []
