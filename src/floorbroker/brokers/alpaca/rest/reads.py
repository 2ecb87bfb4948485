"""Reads that need more than one request: page by page until complete, or an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.errors import BROKER
from floorbroker.brokers.alpaca.rest import answers
from floorbroker.brokers.alpaca.rest.calls import DATA_MAX, FILLS_MAX, ORDERS_MAX, Calls
from floorbroker.domain.errors import ApiError
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")
P = TypeVar("P", wire.Bars, wire.Quotes, wire.Trades)
Q = TypeVar("Q", wire.OptionContracts, wire.Snapshots)

PAGES_MAX = 400
OVERLAP = timedelta(seconds=2)  # listings exclude their lower bound, and cut times to what they store


class Reads:
    """The read stack of one account, asked in whole answers."""

    def __init__(self, transport: Transport, calls: Calls) -> None:
        self._transport = transport
        self._calls = calls

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, its body as `kind`."""
        return answers.answer(await self._transport.send(request), kind, what=what)

    async def instrument(self, symbol: str, kind: type[T]) -> T:
        """An asset or an option contract; raises `SymbolNotFound`."""
        response = await self._transport.send(self._calls.instrument(symbol))
        return answers.instrument_answer(response, kind, symbol=symbol)

    async def orders(self, *, status: str, nested: bool, since: datetime | None) -> list[wire.Order]:
        """All pages, oldest first, by order-id cursors; raises when the list cannot be completed."""
        found: list[wire.Order] = []
        seen: set[str] = set()
        after = None if since is None else since - OVERLAP
        after_id: str | None = None
        for _ in range(PAGES_MAX):
            request = self._calls.orders(status=status, nested=nested, after=after, after_id=after_id)
            page = await self.ask(request, list[wire.Order], what="the orders")
            fresh = answers.check_page([order.id for order in page], seen, what="the orders")
            found += [order for order in page if order.id in fresh]
            # How `limit` counts nested children is not documented: only a page short by both counts is the last.
            if len(page) + sum(len(order.legs or ()) for order in page) < ORDERS_MAX:
                return found
            after_id = page[-1].id
        raise ApiError("the orders: more pages than anybody has", broker=BROKER)

    async def fills(self, *, since: datetime) -> list[wire.Fill]:
        """Every FILL activity since then, oldest first."""
        found: list[wire.Fill] = []
        seen: set[str] = set()
        for _ in range(PAGES_MAX):
            request = self._calls.fills(after=since - OVERLAP, page_token=found[-1].id if found else None)
            page = await self.ask(request, list[wire.Fill], what="the fills")
            fresh = answers.check_page([fill.id for fill in page], seen, what="the fills")
            found += [fill for fill in page if fill.id in fresh]
            if len(page) < FILLS_MAX:
                return found
        raise ApiError("the fills: more pages than anybody has", broker=BROKER)

    async def pages(self, request_of: Callable[[str | None], Request], kind: type[Q], *, what: str) -> list[Q]:
        """Every page until there is no token for another."""
        found: list[Q] = []
        token: str | None = None
        for _ in range(PAGES_MAX):
            page = await self.ask(request_of(token), kind, what=what)
            found.append(page)
            if not page.next_page_token:
                return found
            if page.next_page_token == token:
                raise ApiError(f"{what}: the venue repeats a page", broker=BROKER)
            token = page.next_page_token
        raise ApiError(f"{what}: the venue's pages do not end", broker=BROKER)

    async def history(
        self,
        request_of: Callable[[int, str | None], Request],
        kind: type[P],
        items_of: Callable[[P], dict[str, list[T] | None] | None],
        *,
        limit: int,
    ) -> list[T]:
        """Market data until the page token ends or `limit` is reached; a page may be short with more to come.

        `request_of` makes the request for so many items behind a token.
        """
        found: list[T] = []
        token: str | None = None
        for _ in range(PAGES_MAX):
            if len(found) >= limit:
                return found[:limit]
            page = await self.ask(request_of(min(limit - len(found), DATA_MAX), token), kind, what="the history")
            for items in (items_of(page) or {}).values():
                found += items or []
            if not page.next_page_token:
                return found[:limit]
            if page.next_page_token == token:
                raise ApiError("the history: the venue repeats a page", broker=BROKER)
            token = page.next_page_token
        raise ApiError("the history: the venue's pages do not end", broker=BROKER)
