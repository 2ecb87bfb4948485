"""Recorded minutes of EUR/USD, traded through the whole path at OANDA, with every cent of profit and loss accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, OrdStatus, Quantity, Side, TimeInForce
from floorbroker.tape import load
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.loop import SimulatedLoop

PAIR, DAY = "EUR/USD", date(2014, 5, 6)
UNITS = Decimal(10_000)
FAST, SLOW, MINUTES, STEP = 5, 20, 240, Decimal("0.00001")
CENT = Decimal("0.01")


class Crossing:
    """Long while the fast mean of middle prices is above the slow one, short while it is below."""

    def __init__(self) -> None:
        self._seen: list[Decimal] = []

    def wants(self, middle: Decimal) -> int:
        """The side to be on: 1, -1, or 0 for none yet."""
        self._seen = [*self._seen, middle][-SLOW:]
        if len(self._seen) < SLOW:
            return 0
        fast, slow = sum(self._seen[-FAST:]) / FAST, sum(self._seen) / SLOW
        return 1 if fast > slow else -1


class Books:
    """Cash accounting of our own: what every execution paid, and what is held."""

    def __init__(self) -> None:
        self.held = self.opened = self.gained = Decimal(0)

    def take(self, units: Decimal, at: Decimal) -> None:
        """Units signed; a netted account closes before it opens."""
        closing = min(abs(units), abs(self.held)) if units * self.held < 0 else Decimal(0)
        if closing:
            self.gained += closing * (at - self.opened) * (1 if self.held > 0 else -1)
            self.held += closing.copy_sign(units)
        rest = units - closing.copy_sign(units)
        if rest:
            self.opened, self.held = at, self.held + rest


@asynccontextmanager
async def heartbeats(venue: Any) -> AsyncGenerator[None]:
    """The venue's own time runs: its streams live by heartbeats."""
    running = asyncio.ensure_future(venue.run())
    try:
        yield
    finally:
        running.cancel()


async def _trade(desk: VirtualDesk, side: Side, qty: Decimal) -> tuple[Decimal, Decimal]:
    wish = NewOrder(
        symbol=PAIR, side=side, order_type=OrderType.MARKET, order_qty=Quantity(qty), tif=TimeInForce.FOK,
        allow_duplicate=True,
    )  # fmt: skip
    order = (await desk.gateway.submit(wish, profile=None, caller=CALLER)).order
    await desk.until(lambda: not desk.now(order).is_open, within_s=5)
    done = desk.now(order)
    assert (done.ord_status, done.cum_qty) == (OrdStatus.FILLED, qty)
    assert done.avg_px is not None
    return side.sign * qty, done.avg_px


def test_recorded_minutes_are_traded_to_the_cent(tmp_path: Path, recorded_data: Path) -> None:
    tape = load(recorded_data)
    if DAY not in tape.days(PAIR):
        pytest.skip("no recorded minutes of EUR/USD")
    quotes = tape.quotes(PAIR, DAY)

    async def work(loop: SimulatedLoop) -> None:
        kind = SIMULATED["OANDA"]
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk, heartbeats(venue):
            begin = await desk.gateway.account()
            rule, books, trades = Crossing(), Books(), 0
            for minute in range(MINUTES):
                told = quotes.quote_at(minute)
                assert told.bid is not None
                assert told.ask is not None
                bid, ask = told.bid.quantize(STEP), told.ask.quantize(STEP)
                venue.set_price(PAIR, bid, ask, bid)
                await loop.nap(1)
                wanted = rule.wants((bid + ask) / 2) * UNITS
                if wanted != books.held and wanted:
                    side = Side.BUY if wanted > books.held else Side.SELL
                    units, at = await _trade(desk, side, abs(wanted - books.held))
                    assert at == (ask if side is Side.BUY else bid)
                    books.take(units, at)
                    trades += 1
            if books.held:
                books.take(*await _trade(desk, Side.SELL if books.held > 0 else Side.BUY, abs(books.held)))
            await loop.nap(1)
            end = await desk.gateway.account()
            assert trades >= 5
            assert (end.currency, end.equity) == ("USD", end.cash)
            assert end.cash - begin.cash == books.gained
            assert books.gained != 0
            (session,) = desk.gateway.sessions.values()
            assert session.ctx.book.realized(PAIR) == books.gained
            found = await desk.gateway.reconcile(desk.gateway.default_profile())
            assert (found.error, found.differences) == ("", ())

    played(work)


def test_what_is_gained_in_yen_is_booked_in_dollars(tmp_path: Path) -> None:
    """The venue converts a gain at the price at which yen are sold; what the desk counts for limits is near it."""

    async def work(loop: SimulatedLoop) -> None:
        kind = SIMULATED["OANDA"]
        venue = simulator(kind, loop)
        venue.set_price("USD/JPY", Decimal("150.000"), Decimal("150.010"), Decimal("150.000"))
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            begin = await desk.gateway.account()
            for side, bid, ask in ((Side.BUY, "150.000", "150.010"), (Side.SELL, "151.010", "151.020")):
                venue.set_price("USD/JPY", Decimal(bid), Decimal(ask), Decimal(bid))
                wish = NewOrder(
                    symbol="USD/JPY", side=side, order_type=OrderType.MARKET, order_qty=Quantity(UNITS),
                    tif=TimeInForce.FOK,
                )  # fmt: skip
                order = (await desk.gateway.submit(wish, profile=None, caller=CALLER)).order
                await desk.until(lambda order=order: not desk.now(order).is_open, within_s=5)
            gained = UNITS * (Decimal("151.010") - Decimal("150.010"))  # yen
            made = (await desk.gateway.account()).cash - begin.cash
            assert abs(made - gained / Decimal("151.020")) < CENT
            (session,) = desk.gateway.sessions.values()
            worth = (await session.ctx.broker.get_instrument("USD/JPY")).multiplier
            assert abs(session.ctx.book.realized("USD/JPY") * worth - made) < CENT

    played(work)
