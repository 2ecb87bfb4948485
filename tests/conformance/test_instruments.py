"""Options, multi-leg orders and coins, where a broker has them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.orders import OrderLeg
from floorbroker.domain.values import OrderClass, OrderType, OrdStatus, PositionIntent, Side, TimeInForce
from tests.conformance.desk import Desk, price, quantity

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


def _call(desk: Desk, strike: str) -> str:
    """A call that expires on a Friday some weeks away."""
    root = desk.goods.underlying
    if root is None:
        pytest.skip(f"{desk.info.name} has no options on {desk.goods.symbol}")
    today = SystemClock().now().date()
    friday = today + timedelta(days=28 + (4 - today.weekday()) % 7)
    return OptionContract(root=root, expiry=friday, right="C", strike=Decimal(strike)).symbol


@needs(Can.OPTIONS)
async def test_a_bought_call_is_a_position_in_contracts(desk: Desk) -> None:
    symbol = _call(desk, "200")
    await desk.venue.set_price(symbol, "5.00", "5.10")
    order = await desk.settled(
        await desk.place(
            symbol=symbol, price="5.10", order_qty=quantity("2"), position_intent=PositionIntent.BUY_TO_OPEN
        )
    )
    assert (order.ord_status, order.avg_px) == (OrdStatus.FILLED, Decimal("5.10"))
    assert await desk.position(symbol) == Decimal(2)
    spent, value = Decimal(100_000) - (await desk.gateway.account()).cash, 2 * 100 * Decimal("5.10")
    assert 0 <= spent - value <= desk.goods.paid(value)


@needs(Can.MULTILEG)
async def test_a_spread_fills_all_its_legs(desk: Desk) -> None:
    near, far = _call(desk, "200"), _call(desk, "210")
    await desk.venue.set_price(near, "5.00", "5.10")
    await desk.venue.set_price(far, "2.00", "2.10")
    spread = await desk.place(
        symbol=desk.goods.underlying,
        order_class=OrderClass.MULTILEG,
        order_type=OrderType.LIMIT,
        price="3.20",
        order_qty=quantity("1"),
        legs=(
            OrderLeg(symbol=near, side=Side.BUY, ratio_qty=quantity("1"), position_intent=PositionIntent.BUY_TO_OPEN),
            OrderLeg(symbol=far, side=Side.SELL, ratio_qty=quantity("1"), position_intent=PositionIntent.SELL_TO_OPEN),
        ),
    )
    assert (await desk.settled(spread)).ord_status is OrdStatus.FILLED
    await desk.until_children(spread, 2)
    for leg in desk.children_of(spread):
        assert (await desk.settled(leg)).ord_status is OrdStatus.FILLED
    assert await desk.position(near) == Decimal(1)
    assert await desk.position(far) == Decimal(-1)
    found = await desk.gateway.reconcile(desk.gateway.default_profile())
    assert (found.error, found.differences) == ("", ())


@needs(Can.OPTION_CHAIN)
async def test_a_chain_has_both_rights_of_one_day_at_every_strike(desk: Desk) -> None:
    chain = await desk.gateway.option_chain("SPY")
    assert chain.expiry == min(chain.expirations)
    assert {row.contract.expiry for row in chain.contracts} == {chain.expiry}
    strikes = {right: {row.contract.strike for row in chain.contracts if row.contract.right == right} for right in "CP"}
    assert strikes["C"] == strikes["P"]
    assert len(strikes["C"]) > 1
    assert all(row.bid <= row.ask for row in chain.contracts if row.bid is not None and row.ask is not None)
    later = chain.expirations[1]
    assert {row.contract.expiry for row in (await desk.gateway.option_chain("SPY", later)).contracts} == {later}
    with pytest.raises(SymbolNotFound):
        await desk.gateway.option_chain("SPY", later + timedelta(days=1))


async def test_a_coin_is_bought_by_the_fraction(desk: Desk) -> None:
    coin = desk.goods.coin
    if coin is None:
        pytest.skip(f"{desk.info.name} trades nothing else here")
    await desk.venue.set_price(coin, "60000", "60010")
    order = await desk.settled(
        await desk.place(symbol=coin, price=price("60010"), order_qty=quantity("0.25"), tif=TimeInForce.GTC)
    )
    assert (order.ord_status, order.cum_qty) == (OrdStatus.FILLED, Decimal("0.25"))
    assert await desk.position(coin) <= Decimal("0.25")
    found = await desk.gateway.reconcile(desk.gateway.default_profile())
    assert found.error == ""
