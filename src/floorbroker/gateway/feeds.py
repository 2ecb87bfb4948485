"""Market data for many consumers: one subscription a venue, kind and symbol, and a conflating queue for each consumer.

    first consumer of (venue, kind, symbol): subscribe        last one gone: unsubscribe
    venue tells a quote ──▶ every consumer keeps the newest ──▶ its handler, one after the other

Profiles of one broker share a feed: the first that is ready carries it.  What reaches a consumer says whose it is and how many
newer ones took the place of older ones that were not shown.  A slow consumer costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import FieldError, FloorbrokerError, InvalidRequest, NotReady
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Log, MarketEvent, Subscription
from floorbroker.domain.records import BookDelta, DataKind, Quote, Trade
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.unforeseen import ours

QUEUE = 1_000  # of one consumer: quotes by symbol, trades and bars one by one
_KINDS: Mapping[type[MarketEvent], DataKind] = {Quote: DataKind.QUOTES, Trade: DataKind.TRADES, Bar: DataKind.BARS}
Pair = tuple[DataKind, str]
Place = tuple[str, DataKind, str]  # broker, kind, symbol


@frozen
class Tick:
    """One event of a market as a consumer gets it.  `source` is the venue it is from, `carrier` the profile that heard it.

    `skipped` is how many older events of the same symbol and kind this consumer was not shown since the one before.
    """

    source: str
    carrier: ProfileName
    event: MarketEvent
    skipped: int = 0


Handler = Callable[[Tick], object]


@dataclass(slots=True, eq=False)
class Consumer:
    """One handler, plain or async, and what waits for it.  Closing it twice is harmless."""

    handler: Handler
    log: Log
    release: Callable[[Consumer], None]
    _waiting: dict[tuple[Pair, int], Tick] = field(default_factory=dict[tuple[Pair, int], Tick])
    _skipped: dict[Pair, int] = field(default_factory=dict[Pair, int])
    _rings: asyncio.Event = field(default_factory=asyncio.Event)
    _count: int = 0
    task: asyncio.Task[None] | None = None

    def offer(self, tick: Tick, pair: Pair) -> None:
        """A quote takes the place of an older one; when all is full the oldest of any goes."""
        self._count += 1
        place = (pair, 0 if pair[0] is DataKind.QUOTES else self._count)
        if place in self._waiting:
            self._skipped[pair] = self._skipped.get(pair, 0) + 1
        elif len(self._waiting) >= QUEUE:
            gone, _ = next(iter(self._waiting))
            del self._waiting[next(iter(self._waiting))]
            self._skipped[gone] = self._skipped.get(gone, 0) + 1
        self._waiting[place] = tick
        self._rings.set()

    async def run(self) -> None:
        """The consumer's task; ends when it is closed."""
        while True:
            await self._rings.wait()
            while self._waiting:
                place = next(iter(self._waiting))
                tick, skipped = self._waiting.pop(place), self._skipped.pop(place[0], 0)
                await self._hand(
                    Tick(source=tick.source, carrier=tick.carrier, event=tick.event, skipped=skipped)
                    if skipped
                    else tick
                )
            self._rings.clear()

    async def _hand(self, tick: Tick) -> None:
        try:
            with ours(self.log, "market.handler_failed", source=tick.source):
                answer = self.handler(tick)
                if inspect.isawaitable(answer):
                    await answer
        except FloorbrokerError as error:
            self.log.warning("market.handler_ended", detail=error.detail)

    async def close(self) -> None:
        """Hear no more; the last consumer of a symbol unsubscribes from it."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            self.release(self)


@dataclass(slots=True, eq=False)
class _Line:
    """One subscription at a venue and who hears it."""

    place: Place
    carrier: ProfileName
    consumers: list[Consumer] = field(default_factory=list[Consumer])
    subscription: Subscription | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class MarketFeeds:
    """The feeds of one desk.  `sessions` is the desk's own table."""

    sessions: Mapping[ProfileName, ProfileSession]
    log: Log
    _lines: dict[Place, _Line] = field(default_factory=dict[Place, _Line])
    _leaving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def places(self) -> tuple[Place, ...]:
        """What is subscribed to now: broker, kind and symbol."""
        return tuple(self._lines)

    async def subscribe(
        self, symbols: Sequence[str], handler: Handler, *, kinds: frozenset[DataKind], profile: ProfileName | None
    ) -> Consumer:
        """Hear of these symbols from the venue of a profile, of the first that is ready where none is named.

        Raises `InvalidRequest` for books, which are not conflated but kept (`desk.book`), `NotReady` when no venue is there,
        and what the venue says to a symbol.
        """
        if DataKind.BOOK in kinds or not kinds or not symbols:
            detail = "name at least one symbol, and of quotes, trades and bars the kinds you want; books have a call of their own"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/kinds", code="not_one_of", detail=detail),))
        carrier = self._carrier(profile)
        broker = self.sessions[carrier].ctx.broker.info.code
        consumer = Consumer(handler=handler, log=self.log, release=self._release)
        consumer.task = asyncio.get_running_loop().create_task(consumer.run(), name=f"market:{broker}")
        try:
            for symbol in dict.fromkeys(symbols):
                for kind in sorted(kinds, key=lambda kind: kind.value):
                    await self._join((broker, kind, symbol), carrier, consumer)
        except BaseException:
            await consumer.close()
            raise
        return consumer

    async def leave(self, profile: ProfileName) -> None:
        """A profile is let go: what it carried goes on at another ready profile of its broker; where there is none, it ends."""
        broker = self._broker_of(profile)
        for line in [line for line in self._lines.values() if line.carrier == profile]:
            self._leave(line)
            carrier = next((n for n in self._ready() if n != profile and self._broker_of(n) == broker), None)
            if carrier is None:
                self.log.warning("market.carrier_left", profile=profile, symbol=line.place[2])
                continue
            try:
                for consumer in line.consumers:
                    await self._join(line.place, carrier, consumer)
            except FloorbrokerError as error:
                self.log.warning("market.not_carried_on", carrier=carrier, code=error.code, symbol=line.place[2])

    async def close(self) -> None:
        """Let go of everything."""
        for line in [*self._lines.values()]:
            for consumer in [*line.consumers]:
                await consumer.close()
        while self._leaving:
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def _carrier(self, profile: ProfileName | None) -> ProfileName:
        """Who hears for a profile's venue: the first ready profile of that broker, itself where none is."""
        ready = self._ready()
        if profile is None:
            if not ready:
                raise NotReady("no profile is ready to hear market data; name one, or wait for its session")
            return ready[0]
        broker = self._broker_of(profile)
        return next((name for name in ready if self._broker_of(name) == broker), profile)

    def _ready(self) -> list[ProfileName]:
        return [name for name, session in self.sessions.items() if session.state is SessionState.READY]

    def _broker_of(self, profile: ProfileName) -> str:
        return self.sessions[profile].ctx.broker.info.code

    async def _join(self, place: Place, carrier: ProfileName, consumer: Consumer) -> None:
        """Subscribe once; who comes meanwhile waits for the first."""
        line = self._lines.setdefault(place, _Line(place, carrier))
        line.consumers.append(consumer)
        async with line.opening:
            if line.subscription is None:
                broker = self.sessions[line.carrier].ctx.broker
                line.subscription = await broker.subscribe_market_data(
                    [place[2]], frozenset({place[1]}), lambda event: self._take(line, event)
                )

    def _take(self, line: _Line, event: MarketEvent) -> None:
        """One word of a venue.  What another subscription of the same feed asked for is not for this one."""
        broker, kind, symbol = line.place
        if isinstance(event, BookDelta) or _KINDS[type(event)] is not kind or event.symbol != symbol:
            return
        if isinstance(event, Quote):
            self.sessions[line.carrier].ctx.on_quote(event)
        tick = Tick(source=broker, carrier=line.carrier, event=event)
        for consumer in line.consumers:
            consumer.offer(tick, (kind, symbol))

    def _release(self, consumer: Consumer) -> None:
        for line in [*self._lines.values()]:
            if consumer in line.consumers:
                line.consumers.remove(consumer)
                if not line.consumers:
                    self._leave(line)

    def _leave(self, line: _Line) -> None:
        """The last one left: unsubscribe, once a subscription on its way is there."""
        del self._lines[line.place]
        task = asyncio.get_running_loop().create_task(self._unsubscribe(line), name=f"market:{line.place[2]}:leave")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _unsubscribe(self, line: _Line) -> None:
        async with line.opening:
            if line.subscription is not None:
                await line.subscription.close()
