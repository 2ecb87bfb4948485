"""Market data for many listeners over few connections: one connection serves many symbols and everybody who wants them.

A subscription is a handler and pairs of kind and symbol.  The first to want a pair subscribes to it at the venue, the last to
leave it unsubscribes; the last pair of a connection closes it.  A venue that bounds what one connection carries gets as many
as are needed (`FeedPlan.most`).  A handler is called on the event loop and must return at once: who is slow keeps a queue of
its own.  One that raises is told of in the log, and nobody else notices.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Protocol

from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, Outcome, SessionExpired, VenueError
from floorbroker.domain.ports import MarketEvent, RawBookSink
from floorbroker.domain.records import BookDelta, DataKind, Quote, Trade
from floorbroker.transport.actions import Action, Session
from floorbroker.transport.private import DENIED_PAUSE_S, Surroundings, Target, end, longest
from floorbroker.transport.supervise import Supervisor
from floorbroker.transport.types import Connect

MarketHandler = Callable[[MarketEvent], None]
Sinks = Callable[[], RawBookSink]
Look = Callable[[str], Awaitable[object]]
FEW_LOOKS, LOOKS_S = 20, 60.0  # within which no more symbols are looked up where each is a request of its own
Pair = tuple[DataKind, str]
_OF_CREDENTIALS = (AuthenticationFailed, SessionExpired)  # what they say is no word about a symbol

_KIND: Mapping[type[MarketEvent], DataKind] = MappingProxyType(
    {Quote: DataKind.QUOTES, Trade: DataKind.TRADES, Bar: DataKind.BARS, BookDelta: DataKind.BOOK}
)


@dataclass(frozen=True, slots=True)
class FeedUp:
    """Logged in; subscriptions are asked for."""


@dataclass(frozen=True, slots=True)
class FeedError:
    """The venue's word about a request.  `fatal`: coming back does not help, `denied`: because of the credentials."""

    code: int | str
    text: str
    fatal: bool = False
    denied: bool = False


FeedEvent = MarketEvent | FeedUp | FeedError
Actions = Sequence[Action[FeedEvent]]


