"""Commands about orders: placed, changed, cancelled, previewed; and what answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import place_order
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.mapping import orders
from floorbroker.brokers.ibkr.mapping.account import margin_from
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.mapping.reports import Heard, row_report, status_report
from floorbroker.brokers.ibkr.rest import answers
from floorbroker.brokers.ibkr.rest.calls import Calls
from floorbroker.brokers.ibkr.rest.collect import Single
from floorbroker.brokers.ibkr.rest.contracts import Contracts
from floorbroker.brokers.ibkr.rest.lists import Lists
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, FloorbrokerError, NotSupported, OrderNotFound, Outcome, VenueError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Log, Reports
from floorbroker.domain.records import ExecutionReport, MarginRequirement
from floorbroker.domain.values import ClOrdId, OrderClass
from floorbroker.transport.types import Lane, Transport

PREVIEWED = ClOrdId("preview")
_BY_PARENT = frozenset({OrderClass.BRACKET, OrderClass.OTO})


class Trading:
    """The commands of one account."""

    def __init__(
        self,
        *,
        program: Program,
        commands: Transport,
        calls: Calls,
        contracts: Contracts,
        lists: Lists,
        families: Families,
        clock: Clock,
        log: Log,
    ) -> None:
        self._program = program
        self._commands = commands
        self._calls = calls
        self._contracts = contracts
        self._lists = lists
        self._families = families
        self._clock = clock
        self._log = log

    # -- placing ------------------------------------------------------------------------------------------------------------

    async def submit(self, approved: Approved) -> Reports:
        """The order, and its group behind it in the same write; numbers are durable before they are used."""
        placed = await self._placed(approved.order, approved.cl_ord_id)
        request = self._calls.submit(placed, cl_ord_id=approved.cl_ord_id, decided_at=approved.decided_at)
        told = answers.told_in(await self._commands.send(request), what="the order")
        head, *others = placed
        refusal, is_taken_back = answers.refusal_of(told, head.order_id, what="the order"), True
        if others and told.errors:
            is_taken_back = await self._take_back(placed, told, approved.cl_ord_id)
            if refusal is None:
                first = told.errors[0]
                raise ApiError(
                    "a member of the group was refused: the rest of it is cancelled", broker=BROKER,
                    venue_text=f"{first.code} {first.text}"[:500],
                )  # fmt: skip
        if refusal is not None:
            if answers.shown_in(told, head.order_id) or not is_taken_back:
                refusal.outcome = (
                    Outcome.UNKNOWN
                )  # refused and shown, or of a group that may live: the lists say what holds
            raise refusal
        return self._reports(told, placed)

    async def _placed(self, order: NewOrder, cl_ord_id: ClOrdId) -> tuple[wire.Placed, ...]:
        """Looks before the send: when one fails, nothing was sent."""
        try:
            await self._program.asked()
            members = orders.members(order, cl_ord_id, self._program.account)
            if order.order_class is OrderClass.MULTILEG:
                contract = await self._contracts.combo(order)
            else:
                contract = await self._contracts.contract(order.symbol)
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise
        first = self._program.ids.take(len(members))
        return orders.numbered(members, contract, first, by_parent=order.order_class in _BY_PARENT)

    async def _take_back(self, placed: Sequence[wire.Placed], told: wire.Told, cl_ord_id: ClOrdId) -> bool:
        """An entry without all of its exits is not what was asked for: what came through of a group is cancelled.

        False unless all of it is proven to be gone: a cancel that was answered may have met a fill.
        """
        are_gone = True
        for each in placed:
            request = self._calls.cancel(each.order_id, cl_ord_id=cl_ord_id, until_over=True)
            try:
                cancel = answers.told_in(await self._commands.send(request), what="the cancel")
            except FloorbrokerError as error:
                are_gone = False
                self._log.error("group.not_taken_back", order=each.order_id, code=error.code)
            else:
                are_gone = answers.is_gone(told, cancel, each.order_id) and are_gone
        return are_gone

    def _reports(self, told: wire.Told, placed: Sequence[wire.Placed]) -> Reports:
        """Where each member stands, the head first."""
        heard = Heard(source=Source.REPLY, at=self._clock.now())
        found: list[ExecutionReport] = []
        for each in placed:
            rows = [row for row in told.open if row.order_id == each.order_id and row.perm_id]
            statuses = [row for row in told.statuses if row.order_id == each.order_id and row.perm_id]
            if rows:
                found.append(row_report(rows[-1], heard, self._families))
            elif statuses:
                found += self._by_status(statuses[-1], each, heard)
        if not found:
            raise ApiError("the order: nothing in the answer is about it", broker=BROKER)
        return tuple(found)

    def _by_status(self, told: wire.OrderStatus, placed: wire.Placed, heard: Heard) -> list[ExecutionReport]:
        """A status came before the order itself: its terms are those that were sent."""
        self._families.saw_ref(placed.order.order_ref, told.perm_id)
        report = status_report(told, heard, self._families)
        if report is None:
            return []
        is_head = placed.order.parent_id == 0 and "/" not in placed.order.order_ref
        return [replace(report, cl_ord_id=ClOrdId(placed.order.order_ref)) if is_head else report]

    # -- changing -----------------------------------------------------------------------------------------------------------

    async def modify(self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float) -> Reports:
        """The whole order under its own number.  That it was carried out shows in its terms, which the answer has."""
        shown = await self._looked_up(ref)
        placed = wire.Placed(
            order_id=shown.order_id, contract=_bare_contract(shown.contract), order=orders.changed(shown, changes)
        )
        request = self._calls.change(placed, cl_ord_id=cl_ord_id, decided_at=decided_at)
        told = answers.told_in(await self._commands.send(request), what="the change")
        if (refusal := answers.change_refused(told, shown.order_id)) is not None:
            raise refusal
        if told.errors:  # it was cancelled meanwhile: the stream says so
            return ()
        return self._reports(told, (placed,))

    async def _looked_up(self, ref: OrderRef) -> wire.OpenOrder:
        """The order with its terms as the venue shows them, under a number of ours.  What fails here was not sent."""
        row = self._row_of(ref)
        if row is None:
            try:
                await self._lists.open_orders(Source.QUERY, lane=Lane.RESOLVE)
            except VenueError as error:
                error.outcome = Outcome.NOT_SENT
                raise
            row = self._row_of(ref)
        if row is None:
            raise OrderNotFound("no open order has that name", broker=BROKER, outcome=Outcome.NOT_SENT)
        if row.client_id != self._program.client_id or row.order_id <= 0:
            raise NotSupported(
                f"the order belongs to client id {row.client_id} of the program, which alone may change or cancel it"
            )
        return row

    def _row_of(self, ref: OrderRef) -> wire.OpenOrder | None:
        perm_id = int(ref.order_id) if ref.order_id is not None and ref.order_id.isdigit() else None
        perm_id = perm_id or self._families.perm_of_ref(ref.cl_ord_id)
        return None if perm_id is None else self._families.of(perm_id).row

    # -- cancelling ---------------------------------------------------------------------------------------------------------

    async def cancel(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when.  Without a number of ours it is looked up first."""
        shown = await self._looked_up(ref)
        request = self._calls.cancel(shown.order_id, cl_ord_id=ref.cl_ord_id)
        told = answers.told_in(await self._commands.send(request), what="the cancel")
        if (refusal := answers.refusal_of(told, shown.order_id, what="the cancel")) is not None:
            raise refusal
        return ()

    async def cancel_all(self) -> Reports:
        """One message for every open order of the log-in.  Raises `NotSupported` where it has other accounts than ours."""
        await self._program.ready()
        if len(self._program.accounts) != 1:
            raise NotSupported("the log-in has several accounts, and the venue's own mass cancel would reach them all")
        await self._commands.send(self._calls.cancel_all())
        return ()

    # -- previews -----------------------------------------------------------------------------------------------------------

    async def preview(self, order: NewOrder) -> wire.OpenOrder:
        """What the venue says an order would do; nothing is placed.  Raises its refusal, `NotSupported` for groups."""
        if order.order_class in (OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO):
            raise NotSupported("the venue previews a group by its first order alone: ask for that one")
        (placed,) = await self._placed(order, PREVIEWED)
        asked = msgspec.structs.replace(placed.order, what_if=True, order_ref="")
        told = await self._program.ask(
            Single(
                wire.OpenOrder,
                lambda row: row.order_id == placed.order_id and row.order.what_if,
                request=placed.order_id,
                what="the preview",
            ),
            lambda version: place_order(placed.order_id, placed.contract, asked, version=version),
            endpoint="account.preview",
        )
        if told.answer is None:
            raise ApiError("the preview has no answer", broker=BROKER)
        return told.answer

    async def margin(self, order: NewOrder) -> MarginRequirement:
        """What an order would tie up, by the venue's preview."""
        return margin_from(await self.preview(order), currency="USD")


def _bare_contract(shown: wire.Contract) -> wire.Contract:
    """What names the contract of an order in a change of it."""
    if shown.sec_type == "BAG":
        return wire.Contract(
            symbol=shown.symbol, sec_type="BAG", exchange=shown.exchange, currency=shown.currency, legs=shown.legs
        )
    return wire.Contract(
        con_id=shown.con_id, symbol=shown.symbol, sec_type=shown.sec_type, last_trade=shown.last_trade, strike=shown.strike,
        right=shown.right, multiplier=shown.multiplier, exchange=shown.exchange, currency=shown.currency,
        local_symbol=shown.local_symbol, trading_class=shown.trading_class,
    )  # fmt: skip
