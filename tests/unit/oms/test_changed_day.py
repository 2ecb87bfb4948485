"""What changed orders count for in a day's limits: what they traded and may still trade, however often they are changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import RiskLimitExceeded
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.values import Price, Quantity
from floorbroker.gateway.limiting import Wanted
from tests.support.fake_broker import buy
from tests.support.house import CALLER, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio
each_scope = pytest.mark.parametrize("scope", [f"profile:{PROFILE}", "global", "token:tester", "symbol:AAPL"])


@asynccontextmanager
async def _limited(root: Path, scope: str, name: str, value: int) -> AsyncGenerator[Desk]:
    async with opened(root) as desk:
        await desk.gateway.guard.set_limit(Wanted(scope=scope, name=name, value=value), caller=CALLER)
        yield desk


async def _change(desk: Desk, order: Order, *, qty: str | None = None, price: str | None = None) -> Order:
    changes = OrderChanges(
        order_qty=None if qty is None else Quantity(Decimal(qty)),
        price=None if price is None else Price(Decimal(price)),
    )
    return await desk.gateway.modify(order.intent_id, changes, caller=CALLER)


@each_scope
async def test_an_order_that_grows_as_it_fills_stays_within_its_day(tmp_path: Path, scope: str) -> None:
    async with _limited(tmp_path, scope, "max_notional_day", 1200) as desk:
        order = await desk.place(buy("10", "100"))
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "6")
        await desk.wait(1)
        with pytest.raises(RiskLimitExceeded, match="1300 is above max_notional_day"):
            await _change(desk, order, qty="13")
        assert (await _change(desk, order, qty="12")).order_qty == 12


@each_scope
async def test_what_a_changed_order_traded_and_may_trade_counts_for_the_next_one(tmp_path: Path, scope: str) -> None:
    async with _limited(tmp_path, scope, "max_notional_day", 1700) as desk:
        order = await desk.place(buy("10", "100"))
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "6")
        await desk.wait(1)
        await _change(desk, order, qty="16")
        with pytest.raises(RiskLimitExceeded, match="1800 is above max_notional_day"):
            await desk.place(buy("2", "100"))
        await desk.place(buy("1", "100"))


@each_scope
@pytest.mark.parametrize(("name", "value"), [("max_notional_day", 1200), ("max_orders_day", 1)])
async def test_a_new_price_is_no_second_order_of_the_day(tmp_path: Path, scope: str, name: str, value: int) -> None:
    async with _limited(tmp_path, scope, name, value) as desk:
        order = await desk.place(buy("10", "100"))
        assert (await _change(desk, order, price="99")).price == 99
