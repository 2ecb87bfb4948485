"""Reads that need more than one request: page by page until complete, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.errors import BROKER
from floorbroker.brokers.tradier.mapping.families import Families, is_ended
from floorbroker.brokers.tradier.mapping.market import day_text
from floorbroker.brokers.tradier.mapping.values import order_id_of
from floorbroker.brokers.tradier.rest import answers
from floorbroker.brokers.tradier.rest.calls import PAGE_LEAST, Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")
PAGES_MAX = 400
_WHOLE_EVERY_S = 1800.0
_MISSING_MAX = 50  # orders of earlier days that are asked for one by one in one look


class Reads:
    """The read stack of one account, asked in whole answers; what is heard of orders goes into `families`."""

    def __init__(self, transport: Transport, calls: Calls, families: Families, *, clock: Clock) -> None:
        self._transport = transport
        self._calls = calls
        self._families = families
        self._clock = clock
        self._whole_at_s: float | None = None  # when everything was last listed

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, its body as `kind`."""
        return answers.answer(await self._transport.send(request), kind, what=what)

    async def listed(self, request: Request, wrapper: str, member: str, kind: type[T], *, what: str) -> list[T]:
        """One request, the list in its body."""
        return wire.items(await self.body(request, what=what), wrapper, member, kind, what=what)

    async def body(self, request: Request, *, what: str) -> bytes:
        return answers.body_of(await self._transport.send(request), what=what)

    async def order(self, order_id: str) -> wire.Order:
        """One order by the venue's id.  Raises `ApiError` for an answer about another."""
        (found,) = await self._one(order_id)
        return found

    async def _one(self, order_id: str) -> list[wire.Order]:
        found = answers.orders_in(await self.body(self._calls.order(order_id), what="the order"), what="the order")
        if len(found) != 1 or order_id_of(found[0].id) != order_id:
            raise ApiError("the reply is about another order", broker=BROKER)
        self._families.learn(found)
        return found

    async def orders_since(self, since: datetime) -> list[wire.Order]:
        """Every order from the day of `since` on (the venue keeps a month), and all that are known to be open."""
        _, found = await self._pages(since=day_text(since), everything=True)
        return found + await self._missing(found)

    async def open_orders(self) -> list[wire.Order]:
        """What can still fill.  Everything is listed from time to time; in between today's, and who is missing by name."""
        now_s = self._clock.monotonic()
        is_whole = self._whole_at_s is None or now_s - self._whole_at_s >= _WHOLE_EVERY_S
        _, found = await self._pages(since=None, everything=is_whole)
        if is_whole:
            self._whole_at_s = now_s
        found += await self._missing(found)
        return [order for order in found if not is_ended(order)]

    async def poll(self) -> Sequence[bytes]:
        """The bodies that say how today's orders stand, and those of earlier days that were open when last heard of."""
        bodies, found = await self._pages(since=None, everything=False)
        for order_id in self._absent(found):
            body = await self.body(self._calls.order(order_id), what="the order")
            self._families.learn(answers.orders_in(body, what="the order"))
            bodies.append(body)
        return bodies

    async def by_tag(self, tag: str, *, since: datetime) -> wire.Order | None:
        """The order with this tag, among all there are; None when the whole list lacks it, which proves nothing yet."""
        return next((order for order in await self.orders_since(since) if order.tag == tag), None)

    async def option_history(self, since: date) -> list[wire.HistoryEvent]:
        """Every event of options from the day `since` on; raises when the list cannot be completed."""
        found: list[wire.HistoryEvent] = []
        for page in range(1, PAGES_MAX + 1):
            request = self._calls.option_history(since=since.isoformat(), page=page)
            told = await self.listed(request, "history", "event", wire.HistoryEvent, what="the history")
            found += told
            if len(told) < PAGE_LEAST:
                return found
        raise ApiError("the history: more pages than anybody has", broker=BROKER)

    async def _missing(self, found: list[wire.Order]) -> list[wire.Order]:
        return [order for order_id in self._absent(found) for order in await self._one(order_id)]

    def _absent(self, found: list[wire.Order]) -> list[str]:
        present = {order_id_of(order.id) for order in found}
        return [order_id for order_id in self._families.open if order_id not in present][:_MISSING_MAX]

    async def _pages(self, *, since: str | None, everything: bool) -> tuple[list[bytes], list[wire.Order]]:
        """All pages; raises when the list cannot be completed."""
        bodies: list[bytes] = []
        found: list[wire.Order] = []
        seen: set[str] = set()
        for page in range(1, PAGES_MAX + 1):
            request = self._calls.orders(page=page, since=since, everything=everything)
            body = await self.body(request, what="the orders")
            orders = wire.items(body, "orders", "order", wire.Order, what="the orders")
            fresh = answers.check_page([order_id_of(order.id) for order in orders], seen, what="the orders")
            bodies.append(body)
            found += [order for order in orders if order_id_of(order.id) in fresh]
            if len(orders) < PAGE_LEAST:
                self._families.learn(found)
                return bodies, found
        raise ApiError("the orders: more pages than anybody has", broker=BROKER)