class FeedSession(Session[FeedEvent], Protocol):
    """The sans-I/O core of one connection.  The three may be called at any time, before it is up as well."""

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        ...

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what is subscribed."""
        ...

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """Ask anew for what is subscribed, so that a book comes whole."""
        ...


class FeedPlan(Protocol):
    """How a venue spreads its market data over connections.  A *line* is one of its addresses, by a name of its choice.

    `aside` stands in frames that look like a book's and are not; empty where there are none.
    """

    aside: bytes

    def spelled(self, symbol: str) -> str | None:
        """A symbol as book frames of its line have it; None where no sink can read them."""
        ...

    def line_of(self, pair: Pair) -> str:
        """The line that carries a pair.  Raises `NotSupported` where none does."""
        ...

    def most(self, line: str) -> int | None:
        """How many pairs one connection of this line may carry; None: any number."""
        ...

    def session(self, line: str) -> FeedSession: ...

    def target(self, line: str) -> Target: ...


def _unread(symbol: str) -> None:
    """No sink reads anything."""
    del symbol


class Feed:
    """One connection and the handlers of each pair on it; a `sink` hears who listens to a book."""

    def __init__(
        self,
        name: str,
        session: FeedSession,
        around: Surroundings,
        connect: Connect,
        target: Target,
        *,
        sink: RawBookSink | None = None,
        spelled: Callable[[str], str | None] = _unread,
    ) -> None:
        self.name = name
        self._sink = sink
        self._spelled = spelled
        self._session = session
        self._around = around
        self._handlers: dict[Pair, list[MarketHandler]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_resting = False
        self._down_s: float | None = None  # monotonic: since when it is to be open and is not
        self._supervisor = Supervisor(
            session,
            connect=connect,
            target=target,
            emit=self.emit,
            clock=around.clock,
            random=around.random,
            on_up=self._on_up,
            on_down=self._on_down,
        )

    @property
    def pairs(self) -> frozenset[Pair]:
        return frozenset(self._handlers)

    @property
    def silence_s(self) -> float | None:
        """How long nothing was heard, since the connection was lost where it is; None where none is to be open."""
        heard_s = self._supervisor.silence_s
        if heard_s is not None or self._down_s is None:
            return heard_s
        return self._around.clock.monotonic() - self._down_s

    async def add(self, pairs: Sequence[Pair], handler: MarketHandler) -> None:
        """Start the connection if need be, and subscribe to what nobody subscribed to yet."""
        for pair in pairs:
            self._handlers.setdefault(pair, []).append(handler)
        self._heed(pairs)
        await self._supervisor.tell(lambda _: self._session.want(pairs))
        if self._is_resting:
            await self._stop()
        if self._task is None:
            self._down_s = self._around.clock.monotonic()
            self._task = asyncio.create_task(self._keep(), name=f"{self._around.broker} {self.name}")

    async def remove(self, pairs: Iterable[Pair], handler: MarketHandler) -> None:
        """Let go; the last one to leave closes the connection."""
        unused: list[Pair] = []
        pairs = list(pairs)
        for pair in pairs:
            handlers = self._handlers.get(pair, [])
            if handler in handlers:
                handlers.remove(handler)
            if not handlers and self._handlers.pop(pair, None) is not None:
                unused.append(pair)
        self._heed(pairs)
        await self._supervisor.tell(lambda _: self._session.unwant(unused))
        if not self._handlers:
            await self.close()

    def _heed(self, pairs: Iterable[Pair]) -> None:
        """Tell the sink who listens to these books now."""
        if self._sink is None:
            return
        for kind, symbol in pairs:
            spelled = self._spelled(symbol) if kind is DataKind.BOOK else None
            if spelled is not None:
                self._sink.heed(symbol, spelled, tuple(self._handlers.get((kind, symbol), ())))

    async def again(self, pairs: Iterable[Pair]) -> None:
        """Ask anew for what is subscribed."""
        await self._supervisor.tell(lambda _: self._session.again(pairs))

    async def close(self) -> None:
        self._handlers.clear()
        await self._stop()

    async def _stop(self) -> None:
        task, self._task, self._is_resting, self._down_s = self._task, None, False, None
        await end([task] if task else [])

    async def _keep(self) -> None:
        """Open until it is closed.  What waiting does not mend at once (refused credentials, a frame that nobody foresaw) is
        told, and the connection comes back after a rest, or as soon as somebody subscribes: no word of a venue ends a feed
        for good (I24).
        """
        while True:
            try:
                await self._supervisor.run()
            except Exception as error:  # noqa: BLE001 - a bug that a frame meets included: it is told, and the feed comes back
                self._around.log.error(
                    "feed.ended", feed=self.name, error=type(error).__name__, again_in_s=DENIED_PAUSE_S
                )
                is_ours = isinstance(error, FloorbrokerError)
                self._on_down(error if is_ours else VenueError(f"ended by {type(error).__name__}"))
            self._is_resting = True
            await self._around.clock.sleep(DENIED_PAUSE_S)
            self._is_resting = False

    async def emit(self, event: FeedEvent) -> None:
        """What the session says, to whom it concerns."""
        match event:
            case FeedUp():
                self._around.log.info("feed.up", feed=self.name)
                self._around.meter.count("stream_up", stream=self.name)
            case FeedError(code, text, fatal, denied):
                self._around.log.warning("feed.error", feed=self.name, code=code, text=text)
                if fatal:
                    kind = AuthenticationFailed if denied else VenueError
                    raise kind(f"{self.name}: {code} {text}", broker=self._around.broker)
            case _:
                self.hand(event)

    def hand(self, event: MarketEvent) -> None:
        """To everybody who wants it."""
        for handler in tuple(self._handlers.get((_KIND[type(event)], event.symbol), ())):
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001 - a listener's bug is its own: the stream and the others go on
                self._around.log.error("feed.listener", feed=self.name, error=type(error).__name__)
                self._around.meter.count("feed_listener_errors", feed=self.name)

    def _on_up(self) -> None:
        self._down_s = None

    def _on_down(self, loss: FloorbrokerError) -> None:
        if self._down_s is None:
            self._down_s = self._around.clock.monotonic()
        self._around.log.warning("feed.down", feed=self.name, reason=loss.detail)
        self._around.meter.count("stream_lost", stream=self.name)
        for kind, symbol in tuple(self._handlers):
            if kind is DataKind.BOOK:
                now = self._around.clock.now()
                self.hand(BookDelta(symbol=symbol, bids=(), asks=(), time=now, lost=loss.detail))


class Feeds:
    """Every market data connection of an account.

    `sinks` makes one for each connection, where there are any: frames that it takes are decoded by nobody else.  `look` raises
    what the venue says to a symbol: one that it does not know is refused, since many streams are just silent about it.  No more
    than `most_looks` are looked up within a minute: a thousand questions would hold up streams and use up the venue's budget.
    """

    def __init__(
        self,
        plan: FeedPlan,
        *,
        connect: Connect,
        around: Surroundings,
        sinks: Sinks | None = None,
        look: Look | None = None,
        most_looks: float = inf,
    ) -> None:
        self._plan = plan
        self._look = look
        self._most_looks = most_looks
        self._looked_s: deque[float] = deque()
        self._connect = connect
        self._around = around
        self._sinks = sinks
        self._feeds: dict[str, list[Feed]] = {}

    async def subscribe(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> MarketSubscription:
        """Raises `NotSupported` for a kind that no line of the symbol carries, and what the venue says to a symbol; then nothing
        is subscribed.
        """
        wanted = [(kind, symbol) for symbol in dict.fromkeys(symbols) for kind in sorted(kinds, key=_by_value)]
        lines = [(self._plan.line_of(pair), pair) for pair in wanted]
        await self._must_know([symbol for symbol in dict.fromkeys(symbols) if symbol not in self.symbols])
        taken: dict[Feed, list[Pair]] = {}
        for line, pair in lines:
            taken.setdefault(self._feed_for(line, pair, taken), []).append(pair)
        for feed, pairs in taken.items():
            await feed.add(pairs, handler)
        return MarketSubscription(list(taken.items()), handler)

    async def _must_know(self, symbols: Sequence[str]) -> None:
        """Raise what the venue says to symbols that nobody is subscribed to; where it has no answer, the stream has the word."""
        if self._look is None:
            return
        for symbol in symbols:
            if not self._may_look():
                return
            try:
                await self._look(symbol)
            except VenueError as error:
                if error.outcome is Outcome.REFUSED and not isinstance(error, _OF_CREDENTIALS):
                    raise
                self._around.log.warning("feed.not_looked_up", symbol=symbol, code=error.code)

    def _may_look(self) -> bool:
        """Whether one more symbol may be looked up now; counts it."""
        now_s, looked = self._around.clock.monotonic(), self._looked_s
        while looked and now_s - looked[0] >= LOOKS_S:
            looked.popleft()
        if len(looked) >= self._most_looks:
            return False
        if self._most_looks < inf:
            looked.append(now_s)
        return True

    @property
    def silence_s(self) -> float | None:
        """How long the most silent connection has said nothing; None while none is to be open."""
        return longest(feed.silence_s for feed in self._all())

    @property
    def symbols(self) -> frozenset[str]:
        """What anybody is subscribed to."""
        return frozenset(symbol for feed in self._all() for _, symbol in feed.pairs)

    async def resync_book(self, symbol: str) -> None:
        """Ask for the whole book of a symbol anew, where somebody is subscribed to it."""
        pair = (DataKind.BOOK, symbol)
        for feed in self._all():
            if pair in feed.pairs:
                await feed.again([pair])

    def hand(self, event: MarketEvent) -> None:
        """What came another way (a whole book that was asked for) to everybody who wants it."""
        for feed in self._all():
            feed.hand(event)

    async def close(self) -> None:
        for feed in self._all():
            await feed.close()
        self._feeds.clear()

    def _all(self) -> list[Feed]:
        return [feed for feeds in self._feeds.values() for feed in feeds]

    def _feed_for(self, line: str, pair: Pair, taken: Mapping[Feed, Sequence[Pair]]) -> Feed:
        """The connection that carries the pair already, else the first with room, else one more."""
        feeds = self._feeds.setdefault(line, [])
        carrying = next((feed for feed in feeds if pair in feed.pairs), None)
        if carrying is not None:
            return carrying
        most = self._plan.most(line)
        for feed in feeds:
            if most is None or len(feed.pairs | set(taken.get(feed, ()))) < most:
                return feed
        feeds.append(self._open(line, len(feeds)))
        return feeds[-1]

    def _open(self, line: str, number: int) -> Feed:
        session = self._plan.session(line)
        sink = None if self._sinks is None else self._sinks()
        if sink is not None:
            session = _Tapped(session, sink, self._plan.aside)
        name = line if number == 0 else f"{line} {number + 1}"
        target, spelled = self._plan.target(line), self._plan.spelled
        return Feed(name, session, self._around, self._connect, target, sink=sink, spelled=spelled)


class MarketSubscription:
    """One handler's part of one or several connections."""

    def __init__(self, taken: Sequence[tuple[Feed, Sequence[Pair]]], handler: MarketHandler) -> None:
        self._taken = taken
        self._handler = handler

    async def close(self) -> None:
        """Closing twice is harmless."""
        taken, self._taken = self._taken, ()
        for feed, pairs in taken:
            await feed.remove(pairs, self._handler)


class _Tapped:
    """A session behind a sink.  A frame that the sink took counts as a sign of life, which an empty frame is to a session."""

    def __init__(self, inner: FeedSession, sink: RawBookSink, aside: bytes) -> None:
        self._inner = inner
        self._sink = sink
        self._aside = aside
        self.want, self.unwant, self.again = inner.want, inner.unwant, inner.again
        self.on_open, self.on_tick = inner.on_open, inner.on_tick

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        taken = not (self._aside and self._aside in frame) and self._sink.on_frame(frame, at)
        return self._inner.on_frame(b"" if taken else frame, at, now_s)


def _by_value(kind: DataKind) -> str:
    return kind.value
