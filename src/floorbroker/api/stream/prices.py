"""Lines of prices: one subscription a channel, told to all who read it; each reader is shown the newest it can take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from floorbroker.api.stream.outbox import Outbox
from floorbroker.api.stream.protocol import Price, envelope
from floorbroker.api.views.market import book_view, quote_view
from floorbroker.api.views.shape import View
from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import MarketEvent, Subscription
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.desk import Desk, MarketTick

LOOK_S = 0.25
DEPTH = 20


class Line(Protocol):
    """One channel of prices."""

    readers: set[Outbox]

    async def begun(self) -> None:
        """Once it is there.  Raises what the venue says."""
        ...

    async def end(self) -> None: ...


def line_for(price: Price, desk: Desk, clock: Clock) -> Line:
    """Books are read now and then; all else is told by the venue's own stream."""
    return _Books(price, desk, clock) if price.kind is DataKind.BOOK else _Ticks(price, desk, clock)


class TradeView(View, frozen=True):
    """One public trade; `side` is who took, where the venue tells."""

    symbol: str
    price: str
    size: str
    side: str | None
    time: str


class LiveBarView(View, frozen=True):
    """One bar; `start` is inclusive."""

    symbol: str
    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str


def shown(event: MarketEvent) -> View:
    """A market event as JSON.  Books have a view of their own."""
    match event:
        case Quote():
            return quote_view(event)
        case Trade():
            side = None if event.aggressor is None else event.aggressor.value
            return TradeView(
                symbol=event.symbol,
                price=text_of(event.price),
                size=text_of(event.size),
                side=side,
                time=time_text(event.time),
            )
        case Bar():
            values = {name: text_of(getattr(event, name)) for name in ("open", "high", "low", "close", "volume")}
            return LiveBarView(symbol=event.symbol, start=time_text(event.start), **values)
        case _:
            raise TypeError(f"no view of {type(event).__name__}")


def name_of(price: Price) -> str:
    """The channel, as clients write it."""
    return f"{price.kind.value}:{price.profile}:{price.symbol}"


@dataclass(slots=True)
class _Ticks:
    """Quotes, trades or bars of one symbol."""

    price: Price
    desk: Desk
    clock: Clock
    readers: set[Outbox] = field(default_factory=set[Outbox])
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _subscription: Subscription | None = None

    async def begun(self) -> None:
        async with self._opening:
            if self._subscription is None:
                self._subscription = await self.desk.subscribe_market_data(
                    [self.price.symbol], self._take, kinds=frozenset({self.price.kind}), profile=self.price.profile
                )

    def _take(self, tick: MarketTick) -> None:
        """A quote takes the place of the one before it; trades and bars stand for themselves."""
        told = envelope(
            "event",
            channel=name_of(self.price),
            key=self.price.symbol,
            data=shown(tick.event),
            ts=self.clock.now(),
        )
        for outbox in self.readers:
            replaces = self.price.kind is DataKind.QUOTES
            outbox.put_price(self.price, told, skipped=tick.skipped, replaces=replaces)

    async def end(self) -> None:
        async with self._opening:
            if self._subscription is not None:
                await self._subscription.close()


@dataclass(slots=True)
class _Books:
    """The top of one book, told when it changed."""

    price: Price
    desk: Desk
    clock: Clock
    readers: set[Outbox] = field(default_factory=set[Outbox])
    _task: asyncio.Task[None] | None = None
    _last: object = None
    _served: set[Outbox] = field(default_factory=set[Outbox])

    async def begun(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch(), name=f"stream:{name_of(self.price)}")

    async def _watch(self) -> None:
        while True:
            self._tell(await self._looked())
            await self.clock.sleep(LOOK_S)

    async def _looked(self) -> tuple[str, object]:
        try:
            book = await self.desk.book(self.price.symbol, depth=DEPTH, profile=self.price.profile)
        except FloorbrokerError as error:
            return "error", {"code": error.code, "detail": error.detail}
        return "event", book_view(book, DEPTH)

    def _tell(self, found: tuple[str, object]) -> None:
        """The same is told once, to readers that came meanwhile as well: the line keeps the last."""
        kind, data = found
        told = envelope(kind, channel=name_of(self.price), key=self.price.symbol, data=data, ts=self.clock.now())
        for outbox in self.readers:
            if found != self._last or outbox not in self._served:
                outbox.put_price(self.price, told)
        self._served = set(self.readers)
        self._last = found

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
