"""Market data over shared connections: who opens, who closes, who hears, and what a full connection means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from math import inf
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    NotSupported,
    SessionExpired,
    SymbolNotFound,
    Timeout,
    VenueError,
)
from floorbroker.domain.ports import MarketEvent, NoLog, NoMeter
from floorbroker.domain.records import BookDelta, DataKind, Quote
from floorbroker.domain.values import Price
from floorbroker.transport.actions import Emit, Send
from floorbroker.transport.feeds import Actions, FeedError, Feeds, FeedSession, Look, Pair, Sinks
from floorbroker.transport.private import DENIED_PAUSE_S, Surroundings, Target
from floorbroker.transport.types import Frame, SocketTarget
from tests.unit.transport.fakes import START, clock

pytestmark = pytest.mark.asyncio

QUOTES = frozenset({DataKind.QUOTES})
BOOK = frozenset({DataKind.BOOK})


class Wire:
    """A socket whose other end the test holds."""

    def __init__(self, target: SocketTarget) -> None:
        self.url = target.url
        self.sent: list[bytes | str] = []
        self.closed = False
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()

    def say(self, text: str) -> None:
        self._frames.put_nowait(Frame(text.encode(), text=True))

    def cut(self) -> None:
        self._frames.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def send(self, data: bytes | str) -> None:
        self.sent.append(data)

    async def close(self) -> None:
        self.closed = True


def quote(symbol: str) -> Quote:
    return Quote(symbol=symbol, bid=Price(Decimal(1)), ask=Price(Decimal(2)), time=START)


class Plain:
    """A session whose words are `+ symbol`, `- symbol` and `! symbol`; a frame is the symbol of a quote, or beyond it."""

    def __init__(self) -> None:
        self.wanted: list[Pair] = []
        self.heard: list[bytes] = []

    def want(self, more: Iterable[Pair]) -> Actions:
        fresh = [pair for pair in more if pair not in self.wanted]
        self.wanted += fresh
        return [Send(f"+ {symbol}") for _, symbol in fresh]

    def unwant(self, less: Iterable[Pair]) -> Actions:
        gone = [pair for pair in less if pair in self.wanted]
        self.wanted = [pair for pair in self.wanted if pair not in gone]
        return [Send(f"- {symbol}") for _, symbol in gone]

    def again(self, pairs: Iterable[Pair]) -> Actions:
        return [Send(f"! {symbol}") for _, symbol in pairs]

    def on_open(self, now_s: float) -> Actions:
        return [Send(f"+ {symbol}") for _, symbol in self.wanted]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self.heard.append(frame)
        if frame == b"foul":
            raise ZeroDivisionError
        if frame in (b"denied", b"no plan"):
            return [Emit(FeedError(402, "no", fatal=True, denied=frame == b"denied"))]
        return [Emit(quote(frame.decode()))] if frame else []

    def on_tick(self, now_s: float) -> Actions:
        return []


class Plan:
    """Coins on one line, the rest on another; two pairs a connection where the test says so."""

    aside = b"!"

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.sessions: list[Plain] = []

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if kind is DataKind.BARS:
            raise NotSupported("no bars here")
        return "coins" if "/" in symbol else "shares"

    def spelled(self, symbol: str) -> str | None:
        return symbol.replace("/", "")

    def most(self, line: str) -> int | None:
        return self._most

    def session(self, line: str) -> FeedSession:
        self.sessions.append(Plain())
        return self.sessions[-1]

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"wss://venue.example/{line}")

        return target


class House:
    """Feeds over wires the test can hold."""

    def __init__(
        self,
        *,
        most: int | None = None,
        sinks: Sinks | None = None,
        time: ManualClock | None = None,
        look: Look | None = None,
        most_looks: float = inf,
    ) -> None:
        self.wires: list[Wire] = []
        self.refusing = False
        self.plan = Plan(most)
        self.counted: list[str] = []
        around = Surroundings(
            broker="ACME", clock=time or clock(), random=Random(1), log=NoLog(), meter=Counting(self.counted)
        )
        self.feeds = Feeds(
            self.plan, connect=self.connect, around=around, sinks=sinks, look=look, most_looks=most_looks
        )

    async def connect(self, target: SocketTarget) -> Wire:
        if self.refusing:
            raise ConnectionFailed("nobody there")
        self.wires.append(Wire(target))
        return self.wires[-1]


class Counting(NoMeter):
    def __init__(self, counted: list[str]) -> None:
        self._counted = counted

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self._counted.append(name)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_connection_serves_every_listener_and_the_last_to_leave_unsubscribes() -> None:
    house, first, second = House(), list[MarketEvent](), list[MarketEvent]()
    one = await house.feeds.subscribe(["BTC/USD"], QUOTES, first.append)
    two = await house.feeds.subscribe(["BTC/USD", "ETH/USD"], QUOTES, second.append)
    await turns()
    (wire,) = house.wires
    assert wire.sent == ["+ BTC/USD", "+ ETH/USD"]
    wire.say("BTC/USD")
    wire.say("ETH/USD")
    await turns()
    assert first == [quote("BTC/USD")]
    assert second == [quote("BTC/USD"), quote("ETH/USD")]
    await two.close()
    assert wire.sent[2:] == ["- ETH/USD"]
    await one.close()
    await one.close()
    await turns()
    assert wire.closed


async def test_a_full_connection_gets_a_sibling_and_a_pair_stays_where_it_is() -> None:
    house, heard = House(most=2), list[MarketEvent]()
    await house.feeds.subscribe(["A/X", "B/X", "C/X"], QUOTES, heard.append)
    await house.feeds.subscribe(["A/X", "D/X"], QUOTES, heard.append)
    await turns()
    assert [session.wanted for session in house.plan.sessions] == [
        [(DataKind.QUOTES, "A/X"), (DataKind.QUOTES, "B/X")],
        [(DataKind.QUOTES, "C/X"), (DataKind.QUOTES, "D/X")],
    ]
    house.wires[0].say("A/X")
    await turns()
    assert heard == [quote("A/X")] * 2
    await house.feeds.close()


async def test_a_kind_that_no_line_carries_subscribes_to_nothing() -> None:
    house = House()
    with pytest.raises(NotSupported):
        await house.feeds.subscribe(["BTC/USD"], frozenset(DataKind), lambda _: None)
    await turns()
    assert house.wires == []


async def test_a_symbol_that_the_venue_does_not_know_is_refused_with_all_that_came_with_it() -> None:
    asked = list[str]()

    async def look(symbol: str) -> None:
        asked.append(symbol)
        if symbol == "NOSUCH":
            raise SymbolNotFound(f"nobody knows {symbol}")

    house = House(look=look)
    with pytest.raises(SymbolNotFound, match="NOSUCH"):
        await house.feeds.subscribe(["AAPL", "NOSUCH"], QUOTES, lambda _: None)
    await turns()
    assert house.wires == []
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    assert asked == ["AAPL", "NOSUCH", "AAPL"]
    await house.feeds.close()


async def test_of_more_symbols_than_may_be_looked_up_within_a_minute_the_stream_has_the_word() -> None:
    asked, time = list[str](), clock()

    async def look(symbol: str) -> None:
        asked.append(symbol)

    house = House(look=look, most_looks=2, time=time)
    await house.feeds.subscribe(["A", "B", "C"], QUOTES, lambda _: None)
    await house.feeds.subscribe(["D"], QUOTES, lambda _: None)
    assert asked == ["A", "B"]
    await time.advance(60)
    await house.feeds.subscribe(["E"], QUOTES, lambda _: None)
    assert asked == ["A", "B", "E"]
    await house.feeds.close()


@pytest.mark.parametrize("kind", [Timeout, AuthenticationFailed, SessionExpired])
async def test_where_nobody_can_say_whether_a_symbol_is_known_it_is_subscribed_to(kind: type[VenueError]) -> None:
    """Refused credentials say nothing of a symbol: the stream comes back when they are mended."""

    async def look(symbol: str) -> None:
        raise kind(f"no answer about {symbol}")

    house = House(look=look)
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    await turns()
    assert house.wires[0].sent == ["+ AAPL"]
    await house.feeds.close()


async def test_a_listener_that_raises_is_counted_and_nobody_else_notices() -> None:
    house, heard = House(), list[MarketEvent]()

    def broken(_: MarketEvent) -> None:
        raise RuntimeError("a bug of the listener")

    await house.feeds.subscribe(["AAPL"], QUOTES, broken)
    await house.feeds.subscribe(["AAPL"], QUOTES, heard.append)
    await turns()
    house.wires[0].say("AAPL")
    house.wires[0].say("AAPL")
    await turns()
    assert heard == [quote("AAPL")] * 2
    assert house.counted == ["feed_listener_errors"] * 2
    await house.feeds.close()


async def test_a_book_is_asked_for_again_alone_and_only_where_it_is_wanted() -> None:
    house = House()
    await house.feeds.subscribe(["BTC/USD", "ETH/USD"], BOOK, lambda _: None)
    await turns()
    await house.feeds.resync_book("ETH/USD")
    await house.feeds.resync_book("SOL/USD")
    assert house.wires[0].sent[2:] == ["! ETH/USD"]
    await house.feeds.close()


async def test_when_a_connection_is_lost_its_books_are_told_and_those_of_others_and_quotes_are_not() -> None:
    house, told = House(), list[MarketEvent]()
    await house.feeds.subscribe(["BTC/USD", "AAPL"], BOOK | QUOTES, told.append)
    await turns()
    next(wire for wire in house.wires if wire.url.endswith("coins")).cut()
    await turns()
    (lost,) = told
    assert isinstance(lost, BookDelta)
    assert (lost.symbol, lost.lost, lost.bids, lost.asks) == ("BTC/USD", "the peer closed the stream", (), ())
    await house.feeds.close()


async def test_how_long_a_connection_has_been_silent_is_known() -> None:
    time = clock()
    house = House(time=time)
    assert house.feeds.silence_s is None
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    await turns()
    await time.advance(7)
    assert house.feeds.silence_s == 7
    house.wires[0].say("AAPL")
    await turns()
    assert house.feeds.silence_s == 0
    await house.feeds.close()


@pytest.mark.parametrize("end", ["foul", "denied", "no plan"])
async def test_whatever_ends_a_feed_it_is_opened_again_with_all_that_is_wanted(end: str) -> None:
    time, told = clock(), list[MarketEvent]()
    house = House(time=time)
    await house.feeds.subscribe(["AAPL"], BOOK | QUOTES, told.append)
    await turns()
    house.wires[0].say(end)
    await turns()
    assert house.wires[0].closed
    assert [event.lost is not None for event in told if isinstance(event, BookDelta)] == [True]
    assert house.counted == ["stream_lost"]
    await time.advance(DENIED_PAUSE_S - 1)
    assert (len(house.wires), house.feeds.silence_s) == (1, DENIED_PAUSE_S - 1)
    await time.advance(2)
    assert [wire.sent for wire in house.wires] == [["+ AAPL", "+ AAPL"]] * 2
    house.wires[1].say("AAPL")
    await turns()
    assert told[-1] == quote("AAPL")
    await house.feeds.close()


async def test_who_subscribes_to_a_feed_that_ended_need_not_wait_until_it_is_opened_again() -> None:
    time = clock()
    house = House(time=time)
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    await turns()
    house.wires[0].say("foul")
    await turns()
    await house.feeds.subscribe(["MSFT"], QUOTES, lambda _: None)
    await turns()
    assert [wire.sent for wire in house.wires] == [["+ AAPL"], ["+ AAPL", "+ MSFT"]]
    await time.advance(2 * DENIED_PAUSE_S)
    assert len(house.wires) == 2
    await house.feeds.close()
    await time.advance(2 * DENIED_PAUSE_S)
    assert (len(house.wires), house.feeds.silence_s) == (2, None)


async def test_a_connection_that_is_lost_is_silent_until_it_is_back() -> None:
    time = clock()
    house = House(time=time)
    await house.feeds.subscribe(["AAPL"], QUOTES, lambda _: None)
    await turns()
    house.refusing = True
    house.wires[0].cut()
    await turns()
    await time.advance(30)
    assert house.feeds.silence_s == 30
    house.refusing = False
    await time.advance(60)
    house.wires[-1].say("AAPL")
    await turns()
    assert house.feeds.silence_s == 0
    await house.feeds.close()


class Hungry:
    """Takes frames that begin with an x."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.heeded: list[tuple[str, str, int]] = []

    def on_frame(self, frame: bytes, at: datetime) -> bool:
        if frame.startswith(b"x"):
            self.taken.append(frame)
        return frame.startswith(b"x")

    def heed(self, symbol: str, spelled: str, handlers: Sequence[Callable[[MarketEvent], None]]) -> None:
        self.heeded.append((symbol, spelled, len(handlers)))


