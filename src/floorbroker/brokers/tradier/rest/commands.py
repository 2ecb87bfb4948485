"""Order commands: what is sent, once, and what its answer proves.  What has to be known before that is asked first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from floorbroker.brokers.tradier.mapping import orders
from floorbroker.brokers.tradier.mapping.families import Families
from floorbroker.brokers.tradier.rest import answers
from floorbroker.brokers.tradier.rest.calls import Calls
from floorbroker.brokers.tradier.rest.reads import Reads
from floorbroker.domain.errors import Outcome, VenueError
from floorbroker.domain.orders import Approved, OrderChanges, OrderRef
from floorbroker.domain.values import ClOrdId, OrderClass
from floorbroker.transport.types import Request, Response, Transport

T = TypeVar("T")


class Commands:
    """The command stack of one account.  `stir` has the orders polled soon, however a command ended."""

    def __init__(
        self, transport: Transport, reads: Reads, calls: Calls, families: Families, *, stir: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._reads = reads
        self._calls = calls
        self._families = families
        self._stir = stir

    async def submit(self, approved: Approved, *, now: datetime) -> answers.Taken:
        """One POST; `now` is the venue's time.  Raises the refusal, or `ApiError` (UNKNOWN) for what names no order."""
        order, tag = approved.order, approved.cl_ord_id
        form = orders.order_form(order, tag, now=now)
        request = self._calls.submit(form, cl_ord_id=tag, decided_at=approved.decided_at)
        taken = answers.placed(await self._send(request), what="the order")
        self._families.placed(taken.order_id, is_net=order.order_class is OrderClass.MULTILEG)
        return taken

    async def cancel(self, ref: OrderRef) -> None:
        """DELETE, of the whole group where the order is a member of one."""
        order_id = self._families.head_of(await self._venue_id(ref))
        request = self._calls.cancel(order_id, cl_ord_id=ref.cl_ord_id)
        answers.done(await self._send(request), order_id, what="the cancel")

    async def change(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> None:
        """PUT.  Raises `NotSupported` for what the venue does not change."""
        orders.check_changes(changes)
        order_id = await self._venue_id(ref)
        form = orders.change_form(changes, is_net=changes.price is not None and await self._is_net(order_id))
        request = self._calls.replace(order_id, form, cl_ord_id=cl_ord_id, decided_at=decided_at)
        answers.done(await self._send(request), order_id, what="the change")

    async def _send(self, request: Request) -> Response:
        try:
            return await self._transport.send(request)
        finally:
            self._stir()

    async def _is_net(self, order_id: str) -> bool:
        """Whether the order's price is a net one; asked for when nobody has heard of it."""
        if order_id not in self._families.nets:
            await _before_sending(self._reads.order(order_id))
        return self._families.nets[order_id]

    async def _venue_id(self, ref: OrderRef) -> str:
        """Without an id of the venue's the order is looked up by its tag."""
        if ref.order_id is not None:
            return ref.order_id
        return str((await _before_sending(self._reads.named(ref.cl_ord_id))).id)


async def _before_sending(asked: Awaitable[T]) -> T:
    """A question before a command: when it fails, the command was not sent."""
    try:
        return await asked
    except VenueError as error:
        if error.outcome is Outcome.UNKNOWN:
            error.outcome = Outcome.NOT_SENT
        raise
