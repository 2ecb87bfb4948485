"""Commands about orders: placed, changed, cancelled; and what their replies say."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping import orders
from floorbroker.brokers.ibkr_web.mapping.account import margin_from
from floorbroker.brokers.ibkr_web.mapping.reports import Heard, Shelves, placed_report, side_of
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, number_in
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.brokers.ibkr_web.rest.lists import Lists
from floorbroker.brokers.ibkr_web.rest.placing import Placing
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, FloorbrokerError, NotSupported, OrderNotFound, Outcome
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Reports
from floorbroker.domain.records import ExecutionReport, MarginRequirement
from floorbroker.domain.values import ClOrdId, ExecType, OrderClass, OrderId, OrdStatus
from floorbroker.transport.types import Transport

T = TypeVar("T")
EVERY = "-1"
_ALONE = (None, "", "0")  # `child_order_type` of an order that is no child
_KEPT_MAX = 20_000


class Trading:
    """The commands of one account."""

    def __init__(
        self,
        *,
        reads: Transport,
        commands: Transport,
        placing: Placing,
        calls: Calls,
        brokerage: Brokerage,
        contracts: Contracts,
        lists: Lists,
        shelves: Shelves,
        clock: Clock,
    ) -> None:
        self._reads = reads
        self._commands = commands
        self._placing = placing
        self._calls = calls
        self._brokerage = brokerage
        self._contracts = contracts
        self._lists = lists
        self._shelves = shelves
        self._clock = clock
        self._sent: OrderedDict[str, wire.Ticket] = OrderedDict()

    async def submit(self, approved: Approved) -> Reports:
        """The order and its group, with whatever the venue asks about it, as one send."""
        order = approved.order
        tickets = await self._tickets(order, approved.cl_ord_id)
        request = self._calls.submit(tickets[0].acctId, tickets, decided_at=approved.decided_at)
        self._shelves.families.expected(approved.cl_ord_id, order.side)
        lines = await self._placing.send(request, orders=len(tickets), name=approved.cl_ord_id, what="the order")
        ids = [line.order_id for line in lines]
        self._shelves.families.placed(approved.cl_ord_id, ids, order.side)
        for order_id, ticket in zip(ids, tickets, strict=True):
            self._keep(order_id, ticket)
        heard = Heard(source=Source.REPLY, at=self._clock.now())
        return tuple(
            placed_report(
                line.order_id,
                line.status,
                cl_ord_id=approved.cl_ord_id if line.order_id == ids[0] else None,
                parent=None if line.order_id == ids[0] else ids[0],
                symbol=order.symbol,
                side=side_of(ticket.side),
                heard=heard,
            )
            for line, ticket in zip(lines, tickets, strict=True)
        )

    async def _tickets(self, order: NewOrder, cl_ord_id: ClOrdId) -> tuple[wire.Ticket, ...]:
        """Looks before the send: when one fails, nothing was sent."""
        try:
            account = self._brokerage.account
            contract = await self._contracts.contract(order.symbol)
            return orders.tickets(order, cl_ord_id, account, contract=contract)
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise

    def _keep(self, order_id: str, ticket: wire.Ticket) -> None:
        self._sent[order_id] = ticket
        self._sent.move_to_end(order_id)
        if len(self._sent) > _KEPT_MAX:
            self._sent.popitem(last=False)

    async def modify(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> Reports:
        """One whole ticket under the same venue id; that it was carried out shows in the order's terms.

        What is not changed is repeated as the venue tells it now.  The ticket we sent before is forgotten when the change leaves:
        until its answer is in, nobody knows which of the two the order has.
        """
        try:
            order_id = await self._venue_id(ref)
            whole = orders.changed(await self._ticket(order_id, ref), changes)
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise
        request = self._calls.modify(self._brokerage.account, order_id, whole, decided_at=decided_at, order=cl_ord_id)
        self._sent.pop(order_id, None)
        (line,) = await self._placing.send(request, orders=1, name=whole.cOID, what="the change")
        if line.order_id != order_id:
            raise ApiError("the reply to the change is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)
        self._keep(order_id, whole)
        return (
            ExecutionReport(
                exec_type=ExecType.PENDING_REPLACE,
                ord_status=OrdStatus.PENDING_REPLACE,
                source=Source.REPLY,
                at=self._clock.now(),
                cl_ord_id=ref.cl_ord_id,
                order_id=OrderId(order_id),
                symbol=ref.symbol,
            ),
        )

    async def _ticket(self, order_id: str, ref: OrderRef) -> wire.Ticket:
        """The ticket at the venue's present terms.  Raises `NotSupported` for members of a group whose ticket is not kept."""
        kept, families = self._sent.get(order_id), self._shelves.families
        status = await self._lists.status(order_id)
        told = orders.told_of(status, None)
        if told.lacks_prices:
            told = orders.told_of(status, await self._lists.row(order_id))
        if kept is not None:
            return orders.as_it_stands(kept, told)
        if families.is_in_group(order_id, ref.cl_ord_id) or status.child_order_type not in _ALONE:
            raise NotSupported("a member of a group is changed only by the desk that placed it: cancel and place anew")
        account = self._brokerage.account
        return orders.ticket_from(told, account, cl_ord_id=ref.cl_ord_id, outside_rth=ref.extended_hours)

    async def cancel(self, ref: OrderRef) -> Reports:
        """Asks; it is final only when the order shows it."""
        order_id = await self._venue_id(ref)
        response = await self._commands.send(self._calls.cancel(self._brokerage.account, order_id, order=ref.cl_ord_id))
        answers.cancel_answer(response, what="the cancel")
        return ()

    async def cancel_all(self) -> Reports:
        """Every open order of the account; which ones is not told."""
        response = await self._commands.send(self._calls.cancel(self._brokerage.account, EVERY, order=None))
        answers.cancel_answer(response, what="the mass cancel")
        return ()

    async def _venue_id(self, ref: OrderRef) -> str:
        self._lists.hear_of(ref)
        if (named := number_in(ref)) is not None:
            return named
        if (known := self._shelves.families.order_of(ref.cl_ord_id, None)) is not None:
            return known
        try:
            await self._lists.orders(Source.QUERY)
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise
        found = self._shelves.families.order_of(ref.cl_ord_id, None)
        if found is None:
            raise OrderNotFound("the list of orders has none of that name", broker=BROKER, outcome=Outcome.NOT_SENT)
        return found

    async def preview(self, order: NewOrder, cl_ord_id: ClOrdId) -> MarginRequirement:
        """What the venue says that the order would tie up; nothing is placed.  Raises `NotSupported` for groups."""
        if order.order_class in (OrderClass.BRACKET, OrderClass.OTO):
            raise NotSupported("the venue previews a group by its first order alone: ask for that one")
        await self._brokerage.ensure()
        tickets = await self._tickets(order, cl_ord_id)
        request = self._calls.what_if(tickets[0].acctId, tickets)
        told = answers.answer(await self._reads.send(request), wire.Preview, what="the preview")
        return margin_from(told, currency="USD")
