"""Reads of orders and executions: complete, or an error.

The venue's books hold one trading day and are cleared at its end; nothing of earlier days can be listed by order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import TypeVar

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.values import INDIA, day_of_order
from floorbroker.brokers.upstox.rest import answers
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.domain.errors import ApiError, AuthenticationFailed, OrderNotFound, SessionExpired
from floorbroker.matching import XNSE
from floorbroker.transport.types import Lane, Request, Transport

T = TypeVar("T")
_CLOSE = time(15, 30)


class Reads:
    """The read stack of one account, asked in whole answers."""

    def __init__(self, transport: Transport, calls: Calls) -> None:
        self._transport = transport
        self._calls = calls

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One request, `data` of its answer as `kind`."""
        return answers.answer(await self._transport.send(request), kind, what=what)

    async def body(self, request: Request, *, what: str) -> bytes:
        """One request for a file."""
        response = await self._transport.send(request)
        if response.status != 200:
            raise ApiError(f"{what}: the venue answered {response.status}", broker=BROKER)
        return response.body

    async def orders(self, *, lane: Lane = Lane.RECONCILE) -> list[wire.Order]:
        """The day's orders.  Raises when one of them cannot be read: a snapshot is whole, or an error (I8)."""
        told = answers.orders_told(await self._transport.send(self._calls.orders(lane=lane)), what="the orders")
        if told.unreadable:
            raise ApiError("the orders: one of them cannot be read", broker=BROKER)
        return told.orders

    async def order(self, order_id: str, *, lane: Lane = Lane.RESOLVE) -> wire.Order:
        """One order by the venue's id.  Raises `OrderNotFound` by its own word, and `ApiError` for an answer about another."""
        found = await self.ask(self._calls.order(order_id, lane=lane), wire.Order, what="the order")
        if found.order_id != order_id:
            raise ApiError("the reply is about another order", broker=BROKER)
        return found

    async def tagged(self, tag: str) -> str:
        """The id of the one order that bears a tag.

        Raises `OrderNotFound` when none does, and `ApiError` when several do: a tag is a label, and a person has to look.
        """
        states = await self.ask(self._calls.history(tag), list[wire.Order], what="the history of the tag")
        ids = {state.order_id for state in states if state.tag in (None, tag)}
        if len(ids) > 1:
            raise ApiError(f"{len(ids)} orders bear our tag", broker=BROKER)
        if not ids:
            raise OrderNotFound("no order of the day bears our tag", broker=BROKER)
        return ids.pop()

    async def gtts(self) -> list[wire.Gtt]:
        """The GTT orders that wait; all of them, or an error (I8)."""
        found: list[wire.Gtt] = await self.ask(self._calls.gtts(), list[wire.Gtt], what="the GTT orders")
        return found

    async def gtt(self, gtt_id: str) -> wire.Gtt | None:
        """One GTT order by id; None is the venue's word that none of that id waits any more."""
        request = self._calls.gtts(gtt_id, lane=Lane.RESOLVE)
        try:
            found: list[wire.Gtt] = await self.ask(request, list[wire.Gtt], what="the GTT order")
        except OrderNotFound:
            return None
        if any(one.gtt_order_id != gtt_id for one in found):
            raise ApiError("the reply is about another order", broker=BROKER)
        return found[0] if found else None

    async def trades(self) -> list[wire.Trade]:
        """The day's executions."""
        found: list[wire.Trade] = await self.ask(self._calls.trades(), list[wire.Trade], what="the trades")
        return found

    async def trades_told(self) -> Sequence[bytes]:
        """The same as it came, for `stream.fills`.  An ended session is a denial to a stream."""
        response = await self._transport.send(self._calls.trades())
        try:
            answers.answer(response, wire.msgspec.Raw, what="the trades")
        except SessionExpired as ended:
            raise AuthenticationFailed(ended.detail, broker=BROKER, hint=ended.hint) from ended
        return [response.body]


def is_over(order_id: str, now: datetime) -> bool:
    """Whether the trading day of an order is over: the session of its day, or the next where it came after that.

    Only an id that tells its day can say so.
    """
    day = day_of_order(order_id)
    if day is None:
        return False
    ends = XNSE.day_end(datetime.combine(day, _CLOSE, tzinfo=INDIA))
    return now.astimezone(INDIA).date() > ends.astimezone(INDIA).date()
