"""A desk over the simulated venue, on virtual time: closing whose answer is lost, hedged accounts, values of a pair."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.orders import NewOrder, Order, OrderChanges, OrderState, StopLoss
from floorbroker.domain.values import (
    OrderClass,
    OrderType,
    OrdStatus,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.oms.inquest import Act
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

KIND = SIMULATED["OANDA"]
GOLD = KIND.goods.symbol


@dataclass(slots=True)
class House:
    """The desk, and hands at its venue."""

    desk: VirtualDesk
    venue: Any

    async def hand(self, path: str, **fields: Any) -> None:
        assert (await ask(self.venue.control_app, "POST", path, msgspec.json.encode(fields))).status < 300

    async def lose_answers(self, path: str) -> None:
        cut = {"where": "reply", "what": "cut", "when": {"nth": 1}, "match": {"method": "PUT", "path": path}}
        await self.hand("/faults", faults=[cut])

    async def place(self, side: Side, qty: int, **terms: Any) -> Order:
        given: dict[str, Any] = {"symbol": GOLD, "order_type": OrderType.MARKET, "tif": TimeInForce.FOK, **terms}
        wish = NewOrder(side=side, order_qty=Quantity(Decimal(qty)), allow_duplicate=True, **given)
        return (await self.desk.gateway.submit(wish, profile=None, caller=CALLER)).order

    async def filled(self, side: Side, qty: int, **terms: Any) -> Order:
        order = await self.place(side, qty, **terms)
        await self.desk.until(lambda: not self.desk.now(order).is_open, within_s=60)
        done = self.desk.now(order)
        assert (done.ord_status, done.cum_qty) == (OrdStatus.FILLED, Decimal(qty))
        return done

    async def held(self) -> dict[str, Decimal]:
        return {row.position.symbol: row.position.qty for row in await self.desk.gateway.positions()}

    async def agrees(self) -> None:
        """A whole comparison finds nothing to explain."""
        found = await self.desk.gateway.reconcile(self.desk.gateway.default_profile())
        assert (found.error, found.differences) == ("", ())


def at_oanda(tmp_path: Path, work: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def opened(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk, _running(venue):
            await work(House(desk, venue))

    played(opened)


@asynccontextmanager
async def _running(venue: Any) -> AsyncGenerator[None]:
    """The venue's own time: its streams live by heartbeats."""
    task = asyncio.ensure_future(venue.run())
    try:
        yield
    finally:
        task.cancel()


@pytest.mark.parametrize("by_trade", [True, False])
def test_a_close_whose_answer_is_lost_is_found_in_the_log_and_sent_once(tmp_path: Path, by_trade: bool) -> None:
    """By trade, the body takes no id of ours: the log keeps that of the request (I1, I3)."""

    async def work(house: House) -> None:
        bought = await house.filled(Side.BUY, 10)
        await house.lose_answers("/v3/accounts/*/trades/*" if by_trade else "/v3/accounts/*/positions/*")
        tag = f"trade:{bought.executions[0].exec_id}" if by_trade else ""
        closed = await house.filled(Side.SELL, 4, position_intent=PositionIntent.SELL_TO_CLOSE, client_tag=tag)
        assert await house.held() == {GOLD: Decimal(6)}
        sent = [row for row in house.venue.orders() if row["side"] == "sell"]
        assert [row["order"] for row in sent] == [closed.order_id]
        await house.agrees()

    at_oanda(tmp_path, work)