async def test_a_frame_that_the_sink_took_is_a_sign_of_life_to_the_session_and_no_more() -> None:
    sink, heard = Hungry(), list[MarketEvent]()
    house = House(sinks=lambda: sink)
    await house.feeds.subscribe(["AAPL"], QUOTES, heard.append)
    await turns()
    house.wires[0].say("xyz")
    house.wires[0].say("x!")  # one that the plan keeps from it
    house.wires[0].say("AAPL")
    await turns()
    assert sink.taken == [b"xyz"]
    assert house.plan.sessions[0].heard == [b"", b"x!", b"AAPL"]
    assert heard == [quote("AAPL")]
    await house.feeds.close()


async def test_what_came_another_way_is_handed_to_those_who_want_it() -> None:
    house, heard = House(), list[MarketEvent]()
    await house.feeds.subscribe(["AAPL"], QUOTES, heard.append)
    house.feeds.hand(quote("AAPL"))
    house.feeds.hand(quote("MSFT"))
    assert heard == [quote("AAPL")]
    await house.feeds.close()


async def test_the_sink_hears_who_listens_to_each_book() -> None:
    sink, kinds = Hungry(), frozenset({DataKind.BOOK, DataKind.TRADES})
    house = House(sinks=lambda: sink)
    first = await house.feeds.subscribe(["BTC/USD"], kinds, lambda _: None)
    second = await house.feeds.subscribe(["BTC/USD"], kinds, print)
    await first.close()
    await second.close()
    assert sink.heeded == [("BTC/USD", "BTCUSD", listeners) for listeners in (1, 2, 1, 0)]
    await house.feeds.close()
