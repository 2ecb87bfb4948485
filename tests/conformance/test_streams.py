"""Live prices at every broker that streams them, as domain records, until the subscription is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.ports import Broker, MarketEvent
from floorbroker.domain.records import DataKind, Quote
from tests.conformance.desk import PATIENCE_S, Desk

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


def _broker(desk: Desk) -> Broker:
    (session,) = desk.gateway.sessions.values()
    return session.ctx.broker


async def _until(is_so: Callable[[], bool], again: Callable[[], Awaitable[None]]) -> None:
    """Move the market again until it is heard: a subscription takes effect at its own time."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await again()
            await SystemClock().sleep(0.05)


@needs(Can.STREAM_QUOTES)
async def test_a_price_that_is_set_is_heard_and_a_closed_subscription_is_silent(desk: Desk) -> None:
    for symbol in desk.goods.streams:
        await _heard_and_silent(desk, symbol)


async def _heard_and_silent(desk: Desk, symbol: str) -> None:
    heard: list[MarketEvent] = []
    subscription = await _broker(desk).subscribe_market_data([symbol], frozenset({DataKind.QUOTES}), heard.append)

    def is_heard(bid: str) -> bool:
        return any(isinstance(e, Quote) and e.symbol == symbol and e.bid == Decimal(bid) for e in heard)

    await _until(lambda: is_heard("150.10"), lambda: desk.venue.set_price(symbol, "150.10", "150.20"))
    await subscription.close()
    await subscription.close()
    heard.clear()
    await desk.venue.set_price(symbol, "151.10", "151.20")
    await SystemClock().sleep(0.1)
    assert not is_heard("151.10")


@needs(Can.STREAM_QUOTES)
async def test_two_subscriptions_share_a_feed_and_each_hears_its_own(desk: Desk) -> None:
    mine: list[MarketEvent] = []
    other: list[MarketEvent] = []
    broker, quotes = _broker(desk), frozenset({DataKind.QUOTES})
    one = await broker.subscribe_market_data([desk.goods.symbol], quotes, mine.append)
    two = await broker.subscribe_market_data([desk.goods.other], quotes, other.append)

    async def move() -> None:
        await desk.venue.set_price(desk.goods.symbol, "190.00", "190.10")
        await desk.venue.set_price(desk.goods.other, "410.00", "410.10")

    await _until(lambda: bool(mine and other), move)
    await one.close()
    await two.close()
    assert {event.symbol for event in mine} == {desk.goods.symbol}
    assert {event.symbol for event in other} == {desk.goods.other}


@needs(Can.STREAM_QUOTES)
async def test_a_symbol_that_the_venue_does_not_know_is_refused_by_name_and_nobody_waits_for_it(desk: Desk) -> None:
    kinds, heard = frozenset({DataKind.QUOTES}), list[MarketEvent]()
    with pytest.raises(SymbolNotFound, match=desk.goods.unknown):
        await _broker(desk).subscribe_market_data([desk.goods.symbol, desk.goods.unknown], kinds, heard.append)
    with pytest.raises(SymbolNotFound, match=desk.goods.unknown):
        await desk.gateway.subscribe_market_data([desk.goods.unknown], lambda _: None, kinds=kinds)
    assert desk.gateway.feeds.places == ()
