"""A long put on recorded trades through the whole desk: gateway, controls, journal, adapter, HTTP, and the venue's own books.

The contracts of 2014-06-06 that expire that day: bought at their first recorded trade, marked at each later one, and sold at
the last, or held to the end.  Desk and simulator stand on one clock, which moves only when told to; between them is TCP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from floorbroker.app.compose import Seat, Surroundings, compose
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.paper import PaperBroker
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InsufficientFunds, RiskLimitExceeded
from floorbroker.domain.options import OptionContract
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import (
    Environment,
    OrderType,
    OrdStatus,
    PositionIntent,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.gateway.desk import Caller, ProfilePosition, SizeAsk
from floorbroker.gateway.gateway import Gateway
from floorbroker.risk.limits import RiskLimits
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.tape import NotRecorded, load
from floorbroker_sim.server import load_venue, serve
from tests.conformance.simulated import standard_shells
from tests.conformance.venues import SIMULATED

pytestmark = pytest.mark.asyncio

DAY = date(2014, 6, 6)
OPEN = datetime(2014, 6, 6, 13, 31, tzinfo=UTC)
OVER = datetime(2014, 6, 6, 20, 16, tzinfo=UTC)  # a quarter of an hour after the close
CLOSED_AT = Decimal("645.57")  # what the share cost at the end of that day
PUT = "AAPL  140606P00645000"  # ends a little out of the money
DEAR_PUT = "AAPL  140606P00647500"  # ends in the money
CASH = Decimal(100_000)
CALLER = Caller(principal="tester", via="test")
STEP_S, TURNS, PATIENCE = 1.0, 20_000, 10
T = TypeVar("T")


def closes(folder: Path, symbol: str) -> list[Price]:
    """The recorded trades of a contract, a minute each; skips where they are not recorded."""
    try:
        series = load(folder).options("AAPL", DAY)[symbol]
    except (NotRecorded, KeyError):
        pytest.skip(f"no recorded trades of {symbol}")
    return [bar.close for bar in series]


@dataclass(slots=True)
class Floor:
    """A desk over one venue; `price` moves the market there."""

    gateway: Gateway
    clock: ManualClock
    price: Callable[[str, Price], None]

    async def wait(self, question: Awaitable[T]) -> T:
        """An answer, for which time has to pass."""
        task = asyncio.ensure_future(question)
        await self.until(task.done)
        return await task

    async def until(self, holds: Callable[[], bool]) -> None:
        """Sockets get their turn first: time passes only where nothing comes of them."""
        for turn in range(1, TURNS):
            if holds():
                return
            await asyncio.sleep(0.001)
            if turn % PATIENCE == 0:
                await self.clock.advance(STEP_S)
        raise AssertionError(f"not within {TURNS} turns: {self.gateway.orders()}")

    async def trade(self, symbol: str, side: Side, qty: int, intent: PositionIntent) -> Order:
        """Send a market order and wait until it and its executions are told."""
        wish = NewOrder(
            symbol=symbol, side=side, order_type=OrderType.MARKET, order_qty=Quantity(Decimal(qty)), position_intent=intent
        )  # fmt: skip
        placed = (await self.wait(self.gateway.submit(wish, profile=None, caller=CALLER))).order

        def is_filled() -> bool:
            now = self.gateway.order(placed.intent_id)
            return now.ord_status is OrdStatus.FILLED and not now.needs_executions

        await self.until(is_filled)
        return self.gateway.order(placed.intent_id)

    async def buy(self, symbol: str, qty: int) -> Order:
        return await self.trade(symbol, Side.BUY, qty, PositionIntent.BUY_TO_OPEN)

    async def mark(self, symbol: str, price: Price) -> ProfilePosition:
        """Move the market, look at it, and say what the position is worth now."""
        self.price(symbol, price)
        await self.wait(self.gateway.quote(symbol))
        return next(row for row in await self.wait(self.gateway.positions()) if row.position.symbol == symbol)

    @property
    def ctx(self) -> Any:
        (session,) = self.gateway.sessions.values()
        return session.ctx

    def realized(self, symbol: str) -> Decimal:
        """Money that closed contracts made."""
        return self.ctx.book.realized(symbol) * self.ctx.scales.multiplier(symbol)

    async def cash(self) -> Decimal:
        return (await self.wait(self.gateway.account())).cash


@asynccontextmanager
async def opened(
    seat: Seat, root: Path, clock: ManualClock, price: Callable[[str, Price], None]
) -> AsyncGenerator[Floor]:
    home, environment = Home.at(root), seat.profile.environment
    journal = SqliteJournal.open(home.journal(environment), clock=clock, environment=environment, instance_tag=0x5A5)
    around = Surroundings(
        clock=clock, random=Random(7), log=NoLog(), meter=NoMeter(), redactor=SecretFilter(), shells=standard_shells(),
        permits=FilePermits(home), on_fatal=_never, on_record=lambda record: None, instance_tag=journal.instance_tag,
        epoch=journal.epoch,
    )  # fmt: skip
    floor = Floor(compose(journal=journal, seats=[seat], around=around), clock, price)
    await floor.wait(floor.gateway.start())
    try:
        await floor.wait(floor.gateway.until_settled())
        assert [status.state.value for status in floor.gateway.profiles()] == ["ready"], floor.gateway.profiles()
        yield floor
    finally:
        await floor.wait(floor.gateway.stop())


def _never(fault: Exception) -> None:
    raise AssertionError(f"the journal must not fail here: {fault}")


@asynccontextmanager
async def tradier(root: Path, **prices: Price) -> AsyncGenerator[Floor]:
    """A desk at the simulated Tradier, over TCP; `prices` hold from the start."""
    kind, clock = SIMULATED["TRADIER"], ManualClock(OPEN)
    simulator: Any = load_venue("tradier")(seed=5, clock=clock, rate=0, cash=CASH)
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(simulator, ready=ready.set_result, stop=stop))

    def price(symbol: str, at: Price) -> None:
        simulator.set_price(symbol, at, at, at)

    for name, at in prices.items():
        price(name, at)
    try:
        plain, secrets = kind.parted((await ready)["credentials"])
        profile = kind.profile
        seat = Seat(
            profile=profile,
            limits=RiskLimits(),
            plain=plain,
            secrets=secrets,
            state=Home.at(root).venue_state(profile.name),
        )
        async with opened(seat, root, clock, price) as floor:
            yield floor
    finally:
        stop.set()
        await serving


async def test_a_put_bought_marked_and_sold_on_recorded_trades_adds_up_to_the_cent(
    tmp_path: Path, recorded_data: Path
) -> None:
    first, *later = closes(recorded_data, PUT)
    async with tradier(tmp_path, AAPL=Price(CLOSED_AT)) as floor:
        floor.price(PUT, first)
        sized = await floor.wait(floor.gateway.option_size(SizeAsk(symbol=PUT, budget=Decimal("199.99"))))
        assert (sized.size.contracts, sized.size.each) == (int(Decimal("199.99") / (first * 100)), first * 100)
        bought = await floor.buy(PUT, sized.size.contracts)
        contracts = bought.cum_qty * 100
        assert bought.avg_px == first
        for price in later[::60]:
            row = await floor.mark(PUT, price)
            assert row.position.market_value == price * contracts
            assert (row.position.unrealized_pl, row.marked_by) == ((price - first) * contracts, "desk")
            assert row.option is not None
            assert (row.option.expires_today, row.option.expired) == (True, False)
        floor.price(PUT, later[-1])
        sold = await floor.trade(PUT, Side.SELL, int(bought.cum_qty), PositionIntent.SELL_TO_CLOSE)
        assert sold.avg_px == later[-1]
        made = (later[-1] - first) * contracts
        assert floor.realized(PUT) == made
        assert await floor.cash() == CASH + made
        assert await floor.wait(floor.gateway.positions()) == []


@pytest.mark.parametrize("at_tradier", [True, False], ids=["TRADIER", "PAPER"])
async def test_puts_held_to_their_end_are_worth_nothing_or_deliver_and_the_books_say_which(
    tmp_path: Path, recorded_data: Path, *, at_tradier: bool
) -> None:
    cheap, dear = closes(recorded_data, PUT)[0], closes(recorded_data, DEAR_PUT)[0]
    strike = Decimal("647.50")
    async with tradier(tmp_path) if at_tradier else embedded(tmp_path) as floor:
        floor.price("AAPL", Price(CLOSED_AT))
        for symbol, price in ((PUT, cheap), (DEAR_PUT, dear)):
            floor.price(symbol, price)
            await floor.buy(symbol, 1)
        floor.clock.set(OVER)  # every watch of the desk wakes up once, late
        await floor.clock.advance(5.0)  # and the venue settles what expired
        (session,) = floor.gateway.sessions.values()
        told = await floor.wait(session.reconcile_now())
        assert told.converged, told
        found = {
            (one.adjustment.symbol, one.adjustment.cause): (one.adjustment.qty, one.adjustment.price)
            for one in floor.gateway.adjustments(session.ctx.profile.name)
        }
        assert found == {
            (PUT, "expired worthless"): (Decimal(-1), Decimal(0)),
            (DEAR_PUT, "exercised"): (Decimal(-1), Decimal(0)),
            ("AAPL", "delivered: AAPL140606P00647500 exercised"): (Decimal(-100), strike),
        }
        assert (floor.realized(PUT), floor.realized(DEAR_PUT)) == (-cheap * 100, -dear * 100)
        assert await floor.cash() == CASH - (cheap + dear) * 100 + strike * 100
        assert floor.ctx.book.holdings.all() == {"AAPL": Decimal(-100)}
        with pytest.raises(RiskLimitExceeded, match="expired on 2014-06-06") as refused:
            await floor.buy(PUT, 1)
        assert refused.value.control == "expiry"
        row = next(iter(await floor.wait(floor.gateway.positions())))
        assert (row.position.symbol, row.position.qty, row.option) == ("AAPL", -100, None)


async def test_what_options_may_cost_is_the_venues_word_on_options(tmp_path: Path) -> None:
    """A margin account of 100,000 buys shares for twice that, and options for 100,000."""
    async with tradier(tmp_path, AAPL=Price(CLOSED_AT)) as floor:
        floor.price(PUT, Price(Decimal(10)))
        with pytest.raises(InsufficientFunds, match="buying power for options 100,000"):
            await floor.buy(PUT, 101)
        chain = await floor.wait(floor.gateway.option_chain("AAPL"))
        assert chain.expirations[0] == chain.expiry
        assert all(row.contract.expiry == chain.expiry and row.multiplier == 100 for row in chain.contracts)


@asynccontextmanager
async def embedded(root: Path) -> AsyncGenerator[Floor]:
    """A desk over the embedded venue, to which prices are fed."""
    clock, name = ManualClock(OPEN), ProfileName("paper")
    options = {"source": "fed", "latency_min_ms": "0", "latency_max_ms": "0"}
    profile = Profile(name=name, broker="PAPER", environment=Environment.PAPER, options=options)
    seat = Seat(profile=profile, limits=RiskLimits(), state=Home.at(root).venue_state(name))
    floors: list[Floor] = []

    def price(symbol: str, at: Price) -> None:
        broker = floors[0].ctx.broker
        assert isinstance(broker, PaperBroker)
        broker.feed(Quote(symbol=symbol, bid=at, ask=at, last=at, time=clock.now()))
        broker.feed(Trade(symbol=symbol, price=at, size=Decimal(1), time=clock.now()))

    async with opened(seat, root, clock, price) as floor:
        floors.append(floor)
        yield floor


async def test_the_embedded_venue_trades_recorded_puts_to_the_cent(tmp_path: Path, recorded_data: Path) -> None:
    first, *later = closes(recorded_data, PUT)
    async with embedded(tmp_path) as floor:
        floor.price(PUT, first)
        (listed,) = (await floor.wait(floor.gateway.option_chain("AAPL"))).contracts
        assert (listed.contract, listed.ask) == (OptionContract.read(PUT), first)
        await floor.buy(PUT, 2)
        for at in later[::60]:
            row = await floor.mark(PUT, at)
            assert (row.position.unrealized_pl, row.marked_by) == ((at - first) * 200, "venue")
        floor.price(PUT, later[-1])
        await floor.trade(PUT, Side.SELL, 2, PositionIntent.SELL_TO_CLOSE)
        made = (later[-1] - first) * 200
        assert (floor.realized(PUT), await floor.cash()) == (made, CASH + made)
