"""Limits of scopes and orders of several legs: each leg counts in its own symbol, while it is wished for, open and filled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import RiskLimitExceeded
from floorbroker.domain.instrument import Instrument, asset_class_of, usual_multiplier
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.records import Quote
from floorbroker.domain.values import AssetClass, OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.gateway.limiting import Wanted
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.house import CALLER, NOON, Desk, opened

pytestmark = pytest.mark.asyncio

NEAR, FAR = "AAPL  260320P00180000", "AAPL  260320P00170000"
OF_OPTIONS = replace(
    INFO,
    order_classes=frozenset(OrderClass),
    order_types={kind: frozenset(OrderType) for kind in (AssetClass.EQUITY, AssetClass.OPTION)},
    tifs={kind: frozenset(TimeInForce) for kind in (AssetClass.EQUITY, AssetClass.OPTION)},
)


@dataclass(slots=True)
class Chain(FakeBroker):
    """The near put is worth 5 a share, the far one 2; what is not in `prices` has none."""

    prices: dict[str, str] = field(default_factory=lambda: {NEAR: "5", FAR: "2", "AAPL": "200"})

    async def get_instrument(self, symbol: str) -> Instrument:
        found = await FakeBroker.get_instrument(self, symbol)
        return replace(found, asset_class=asset_class_of(symbol), multiplier=usual_multiplier(symbol))

    async def get_market_data(self, symbol: str) -> Quote:
        found = await FakeBroker.get_market_data(self, symbol)
        price = Price(Decimal(self.prices[symbol])) if symbol in self.prices else None
        return replace(found, bid=price, ask=price, last=price)


def _spread(qty: int = 1, *, near: Side = Side.BUY, strategy: str = "") -> NewOrder:
    legs = ((NEAR, near, 1), (FAR, Side.SELL if near is Side.BUY else Side.BUY, 2))
    return NewOrder(
        symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(qty)), price=Price(Decimal(1)),
        order_class=OrderClass.MULTILEG, strategy=strategy, allow_duplicate=True,
        legs=tuple(OrderLeg(symbol=s, side=side, ratio_qty=Quantity(Decimal(n))) for s, side, n in legs),
    )  # fmt: skip


@asynccontextmanager
async def _desk(root: Path, limit: str, value: int, *, scope: str) -> AsyncGenerator[Desk]:
    clock = ManualClock(NOON)
    async with opened(root, broker=Chain(clock, info=OF_OPTIONS), clock=clock) as desk:
        await desk.gateway.guard.set_limit(Wanted(scope=scope, name=limit, value=value), caller=CALLER)
        yield desk


async def test_a_wish_meets_the_limit_of_a_scopes_exposure_with_every_leg(tmp_path: Path) -> None:
    """One near put long is 500, two far ones short are 400: not the hundred that they cost together."""
    async with _desk(tmp_path, "max_gross_exposure", 899, scope="global") as desk:
        with pytest.raises(RiskLimitExceeded, match="gross exposure after worst case 900 is above"):
            await desk.place(_spread())


async def test_legs_that_work_count_in_every_scope_and_are_gone_with_their_order(tmp_path: Path) -> None:
    async with _desk(tmp_path, "max_gross_exposure", 2000, scope="global") as desk:
        order = await desk.place(_spread(2))
        assert desk.gateway.guard.usage("global")["max_gross_exposure"] == 1800
        with pytest.raises(RiskLimitExceeded, match="2300 is above"):
            await desk.place(buy("1", "5", symbol=NEAR))
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.wait(1)
        assert desk.gateway.guard.usage("global")["max_gross_exposure"] == 0
        await desk.place(buy("1", "5", symbol=NEAR))


@pytest.mark.parametrize("scope", ["global", "strategy:s", f"symbol:{FAR}", "token:tester"])
async def test_the_position_of_a_scope_is_limited_leg_by_leg(tmp_path: Path, scope: str) -> None:
    async with _desk(tmp_path, "max_position_qty", 4, scope=scope) as desk:
        await desk.place(_spread(strategy="s"))
        with pytest.raises(RiskLimitExceeded, match="position after worst case 6 is above"):
            await desk.place(_spread(2, strategy="s"))
        await desk.place(_spread(strategy="s"))


async def test_a_symbols_limit_counts_the_leg_in_it_and_no_other(tmp_path: Path) -> None:
    async with _desk(tmp_path, "max_gross_exposure", 1000, scope=f"symbol:{NEAR}") as desk:
        await desk.place(_spread())
        assert desk.gateway.guard.usage(f"symbol:{NEAR}")["max_gross_exposure"] == 500
        with pytest.raises(RiskLimitExceeded, match="1500 is above"):
            await desk.place(_spread(2))


async def test_a_leg_without_a_price_meets_no_limit_of_a_scopes_exposure(tmp_path: Path) -> None:
    async with _desk(tmp_path, "max_gross_exposure", 100_000, scope="global") as desk:
        assert isinstance(desk.broker, Chain)
        del desk.broker.prices[FAR]
        with pytest.raises(RiskLimitExceeded, match="gross exposure after worst case cannot be measured"):
            await desk.place(_spread())


async def test_a_day_has_an_order_of_several_legs_with_its_hundred_shares_after_a_start_too(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    for _ in range(2):
        async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
            if not broker.orders:
                await desk.place(_spread(3))
            assert desk.gateway.guard.risk.day.of("global", "").told == 300
