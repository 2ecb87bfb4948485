"""The awaiting half of the streams: one supervised connection each, shared by everybody who subscribes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from floorbroker.brokers.alpaca.auth import Credentials
from floorbroker.brokers.alpaca.info import Options
from floorbroker.brokers.alpaca.stream.data import DataSession, FeedError, FeedEvent, FeedUp
from floorbroker.brokers.alpaca.stream.trading import Denied, OrderEvent, Up
from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, NotSupported, VenueError
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.ports import Log, MarketEvent, Meter, OrderEvents
from floorbroker.domain.records import BookDelta, DataKind, Quote, Trade
from floorbroker.domain.values import AssetClass
from floorbroker.transport.actions import Session
from floorbroker.transport.supervise import Supervisor
from floorbroker.transport.types import Connect, SocketTarget

BROKER = "ALPACA"
DENIED_PAUSE_S = 60.0
MarketHandler = Callable[[MarketEvent], None]
Target = Callable[[], Awaitable[SocketTarget]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every stream needs from outside."""

    clock: Clock
    random: Random
    log: Log
    meter: Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One connection that brings order events: its session, how it is opened, and where."""

    name: str
    session: Session[OrderEvent]
    connect: Connect
    target: Target


class OrderStream:
    """The private streams of one account; up when every line is."""

    def __init__(self, lines: Sequence[Line], around: Surroundings) -> None:
        self._lines = lines
        self._around = around
        self._handlers: list[OrderEvents] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._up: set[str] = set()
        self.is_up = False
        self.detail = "not subscribed"
        self.denied = False

    def subscribe(self, handler: OrderEvents) -> OrderSubscription:
        """The first handler opens the stream; a later one is told at once where it stands."""
        self._handlers.append(handler)
        if self.is_up:
            handler.on_stream(True, "up")
        if not self._tasks:
            self.denied = False
            self._tasks = [self._start(line) for line in self._lines]
        return OrderSubscription(self, handler)

    async def leave(self, handler: OrderEvents) -> None:
        """The last handler closes the stream."""
        if handler in self._handlers:
            self._handlers.remove(handler)
        if not self._handlers:
            await self.close()

    async def close(self) -> None:
        """Close every line and wait for it."""
        self._handlers.clear()
        tasks, self._tasks = self._tasks, []
        await _end(tasks)
        self._up.clear()
        self.is_up, self.detail = False, "closed"

    def _start(self, line: Line) -> asyncio.Task[None]:
        async def emit(event: OrderEvent) -> None:
            self._on_event(line.name, event)

        supervisor = Supervisor(
            line.session,
            connect=line.connect,
            target=line.target,
            emit=emit,
            clock=self._around.clock,
            random=self._around.random,
            on_down=lambda loss: self._on_down(line.name, loss),
        )
        task = asyncio.create_task(self._keep(line.name, supervisor), name=f"alpaca {line.name}")
        task.add_done_callback(lambda done: self._on_end(line.name, done))
        return task

    async def _keep(self, name: str, supervisor: Supervisor[OrderEvent]) -> None:
        """Also after a denial, though seldom: a venue that turned everybody away for a while knows the keys again."""
        while True:
            try:
                await supervisor.run()
            except AuthenticationFailed as denial:
                self._around.log.error("stream.denied", stream=name, again_in_s=DENIED_PAUSE_S)
                self.denied = True
                self._on_down(name, denial)
                await self._around.clock.sleep(DENIED_PAUSE_S)

    def _on_event(self, name: str, event: OrderEvent) -> None:
        match event:
            case Up():
                self._on_up(name)
            case Denied(detail):
                raise AuthenticationFailed(detail, broker=BROKER)
            case report:
                for handler in tuple(self._handlers):
                    handler.on_report(report)

    def _on_up(self, name: str) -> None:
        self._up.add(name)
        if len(self._up) == len(self._lines):
            self.denied = False
            self._tell(is_up=True, detail="up")

    def _on_down(self, name: str, loss: FloorbrokerError) -> None:
        self._up.discard(name)
        self._around.meter.count("stream_lost", stream=name)
        self._tell(is_up=False, detail=f"{name}: {loss.detail}")

    def _tell(self, *, is_up: bool, detail: str) -> None:
        if not is_up and not self.is_up and self.detail == detail:
            return  # one more failed attempt is no news
        self.is_up, self.detail = is_up, detail
        for handler in tuple(self._handlers):
            handler.on_stream(is_up, detail)

    def _on_end(self, name: str, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self._around.log.error("stream.ended", stream=name, error=type(error).__name__)
        told = error if isinstance(error, FloorbrokerError) else VenueError(f"ended by {type(error).__name__}")
        self._on_down(name, told)


class OrderSubscription:
    """One handler's part of the private stream."""

    def __init__(self, stream: OrderStream, handler: OrderEvents) -> None:
        self._stream = stream
        self._handler = handler
        self._closed = False

    async def close(self) -> None:
        """Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            await self._stream.leave(self._handler)


# -- market data --------------------------------------------------------------------------------------------------------

_KIND: dict[type[Any], DataKind] = {
    Quote: DataKind.QUOTES,
    Trade: DataKind.TRADES,
    Bar: DataKind.BARS,
    BookDelta: DataKind.BOOK,
}
Pair = tuple[DataKind, str]


class Feed:
    """One market data connection and the handlers of each kind and symbol on it."""

    def __init__(
        self, path: str, session: DataSession, supervisor: Supervisor[FeedEvent], around: Surroundings
    ) -> None:
        self.path = path
        self._session = session
        self._supervisor = supervisor
        self._around = around
        self._handlers: dict[Pair, list[MarketHandler]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def add(self, pairs: Sequence[Pair], handler: MarketHandler) -> None:
        """Start the connection if need be, and subscribe to what nobody subscribed to yet."""
        for pair in pairs:
            self._handlers.setdefault(pair, []).append(handler)
        await self._supervisor.tell(lambda _: self._session.want(pairs))
        if not self.is_running:
            self._task = asyncio.create_task(self._supervisor.run(), name=f"alpaca {self.path}")
            self._task.add_done_callback(self._on_end)

    async def remove(self, pairs: Iterable[Pair], handler: MarketHandler) -> None:
        """Let go; the last one to leave closes the connection."""
        unused: list[Pair] = []
        for pair in pairs:
            handlers = self._handlers.get(pair, [])
            if handler in handlers:
                handlers.remove(handler)
            if not handlers:
                self._handlers.pop(pair, None)
                unused.append(pair)
        await self._supervisor.tell(lambda _: self._session.unwant(unused))
        if not self._handlers:
            await self.close()

    async def close(self) -> None:
        self._handlers.clear()
        task, self._task = self._task, None
        await _end([task] if task else [])

    async def emit(self, event: FeedEvent) -> None:
        """What the session says, to whom it concerns."""
        match event:
            case FeedUp():
                self._around.log.info("feed.up", feed=self.path)
            case FeedError(code, text, fatal):
                self._around.log.warning("feed.error", feed=self.path, code=code, text=text)
                if fatal:
                    kind = AuthenticationFailed if code == 402 else VenueError
                    raise kind(f"{self.path}: {code} {text}", broker=BROKER)
            case _:
                for handler in tuple(self._handlers.get((_KIND[type(event)], event.symbol), ())):
                    handler(event)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._around.log.error("feed.ended", feed=self.path, error=type(error).__name__)
            self._around.meter.count("stream_lost", stream=self.path)


class Feeds:
    """Every market data connection of an account: one a feed, since the venue allows one."""

    def __init__(
        self, *, origin: str, options: Options, credentials: Credentials, connect: Connect, around: Surroundings
    ) -> None:
        self._origin = origin
        self._options = options
        self._credentials = credentials
        self._connect = connect
        self._around = around
        self._feeds: dict[str, Feed] = {}

    async def subscribe(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> MarketSubscription:
        """Raises `NotSupported` for a kind that the symbols' feed does not carry; then nothing is subscribed."""
        by_path: dict[str, list[Pair]] = {}
        for symbol in dict.fromkeys(symbols):
            for kind in kinds:
                self._check(kind, symbol)
                by_path.setdefault(self._path(symbol), []).append((kind, symbol))
        taken: list[tuple[Feed, list[Pair]]] = []
        for path, pairs in by_path.items():
            feed = self._feeds.get(path) or self._feeds.setdefault(path, self._open(path))
            await feed.add(pairs, handler)
            taken.append((feed, pairs))
        return MarketSubscription(taken, handler)

    async def close(self) -> None:
        for feed in self._feeds.values():
            await feed.close()
        self._feeds.clear()

    def _check(self, kind: DataKind, symbol: str) -> None:
        asset_class = asset_class_of(symbol)
        carried = {
            AssetClass.CRYPTO: frozenset(DataKind),
            AssetClass.OPTION: frozenset({DataKind.QUOTES, DataKind.TRADES}),
        }.get(asset_class, frozenset(DataKind) - {DataKind.BOOK})
        if kind not in carried:
            raise NotSupported(f"Alpaca streams no {kind.value} of {symbol}")

    def _path(self, symbol: str) -> str:
        match asset_class_of(symbol):
            case AssetClass.CRYPTO:
                return f"/v1beta3/crypto/{self._options.crypto_loc}"
            case AssetClass.OPTION:
                return f"/v1beta1/{self._options.option_feed}"
            case _:
                return f"/v2/{self._options.stock_feed}"

    def _open(self, path: str) -> Feed:
        session = DataSession(self._credentials, source=f"alpaca {path.rpartition('/')[2]}")

        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}{path}")

        async def emit(event: FeedEvent) -> None:
            await feed.emit(event)

        supervisor = Supervisor(
            session,
            connect=self._connect,
            target=target,
            emit=emit,
            clock=self._around.clock,
            random=self._around.random,
            on_down=lambda loss: self._around.log.warning("feed.down", feed=path, reason=loss.detail),
        )
        feed = Feed(path, session, supervisor, self._around)
        return feed


class MarketSubscription:
    """One handler's part of one or several feeds."""

    def __init__(self, taken: Sequence[tuple[Feed, Sequence[Pair]]], handler: MarketHandler) -> None:
        self._taken = taken
        self._handler = handler

    async def close(self) -> None:
        """Closing twice is harmless."""
        taken, self._taken = self._taken, ()
        for feed, pairs in taken:
            await feed.remove(pairs, self._handler)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
