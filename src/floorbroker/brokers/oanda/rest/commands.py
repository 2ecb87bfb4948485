"""Order commands: what is sent, once, and what its answer proves.  What has to be known before that is asked first."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping import orders
from floorbroker.brokers.oanda.mapping.exits import entry_of, is_promised
from floorbroker.brokers.oanda.mapping.ledger import Ledger
from floorbroker.brokers.oanda.rest import answers
from floorbroker.brokers.oanda.rest.calls import Calls
from floorbroker.brokers.oanda.rest.reads import Reads
from floorbroker.domain.errors import FloorbrokerError, NotSupported, Outcome
from floorbroker.domain.orders import Approved, OrderChanges, OrderRef
from floorbroker.domain.values import ClOrdId, OrderType, text_of
from floorbroker.transport.types import Transport

T = TypeVar("T")


class Commands:
    """The command stack of one account."""

    def __init__(self, transport: Transport, reads: Reads, calls: Calls, ledger: Ledger) -> None:
        self._transport = transport
        self._reads = reads
        self._calls = calls
        self._ledger = ledger

    async def submit(self, approved: Approved) -> list[wire.Transaction]:
        """One POST, or one PUT where the order closes what is open.  Raises the refusal, or `ApiError` (UNKNOWN)."""
        order = approved.order
        if orders.closes_position(order):
            return await self._close(approved)
        trade_id = None
        if order.order_type is OrderType.TRAILING_STOP:
            orders.check(order)
            trade_id = orders.trade_to_trail(order, await before_sending(self._reads.trades(order.symbol)))
        body = orders.order_request(order, approved.cl_ord_id, trade_id=trade_id)
        request = self._calls.submit(body, cl_ord_id=approved.cl_ord_id, decided_at=approved.decided_at)
        return answers.placed(await self._transport.send(request), approved.cl_ord_id, what="the order")

    async def _close(self, approved: Approved) -> list[wire.Transaction]:
        order, name, decided_at = approved.order, approved.cl_ord_id, approved.decided_at
        body = orders.close_request(order, name)
        assert order.order_qty is not None  # the request was made
        if (trade_id := orders.closed_trade(order)) is not None:
            part = wire.CloseTrade(units=text_of(order.order_qty))
            request = self._calls.close_trade(trade_id, part, cl_ord_id=name, decided_at=decided_at)
        else:
            request = self._calls.close_position(order.symbol, body, cl_ord_id=name, decided_at=decided_at)
        return answers.placed(await self._transport.send(request), name, what="the close", trade_id=trade_id)

    async def cancel(self, ref: OrderRef) -> wire.Transaction:
        """PUT .../cancel, by the venue's id where it is known, else by ours."""
        if ref.order_id is not None and is_promised(ref.order_id):
            raise NotSupported(
                f"this exit waits for its entry {entry_of(ref.order_id)} and is canceled with it: OANDA has no order"
                " of its own for it yet"
            )
        name = ref.order_id if ref.order_id is not None else f"@{ref.cl_ord_id}"
        request = self._calls.cancel(name, cl_ord_id=ref.cl_ord_id)
        return answers.canceled(await self._transport.send(request), ref.order_id, ref.cl_ord_id, what="the cancel")

    async def replace(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> list[wire.Transaction]:
        """PUT of the whole order anew, which gets another id."""
        if ref.order_id is not None and is_promised(ref.order_id):
            raise NotSupported("this exit waits for its entry: change it once the entry has filled")
        name = ref.order_id if ref.order_id is not None else f"@{ref.cl_ord_id}"
        order = await before_sending(self._reads.order(name))
        await before_sending(self._reads.learn_chain(order.id))
        filled = self._ledger.filled_before(order.id)
        body = orders.replace_request(order, changes, cl_ord_id, filled=filled)
        request = self._calls.replace(order.id, body, cl_ord_id=cl_ord_id, decided_at=decided_at)
        return answers.placed(await self._transport.send(request), cl_ord_id, what="the change")


async def before_sending(asked: Awaitable[T]) -> T:
    """A question before a command: when it fails, the command was not sent."""
    try:
        return await asked
    except FloorbrokerError as error:
        if error.outcome is Outcome.UNKNOWN:
            error.outcome = Outcome.NOT_SENT
        raise
