"""Options of NSE through the whole path: bought in lots, told in units, closed, and written on the venue's margin alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.errors import FloorbrokerError, InsufficientFunds
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import AssetClass, OrderType, OrdStatus, Price, Quantity, Side
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.loop import SimulatedLoop

KIND = SIMULATED["UPSTOX"]
LOT = 75


def last_call(venue: Any) -> tuple[str, str]:
    """The venue's own name of a call on the index that has weeks to go, and ours."""
    calls = (one for one in venue.state.listings.by_key.values() if one.root == "NIFTY" and one.kind == "CE")
    listed = max(calls, key=lambda one: (one.expiry, one.strike))
    return listed.symbol, f"NIFTY{listed.expiry:%y%m%d}C{listed.strike:f}.NFO"


async def trade(desk: VirtualDesk, symbol: str, side: Side, units: int, price: str) -> Any:
    wish = NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(units)),
        price=Price(Decimal(price)),
        allow_duplicate=True,
    )
    return (await desk.gateway.submit(wish, profile=None, caller=CALLER)).order


def test_an_option_is_bought_in_lots_held_in_units_and_sold_again(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        theirs, ours = last_call(venue)
        venue.set_price(theirs, Decimal("99.90"), Decimal("100.10"), Decimal(100))
        async with simulated_desk(KIND, loop, tmp_path, venue=venue, options={"derivatives": "options"}) as desk:
            (session,) = desk.gateway.sessions.values()
            rules = await session.ctx.broker.get_instrument(ours)
            assert (rules.asset_class, rules.lot) == (AssetClass.OPTION, LOT)
            with pytest.raises(FloorbrokerError):
                await trade(desk, ours, Side.BUY, LOT + 1, "101")
            bought = await trade(desk, ours, Side.BUY, 2 * LOT, "101")
            await desk.until(lambda: desk.now(bought).ord_status is OrdStatus.FILLED, within_s=10)
            assert session.ctx.book.holdings.all() == {ours: Decimal(2 * LOT)}
            (held,) = (await session.ctx.broker.get_positions()).items
            assert (held.symbol, held.qty) == (ours, 2 * LOT)
            sold = await trade(desk, ours, Side.SELL, 2 * LOT, "99")
            await desk.until(lambda: desk.now(sold).ord_status is OrdStatus.FILLED, within_s=10)
            assert not any(session.ctx.book.holdings.all().values())

    played(work)


def test_an_option_is_written_on_what_the_venue_says_it_ties_up(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        theirs, ours = last_call(venue)
        venue.set_price(theirs, Decimal("99.90"), Decimal("100.10"), Decimal(100))
        async with simulated_desk(KIND, loop, tmp_path, venue=venue, options={"derivatives": "options"}) as desk:
            with pytest.raises(InsufficientFunds):  # more than the account has, by the venue's own margin
                await trade(desk, ours, Side.SELL, 2 * LOT, "99")
            assert venue.orders() == []

    played(work)
