"""What an account is worth, as limits of losses measure it: an order that waits, or a position just opened, is no loss."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.values import Side
from tests.conformance.desk import Desk

pytestmark = pytest.mark.asyncio
needs = pytest.mark.needs


async def _equity(desk: Desk) -> Decimal:
    (session,) = desk.gateway.sessions.values()
    return (await session.ctx.refresh_account()).equity


async def test_an_order_that_waits_is_no_loss(desk: Desk) -> None:
    before = await _equity(desk)
    await desk.place_resting()
    assert await _equity(desk) == before


@pytest.mark.parametrize("side", [Side.BUY, pytest.param(Side.SELL, marks=needs(Can.SHORT))])
async def test_a_position_is_worth_what_it_cost_when_it_was_just_opened(desk: Desk, side: Side) -> None:
    before = await _equity(desk)
    order = await desk.settled(await desk.place(side=side))
    assert order.avg_px is not None
    worth = order.cum_qty * order.avg_px
    assert abs(await _equity(desk) - before) < worth / 50  # the spread, and what the venue charges
