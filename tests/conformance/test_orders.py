"""The life of simple orders at every broker."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import Conflict, InvalidRequest, OrderNotFound, OrderRejected, SymbolNotFound
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import OrderType, OrdStatus, Side, TimeInForce
from tests.conformance.desk import CALLER, Desk, price, quantity

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


async def test_a_market_order_fills_at_the_touch(desk: Desk) -> None:
    order = await desk.settled(await desk.place())
    assert (order.ord_status, order.cum_qty, order.avg_px) == (OrdStatus.FILLED, Decimal(10), Decimal("200.10"))
    assert await desk.position() == Decimal(10)
    assert len(await desk.orders_at_venue(order)) == 1


async def test_a_limit_order_rests_until_the_price_comes(desk: Desk) -> None:
    order = await desk.place_resting(price="195.00")
    await desk.venue.set_price("AAPL", "194.80", "194.90")
    filled = await desk.settled(order)
    assert (filled.ord_status, filled.avg_px) == (OrdStatus.FILLED, Decimal("195.00"))


async def test_partial_fills_add_up(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.venue.fill(order, "4", "50")
    part = await desk.until(order, lambda now: now.cum_qty == 4)
    assert (part.ord_status, part.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, Decimal(6))
    await desk.venue.fill(order, "6", "49")
    done = await desk.settled(order)
    assert (done.ord_status, done.avg_px) == (OrdStatus.FILLED, Decimal("49.4"))
    assert [execution.last_qty for execution in done.executions] == [Decimal(4), Decimal(6)]


async def test_a_stop_waits_for_its_trigger(desk: Desk) -> None:
    stop = await desk.until(
        await desk.place(order_type=OrderType.STOP, stop_px=price("205.00")),
        lambda now: now.ord_status is OrdStatus.NEW,
    )
    await desk.venue.set_price("AAPL", "205.20", "205.30")
    assert (await desk.settled(stop)).ord_status is OrdStatus.FILLED


async def test_a_stop_limit_becomes_a_limit(desk: Desk) -> None:
    order = await desk.place(order_type=OrderType.STOP_LIMIT, stop_px=price("205.00"), price="205.10")
    await desk.venue.set_price("AAPL", "206.00", "206.10")
    working = await desk.until(order, lambda now: now.ord_status is OrdStatus.NEW)
    assert working.cum_qty == 0
    await desk.venue.set_price("AAPL", "205.00", "205.05")
    assert (await desk.settled(order)).ord_status is OrdStatus.FILLED


async def test_a_trailing_stop_follows_the_market(desk: Desk) -> None:
    await desk.settled(await desk.place())
    trail = await desk.until(
        await desk.place(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=price("5.00")),
        lambda now: now.ord_status is OrdStatus.NEW,
    )
    await desk.venue.set_price("AAPL", "219.90", "220.10")
    await desk.venue.set_price("AAPL", "216.90", "217.10")
    assert desk.gateway.order(trail.intent_id).is_open
    await desk.venue.set_price("AAPL", "214.00", "214.20")
    assert (await desk.settled(trail)).ord_status is OrdStatus.FILLED


async def test_immediate_or_cancel_leaves_nothing_behind(desk: Desk) -> None:
    order = await desk.settled(await desk.place(price="150.00", tif=TimeInForce.IOC))
    assert (order.ord_status, order.cum_qty) == (OrdStatus.CANCELED, 0)


@needs(Can.NOTIONAL)
async def test_a_notional_order_spends_its_amount(desk: Desk) -> None:
    order = await desk.settled(await desk.place(notional="1000"))
    assert order.ord_status is OrdStatus.FILLED
    assert order.avg_px is not None
    assert abs(order.cum_qty * order.avg_px - 1000) < Decimal("0.01")


@needs(Can.FRACTIONAL)
async def test_a_fraction_of_a_share_is_held_exactly(desk: Desk) -> None:
    order = await desk.settled(await desk.place(order_qty="0.123456789"))
    assert order.cum_qty == Decimal("0.123456789")
    assert await desk.position() == Decimal("0.123456789")


@needs(Can.SHORT)
async def test_a_short_position_is_negative(desk: Desk) -> None:
    await desk.settled(await desk.place(side=Side.SELL))
    assert await desk.position() == Decimal(-10)


@needs(Can.CANCEL)
async def test_a_cancelled_order_is_done(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.cancel(order)
    assert (await desk.settled(order)).ord_status is OrdStatus.CANCELED
    assert desk.open_orders() == []


@needs(Can.CANCEL)
async def test_a_fill_that_crosses_the_cancel_is_kept(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.venue.fill(order, "10", "50")
    with suppress(Conflict, OrderRejected, OrderNotFound):  # the venue may say that it is too late
        await desk.cancel(order)
    filled = await desk.settled(order)
    assert (filled.ord_status, filled.cum_qty) == (OrdStatus.FILLED, Decimal(10))


@needs(Can.CANCEL)
async def test_a_partly_filled_order_keeps_its_fills_when_cancelled(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.venue.fill(order, "3", "50")
    await desk.until(order, lambda now: now.cum_qty == 3)
    await desk.cancel(order)
    done = await desk.settled(order)
    assert (done.ord_status, done.cum_qty, done.leaves_qty) == (OrdStatus.CANCELED, Decimal(3), Decimal(0))


async def test_a_finished_order_cannot_be_cancelled(desk: Desk) -> None:
    order = await desk.settled(await desk.place())
    with pytest.raises(Conflict, match="nothing to cancel"):
        await desk.cancel(order)


@needs(Can.REPLACE)
async def test_a_replace_changes_price_and_total(desk: Desk) -> None:
    order = await desk.place_resting()
    changes = OrderChanges(price=price("51"), order_qty=quantity("12"))
    await desk.gateway.modify(order.intent_id, changes, caller=CALLER)
    changed = await desk.until(order, lambda now: now.price == 51 and not now.pending_replace)
    assert (changed.order_qty, changed.intent_id) == (Decimal(12), order.intent_id)
    await desk.venue.set_price("AAPL", "50.80", "50.90")
    done = await desk.settled(changed)
    assert (done.ord_status, done.cum_qty) == (OrdStatus.FILLED, Decimal(12))


@needs(Can.REPLACE)
async def test_a_total_below_what_is_filled_is_refused(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.venue.fill(order, "4", "50")
    await desk.until(order, lambda now: now.cum_qty == 4)
    with pytest.raises(InvalidRequest):
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=quantity("4")), caller=CALLER)


async def test_an_unknown_symbol_is_refused_by_name(desk: Desk) -> None:
    with pytest.raises(SymbolNotFound, match="NOSUCH"):
        await desk.place(symbol="NOSUCH")
    assert desk.gateway.orders() == []


async def test_a_price_off_the_tick_is_refused_before_it_leaves(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match=r"0\.01"):
        await desk.place(price="50.005")
    assert await desk.venue.orders() == []
