"""Order commands: what is sent, once, and what its answer proves.  What has to be known before that is asked first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from floorbroker.brokers.upstox.info import Options
from floorbroker.brokers.upstox.mapping import orders
from floorbroker.brokers.upstox.mapping.gtt import gtt_id_of, is_gtt
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.rest import answers
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.brokers.upstox.rest.market import MarketReads
from floorbroker.brokers.upstox.rest.reads import Reads
from floorbroker.domain.errors import FloorbrokerError, NotSupported, Outcome, VenueError
from floorbroker.domain.orders import Approved, OrderChanges, OrderRef
from floorbroker.domain.values import ClOrdId, OrderId
from floorbroker.transport.types import Transport

BATCH_MAX = 5  # each order counts, and ordinary work has eight a second


class Commands:
    """The command stack of one account."""

    def __init__(
        self,
        transport: Transport,
        reads: Reads,
        calls: Calls,
        symbols: Symbols,
        options: Options,
        *,
        market: MarketReads,
    ) -> None:
        self._transport = transport
        self._reads = reads
        self._market = market
        self._calls = calls
        self._symbols = symbols
        self._options = options

    async def submit(self, approved: Approved) -> OrderId:
        """One POST.  Raises the refusal, or `ApiError` (UNKNOWN) for what names no order."""
        order, tag = approved.order, approved.cl_ord_id
        body = orders.place_body(order, tag, key=await self._key_of(order.symbol), options=self._options)
        request = self._calls.submit(body, cl_ord_id=tag, decided_at=approved.decided_at)
        return answers.placed(await self._transport.send(request), what="the order")

    async def submit_many(self, approved: Sequence[Approved]) -> list[OrderId | FloorbrokerError]:
        """As many to a request as the order rate has room for; each has its own answer, in the order of the wishes."""
        found: dict[int, OrderId | FloorbrokerError] = {}
        bodies: dict[int, bytes] = {}
        for number, one in enumerate(approved):
            try:
                key = await self._key_of(one.order.symbol)
                bodies[number] = orders.place_body(one.order, one.cl_ord_id, key=key, options=self._options)
            except FloorbrokerError as error:
                found[number] = error
        numbers = list(bodies)
        parts = [numbers[start : start + BATCH_MAX] for start in range(0, len(numbers), BATCH_MAX)]
        for told in await asyncio.gather(*(self._send_part(approved, bodies, part) for part in parts)):
            found |= told
        return [found[number] for number in range(len(approved))]

    async def _send_part(
        self, approved: Sequence[Approved], bodies: dict[int, bytes], numbers: Sequence[int]
    ) -> dict[int, OrderId | FloorbrokerError]:
        request = self._calls.submit_many(
            orders.batch_body([bodies[number] for number in numbers]),
            cl_ord_ids=[approved[number].cl_ord_id for number in numbers],
            decided_at=min(approved[number].decided_at for number in numbers),
        )
        try:
            response = await self._transport.send(request)
        except FloorbrokerError as error:
            return dict.fromkeys(numbers, error)
        return dict(zip(numbers, answers.fared(response, len(numbers), what="the orders"), strict=True))

    async def cancel(self, ref: OrderRef) -> None:
        """DELETE by the venue's id."""
        order_id = await self._venue_id(ref)
        if is_gtt(order_id):
            await self._cancel_gtt(gtt_id_of(order_id), ref)
            return
        request = self._calls.cancel(order_id, cl_ord_id=ref.cl_ord_id)
        answers.done(await self._transport.send(request), order_id, what="the cancel")

    async def _cancel_gtt(self, gtt_id: str, ref: OrderRef) -> None:
        request = self._calls.cancel_gtt(orders.gtt_body(gtt_id), cl_ord_id=ref.cl_ord_id)
        answers.gtt_done(await self._transport.send(request), gtt_id, what="the cancel of the GTT order")

    async def cancel_all(self) -> tuple[OrderId, ...]:
        """DELETE of everything open; the ids that the venue names."""
        return answers.cancelled_all(await self._transport.send(self._calls.cancel_all()), what="the cancel of all")

    async def change(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> None:
        """PUT, with what stands for what is not changed.  Raises `NotSupported` for what the venue does not change."""
        orders.check_changes(changes)
        order_id = await self._venue_id(ref)
        if is_gtt(order_id):
            raise NotSupported("a GTT order is not changed from here: cancel it, and place what you want instead")
        try:
            standing = await self._reads.order(order_id)
        except VenueError as error:
            raise _not_sent(error) from error
        body = orders.change_body(changes, standing)
        request = self._calls.replace(body, cl_ord_id=cl_ord_id, decided_at=decided_at)
        answers.done(await self._transport.send(request), order_id, what="the change")

    async def _key_of(self, symbol: str) -> str:
        """The instruments are read when the account connects; only what is not among them has them looked at again."""
        known = self._symbols.key_of(symbol)
        if known is not None:
            return known
        try:
            return (await self._market.listed(symbol)).key
        except VenueError as error:
            raise _not_sent(error) from error

    async def _venue_id(self, ref: OrderRef) -> str:
        """Without an id of the venue's the order is looked up by its tag."""
        if ref.order_id is not None:
            return ref.order_id
        try:
            return await self._reads.tagged(ref.cl_ord_id)
        except VenueError as error:
            raise _not_sent(error) from error


def _not_sent(error: VenueError) -> VenueError:
    """A question before a command failed: the command was not sent."""
    error.outcome = Outcome.NOT_SENT
    return error
