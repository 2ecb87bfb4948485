"""A desk over the simulated program, on virtual time: nights, lost links, groups, options, currencies, previews, prices.

What every venue must do is in `tests/conformance`; this is what is so at this door alone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.ibkr import IbkrBroker
from floorbroker.domain.errors import FloorbrokerError, NotReady, NotSupported
from floorbroker.domain.orders import NewOrder, Order, OrderChanges, StopLoss
from floorbroker.domain.records import DataKind, Quote
from floorbroker.domain.values import OrderClass, OrderType, OrdStatus, Price, Quantity, Side, TimeInForce
from tests.conformance.desk import open_desk
from tests.conformance.venues import SOCKETS
from tests.conformance.virtual import CALLER, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

KIND = SOCKETS["IBKR"]
Play = Callable[[VirtualDesk, Any], Coroutine[Any, Any, None]]
DONE = (OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED)


def play(root: Path, work: Play, **options: str) -> None:
    """Run work over a fresh desk and its venue."""

    async def run(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        venue.set_price("EUR/USD", Decimal("1.0800"), Decimal("1.0801"), Decimal("1.0800"))
        async with simulated_desk(KIND, loop, root, venue=venue, options=options) as desk:
            await work(desk, venue)

    played(run)


async def door(venue: Any, path: str, **fields: Any) -> None:
    """One hand of the control door."""
    assert (await ask(venue.control_app, "POST", f"/{path}", msgspec.json.encode(fields))).status < 300


async def broken(venue: Any, where: str, what: str, path: str, nth: int = 1) -> None:
    fault = {"where": where, "what": what, "when": {"nth": nth}, "match": {"method": "TWS", "path": path}}
    await door(venue, "faults", faults=[fault])


def broker_of(desk: VirtualDesk) -> IbkrBroker:
    (session,) = desk.gateway.sessions.values()
    broker = session.ctx.broker
    assert isinstance(broker, IbkrBroker)
    return broker


async def until_ready(desk: VirtualDesk, *, within_s: float = 120) -> None:
    await desk.until(lambda: all(p.state.value == "ready" for p in desk.gateway.profiles()), within_s=within_s)


async def settled(desk: VirtualDesk, order: Order, *, within_s: float = 60) -> Order:
    await desk.until(lambda: not desk.now(order).is_open, within_s=within_s)
    return desk.now(order)


async def held(desk: VirtualDesk, symbol: str = "AAPL") -> Decimal:
    found = {p.position.symbol: p.position.qty for p in await desk.gateway.positions()}
    return found.get(symbol, Decimal(0))


# -- the program and its link -----------------------------------------------------------------------------------------------


def test_nothing_is_sent_while_the_link_is_lost_and_what_filled_meanwhile_is_found(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        order = await desk.place()
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW, within_s=5)
        await door(venue, "link", up=False)
        await desk.until(lambda: desk.gateway.profiles()[0].state.value != "ready", within_s=5)
        before = len(venue.door.seen)
        with pytest.raises(NotReady):
            await desk.place(order_qty=Quantity(Decimal(3)))
        desk.fill(order, "10", "50")
        await desk.loop.nap(5)
        assert not [seen for seen in venue.door.seen[before:] if seen.path == "/placeOrder"]
        assert desk.now(order).cum_qty == 0, "nobody could tell"
        await door(venue, "link", up=True, data_lost=False)
        await until_ready(desk)
        assert (await settled(desk, order)).ord_status is OrdStatus.FILLED
        assert [fill.execution.synthetic for fill in desk.gateway.fills()] == [False]
        assert await held(desk) == 10

    play(tmp_path, work)


def test_an_order_that_the_program_lost_in_its_last_second_is_in_doubt_until_it_is_known_not_to_be_there(
    tmp_path: Path,
) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        await broker_of(desk).get_instrument("AAPL")
        await door(venue, "restart", in_s="0.5", for_s="5")
        order = await desk.place()
        assert desk.now(order).in_doubt
        await until_ready(desk)
        await desk.until(lambda: not desk.now(order).in_doubt, within_s=120)
        assert desk.now(order).state.value == "presumed_not_placed"
        assert venue.orders() == []

    play(tmp_path, work)


def test_an_order_whose_answer_is_lost_is_found_by_its_reference_and_never_sent_again(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        await broken(venue, "reply", "cut", "/placeOrder")
        order = await desk.place()
        assert desk.now(order).in_doubt
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW, within_s=60)
        assert len(venue.orders()) == 1
        assert len([seen for seen in venue.door.seen if seen.path == "/placeOrder"]) == 1

    play(tmp_path, work)


@pytest.mark.asyncio
async def test_a_second_life_goes_on_with_numbers_and_terms_that_it_never_sent(tmp_path: Path) -> None:
    """Numbers stay above those of the first although the program has forgotten them, and a change repeats the venue's terms."""
    async with KIND.open() as opened:
        await opened.set_price("AAPL", "199.90", "200.10")
        state = opened.simulator.state
        async with open_desk(opened, tmp_path) as desk:
            first = await desk.place_resting()
        numbers = {record.order_id for record in state.orders.values()}
        state.highest.clear()
        async with open_desk(opened, tmp_path) as desk:
            second = await desk.place_resting(order_qty=Quantity(Decimal(4)))
            assert max(record.order_id for record in state.orders.values()) > max(numbers)
            changes = OrderChanges(price=Price(Decimal(60)))
            await desk.gateway.modify(first.intent_id, changes, caller=CALLER)
            changed = await desk.until(first, lambda now: now.price == 60)
            assert (changed.order_qty, changed.order_id) == (10, first.order_id)
            assert {order.ord_status for order in desk.gateway.orders()} == {OrdStatus.NEW}
            rows = {row["client"]: row for row in opened.simulator.orders()}
            assert (rows[first.cl_ord_id]["limit"], rows[second.cl_ord_id]["quantity"]) == ("60", "4")


