"""The keeper: one book and one subscription a symbol, whatever happens to either."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, Conflict, ConnectionFailed, NotSupported, Timeout
from floorbroker.domain.ports import Broker, MarketEvent, NoLog
from floorbroker.domain.records import BookDelta, BookLevel, DataKind
from floorbroker.domain.values import Price
from floorbroker.marketdata import books
from floorbroker.marketdata.books import LINGER_S, WHOLE_WITHIN_S, BookKeeper
from floorbroker.marketdata.readings import BookState

NOW = datetime(2026, 3, 2, tzinfo=UTC)
Handler = Callable[[MarketEvent], None]


def levels(*pairs: tuple[str, str]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=Price(Decimal(price)), size=Decimal(size)) for price, size in pairs)


def whole(number: int, symbol: str = "BTC/USDT") -> BookDelta:
    return BookDelta(
        symbol=symbol,
        bids=levels(("99", "1"), ("98", "2")),
        asks=levels(("101", "3")),
        time=NOW,
        reset=True,
        sequence=number,
    )


def change(number: int, bid: str = "99.5", symbol: str = "BTC/USDT") -> BookDelta:
    return BookDelta(symbol=symbol, bids=levels((bid, "4")), asks=(), time=NOW, sequence=number)


@dataclass
class Venue:
    """As much of a broker as a keeper touches."""

    proof: BookProof | None = BookProof.STEP
    handlers: dict[str, list[Handler]] = field(default_factory=dict[str, list[Handler]])
    subscribed: Counter[str] = field(default_factory=Counter[str])
    asked: list[str] = field(default_factory=list[str])
    refuses: Exception | None = None
    gate: asyncio.Event | None = None

    @property
    def info(self) -> Any:
        rules = None if self.proof is None else BookRules(proof=self.proof)
        return SimpleNamespace(book=rules, name="Venue", code="VENUE")

    async def subscribe_market_data(self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Handler) -> Any:
        assert kinds == {DataKind.BOOK}
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses is not None:
            raise self.refuses
        for symbol in symbols:
            self.subscribed[symbol] += 1
            self.handlers.setdefault(symbol, []).append(handler)

        async def close() -> None:
            for symbol in symbols:
                self.subscribed[symbol] -= 1
                self.handlers[symbol].remove(handler)

        return SimpleNamespace(close=close)

    async def resync_book(self, symbol: str) -> None:
        self.asked.append(symbol)
        if self.refuses is not None:
            raise self.refuses

    def tell(self, *deltas: BookDelta) -> None:
        for delta in deltas:
            for handler in self.handlers.get(delta.symbol, []):
                handler(delta)


class Counts:
    def __init__(self) -> None:
        self.seen: Counter[tuple[str, ...]] = Counter()

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.seen[(name, *labels.values())] += int(value)

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...


@dataclass
class Desk:
    venue: Venue
    clock: ManualClock
    meter: Counts
    keeper: BookKeeper


@asynccontextmanager
async def desk(venue: Venue | None = None, **settings: Any) -> AsyncGenerator[Desk]:
    venue = venue or Venue()
    clock, meter = ManualClock(NOW), Counts()
    keeper = BookKeeper(cast("Broker", venue), clock=clock, meter=meter, log=NoLog(), native=False, **settings)
    try:
        yield Desk(venue, clock, meter, keeper)
    finally:
        await keeper.close()


@pytest.mark.asyncio
async def test_many_consumers_of_a_symbol_share_one_subscription_and_one_book() -> None:
    async with desk() as d:
        first, second, other = [await d.keeper.watch(symbol) for symbol in ("BTC/USDT", "BTC/USDT", "ETH/USDT")]
        assert first.book is second.book
        assert first.book is not other.book
        assert d.venue.subscribed == {"BTC/USDT": 1, "ETH/USDT": 1}


@pytest.mark.asyncio
async def test_consumers_who_come_at_once_wait_for_the_one_subscription() -> None:
    venue = Venue(gate=asyncio.Event())
    async with desk(venue) as d:
        asked = [asyncio.ensure_future(d.keeper.watch("BTC/USDT")) for _ in range(5)]
        await asyncio.sleep(0)
        assert venue.gate is not None
        venue.gate.set()
        await asyncio.gather(*asked)
        assert venue.subscribed == {"BTC/USDT": 1}


@pytest.mark.asyncio
async def test_the_subscription_ends_a_while_after_the_last_consumer_and_not_before() -> None:
    async with desk() as d:
        first, second = await d.keeper.watch("BTC/USDT"), await d.keeper.watch("BTC/USDT")
        first.close()
        first.close()
        await d.clock.advance(LINGER_S + 1)
        assert d.venue.subscribed["BTC/USDT"] == 1
        second.close()
        await d.clock.advance(LINGER_S - 1)
        third = await d.keeper.watch("BTC/USDT")
        await d.clock.advance(LINGER_S + 1)
        assert d.venue.subscribed["BTC/USDT"] == 1
        third.close()
        await d.clock.advance(LINGER_S + 1)
        assert d.venue.subscribed["BTC/USDT"] == 0
        assert d.keeper.symbols == ()


@pytest.mark.asyncio
async def test_a_consumer_that_lags_sees_the_newest_book_and_how_much_it_missed() -> None:
    async with desk() as d:
        watch = await d.keeper.watch("BTC/USDT", depth=1)
        d.venue.tell(whole(1), *(change(number, bid=f"99.{number}") for number in range(2, 10)))
        view = await watch.next()
        assert view.conflated == 8
        assert view.best_bid == BookLevel(price=Price(Decimal("99.9")), size=Decimal(4))
        d.venue.tell(change(10, bid="100"))
        assert (await watch.next()).conflated == 0


@pytest.mark.asyncio
async def test_a_failed_book_is_stale_alone_and_is_asked_for_again() -> None:
    async with desk() as d:
        bad, good = await d.keeper.watch("BTC/USDT"), await d.keeper.watch("ETH/USDT")
        d.venue.tell(whole(1), whole(1, "ETH/USDT"), change(3))
        await d.clock.advance(0)
        assert (bad.book.state, good.book.state) == (BookState.STALE, BookState.FRESH)
        assert d.venue.asked == ["BTC/USDT"]
        assert (await bad.next()).state is BookState.STALE
        d.venue.tell(whole(7), change(8))
        assert bad.book.state is BookState.FRESH
        await d.clock.advance(60)
        assert d.venue.asked == ["BTC/USDT"]
        assert d.meter.seen["book_proof_failures", "step"] == 1
        assert d.meter.seen["book_resyncs", "step"] == 1
        assert d.meter.seen["book_proofs", "step", "proven"] == 1


@pytest.mark.asyncio
async def test_a_book_whose_connection_is_lost_is_stale_until_it_comes_whole_again() -> None:
    async with desk() as d:
        watch = await d.keeper.watch("BTC/USDT")
        other = await d.keeper.watch("ETH/USDT")
        d.venue.tell(whole(1), whole(1, "ETH/USDT"))
        watch.look()
        lost = replace(change(2), bids=(), lost="the peer closed the stream")
        d.venue.tell(lost)
        assert (watch.book.state, other.book.state) == (BookState.STALE, BookState.FRESH)
        assert watch.book.reason == "the connection was lost: the peer closed the stream"
        assert (await watch.next()).state is BookState.STALE  # whoever looks is told
        assert d.venue.asked == []  # the next connection brings it by itself, as a rule
        d.venue.tell(whole(9))
        assert watch.book.state is BookState.FRESH
        d.venue.tell(lost)
        await d.clock.advance(WHOLE_WITHIN_S)
        assert d.venue.asked == ["BTC/USDT"]


@pytest.mark.asyncio
async def test_asking_again_is_spaced_while_it_does_not_help() -> None:
    async with desk() as d:
        await d.keeper.watch("BTC/USDT")
        d.venue.tell(whole(1), change(3))
        d.venue.refuses = ApiError("busy")
        for _ in range(200):
            await d.clock.advance(1)
        assert 8 <= len(d.venue.asked) <= 12  # 0 1 3 7 15 31 61 91 ...


@pytest.mark.asyncio
async def test_an_error_nobody_foresaw_does_not_end_the_asking() -> None:
    async with desk() as d:
        watch = await d.keeper.watch("BTC/USDT")
        d.venue.tell(whole(1), change(3))
        d.venue.refuses = KeyError("a bug of the broker's")
        await d.clock.advance(0)
        assert d.venue.asked == ["BTC/USDT"]
        d.venue.refuses = None
        await d.clock.advance(1)
        assert d.venue.asked == ["BTC/USDT"] * 2
        d.venue.tell(whole(7))
        assert watch.book.state is BookState.FRESH


@pytest.mark.asyncio
async def test_an_update_that_breaks_a_book_makes_it_stale_alone() -> None:
    async with desk() as d:
        bad, good = await d.keeper.watch("BTC/USDT"), await d.keeper.watch("ETH/USDT")
        d.venue.tell(whole(1), whole(1, "ETH/USDT"))
        d.venue.tell(replace(change(2), bids=cast("Any", (None,))))
        assert (bad.book.state, good.book.state) == (BookState.STALE, BookState.FRESH)
        await d.clock.advance(0)
        assert d.venue.asked == ["BTC/USDT"]


@pytest.mark.asyncio
async def test_a_book_that_fails_again_and_again_is_asked_for_with_pauses() -> None:
    async with desk() as d:
        await d.keeper.watch("BTC/USDT")
        for _ in range(100):
            d.venue.tell(whole(1), change(3))
            await d.clock.advance(0.1)
        assert len(d.venue.asked) <= 5


@pytest.mark.asyncio
async def test_a_book_that_never_comes_is_asked_for() -> None:
    async with desk() as d:
        await d.keeper.watch("BTC/USDT")
        await d.clock.advance(WHOLE_WITHIN_S - 1)
        assert d.venue.asked == []
        await d.clock.advance(1.5)
        assert d.venue.asked == ["BTC/USDT"]


@pytest.mark.asyncio
async def test_a_book_is_read_once_it_may_be_believed() -> None:
    async with desk() as d:
        reading = asyncio.ensure_future(d.keeper.read("BTC/USDT", depth=1))
        await d.clock.advance(0)
        d.venue.tell(change(1), whole(1))
        view = await reading
        assert (view.state, len(view.bids), len(view.asks)) == (BookState.FRESH, 1, 1)
        assert (await d.keeper.read("BTC/USDT")).best_ask == view.best_ask
        assert d.venue.subscribed["BTC/USDT"] == 1


@pytest.mark.asyncio
async def test_a_book_that_does_not_come_in_time_is_a_timeout_that_says_why() -> None:
    async with desk() as d:
        with pytest.raises(Timeout, match="it has not come"):
            await d.keeper.read("BTC/USDT", timeout_s=0.01)


@pytest.mark.asyncio
async def test_a_refused_subscription_leaves_nothing_behind() -> None:
    async with desk(Venue(refuses=ConnectionFailed("no"))) as d:
        with pytest.raises(ConnectionFailed):
            await d.keeper.watch("BTC/USDT")
        assert d.keeper.symbols == ()
        d.venue.refuses = None
        await d.keeper.watch("BTC/USDT")
        assert d.venue.subscribed == {"BTC/USDT": 1}


@pytest.mark.asyncio
async def test_books_and_their_consumers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "WATCHES_MAX", 2)
    async with desk(books_max=1) as d:
        await d.keeper.watch("BTC/USDT")
        await d.keeper.watch("BTC/USDT")
        with pytest.raises(Conflict):
            await d.keeper.watch("BTC/USDT")
        with pytest.raises(Conflict):
            await d.keeper.watch("ETH/USDT")


@pytest.mark.asyncio
async def test_a_venue_without_books_says_so() -> None:
    async with desk(Venue(proof=None)) as d:
        with pytest.raises(NotSupported):
            await d.keeper.watch("BTC/USDT")


@pytest.mark.asyncio
async def test_closing_the_keeper_lets_everybody_go() -> None:
    async with desk() as d:
        watch = await d.keeper.watch("BTC/USDT")
        seen = asyncio.ensure_future(_all_of(watch))
        d.venue.tell(whole(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await d.keeper.close()
        assert len(await seen) == 1
        assert d.venue.subscribed["BTC/USDT"] == 0


async def _all_of(watch: Any) -> list[Any]:
    return [view async for view in watch]
