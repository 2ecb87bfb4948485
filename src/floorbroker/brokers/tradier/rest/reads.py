"""Reads that need more than one request: page by page until complete, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.errors import BROKER
from floorbroker.brokers.tradier.mapping.families import Families, is_ended, tag_of
from floorbroker.brokers.tradier.mapping.market import day_text
from floorbroker.brokers.tradier.mapping.values import order_id_of
from floorbroker.brokers.tradier.rest import answers
from floorbroker.brokers.tradier.rest.calls import PAGE_LEAST, Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ports import Log
from floorbroker.transport.types import Lane, Request, Transport

T = TypeVar("T")
PAGES_MAX = 400
_LOOK_BACK = timedelta(days=1)
_WHOLE_EVERY_S = 1800.0
_MISSING_MAX = 50  # orders of earlier days that are asked for one by one in one look
_NO_NEWS = b'{"orders":null}'
_NAMED_MAX = 60  # characters of an order that cannot be read, for people to find it
_UNREADABLE_KEPT = 1_000


class Reads:
    """The read stack of one account, asked in whole answers; what is heard of orders goes into `families`."""

    def __init__(self, transport: Transport, calls: Calls, families: Families, *, clock: Clock, log: Log) -> None:
        self._transport = transport
        self._calls = calls
        self._families = families
        self._clock = clock
        self._log = log
        self._turn = 0
        self._unreadable: dict[str, None] = {}
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
        """One order by the venue's id, from what is kept for doubts.  Raises `ApiError` for an answer about another."""
        return await self._one(order_id, lane=Lane.RESOLVE)

    async def _one(self, order_id: str, *, lane: Lane) -> wire.Order:
        body = await self.body(self._calls.order(order_id, lane=lane), what="the order")
        found = answers.orders_in(body, what="the order")
        if len(found) != 1 or order_id_of(found[0].id) != order_id:
            raise ApiError("the reply is about another order", broker=BROKER)
        self._families.learn(found)
        return found[0]

    async def orders_since(self, since: datetime, *, lane: Lane = Lane.RECONCILE) -> list[wire.Order]:
        """Every order from the day of `since` on (the venue keeps a month), and all that are known to be open."""
        found = await self._listed(since=day_text(since), everything=True, lane=lane)
        return found + await self._missing(found, lane=lane)

    async def open_orders(self) -> list[wire.Order]:
        """What can still fill.

        Everything is listed from time to time, and when more are missing from today's than are asked for by name in one look.
        """
        now_s = self._clock.monotonic()
        is_whole = self._whole_at_s is None or now_s - self._whole_at_s >= _WHOLE_EVERY_S
        found = [] if is_whole else await self._listed(since=None, everything=False)
        if is_whole or len(self._absent(found)) > _MISSING_MAX:
            found, self._whole_at_s = await self._listed(since=None, everything=True), now_s
        found += await self._missing(found)
        return [order for order in found if not is_ended(order)]

    async def poll(self) -> Sequence[bytes]:
        """The bodies that say how today's orders stand, and those of earlier days that were open when last heard of.

        One body for each request.  Here an order that cannot be read hides no other: it is named in the log, once.
        """
        pages = await self._pages(since=None, everything=False)
        for _, told in pages:
            for raw in told.unreadable:
                self._cannot_read(raw.decode("utf-8", "replace")[:_NAMED_MAX], "it is not readable in a listing")
        found = [order for _, told in pages for order, _ in told.orders]
        bodies = [body for body, _ in pages]
        for order_id in self._in_turn(self._absent(found)):
            try:
                body = await self.body(self._calls.order(order_id), what="the order")
                self._families.learn(answers.orders_in(body, what="the order"))
            except ApiError as error:
                self._cannot_read(order_id, error.detail)
                body = _NO_NEWS
            bodies.append(body)
        return bodies

    def _cannot_read(self, name: str, detail: str) -> None:
        if name not in self._unreadable:
            self._unreadable[name] = None
            self._log.warning("order.unreadable", order=name, detail=detail)
        if len(self._unreadable) > _UNREADABLE_KEPT:
            del self._unreadable[next(iter(self._unreadable))]

    async def named(self, tag: str) -> wire.Order:
        """The order with this tag, among all of a day and what is open.

        Raises `ApiError` when the whole list lacks it, which proves nothing yet.
        """
        listed = await self.orders_since(self._clock.now() - _LOOK_BACK, lane=Lane.RESOLVE)
        found = next((order for order in listed if tag_of(order) == tag), None)
        if found is None:
            raise ApiError("no order with our tag is listed, which proves nothing", broker=BROKER)
        return found

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

    async def _missing(self, found: list[wire.Order], *, lane: Lane = Lane.RECONCILE) -> list[wire.Order]:
        return [await self._one(order_id, lane=lane) for order_id in self._in_turn(self._absent(found))]

    def _absent(self, found: list[wire.Order]) -> list[str]:
        present = {order_id_of(order.id) for order in found}
        return [order_id for order_id in self._families.open if order_id not in present]

    def _in_turn(self, order_ids: list[str]) -> list[str]:
        """Some of very many, the next time others: each has its turn."""
        if len(order_ids) <= _MISSING_MAX:
            return order_ids
        begin = self._turn % len(order_ids)
        self._turn = begin + _MISSING_MAX
        return (order_ids[begin:] + order_ids[:begin])[:_MISSING_MAX]

    async def _listed(self, *, since: str | None, everything: bool, lane: Lane = Lane.RECONCILE) -> list[wire.Order]:
        """All orders of all pages.  Raises when one cannot be read: a snapshot is whole, or an error (I8)."""
        pages = await self._pages(since=since, everything=everything, lane=lane)
        if any(told.unreadable for _, told in pages):
            raise ApiError("the orders: one of them cannot be read", broker=BROKER)
        found = {order_id_of(order.id): order for _, told in pages for order, _ in told.orders}
        return list(found.values())

    async def _pages(
        self, *, since: str | None, everything: bool, lane: Lane = Lane.RECONCILE
    ) -> list[tuple[bytes, answers.Told]]:
        """All pages with what each says; raises when the list cannot be completed."""
        pages: list[tuple[bytes, answers.Told]] = []
        seen: set[str] = set()
        for page in range(1, PAGES_MAX + 1):
            request = self._calls.orders(page=page, since=since, everything=everything, lane=lane)
            body = await self.body(request, what="the orders")
            told = answers.orders_told(body, what="the orders")
            answers.check_page([order_id_of(order.id) for order, _ in told.orders], seen, what="the orders")
            pages.append((body, told))
            if len(told) < PAGE_LEAST:
                self._families.learn(order for _, told in pages for order, _ in told.orders)
                return pages
        raise ApiError("the orders: more pages than anybody has", broker=BROKER)
