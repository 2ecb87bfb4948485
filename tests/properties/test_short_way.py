"""The same frames make the same books, whether sessions decode them or the native core takes them off the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.brokers import binance, bybit, kraken
from floorbroker.brokers.binance.mapping.symbols import Symbols as BinanceSymbols
from floorbroker.brokers.binance.stream.plan import DataPlan
from floorbroker.brokers.binance.stream.replay import snapshot_from
from floorbroker.brokers.bybit.mapping.symbols import Symbols as BybitSymbols
from floorbroker.brokers.bybit.stream.plan import PublicPlan
from floorbroker.brokers.kraken.stream.plan import MarketPlan
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import StreamLost
from floorbroker.domain.ports import MarketEvent, NoLog, NoMeter, RawBookSink
from floorbroker.domain.records import DataKind
from floorbroker.marketdata.books import BookKeeper
from floorbroker.marketdata.native import core
from floorbroker.marketdata.readings import BookState
from floorbroker.marketdata.shortway import ShortWay
from floorbroker.transport.feeds import FeedPlan, Feeds
from floorbroker.transport.private import Surroundings
from floorbroker.transport.types import Frame, SocketTarget
from tests.support import book_streams

pytestmark = pytest.mark.asyncio
AT = datetime(2026, 3, 2, tzinfo=UTC)
SYMBOLS = {"binance": "BTC/USDT", "bybit": "BTC/USDT", "kraken": "BTC/USD"}
needs_core = pytest.mark.skipif(core() is None, reason="floorbroker_book is not installed: `make native` needs cargo")
Seen = tuple[BookState, int | None, datetime | None, tuple[list[Any], list[Any]]]


@dataclass
class Wire:
    """The venue's end of the one connection."""

    frames: asyncio.Queue[Frame | None] = field(default_factory=asyncio.Queue[Frame | None])

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (frame := await self.frames.get()) is not None:
            yield frame
        raise StreamLost("cut")

    async def send(self, data: bytes | str) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Step:
    """A frame (None: the connection is cut and comes back), and the whole book that may be asked for after it."""

    frame: bytes | None
    whole: bytes | None = None


@dataclass
class Counted:
    """A line, and what it took."""

    inner: RawBookSink
    taken: int = 0

    def on_frame(self, frame: bytes, at: datetime) -> bool:
        is_taken = self.inner.on_frame(frame, at)
        self.taken += is_taken
        return is_taken

    def heed(self, symbol: str, spelled: str, handlers: Sequence[Callable[[MarketEvent], None]]) -> None:
        self.inner.heed(symbol, spelled, handlers)


class Account:
    """As much of a broker as a keeper touches, over real feeds, sessions and books; `short` takes the short way."""

    def __init__(self, venue: str, *, short: bool) -> None:
        self.venue, self.symbol = venue, SYMBOLS[venue]
        self.clock, self.wire, self.chains = ManualClock(AT), Wire(), list[int]()
        self.info = {"binance": binance, "bybit": bybit, "kraken": kraken}[venue].INFO
        way = ShortWay() if short else None
        self.lines: list[Counted] = []
        around = Surroundings(broker=venue, clock=self.clock, random=Random(1), log=NoLog(), meter=NoMeter())
        sinks = None if way is None else lambda: self._line(way)
        self.feeds = Feeds(self._plan(), connect=self._connect, around=around, sinks=sinks)
        self.keeper = BookKeeper(
            cast("Any", self), clock=self.clock, meter=NoMeter(), log=NoLog(), native=short, way=way
        )

    def _line(self, way: ShortWay) -> Counted:
        self.lines.append(Counted(way.line()))
        return self.lines[-1]

    def _plan(self) -> FeedPlan:
        if self.venue == "binance":
            on_chain = lambda symbol, first: self.chains.append(first)  # noqa: E731 - one line, used once
            return DataPlan(origin="wss://x.example", symbols=BinanceSymbols(), on_chain=on_chain)
        if self.venue == "bybit":
            origins = cast("Any", SimpleNamespace(public="wss://x.example"))
            return PublicPlan(origins, cast("Any", SimpleNamespace(book_depth="50")), BybitSymbols())
        return MarketPlan(origin="wss://x.example", depth=10)

    async def _connect(self, target: SocketTarget) -> Any:
        del target
        return self.wire

    async def subscribe_market_data(self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Any) -> Any:
        return await self.feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        await self.feeds.resync_book(symbol)

    async def play(self, steps: Sequence[Step], *, listener: tuple[int, int] = (-1, -1)) -> list[Seen]:
        """The book after each step.  Between the two places of `listener` somebody else listens to it as well."""
        watch, seen, other = await self.keeper.watch(self.symbol), list[Seen](), None
        for place, step in enumerate(steps):
            if place == listener[0]:
                other = await self.feeds.subscribe([self.symbol], frozenset({DataKind.BOOK}), lambda _: None)
            if place == listener[1] and other is not None:
                await other.close()
            if step.frame is None:
                self.wire.frames.put_nowait(None)
                self.chains.clear()
                await turns()
                await self.clock.advance(5)
            else:
                self.wire.frames.put_nowait(Frame(step.frame, text=True))
            await turns()
            if step.whole is not None and self.chains:  # somebody asked for it
                spelled = self.symbol.replace("/", "")
                whole = snapshot_from(f"https://x.example/api/v3/depth?symbol={spelled}", step.whole)
                assert whole is not None
                self.feeds.hand(whole)
            book = watch.book
            bids, asks = book.raw(10)
            prices, sizes = (10 ** (8 - decimals) for decimals in (book.scales.price, book.scales.size))
            sides = [[(price * prices, size * sizes) for price, size in side] for side in (bids, asks)]
            seen.append((book.state, book.sequence, book.time, (sides[0], sides[1])))
        watch.close()
        await self.keeper.close()
        await self.feeds.close()
        return seen


