"""Order commands: each is one request, and what is known after it is exact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.errors import is_unsynchronised
from floorbroker.brokers.binance.mapping import changes as changing
from floorbroker.brokers.binance.mapping import orders, rules
from floorbroker.brokers.binance.mapping.families import Families, Seen
from floorbroker.brokers.binance.mapping.reports import Heard, Reader, Reports, gave_way
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.mapping.values import order_id_of, venue_number
from floorbroker.brokers.binance.rest import answers
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.binance.rest.market import MarketReads
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    OrderNotFound,
    Outcome,
    VenueError,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.values import ClOrdId, ExecType, OrderClass
from floorbroker.transport.types import Lane, Request, Response, Transport


class Commands:
    """The command stack of one account.  `on_unsynchronised` is told when the venue did not like our time."""

    def __init__(
        self,
        transport: Transport,
        calls: Calls,
        *,
        reads: Reads,
        market: MarketReads,
        reader: Reader,
        traded: Traded,
        clock: Clock,
        on_unsynchronised: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._calls = calls
        self._reads = reads
        self._market = market
        self._reader = reader
        self._traded = traded
        self._clock = clock
        self._on_unsynchronised = on_unsynchronised

    @property
    def _symbols(self) -> Symbols:
        return self._reader.symbols

    @property
    def _families(self) -> Families:
        return self._reader.families

    # -- submit -----------------------------------------------------------------------------------------------------------

    async def submit(self, approved: Approved) -> Reports:
        """One POST.  What is neither our own order nor a listed refusal leaves the order UNKNOWN."""
        order, cl_ord_id = approved.order, approved.cl_ord_id
        wire_symbol = await self._checked(order)
        self._traded.meet(order.symbol)
        if order.order_class is OrderClass.SIMPLE:
            params = orders.single(order, cl_ord_id, wire_symbol)
            request = self._calls.submit(params, cl_ord_id=cl_ord_id, decided_at=approved.decided_at)
            response, heard = await self._send(request)
            return self._reader.placed(answers.placed_order(response, cl_ord_id, what="the order"), heard)
        kind, params = orders.group(order, cl_ord_id, wire_symbol)
        request = self._calls.submit_list(kind, params, cl_ord_id=cl_ord_id, decided_at=approved.decided_at)
        response, heard = await self._send(request)
        return self._list_reports(answers.placed_list(response, cl_ord_id, what="the order list"), cl_ord_id, heard)

    async def _checked(self, order: NewOrder) -> str:
        """The venue's spelling of the symbol; raises what the venue's filters say, before anything is sent."""
        try:
            found = await self._market.rules(order.symbol)
        except VenueError as error:
            error.outcome = Outcome.NOT_SENT
            raise
        broken = rules.broken_rules(order, found, reference=self._market.recent(order.symbol))
        if broken:
            raise _refused(broken)
        return found.wire_symbol

    def _list_reports(self, told: wire.OrderList, cl_ord_id: ClOrdId, heard: Heard) -> Reports:
        """The head first, since its legs are told by its venue id."""
        listed = sorted(told.order_reports or (), key=lambda order: order.client_order_id != cl_ord_id)
        return tuple(report for order in listed for report in self._reader.placed(order, heard))

    # -- cancel -----------------------------------------------------------------------------------------------------------

    async def cancel(self, ref: OrderRef) -> Reports:
        """The venue ends the order and answers how it stood; a member of a list takes the whole list with it."""
        self._traded.meet(ref.symbol)
        name = self._name(ref)
        response, heard = await self._send(self._calls.cancel(name.params, cl_ord_id=ref.cl_ord_id))
        return self._ended(answers.cancelled(response, name), heard)

    async def cancel_all(self) -> Reports:
        """Symbol by symbol, since the venue knows no other way; which ones is asked as urgently as a cancel is.

        A symbol whose cancel was not answered counts as asked.
        """
        working = await self._reads.ask(
            self._calls.open_orders(lane=Lane.CANCEL), list[wire.Order], what="the open orders"
        )
        by_symbol: dict[str, list[wire.Order]] = {}
        for order in working:
            by_symbol.setdefault(order.symbol, []).append(order)
        found = await asyncio.gather(*(self._cancel_symbol(name, listed) for name, listed in by_symbol.items()))
        return tuple(report for reports in found for report in reports)

    async def _cancel_symbol(self, wire_symbol: str, listed: list[wire.Order]) -> Reports:
        try:
            response, heard = await self._send(self._calls.cancel_all(wire_symbol))
            return self._ended(answers.cancelled_all(response, wire_symbol), heard)
        except OrderNotFound:
            return ()  # nothing is open any more
        except VenueError as error:
            refused = error.outcome is not Outcome.UNKNOWN
            heard = Heard(source=Source.REPLY, at=self._clock.now())
            kind = ExecType.CANCEL_REJECTED if refused else ExecType.PENDING_CANCEL
            return tuple(
                replace(self._reader.order(order, heard), exec_type=kind, ord_status=None, text=error.detail)
                for order in listed
            )

    def _ended(self, ended: answers.Ended, heard: Heard) -> Reports:
        """A list names its head, which a leg alone does not: whose it is must be known before it is told of."""
        for members in ended.lists:
            self._families.learn_list(Seen(one.symbol, one.order_id, one.client_order_id) for one in members)
        for order in ended.orders:  # ended by this cancel, so no replace did and none will
            self._reader.successors.drop(order_id_of(order.symbol, order.order_id))
        return tuple(self._reader.order(order, heard) for order in ended.orders)

    # -- modify -----------------------------------------------------------------------------------------------------------

    async def modify(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> Reports:
        """An amendment where only the quantity falls (the order keeps its place and its id), else a new order.

        The new order comes only when the old one was cancelled with nothing filled, so the two together never ask for more
        than was meant.
        """
        self._traded.meet(ref.symbol)
        try:
            old, wanted = await self._prepare(ref, changes)
        except VenueError as error:  # nothing but questions were asked so far
            error.outcome = Outcome.NOT_SENT if error.outcome is Outcome.UNKNOWN else error.outcome
            raise
        self._reader.terms.forget(order_id_of(old.symbol, old.order_id))  # whatever the answer, or none, will be
        if isinstance(wanted, str):
            return await self._amend(old, wanted, cl_ord_id=cl_ord_id, decided_at=decided_at)
        return await self._cancel_replace(old, wanted, cl_ord_id=cl_ord_id, decided_at=decided_at)

    async def _prepare(self, ref: OrderRef, changes: OrderChanges) -> tuple[wire.Order, str | NewOrder]:
        """The order as it stands, and its new quantity (an amendment) or the order that takes its place."""
        old = self._reader.terms.find(ref.order_id)
        if old is None:
            name = self._name(ref)
            asked = await self._reads.ask(self._calls.order(name.params), wire.Order, what="the order")
            old = answers.order_told(asked, name)
        changing.check_open(old)
        quantity = changing.amendment_of(old, changes)
        found = await self._market.rules(ref.symbol)
        if quantity is not None and "amend" in found.can:
            return old, quantity
        changing.check_replaceable(old)
        order = changing.changed(old, changes, symbol=ref.symbol)
        if broken := rules.broken_rules(order, found, reference=self._market.recent(ref.symbol)):
            raise _refused(broken)
        return old, order

    async def _amend(self, old: wire.Order, quantity: str, *, cl_ord_id: ClOrdId, decided_at: float) -> Reports:
        name = answers.OrderName(old.symbol, str(old.order_id), old.client_order_id)
        params = (
            *name.params,
            ("newQty", quantity),
            ("newClientOrderId", cl_ord_id),
        )
        response, heard = await self._send(self._calls.amend(params, cl_ord_id=cl_ord_id, decided_at=decided_at))
        return (self._reader.amended(answers.amended(response, name), heard),)

    async def _cancel_replace(
        self, old: wire.Order, order: NewOrder, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        params = orders.replacing(
            orders.single(order, cl_ord_id, old.symbol), order_number=str(old.order_id), cl_ord_id=cl_ord_id
        )
        request = self._calls.cancel_replace(params, cl_ord_id=cl_ord_id, decided_at=decided_at)
        name = answers.OrderName(old.symbol, str(old.order_id), old.client_order_id)
        old_id, successors = order_id_of(old.symbol, old.order_id), self._reader.successors
        successors.ask(old_id, cl_ord_id, now_s=self._clock.monotonic())
        try:
            response, heard = await self._send(request)
            gone, new = answers.replaced(response, name, cl_ord_id)
        except answers.HalfDone as half:
            raise self._half_done(half, cl_ord_id) from half
        except FloorbrokerError as error:
            if error.outcome is not Outcome.UNKNOWN:
                successors.refuse(cl_ord_id)
            raise
        new_id = order_id_of(new.symbol, new.order_id)
        successors.learn(old_id, new_id)
        before = self._reader.order(gone, heard)
        first, *fills = self._reader.placed(new, heard)
        return (replace(first, replaces=old_id), gave_way(before, new_id), *fills)

    def _half_done(self, half: answers.HalfDone, cl_ord_id: ClOrdId) -> FloorbrokerError:
        """The old order is gone, which the next look at it tells; the error says what is known of the new one."""
        if half.error.outcome is not Outcome.UNKNOWN:
            self._reader.successors.refuse(cl_ord_id)
        half.error.detail = f"the old order is cancelled, and the new one did not come: {half.error.detail}"
        return half.error

    # -- what all of them need ----------------------------------------------------------------------------------------------

    def _name(self, ref: OrderRef) -> answers.OrderName:
        known = ref.order_id or self._families.venue_id(ref.cl_ord_id)
        number = None if known is None else venue_number(known)
        return answers.OrderName(self._wire_symbol(ref), number, ref.cl_ord_id)

    def _wire_symbol(self, ref: OrderRef) -> str:
        """As it stands in the order's own id, else by the list of symbols."""
        symbol = ref.order_id.rpartition(":")[0] if ref.order_id is not None else ""
        return symbol or self._symbols.to_wire(ref.symbol)

    async def _send(self, request: Request) -> tuple[Response, Heard]:
        asked_at = self._clock.now()
        response = await self._transport.send(request)
        if is_unsynchronised(response):
            self._on_unsynchronised()
        return response, Heard(source=Source.REPLY, at=self._clock.now(), asked_at=asked_at)


def _refused(broken: tuple[FieldError, ...]) -> InvalidRequest:
    return InvalidRequest(f"{broken[0].pointer}: {broken[0].detail}", fields=broken)