def test_a_close_of_a_trade_that_bears_no_id_of_ours_stays_unknown_until_a_person_says_which_it_is(
    tmp_path: Path,
) -> None:
    """Where the log keeps no ids of requests, terms and time alone tell (I1, I3, I9)."""

    async def work(house: House) -> None:
        desk, gateway = house.desk, house.desk.gateway
        bought = await house.filled(Side.BUY, 10)
        await house.hand("/account", request_ids=False)
        await house.lose_answers("/v3/accounts/*/trades/*")
        tag = f"trade:{bought.executions[0].exec_id}"
        lost = await house.place(Side.SELL, 4, position_intent=PositionIntent.SELL_TO_CLOSE, client_tag=tag)
        await asyncio.sleep(400)
        assert desk.now(lost).state is OrderState.UNKNOWN
        (made,) = [row for row in house.venue.orders() if row["side"] == "sell"]
        (candidate,) = gateway.inquest(lost.intent_id).candidates
        assert candidate.order_id == made["order"]
        assert len(gateway.orders()) == 2
        await gateway.resolve(
            lost.intent_id,
            Act.ATTRIBUTE,
            caller=CALLER,
            reason="a test",
            candidate=made["order"],
            confirm=lost.cl_ord_id,
        )
        await desk.until(lambda: desk.now(lost).cum_qty == 4, within_s=60)
        assert desk.now(lost).ord_status is OrdStatus.FILLED
        assert [row["order"] for row in house.venue.orders() if row["side"] == "sell"] == [made["order"]]
        await house.agrees()

    at_oanda(tmp_path, work)


def test_both_sides_of_a_hedged_account_are_one_sum(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        await house.hand("/account", hedging=True)
        await house.filled(Side.BUY, 10)
        await house.filled(Side.SELL, 4)
        assert await house.held() == {GOLD: Decimal(6)}
        await house.agrees()
        await house.filled(Side.BUY, 4, reduce_only=False, position_intent=PositionIntent.BUY_TO_CLOSE)
        assert await house.held() == {GOLD: Decimal(10)}
        await house.agrees()

    at_oanda(tmp_path, work)


def test_a_pair_is_valued_in_its_quote_currency_and_limited_in_that_of_the_account(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        house.venue.set_price("USD/JPY", Decimal("149.990"), Decimal("150.010"), Decimal("149.990"))
        await house.filled(Side.BUY, 10_000, symbol="USD/JPY")
        (row,) = await house.desk.gateway.positions()
        assert row.position.market_value is not None
        assert abs(row.position.market_value / 10_000 - 150) < 1
        (session,) = house.desk.gateway.sessions.values()
        scale = session.ctx.exposure().scale("USD/JPY")
        assert scale is not None
        assert abs(scale * 150 - 1) < Decimal("0.01")

    at_oanda(tmp_path, work)


def test_an_exit_that_was_made_is_changed_alone_and_follows_its_trade(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        desk = house.desk
        entry = await house.place(
            Side.BUY, 10, order_class=OrderClass.BRACKET, take_profit=Price(Decimal(210)),
            stop_loss=StopLoss(stop_px=Price(Decimal(185))),
        )  # fmt: skip

        def exits() -> list[Order]:
            found = [order for order in desk.gateway.orders() if order.parent_id == entry.intent_id]
            return sorted(found, key=lambda order: order.terms.order_type.value)

        await desk.until(lambda: [one.ord_status for one in exits()] == [OrdStatus.NEW] * 2, within_s=10)
        profit, loss = exits()
        await desk.gateway.modify(profit.intent_id, OrderChanges(price=Price(Decimal(220))), caller=CALLER)
        await desk.until(lambda: exits()[0].price == 220 and not exits()[0].pending_replace, within_s=10)
        await house.filled(Side.SELL, 3)
        await desk.until(lambda: [one.order_qty for one in exits()] == [Decimal(7)] * 2, within_s=60)
        house.venue.set_price(GOLD, Decimal("220.50"), Decimal("220.70"), Decimal("220.50"))
        await desk.until(lambda: not any(one.is_open for one in exits()), within_s=10)
        profit, loss = exits()
        assert (profit.ord_status, profit.cum_qty, loss.ord_status) == (
            OrdStatus.FILLED,
            Decimal(7),
            OrdStatus.CANCELED,
        )
        assert await house.held() == {}
        await house.agrees()

    at_oanda(tmp_path, work)
