"""The life of simple orders at every broker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import (
    Conflict,
    FloorbrokerError,
    InvalidRequest,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    RiskLimitExceeded,
    SymbolNotFound,
)
from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import AssetClass, OrderClass, OrderType, OrdStatus, Side, TimeInForce
from tests.conformance.desk import CALLER, Desk, price, quantity

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs
ACCEPTED = {OrdStatus.NEW, OrdStatus.HELD}  # some venues call a stop held until it is elected


async def test_a_market_order_fills_at_the_touch(desk: Desk) -> None:
    order = await desk.settled(await desk.place())
    assert (order.ord_status, order.cum_qty, order.avg_px) == (OrdStatus.FILLED, Decimal(10), Decimal("200.10"))
    assert await desk.holds(10)
    assert len(await desk.orders_at_venue(order)) == 1


async def test_a_limit_order_rests_until_the_price_comes(desk: Desk) -> None:
    order = await desk.place_resting(price="195.00")
    await desk.quote("194.80", "194.90")
    filled = await desk.settled(order)
    assert (filled.ord_status, filled.avg_px) == (OrdStatus.FILLED, Decimal(desk.goods.bettered))


async def test_partial_fills_add_up(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.venue.fill(order, "4", "50")
    part = await desk.until(order, lambda now: now.cum_qty == 4)
    assert (part.ord_status, part.leaves_qty) == (OrdStatus.PARTIALLY_FILLED, Decimal(6))
    await desk.venue.fill(order, "6", "49")
    done = await desk.settled(order)
    assert (done.ord_status, done.avg_px) == (OrdStatus.FILLED, Decimal("49.4"))
    if Can.HISTORY_FILLS in desk.info.can:  # elsewhere totals are told, and stand-ins for fills come later
        assert [execution.last_qty for execution in done.executions] == [Decimal(4), Decimal(6)]


@needs(OrderType.STOP)
async def test_a_stop_waits_for_its_trigger(desk: Desk) -> None:
    stop = await desk.until(
        await desk.place(order_type=OrderType.STOP, stop_px=price("205.00")),
        lambda now: now.ord_status in ACCEPTED,
    )
    await desk.quote("205.20", "205.30")
    assert (await desk.settled(stop)).ord_status is OrdStatus.FILLED


@needs(OrderType.STOP_LIMIT)
async def test_a_stop_limit_becomes_a_limit(desk: Desk) -> None:
    order = await desk.place(order_type=OrderType.STOP_LIMIT, stop_px=price("205.00"), price="205.10")
    await desk.quote("206.00", "206.10")
    working = await desk.until(order, lambda now: now.ord_status is OrdStatus.NEW)
    assert working.cum_qty == 0
    await desk.quote("205.00", "205.05")
    assert (await desk.settled(order)).ord_status is OrdStatus.FILLED


@needs(OrderType.TRAILING_STOP)
async def test_a_trailing_stop_follows_the_market(desk: Desk) -> None:
    await desk.settled(await desk.place())
    trail = await desk.until(
        await desk.place(
            side=Side.SELL,
            order_type=OrderType.TRAILING_STOP,
            order_qty=desk.goods.trailed,
            **desk.goods.trail,
        ),
        lambda now: now.ord_status in ACCEPTED,
    )
    await desk.quote("219.90", "220.10")
    await desk.quote("216.90", "217.10")
    assert desk.gateway.order(trail.intent_id).is_open
    await desk.quote("214.00", "214.20")
    assert (await desk.settled(trail)).ord_status is OrdStatus.FILLED


@needs(TimeInForce.IOC)
async def test_immediate_or_cancel_leaves_nothing_behind(desk: Desk) -> None:
    order = await desk.settled(await desk.place(price="150.00", tif=TimeInForce.IOC))
    assert order.ord_status in {OrdStatus.CANCELED, OrdStatus.EXPIRED}
    assert order.cum_qty == 0


@needs(Can.NOTIONAL)
async def test_a_notional_order_spends_its_amount(desk: Desk) -> None:
    order = await desk.settled(await desk.place(notional="1000"))
    assert order.ord_status is OrdStatus.FILLED
    assert order.avg_px is not None
    step = await desk.step()
    assert abs(order.cum_qty * order.avg_px - 1000) < max(Decimal("0.01"), step * order.avg_px)


@needs(Can.FRACTIONAL)
async def test_a_fraction_of_a_unit_is_held_exactly(desk: Desk) -> None:
    order = await desk.settled(await desk.place(order_qty=desk.goods.fraction))
    assert order.cum_qty == Decimal(desk.goods.fraction)
    assert await desk.holds(desk.goods.fraction)


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
async def test_a_replace_changes_the_price(desk: Desk) -> None:
    order = await desk.place_resting()
    await desk.gateway.modify(order.intent_id, OrderChanges(price=price("51")), caller=CALLER)
    changed = await desk.until(order, lambda now: now.price == 51 and not now.pending_replace)
    assert (changed.order_qty, changed.intent_id) == (Decimal(10), order.intent_id)


@needs(Can.REPLACE_QTY)
async def test_a_replace_changes_price_and_total(desk: Desk) -> None:
    order = await desk.place_resting()
    changes = OrderChanges(price=price("51"), order_qty=quantity("12"))
    await desk.gateway.modify(order.intent_id, changes, caller=CALLER)
    changed = await desk.until(order, lambda now: now.price == 51 and not now.pending_replace)
    assert (changed.order_qty, changed.intent_id) == (Decimal(12), order.intent_id)
    await desk.quote("50.80", "50.90")
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
        await desk.place(symbol=desk.goods.unknown)
    assert desk.gateway.orders() == []


async def test_a_price_off_the_tick_is_refused_before_it_leaves(desk: Desk) -> None:
    off, step = desk.goods.off_tick
    with pytest.raises(InvalidRequest, match=re.escape(step)):
        await desk.place(price=off)
    assert await desk.venue.orders() == []


async def test_what_a_preview_has_against_an_order_by_rule_is_refused_in_the_same_words_before_it_is_kept(
    desk: Desk,
) -> None:
    """Every type at every time in force, and with each further term; what nothing is known against is left alone here."""
    (session,) = desk.gateway.sessions.values()
    broker, refused = session.ctx.broker, 0
    instrument = await broker.get_instrument(desk.goods.symbol)
    for wish in _wishes(desk.goods.symbol, desk.goods.tif, session.ctx.clock.now()):
        against = broker.broken_rules(wish, instrument)
        if not against:
            continue
        assert await broker.validate_order(wish) == against
        with pytest.raises((InvalidRequest, NotSupported, RiskLimitExceeded)) as said:
            await desk.gateway.submit(wish, profile=None, caller=CALLER, key=None)
        if str(said.value).startswith(f"{desk.info.name} takes no such order"):
            assert isinstance(said.value, InvalidRequest)
            assert said.value.fields == against
            refused += 1
    assert refused
    assert (desk.gateway.orders(), await desk.venue.orders()) == ([], [])


def _wishes(symbol: str, tif: TimeInForce, now: datetime) -> Iterator[NewOrder]:
    ten, stop, limit = quantity("10"), price("205.00"), price("206.00")
    prices: dict[OrderType, dict[str, Any]] = {
        OrderType.MARKET: {},
        OrderType.LIMIT: {"price": limit},
        OrderType.STOP: {"stop_px": stop},
        OrderType.STOP_LIMIT: {"stop_px": stop, "price": limit},
        OrderType.TRAILING_STOP: {"trail_percent": Decimal(2)},
        OrderType.MARKET_IF_TOUCHED: {"stop_px": price("150.00")},
        OrderType.LIMIT_IF_TOUCHED: {"stop_px": price("150.00"), "price": price("151.00")},
    }
    until = {TimeInForce.GTD: {"expire_at": now + timedelta(days=2)}}
    more: list[dict[str, Any]] = [
        *({"tif": word, **until.get(word, {})} for word in TimeInForce),
        {"tif": TimeInForce.GTD, "expire_at": now - timedelta(days=2)},
        {"post_only": True},
        {"display_qty": quantity("0.1")},
        {"extended_hours": True},
        {"order_qty": None, "notional": Decimal("0.5")},
        *(
            {"order_class": kind, "take_profit": price("220.00"), "stop_loss": StopLoss(stop_px=price("140.00")), **at}
            for kind in (OrderClass.BRACKET, OrderClass.OCO)
            for at in ({}, {"tif": TimeInForce.IOC})
        ),
    ]
    for kind, terms in prices.items():
        for extra in more:
            plain: dict[str, Any] = {"order_qty": ten, "tif": tif, "allow_duplicate": True, **terms, **extra}
            yield NewOrder(symbol=symbol, side=Side.BUY, order_type=kind, **plain)


@needs(OrderType.MARKET_IF_TOUCHED)
async def test_a_touched_order_waits_for_the_better_price(desk: Desk) -> None:
    order = await desk.place(order_type=OrderType.MARKET_IF_TOUCHED, stop_px=price("195.00"))
    await desk.until(order, lambda now: now.ord_status is OrdStatus.NEW)
    await desk.quote("205.20", "205.30")
    assert desk.gateway.order(order.intent_id).is_open
    await desk.quote("194.80", "194.90")
    done = await desk.settled(order)
    assert (done.ord_status, done.avg_px) == (OrdStatus.FILLED, Decimal("194.90"))


@needs(OrderType.LIMIT_IF_TOUCHED)
async def test_a_limit_if_touched_rests_once_it_was_touched(desk: Desk) -> None:
    order = await desk.place(order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=price("195.00"), price="194.00")
    await desk.until(order, lambda now: now.ord_status is OrdStatus.NEW)
    await desk.quote("194.90", "195.00")
    assert desk.gateway.order(order.intent_id).cum_qty == 0
    await desk.quote("193.80", "193.90")
    assert (await desk.settled(order)).ord_status is OrdStatus.FILLED


@needs(Can.POST_ONLY)
async def test_a_post_only_order_rests_or_is_no_order(desk: Desk) -> None:
    with suppress(OrderRejected):  # some venues refuse it, others take it and end it at once
        taker = await desk.settled(await desk.place(price="201.00", post_only=True))
        assert taker.ord_status in {OrdStatus.CANCELED, OrdStatus.EXPIRED, OrdStatus.REJECTED}
    assert await desk.position() == 0
    maker = await desk.place_resting(price="195.00", post_only=True)
    await desk.quote("194.80", "194.90")
    done = await desk.settled(maker)
    assert (done.ord_status, done.avg_px) == (OrdStatus.FILLED, Decimal("195.00"))


@needs(Can.DISPLAY_QTY)
async def test_an_iceberg_is_one_order_of_its_whole_quantity(desk: Desk) -> None:
    order = await desk.place_resting(price="195.00", display_qty="2")
    assert order.leaves_qty == Decimal(10)
    await desk.quote("194.80", "194.90")
    done = await desk.settled(order)
    assert (done.ord_status, done.cum_qty) == (OrdStatus.FILLED, Decimal(10))


async def test_a_reduce_only_order_never_opens_a_position(desk: Desk) -> None:
    with pytest.raises(FloorbrokerError):
        await desk.place(reduce_only=True)
    assert await desk.position() == 0


@needs(Can.REDUCE_ONLY)
async def test_a_reduce_only_order_closes(desk: Desk) -> None:
    await desk.settled(await desk.place())
    closing = await desk.place(side=Side.SELL, order_qty="5", reduce_only=True)
    assert (await desk.settled(closing)).ord_status is OrdStatus.FILLED


async def test_the_currency_of_a_symbol_is_the_same_before_its_rules_are_read_as_after(desk: Desk) -> None:
    """But for pairs that their venue converts itself: their amounts are in the account's currency once it was asked."""
    (session,) = desk.gateway.sessions.values()
    scales, account = session.ctx.scales, await session.ctx.refresh_account()
    for symbol in (desk.goods.symbol, desk.goods.other):
        before = scales.currency(symbol) or account.currency
        rules = await session.ctx.instrument(symbol)
        assert scales.currency(symbol) == rules.currency
        assert rules.currency in {before, account.currency if rules.asset_class is AssetClass.FX else before}
