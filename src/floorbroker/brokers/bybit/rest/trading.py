"""Orders of one account: commands and lists, told as execution reports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import Options
from floorbroker.brokers.bybit.mapping import orders
from floorbroker.brokers.bybit.mapping.identity import created_at
from floorbroker.brokers.bybit.mapping.reports import Heard, Reader, assert_same, filter_of, same_order
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SPOT, to_wire
from floorbroker.brokers.bybit.rest.commands import BATCH_MAX, CANCEL_ALL, Commands
from floorbroker.brokers.bybit.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, Outcome, VenueError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Reports
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import ClOrdId, ExecType, OrderId, OrdStatus

Answer = Reports | Exception


class Trading:
    """The orders of one account.  What the venue answers to a command is "received": the stream or a list tells the rest."""

    def __init__(self, commands: Commands, reads: Reads, reader: Reader, *, options: Options, clock: Clock) -> None:
        self._commands = commands
        self._reads = reads
        self._reader = reader
        self._options = options
        self._clock = clock
        self._leverage = Decimal(options.leverage)
        self._leveraged: set[str] = set()
        self._leveraging = asyncio.Lock()

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit(self, approved: Approved) -> Reports:
        """One request.  What is neither received nor a listed refusal leaves the order UNKNOWN."""
        body = orders.order_request(approved.order, approved.cl_ord_id, self._options)
        await self._ready_for(approved.order)
        self._remember(body)
        accepted = await self._commands.submit(body, decided_at=approved.decided_at)
        return (self._received(approved.order, accepted),)

    async def submit_many(self, approved: Sequence[Approved]) -> list[Answer]:
        """Orders of one category together, as many to a request as the venue takes; each has its own answer."""
        answers: dict[int, Answer] = {}
        groups: dict[str, list[int]] = {}
        for number, one in enumerate(approved):
            try:
                groups.setdefault(to_wire(one.order.symbol).category, []).append(number)
            except FloorbrokerError as error:
                answers[number] = error
        parts = [
            numbers[start : start + self._most(category)]
            for category, numbers in groups.items()
            for start in range(0, len(numbers), self._most(category))
        ]
        for found in await asyncio.gather(*(self._submit_part(approved, part) for part in parts)):
            answers |= found
        return [answers[number] for number in range(len(approved))]

    def _most(self, category: str) -> int:
        """Demo has no batches of spot orders.  Each order of a batch counts: more than a second's allowance never leaves."""
        if category == SPOT and self._options.practice == "demo":
            return 1
        return min(BATCH_MAX[category], int(self._options.order_requests_s))

    async def _submit_part(self, approved: Sequence[Approved], numbers: Sequence[int]) -> dict[int, Answer]:
        if len(numbers) == 1:
            return {numbers[0]: await self._submit_quietly(approved[numbers[0]])}
        answers: dict[int, Answer] = {}
        bodies: dict[int, wire.OrderRequest] = {}
        for number in numbers:
            one = approved[number]
            try:
                bodies[number] = orders.order_request(one.order, one.cl_ord_id, self._options)
                await self._ready_for(one.order)
            except FloorbrokerError as error:
                bodies.pop(number, None)
                answers[number] = error
        if bodies:
            answers |= await self._send_part({number: approved[number] for number in bodies}, bodies)
        return answers

    async def _submit_quietly(self, approved: Approved) -> Answer:
        try:
            return await self.submit(approved)
        except FloorbrokerError as error:
            return error

    async def _send_part(
        self, approved: dict[int, Approved], bodies: dict[int, wire.OrderRequest]
    ) -> dict[int, Answer]:
        decided_at = min(one.decided_at for one in approved.values())
        for body in bodies.values():
            self._remember(body)
        try:
            fared = await self._commands.submit_batch(
                next(iter(bodies.values())).category,
                [orders.item_of(body) for body in bodies.values()],
                decided_at=decided_at,
            )
        except FloorbrokerError as error:
            return dict.fromkeys(bodies, error)
        return {
            number: told if isinstance(told, FloorbrokerError) else (self._received(approved[number].order, told),)
            for number, told in zip(bodies, fared, strict=True)
        }

    async def _ready_for(self, order: NewOrder) -> None:
        """The leverage of the profile, once for each perpetual.  When it cannot be set, the order was not sent."""
        if not self._leverage or to_wire(order.symbol).category != LINEAR:
            return
        async with self._leveraging:
            if order.symbol in self._leveraged:
                return
            try:
                await self._commands.set_leverage(order.symbol, self._leverage)
            except VenueError as error:
                error.outcome = Outcome.NOT_SENT
                raise
            self._leveraged.add(order.symbol)

    def _remember(self, body: wire.OrderRequest) -> None:
        if body.category == SPOT:
            self._reader.memory.keep_filter(body.order_link_id, word=body.order_filter or orders.PLAIN)

    def _received(self, order: NewOrder, accepted: wire.Accepted) -> ExecutionReport:
        if to_wire(order.symbol).category == SPOT:
            kind = self._reader.memory.filter_of(accepted.order_link_id) or orders.PLAIN
            self._reader.memory.keep_filter(accepted.order_id, word=kind)
        return ExecutionReport(
            exec_type=ExecType.PENDING_NEW,
            ord_status=OrdStatus.PENDING_NEW,
            source=Source.REPLY,
            at=self._clock.now(),
            cl_ord_id=ClOrdId(accepted.order_link_id),
            order_id=OrderId(accepted.order_id),
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            tif=order.tif,
            order_qty=order.order_qty,
            notional=order.notional,
            price=order.price,
            stop_px=order.stop_px,
        )

    async def cancel(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when."""
        kind = await self._filter_of(ref)
        await self._commands.cancel(orders.cancel_request(ref, kind=kind), order=ref.cl_ord_id)
        return ()

    async def _filter_of(self, ref: OrderRef) -> str | None:
        """The kind of a spot order; one nobody heard of is looked for, and when that fails it passes for a plain one."""
        place = to_wire(ref.symbol)
        if place.category != SPOT:
            return None
        kind = self._reader.memory.filter_of(ref.order_id, ref.cl_ord_id)
        if kind is not None:
            return kind
        try:
            order = await self._reads.living(place, order_id=ref.order_id, cl_ord_id=ref.cl_ord_id)
        except VenueError:  # a cancel is never held up by a question
            return None
        is_ours = order is not None and same_order(order, order_id=ref.order_id, cl_ord_id=ref.cl_ord_id)
        return filter_of(order) if order is not None and is_ours else None

    async def cancel_all(self) -> Reports:
        """One report for each order that was asked to end.  Every kind is asked for, also when one of them fails."""
        answers = await asyncio.gather(
            *(self._commands.cancel_all(body) for body in CANCEL_ALL), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        listed = [one for answer in answers if not isinstance(answer, BaseException) for one in answer]
        return tuple(self._asked_to_end(one) for one in listed if one.order_id)

    def _asked_to_end(self, one: wire.Accepted) -> ExecutionReport:
        return ExecutionReport(
            exec_type=ExecType.PENDING_CANCEL,
            source=Source.REPLY,
            at=self._clock.now(),
            order_id=OrderId(one.order_id),
            cl_ord_id=ClOrdId(one.order_link_id) if one.order_link_id else None,
        )

    async def modify(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> Reports:
        """The order keeps its ids; that it was changed shows in its terms, on the stream or in a list."""
        body = orders.amend_request(ref, changes)
        accepted = await self._commands.amend(body, decided_at=decided_at, order=cl_ord_id)
        return (
            ExecutionReport(
                exec_type=ExecType.PENDING_REPLACE,
                ord_status=OrdStatus.PENDING_REPLACE,
                source=Source.REPLY,
                at=self._clock.now(),
                cl_ord_id=ref.cl_ord_id,
                order_id=OrderId(accepted.order_id),
                symbol=ref.symbol,
            ),
        )

    # -- lists ------------------------------------------------------------------------------------------------------------

    async def status(self, ref: OrderRef, *, venue_now: datetime) -> Reports:
        """By venue id when known, else by ours.  `OrderNotFound` when both lists answered and neither has it."""
        asked_at, place = self._clock.now(), to_wire(ref.symbol)
        order = await self._reads.order(
            place, order_id=ref.order_id, cl_ord_id=ref.cl_ord_id, since=created_at(ref), now=venue_now
        )
        assert_same(order, order_id=ref.order_id, cl_ord_id=ref.cl_ord_id)
        return (self._reader.order(order, self._heard(Source.QUERY, asked_at), category=place.category),)

    async def open_orders(self) -> Fetched[ExecutionReport]:
        """Every open order of both categories, conditional ones included."""
        asked_at = self._clock.now()
        return self._told(await self._reads.open_orders(), asked_at)

    async def history(self, since: datetime, *, venue_now: datetime) -> Fetched[ExecutionReport]:
        """What the history has since then, and all that is open."""
        asked_at = self._clock.now()
        past = await self._reads.order_history(since=since, now=venue_now)
        known = {order.order_id for _, order in past}
        living = [one for one in await self._reads.open_orders() if one[1].order_id not in known]
        return self._told([*past, *living], asked_at)

    def _told(self, listed: Sequence[tuple[str, wire.Order]], asked_at: datetime) -> Fetched[ExecutionReport]:
        heard = self._heard(Source.SNAPSHOT, asked_at)
        reports = (self._reader.order(order, heard, category=category) for category, order in listed)
        return Fetched(items=tuple(reports), asked_at=asked_at)

    async def fills(self, since: datetime, *, venue_now: datetime) -> Fetched[ExecutionReport]:
        """Every execution that is a fill, once each."""
        asked_at = self._clock.now()
        heard = self._heard(Source.HISTORY, asked_at)
        listed = await self._reads.executions(since=since, now=venue_now)
        found: dict[str, ExecutionReport] = {}
        for category, execution in listed:
            report = self._reader.execution(execution, heard, category=category)
            if report is not None:
                found[execution.exec_id] = report
        return Fetched(items=tuple(found.values()), asked_at=asked_at)

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)
