"""One subscription a venue, however many listen; a slow consumer is shown the newest and told what it was not shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InvalidRequest, NotReady, SymbolNotFound
from floorbroker.domain.ports import MarketEvent, Subscription
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.values import Price
from floorbroker.gateway.feeds import QUEUE, Tick
from tests.support.fake_broker import FakeBroker
from tests.support.house import NOON as _NOON
from tests.support.house import PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


class Streaming(FakeBroker):
    """Tells what a test says to whoever subscribed."""

    def __init__(self, clock: object) -> None:
        FakeBroker.__init__(self, clock)  # type: ignore[arg-type]
        self.handlers: dict[int, tuple[str, DataKind, Callable[[MarketEvent], None]]] = {}
        self.opened = 0

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Callable[[MarketEvent], None]
    ) -> Subscription:
        await asyncio.sleep(0)
        (symbol,), (kind,) = symbols, kinds
        if symbol == "NOPE":
            raise SymbolNotFound("no symbol NOPE")
        self.opened += 1
        number = self.opened
        self.handlers[number] = (symbol, kind, handler)
        return _Ending(lambda: self.handlers.pop(number, None))

    def say(self, event: MarketEvent) -> None:
        for _, _, handler in [*self.handlers.values()]:
            handler(event)


class _Ending:
    def __init__(self, end: Callable[[], object]) -> None:
        self.end = end

    async def close(self) -> None:
        self.end()


def quote(bid: str, symbol: str = "AAPL") -> Quote:
    price = Price(Decimal(bid))
    return Quote(symbol=symbol, bid=price, ask=Price(price + 1), time=_NOON, source="fake")


def trade(price: int) -> Trade:
    return Trade(symbol="AAPL", price=Price(Decimal(price)), size=Decimal(1), time=_NOON)


def streaming(desk: Desk) -> Streaming:
    assert isinstance(desk.broker, Streaming)
    return desk.broker


def opened_streaming(root: Path) -> AbstractAsyncContextManager[Desk]:
    clock = ManualClock(_NOON)
    return opened(root, clock=clock, broker=Streaming(clock))


async def test_many_consumers_share_one_subscription_and_the_last_ends_it(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        one, two = list[Tick](), list[Tick]()
        first, second = await asyncio.gather(
            desk.gateway.subscribe_market_data(["AAPL"], one.append),
            desk.gateway.subscribe_market_data(["AAPL"], two.append, profile=PROFILE),
        )
        streaming(desk).say(quote("10"))
        await desk.wait()
        assert streaming(desk).opened == 1
        assert [(t.source, t.carrier) for t in (*one, *two)] == [(desk.broker.info.code, PROFILE)] * 2
        await first.close()
        await first.close()
        assert len(streaming(desk).handlers) == 1
        await second.close()
        await desk.wait()
        assert (streaming(desk).handlers, desk.gateway.feeds.places) == ({}, ())


async def test_a_slow_consumer_gets_the_newest_quote_and_delays_nobody(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        gate, slow, fast = asyncio.Event(), list[Tick](), list[Tick]()

        async def late(tick: Tick) -> None:
            slow.append(tick)
            await gate.wait()

        await desk.gateway.subscribe_market_data(["AAPL"], late)
        await desk.gateway.subscribe_market_data(["AAPL"], fast.append)
        for bid in range(1, 6):
            streaming(desk).say(quote(str(bid)))
            await desk.wait()
        gate.set()
        await desk.wait()
        assert [(_bid(t), t.skipped) for t in slow] == [(1, 0), (5, 3)]
        assert [_bid(t) for t in fast] == [1, 2, 3, 4, 5]


def _bid(tick: Tick) -> object:
    assert isinstance(tick.event, Quote)
    return tick.event.bid


async def test_trades_are_shown_one_by_one_and_the_oldest_go_when_all_is_full(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        heard: list[Tick] = []
        await desk.gateway.subscribe_market_data(["AAPL"], heard.append, kinds=frozenset({DataKind.TRADES}))
        for price in range(1, QUEUE + 4):
            streaming(desk).say(trade(price))
        await desk.wait()
        assert len(heard) == QUEUE
        assert (heard[0].skipped, sum(tick.skipped for tick in heard)) == (3, 3)


async def test_a_consumer_is_given_what_it_asked_for_alone(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        heard: list[Tick] = []
        await desk.gateway.subscribe_market_data(["AAPL"], heard.append)
        for event in (quote("1", "IBM"), trade(5), quote("2")):
            streaming(desk).say(event)
        await desk.wait()
        assert [_bid(tick) for tick in heard] == [2]


async def test_a_handler_that_raises_goes_on_hearing(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        heard: list[Tick] = []

        def broken(tick: Tick) -> None:
            heard.append(tick)
            raise RuntimeError("a bug of a handler")

        await desk.gateway.subscribe_market_data(["AAPL"], broken)
        for bid in ("1", "2"):
            streaming(desk).say(quote(bid))
            await desk.wait()
        assert [_bid(tick) for tick in heard] == [1, 2]
        assert desk.log.events.count("market.handler_failed") == 2


async def test_a_symbol_that_the_venue_does_not_list_leaves_nothing_behind(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        with pytest.raises(SymbolNotFound):
            await desk.gateway.subscribe_market_data(["AAPL", "NOPE"], print)
        await desk.wait()
        assert (streaming(desk).handlers, desk.gateway.feeds.places) == ({}, ())


async def test_a_price_that_is_heard_is_one_that_controls_may_use(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        await desk.gateway.subscribe_market_data(["IBM"], print)
        streaming(desk).say(quote("7", "IBM"))
        reference = desk.ctx.reference("IBM")
        assert reference is not None
        assert reference.quote.bid == 7


@pytest.mark.parametrize("kinds", [frozenset({DataKind.BOOK}), frozenset[DataKind]()])
async def test_books_have_a_call_of_their_own(tmp_path: Path, kinds: frozenset[DataKind]) -> None:
    async with opened_streaming(tmp_path) as desk:
        with pytest.raises(InvalidRequest, match="books have a call of their own"):
            await desk.gateway.subscribe_market_data(["AAPL"], print, kinds=kinds)


async def test_without_a_ready_profile_there_is_nobody_to_hear(tmp_path: Path) -> None:
    async with opened_streaming(tmp_path) as desk:
        desk.broker.stream(up=False)
        with pytest.raises(NotReady, match="no profile is ready"):
            await desk.gateway.subscribe_market_data(["AAPL"], print)
