"""Brackets, one-cancels-other, one-triggers-other: where a broker has them."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.values import OrderClass, OrderType, OrdStatus, Side, TimeInForce
from tests.conformance.desk import Desk, price

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs
GONE = frozenset(
    {OrdStatus.CANCELED, OrdStatus.EXPIRED}
)  # of an order that its sibling ends, venues say one or the other


@needs(Can.BRACKET)
async def test_the_exits_of_a_bracket_wait_for_the_entry_and_cancel_each_other(desk: Desk) -> None:
    entry = await desk.place(
        price="195.00",
        tif=TimeInForce.GTC,
        order_class=OrderClass.BRACKET,
        take_profit=price("210.00"),
        stop_loss=StopLoss(stop_px=price("185.00")),
    )
    profit, loss = await desk.until_children(entry, 2)
    assert {profit.ord_status, loss.ord_status} == {OrdStatus.HELD}
    await desk.quote("194.80", "194.90")
    await desk.settled(entry)
    await desk.until(profit, lambda now: now.ord_status is OrdStatus.NEW)
    await desk.quote("210.50", "210.60")
    assert (await desk.settled(profit)).ord_status is OrdStatus.FILLED
    assert (await desk.settled(loss)).ord_status in GONE
    assert await desk.holds(0)


@needs(Can.BRACKET)
async def test_cancelling_the_entry_takes_the_exits_with_it(desk: Desk) -> None:
    entry = await desk.place(
        price="195.00",
        order_class=OrderClass.BRACKET,
        take_profit=price("210.00"),
        stop_loss=StopLoss(stop_px=price("185.00")),
    )
    children = await desk.until_children(entry, 2)
    await desk.cancel(entry)
    for order in (entry, *children):
        assert (await desk.settled(order)).ord_status in GONE


@needs(Can.BRACKET)
async def test_what_is_held_can_be_closed_beside_a_bracket_that_has_not_entered(desk: Desk) -> None:
    """Its exits close what it buys and nothing else; once it bought, they take that."""
    await desk.settled(await desk.place())
    held = (await desk.position()).quantize(Decimal("0.01"), ROUND_DOWN)  # some venues keep their fee in coins
    entry = await desk.place(
        price="195.00",
        tif=TimeInForce.GTC,
        order_class=OrderClass.BRACKET,
        take_profit=price("210.00"),
        stop_loss=StopLoss(stop_px=price("185.00")),
    )
    await desk.until_children(entry, 2)
    (session,) = desk.gateway.sessions.values()
    assert session.ctx.exposure().free(desk.goods.symbol, Side.SELL) >= held
    await desk.quote("194.80", "194.90")
    await desk.settled(entry)
    assert session.ctx.exposure().free(desk.goods.symbol, Side.SELL) <= 10


@needs(Can.OCO)
async def test_one_filled_exit_cancels_the_other(desk: Desk) -> None:
    await desk.settled(await desk.place())
    profit = await desk.place(
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        price="210.00",
        order_class=OrderClass.OCO,
        take_profit=price("210.00"),
        stop_loss=StopLoss(stop_px=price("185.00")),
    )
    (loss,) = await desk.until_children(profit, 1)
    await desk.quote("184.50", "184.60")
    assert (await desk.settled(loss)).ord_status is OrdStatus.FILLED
    assert (await desk.settled(profit)).ord_status in GONE
    assert await desk.holds(0)


@needs(Can.OTO)
async def test_the_second_order_waits_for_the_first(desk: Desk) -> None:
    entry = await desk.place(price="195.00", order_class=OrderClass.OTO, stop_loss=StopLoss(stop_px=price("185.00")))
    (loss,) = await desk.until_children(entry, 1)
    assert loss.ord_status is OrdStatus.HELD
    await desk.quote("194.80", "194.90")
    await desk.settled(entry)
    await desk.quote("184.50", "184.60")
    assert (await desk.settled(loss)).ord_status is OrdStatus.FILLED
    assert await desk.holds(0)