# -- groups -----------------------------------------------------------------------------------------------------------------


def test_a_group_with_a_refused_exit_is_taken_back_whole(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        order = await desk.place(
            price=Price(Decimal("150.50")), order_qty=Quantity(Decimal(7)), order_class=OrderClass.BRACKET,
            take_profit=Price(Decimal("400.00")),
            stop_loss=StopLoss(stop_px=Price(Decimal("140.00")), price=Price(Decimal("20.00"))),  # too far from the market
        )  # fmt: skip
        ended = await settled(desk, order)
        assert (ended.cum_qty, ended.ord_status) == (0, OrdStatus.CANCELED)
        await desk.loop.nap(40)
        assert {row["status"] for row in venue.orders()} <= {"canceled", "rejected"}

    play(tmp_path, work)


# -- what else is traded ----------------------------------------------------------------------------------------------------


def test_currencies_are_bought_by_their_pair(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        wish = NewOrder(
            symbol="EUR/USD", side=Side.BUY, order_type=OrderType.MARKET, order_qty=Quantity(Decimal(25_000)),
            tif=TimeInForce.DAY,
        )  # fmt: skip
        order = (await desk.gateway.submit(wish, profile=None, caller=CALLER)).order
        assert (await settled(desk, order)).avg_px == Decimal("1.0801")
        assert await held(desk, "EUR/USD") == 25_000
        instrument = await broker_of(desk).get_instrument("EUR/USD")
        assert (instrument.ticks[0].tick, instrument.currency) == (Decimal("0.00005"), "USD")

    play(tmp_path, work)


def test_the_chain_of_one_expiration(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        broker = broker_of(desk)
        chain = await broker.get_option_chain("AAPL")
        assert chain.expiry == chain.expirations[0]
        assert {one.contract.expiry for one in chain.contracts} == {chain.expiry}
        assert {one.contract.right for one in chain.contracts} == {"C", "P"}
        assert (await broker.get_instrument(chain.contracts[0].contract.symbol)).multiplier == 100
        with pytest.raises(FloorbrokerError):
            await broker.get_option_chain("AAPL", chain.expiry - timedelta(days=1))

    play(tmp_path, work)


def test_a_preview_places_nothing_and_a_refused_one_says_why(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        broker = broker_of(desk)
        wish = NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)),
            price=Price(Decimal("190.00")),
        )  # fmt: skip
        margin = await broker.get_margin_requirements(wish)
        assert (margin.source, margin.initial > 0, margin.fees > 0) == ("venue", True, True)
        assert await broker.validate_order(wish) == ()
        far = NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)),
            price=Price(Decimal("9000.00")),
        )  # fmt: skip
        (wrong,) = await broker.validate_order(far)
        assert "109" in wrong.detail
        assert venue.orders() == []

    play(tmp_path, work)


# -- prices -----------------------------------------------------------------------------------------------------------------


def test_prices_of_a_while_ago_say_so_and_are_of_that_time(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        broker = broker_of(desk)
        (session,) = desk.gateway.sessions.values()
        live = await broker.get_market_data("AAPL")
        assert (live.bid, live.ask, live.source) == (Decimal("199.90"), Decimal("200.10"), "ibkr")
        await door(venue, "entitlement", live=False)
        late = await broker.get_market_data("AAPL")
        assert late.source == "ibkr delayed"
        assert late.time <= session.ctx.clock.now() - timedelta(minutes=15)
        heard: list[Quote] = []
        subscription = await broker.subscribe_market_data(
            ["AAPL"],
            frozenset({DataKind.QUOTES}),
            heard.append,  # type: ignore[arg-type]
        )
        await desk.until(lambda: bool(heard), within_s=10)
        assert {quote.source for quote in heard} == {"ibkr delayed"}
        await subscription.close()

    play(tmp_path, work, market_data="delayed")


def test_without_real_time_prices_there_are_none(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        await door(venue, "entitlement", live=False)
        with pytest.raises(FloorbrokerError) as caught:
            await broker_of(desk).get_market_data("MSFT")
        assert "354" in (caught.value.venue_text or "")

    play(tmp_path, work)


def test_market_data_comes_again_after_a_link_that_lost_it(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        heard: list[Quote] = []
        subscription = await broker_of(desk).subscribe_market_data(
            ["AAPL"],
            frozenset({DataKind.QUOTES}),
            heard.append,  # type: ignore[arg-type]
        )
        await desk.until(lambda: bool(heard), within_s=10)
        await door(venue, "link", up=False)
        await desk.loop.nap(2)
        await door(venue, "link", up=True, data_lost=True)
        await until_ready(desk)
        heard.clear()
        await desk.until(lambda: bool(heard), within_s=90)
        await subscription.close()

    play(tmp_path, work)


# -- others -----------------------------------------------------------------------------------------------------------------


def test_an_order_of_another_client_is_shown_and_is_not_ours_to_cancel(tmp_path: Path) -> None:
    async def run(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        async with simulated_desk(
            KIND, loop, tmp_path / "a", venue=venue, options={"client_id": "9"}, tag=0x111
        ) as other:
            theirs = await other.place()
            await other.until(lambda: other.now(theirs).ord_status is OrdStatus.NEW, within_s=5)
            async with simulated_desk(KIND, loop, tmp_path / "b", venue=venue) as desk:
                (seen,) = desk.gateway.orders()
                assert (seen.external, seen.terms.symbol) == (True, "AAPL")
                with pytest.raises(NotSupported, match="client id 9"):
                    await broker_of(desk).cancel_order(seen.ref)

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    played(run)
