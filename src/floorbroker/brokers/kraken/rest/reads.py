"""Reads that need more than one request: page by page until complete, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import BROKER, is_overtaken
from floorbroker.brokers.kraken.rest import answers
from floorbroker.brokers.kraken.rest.calls import PAGE, Calls
from floorbroker.domain.errors import ApiError, AuthenticationFailed, OrderNotFound
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")

PAGES_MAX = 400
_OVERTAKEN_MAX = 3
OVERLAP = timedelta(seconds=2)  # listings are asked in whole seconds, and may exclude their lower bound


class Reads:
    """The read stack of one account, asked in whole answers."""

    def __init__(self, transport: Transport, calls: Calls) -> None:
        self._transport = transport
        self._calls = calls

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, its result as `kind`.

        A nonce that was overtaken says nothing about the key: asked again, each time with a new one, and in the end `ApiError`.
        """
        for _ in range(_OVERTAKEN_MAX):
            try:
                return answers.answer(await self._transport.send(request), kind, what=what)
            except AuthenticationFailed as error:
                if not is_overtaken(error):
                    raise
        raise ApiError(f"{what}: another program keeps sending higher numbers with this key", broker=BROKER)

    async def open_orders(self) -> dict[str, wire.Order]:
        """Every open order, which come in one page, by id."""
        return (await self.ask(self._calls.open_orders(), wire.OpenOrders, what="the open orders")).open

    async def closed_orders(self, since: datetime) -> dict[str, wire.Order]:
        """Every order opened or closed since then that is not open any more, by id."""
        found: dict[str, wire.Order] = {}
        for _ in range(PAGES_MAX):
            request = self._calls.closed_orders(start=since - OVERLAP, offset=len(found))
            page = await self.ask(request, wire.ClosedOrders, what="the closed orders")
            if _is_last(page.closed, page.count, found, what="the closed orders"):
                return found
        raise ApiError("the closed orders: more pages than anybody has", broker=BROKER)

    async def trades(self, since: datetime) -> dict[str, wire.Trade]:
        """Every execution since then, by id."""
        found: dict[str, wire.Trade] = {}
        for _ in range(PAGES_MAX):
            request = self._calls.trades(start=since - OVERLAP, offset=len(found))
            page = await self.ask(request, wire.Trades, what="the trades")
            if _is_last(page.trades, page.count, found, what="the trades"):
                return found
        raise ApiError("the trades: more pages than anybody has", broker=BROKER)

    async def order(self, order_id: str) -> wire.Order:
        """One order by the venue's id.  Raises `OrderNotFound` for its word that it does not know it."""
        found = await self.ask(self._calls.orders([order_id]), dict[str, wire.Order], what="the order")
        if order_id not in found:
            raise ApiError("the reply is about another order", broker=BROKER)
        return found[order_id]

    async def order_by_client_id(self, cl_ord_id: ClOrdId) -> tuple[str, wire.Order]:
        """One order by our id: among the open ones, then among the closed ones, since it may close between the two questions.

        Raises `OrderNotFound` when both lists, asked for this id alone, were complete and did not have it.
        """
        listed = await self.ask(self._calls.open_orders(cl_ord_id=cl_ord_id), wire.OpenOrders, what="the open orders")
        for order_id, order in listed.open.items():
            if order.cl_ord_id == cl_ord_id:
                return order_id, order
        request = self._calls.closed_orders(cl_ord_id=cl_ord_id)
        closed = await self.ask(request, wire.ClosedOrders, what="the closed orders")
        for order_id, order in closed.closed.items():
            if order.cl_ord_id == cl_ord_id:
                return order_id, order
        if closed.closed:
            raise ApiError("the closed orders: the venue did not look for our id alone", broker=BROKER)
        raise OrderNotFound("no order has this client id, neither an open nor a closed one", broker=BROKER)


def _is_last(page: Mapping[str, T], count: int | None, found: dict[str, T], *, what: str) -> bool:
    """Take a page in.  New items push older ones to later pages, so a page may overlap the last; one with nothing new must be
    the end.  Raises `ApiError` when it is not.
    """
    before = len(found)
    found.update(page)
    total = count if count is not None else (len(found) if len(page) < PAGE else len(found) + 1)
    if len(found) >= total:
        return True
    if len(found) == before:
        raise ApiError(f"{what}: the venue tells of more than it lists", broker=BROKER)
    return False