async def turns() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def stream(venue: str, random: Random, count: int) -> list[Step]:
    if venue == "bybit":
        return [Step(frame) for frame in book_streams.bybit(random, count)]
    if venue == "kraken":
        return [Step(frame) for frame in book_streams.kraken(random, count)]
    frames, whole, behind = book_streams.binance(random, count)
    return [Step(combined(frame), whole if place == behind else None) for place, frame in enumerate(frames)]


def combined(frame: bytes) -> bytes:
    """As the venue sends it: in a combined stream."""
    told = json.loads(frame)
    return frame if "stream" in told else json.dumps({"stream": "btcusdt@depth@100ms", "data": told}).encode()


@needs_core
@pytest.mark.parametrize("venue", SYMBOLS)
@pytest.mark.parametrize("seed", range(6))
async def test_books_are_the_same_either_way_with_gaps_and_a_second_listener(venue: str, seed: int) -> None:
    random = Random(f"{venue} {seed}")
    steps, again = stream(venue, random, 60), stream(venue, random, 60)
    gap = random.randint(20, 45)
    del steps[gap : gap + 8]  # lost on the way
    steps += again
    listener = (-1, -1) if seed % 2 else (random.randint(61, 70), random.randint(71, 80))
    slow, short = Account(venue, short=False), Account(venue, short=True)
    by_session, by_core = [await account.play(steps, listener=listener) for account in (slow, short)]
    assert by_core == by_session
    assert by_core[-1][0] is BookState.FRESH
    assert BookState.STALE in {state for state, *_ in by_core}
    (line,) = short.lines
    assert line.taken > (len(steps) * 0.4 if listener[0] < 0 else 10)


@needs_core
@pytest.mark.parametrize("venue", SYMBOLS)
async def test_books_come_back_either_way_after_a_connection_was_lost(venue: str) -> None:
    random = Random(venue)
    before, after = stream(venue, random, 30), stream(venue, random, 30)
    steps = [*before, Step(None), *after]
    slow, short = Account(venue, short=False), Account(venue, short=True)
    by_session, by_core = [await account.play(steps) for account in (slow, short)]
    assert by_core == by_session
    assert by_core[len(before)][0] is BookState.STALE
    assert by_core[-1][0] is BookState.FRESH
    assert short.lines[0].taken > 30


@needs_core
async def test_quotes_of_one_level_are_nobodys_book() -> None:
    account = Account("bybit", short=True)
    steps = stream("bybit", Random(1), 3)
    assert steps[0].frame is not None
    quote = steps[0].frame.replace(b"orderbook.50.", b"orderbook.1.")
    seen = await account.play([*steps, Step(quote), steps[-1]])
    assert seen[len(steps)] == seen[len(steps) - 1]


async def test_without_the_core_nothing_is_taken() -> None:
    account = Account("kraken", short=True)
    account.keeper = BookKeeper(
        cast("Any", account), clock=account.clock, meter=NoMeter(), log=NoLog(), native=False, way=ShortWay()
    )
    seen = await account.play(stream("kraken", Random(1), 10))
    assert seen[-1][0] is BookState.FRESH
    assert [line.taken for line in account.lines] == [0]
