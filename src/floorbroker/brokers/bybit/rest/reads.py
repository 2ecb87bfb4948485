"""Reads that need more than one request: page by page until complete, or an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.errors import is_wrong_time
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping.symbols import CATEGORIES, SETTLE_COINS, Place
from floorbroker.brokers.bybit.rest import answers
from floorbroker.brokers.bybit.rest.calls import PARTS, Calls, Part
from floorbroker.domain.errors import ApiError, OrderNotFound, RateLimitExceeded, VenueError
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")

PAGES_MAX = 400
REPEATS = 2
OVERLAP = timedelta(seconds=2)
AHEAD = timedelta(seconds=5)
WINDOW = timedelta(days=7) - timedelta(seconds=1)  # a list covers 7 days at most
HISTORY = timedelta(days=729)  # two years, says the document
_CLOCKS = timedelta(hours=1)  # as far as ours may have been from the venue's when an order was made


class Reads:
    """The read stack of one account, asked in whole answers.  `on_wrong_time` measures how far the clocks are apart."""

    def __init__(self, transport: Transport, calls: Calls, *, on_wrong_time: Callable[[], Awaitable[None]]) -> None:
        self._transport = transport
        self._calls = calls
        self._on_wrong_time = on_wrong_time

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, its result as `kind`; again when it was one too many, or when our time was wrong."""
        for _ in range(REPEATS):
            try:
                return await self.once(request, kind, what=what)
            except RateLimitExceeded as error:
                if error.venue_text is None:
                    raise  # our own budget, or a ban: neither is over in a moment
            except VenueError as error:
                if not is_wrong_time(error):
                    raise
                await self._on_wrong_time()
        return await self.once(request, kind, what=what)

    async def once(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, its result as `kind`."""
        return answers.answer(await self._transport.send(request), kind, what=what)

    async def living(self, place: Place, *, order_id: str | None, cl_ord_id: str) -> wire.Order | None:
        """One order, where the list of the living has it."""
        return await self._first(self._calls.order(place, order_id=order_id, cl_ord_id=cl_ord_id))

    async def order(
        self, place: Place, *, order_id: str | None, cl_ord_id: str, since: datetime | None, now: datetime
    ) -> wire.Order:
        """One order.  Raises `OrderNotFound` when neither the list of the living nor the history has it.

        The history is asked back to `since`, when the order was made, or as far as it reaches where nobody knows.
        """
        found = await self.living(place, order_id=order_id, cl_ord_id=cl_ord_id)
        windows = [None, *_windows_back(since or now - HISTORY, now)]
        while found is None and windows:
            window = windows.pop(0)
            found = await self._first(
                self._calls.past_order(place, order_id=order_id, cl_ord_id=cl_ord_id, window=window)
            )
        if found is None:
            raise OrderNotFound("the venue lists no such order", broker=BROKER)
        return found

    async def _first(self, request: Request) -> wire.Order | None:
        page = await self.ask(request, wire.Page[wire.Order], what="the order")
        return page.items[0] if page.items else None

    async def open_orders(self) -> list[tuple[str, wire.Order]]:
        """Every open order with its category."""
        found: list[tuple[str, wire.Order]] = []
        for part in PARTS:
            pages = self._pages(_cursored(self._calls.open_orders, part), wire.Page[wire.Order], "the open orders")
            found += [(part.category, order) for order in await pages]
        return found

    async def order_history(self, *, since: datetime, now: datetime) -> list[tuple[str, wire.Order]]:
        """Every order the history tells of since then, with its category."""
        found: list[tuple[str, wire.Order]] = []
        for part in PARTS:
            for start, end in _windows(since - OVERLAP, now + AHEAD):
                ask = _cursored(self._calls.order_history, part, start=start, end=end)
                found += [(part.category, o) for o in await self._pages(ask, wire.Page[wire.Order], "the orders")]
        return found

    async def executions(self, *, since: datetime, now: datetime) -> list[tuple[str, wire.Execution]]:
        """Every execution since then, with its category."""
        found: list[tuple[str, wire.Execution]] = []
        for part in PARTS:
            for start, end in _windows(since - OVERLAP, now + AHEAD):
                ask = _cursored(self._calls.executions, part, start=start, end=end)
                pages = await self._pages(ask, wire.Page[wire.Execution], "the executions")
                found += [(part.category, execution) for execution in pages]
        return found

    async def positions(self) -> list[wire.Position]:
        """Every position in linear contracts, flat ones too."""
        found: list[wire.Position] = []
        for coin in SETTLE_COINS:
            ask = _cursored(self._calls.positions, coin)
            found += await self._pages(ask, wire.Page[wire.Position], "the positions")
        return found

    async def wallet(self) -> wire.Wallet:
        """The unified account's money."""
        page = await self.ask(self._calls.wallet(), wire.Page[wire.Wallet], what="the wallet")
        if not page.items:
            raise ApiError("the reply lacks the wallet of a unified account", broker=BROKER)
        return page.items[0]

    async def instruments(self) -> list[wire.Instrument]:
        """Every spot pair and every linear contract that trades."""
        found: list[wire.Instrument] = []
        for category in CATEGORIES:
            ask = _cursored(self._calls.instruments, category)
            found += await self._pages(ask, wire.Page[wire.Instrument], "the instruments")
        return found

    async def _pages(self, request_of: Callable[[str | None], Request], kind: type[wire.Page[T]], what: str) -> list[T]:
        """All pages; raises `ApiError` when the cursor does not move on, so that the list cannot be completed."""
        found: list[T] = []
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(PAGES_MAX):
            page = await self.ask(request_of(cursor), kind, what=what)
            found += page.items or []
            cursor = page.next_page_cursor
            if not cursor or not page.items:
                return found
            if cursor in seen:
                raise ApiError(f"{what}: the venue repeats a page, so the list cannot be completed", broker=BROKER)
            seen.add(cursor)
        raise ApiError(f"{what}: more pages than anybody has", broker=BROKER)


A = TypeVar("A", str, Part)


def _cursored(call: Callable[..., Request], first: A, **rest: datetime) -> Callable[[str | None], Request]:
    return lambda cursor: call(first, cursor=cursor, **rest)


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between, in parts of 7 days at most, the oldest first."""
    while start + WINDOW < end:
        yield start, start + WINDOW
        start += WINDOW
    yield start, end


def _windows_back(since: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    """What lies before the last 7 days, the newest part first, as far as the history reaches."""
    start, end = max(since - _CLOCKS, now - HISTORY), now - WINDOW + _CLOCKS
    return list(_windows(start, end))[::-1] if start < end else []
