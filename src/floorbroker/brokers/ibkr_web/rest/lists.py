"""Lists of the account: live orders, executions, positions, each complete or an error.

The first list of live orders of a session is empty and only starts the feed, so it is asked for once more; a session is known by
its number, since the venue forgets the feed with it.  Two questions within a second share one list, with the time it was
asked at: the venue allows one in five seconds.  Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, live
orders and trades.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.nameless import Owner, Piece, owners_of
from floorbroker.brokers.ibkr_web.mapping.reports import (
    INACTIVE,
    Heard,
    Shelves,
    execution_of,
    inactive_reason,
    order_seen,
    plain,
    row_report,
    side_of,
    status_report,
    trade_report,
)
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of, moment, needed, number, number_in, venue_id
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.asking import Asking
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ZERO
from floorbroker.transport.types import Request, Transport

ORDERS_MAX = 1000
DAYS_MAX = 7
_SHARED_S = 1.0
_TRIES = 3
_PAGES_MAX = 100
_REASONS_MAX = 20
_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Listed:
    """The live orders, when they were asked for, and why inactive ones are."""

    rows: Sequence[wire.OrderRow]
    asked_at: datetime
    asked_s: float


class Lists(Asking):
    """What the account can be asked for in lists."""

    def __init__(
        self,
        reads: Transport,
        calls: Calls,
        brokerage: Brokerage,
        contracts: Contracts,
        shelves: Shelves,
        *,
        clock: Clock,
    ) -> None:
        super().__init__(reads)
        self._calls = calls
        self._brokerage = brokerage
        self._contracts = contracts
        self._shelves = shelves
        self._clock = clock
        self._lock = asyncio.Lock()
        self._primed = 0
        self._last: Listed | None = None
        self._reasons: dict[str, str] = {}

    # -- orders ---------------------------------------------------------------------------------------------------------

    async def orders(self, source: Source) -> tuple[tuple[ExecutionReport, ...], datetime]:
        """A report for each order of the session, and when they were asked for."""
        listed = await self._listed()
        heard = Heard(source=source, at=self._clock.now(), asked_at=listed.asked_at)
        for row in listed.rows:  # the families first: which of a group is its head shows once all of it was seen
            order_seen(row, self._shelves)
        return tuple(self._report(row, heard) for row in listed.rows), listed.asked_at

    def _report(self, row: wire.OrderRow, heard: Heard) -> ExecutionReport:
        reason = self._reasons.get(venue_id(row.orderId) or "") if plain(row.status) == INACTIVE else None
        return row_report(row, heard, self._shelves, reason=reason)

    async def _listed(self) -> Listed:
        async with self._lock:
            last = self._last
            if last is not None and self._clock.monotonic() - last.asked_s < _SHARED_S:
                return last
            listed = await self._ask_for_orders()
            await self._contracts.name(row.conid for row in listed.rows)
            await self._look_into(listed.rows)
            self._last = listed
            return listed

    async def _ask_for_orders(self) -> Listed:
        opened = await self._brokerage.ensure()
        request = self._calls.orders(opened.account)
        if self._primed != opened.number:
            await self._ask(request, wire.LiveOrders, what="the live orders")
            self._primed = opened.number
        for _ in range(_TRIES):
            asked_at, asked_s = self._clock.now(), self._clock.monotonic()
            told = await self._ask(request, wire.LiveOrders, what="the live orders")
            if told.orders is None or told.snapshot is not True:
                continue
            if len(told.orders) >= ORDERS_MAX:
                raise ApiError(
                    f"the live orders: {ORDERS_MAX} or more, of which the venue tells no others", broker=BROKER
                )
            ours = [row for row in told.orders if self._shelves.is_ours(row.acct, row.account)]
            return Listed(ours, asked_at, asked_s)
        raise ApiError("the live orders: the venue is not ready to list them", broker=BROKER)

    async def _look_into(self, rows: Sequence[wire.OrderRow]) -> None:
        """Why inactive orders are: a row does not say."""
        for row in [row for row in rows if plain(row.status) == INACTIVE][:_REASONS_MAX]:
            order_id = venue_id(row.orderId)
            if order_id is None or order_id in self._reasons:
                continue
            told = await self._ask(self._calls.order_status(order_id), wire.OrderStatus, what="an inactive order")
            if reason := inactive_reason(told):
                self._reasons[order_id] = reason

    async def order(self, ref: OrderRef) -> tuple[ExecutionReport, ...]:
        """One order: by its venue id, which works within the session that placed it, else in the list.

        Nothing where the list is complete and lacks it: that proves nothing, an order of an earlier session is in no list.
        """
        self.hear_of(ref)
        number = number_in(ref)
        if number is not None:
            told = await self._status(number)
            if told is not None:
                return (told,)
        reports, _ = await self.orders(Source.QUERY)
        wanted = number or self._shelves.families.order_of(ref.cl_ord_id, None)
        return tuple(report for report in reports if report.order_id == wanted)

    def hear_of(self, ref: OrderRef) -> None:
        """What the desk's own book knows of an order: its client id and its number."""
        self._shelves.families.told(ref.cl_ord_id, number_in(ref))

    async def _status(self, order_id: str) -> ExecutionReport | None:
        asked_at = self._clock.now()
        try:
            told = await self.status(order_id)
        except ApiError:  # 503 for an order of another session, or another fault: the list decides
            return None
        return status_report(told, Heard(source=Source.QUERY, at=self._clock.now(), asked_at=asked_at), self._shelves)

    async def status(self, order_id: str) -> wire.OrderStatus:
        """What the venue tells of one order.  Raises `ApiError` when it is about another one."""
        told = await self._ask(self._calls.order_status(order_id), wire.OrderStatus, what="the order")
        if venue_id(told.order_id) != order_id:
            raise ApiError("the reply is about another order", broker=BROKER)
        if not self._shelves.is_ours(told.account):
            raise ApiError("the reply is about an order of another account", broker=BROKER)
        await self._contracts.name([told.conid])
        return told

    async def row(self, order_id: str) -> wire.OrderRow | None:
        """The row of one order, where the list has it."""
        listed = await self._listed()
        return next((row for row in listed.rows if venue_id(row.orderId) == order_id), None)

    # -- executions -----------------------------------------------------------------------------------------------------

    async def fills(self, since: datetime) -> tuple[tuple[ExecutionReport, ...], datetime]:
        """Executions since then, of the last seven days: the venue tells no older ones.

        Corrections come whenever the execution was that they are about: theirs is the time of that one.
        """
        asked_at = self._clock.now()
        opened = await self._brokerage.ensure()
        days = min(max((asked_at - since) // timedelta(days=1) + 2, 1), DAYS_MAX)
        request = self._calls.trades(opened.account, days=days)
        told = await self._ask(request, list[wire.TradeRow], what="the trades")
        rows = [row for row in told if self._shelves.is_ours(row.account, row.accountCode)]
        await self._contracts.name(row.conid for row in rows)
        if any(self._is_nameless(row) for row in rows):
            await self.orders(Source.SNAPSHOT)  # which order a client id belongs to stands there
        owners = await self._owners(rows)
        heard = Heard(source=Source.HISTORY, at=self._clock.now(), asked_at=asked_at)
        reports = [trade_report(row, heard, self._shelves, owner=owners.get(_stem(row))) for row in rows]
        return tuple(one for one in reports if _is_since(one, since)), asked_at

    def _is_nameless(self, row: wire.TradeRow) -> bool:
        """Whether a list may tell whose client id an execution has."""
        name = row.order_ref
        return not row.order_id and bool(name) and self._shelves.families.order_of(name or "", None) is None

    async def _owners(self, rows: Sequence[wire.TradeRow]) -> dict[str, str]:
        """Whose those executions of today are that name no order; the list of orders has no others."""
        today = self._clock.now().astimezone(_NEW_YORK).date()
        pieces = {
            piece.exec_id: piece
            for row in sorted(rows, key=lambda row: execution_of(row.execution_id)[1])
            if (piece := _piece(row, today)) is not None
        }
        if not pieces:
            return {}
        listed = await self._listed()
        return owners_of(pieces.values(), (owner for row in listed.rows if (owner := _owner(row)) is not None))

    # -- positions ------------------------------------------------------------------------------------------------------

    async def positions(self) -> tuple[list[wire.Position], datetime]:
        """Every page; an empty one is the last."""
        opened = await self._brokerage.ensure()
        await self._send(self._calls.invalidate(opened.account))
        asked_at = self._clock.now()
        found: list[wire.Position] = []
        for page in range(_PAGES_MAX):
            rows = await self._ask(
                self._calls.positions(opened.account, page), list[wire.Position], what="the positions"
            )
            if not rows:
                ours = [row for row in found if self._shelves.is_ours(row.acctId)]
                await self._contracts.name(row.conid for row in ours)
                return ours, asked_at
            seen = {venue_id(row.conid) for row in found}
            if any(venue_id(row.conid) in seen for row in rows):
                raise ApiError("the positions: the venue repeats a page", broker=BROKER)
            found += rows
        raise ApiError("the positions: more pages than anybody has", broker=BROKER)

    async def _send(self, request: Request) -> None:
        response = await self._reads.send(request)
        if response.status >= 400:
            answers.answer(response, wire.ErrorBody, what="the portfolio")


def _is_since(report: ExecutionReport, since: datetime) -> bool:
    return report.exec_version > 1 or report.transact_time is None or report.transact_time >= since


def _stem(row: wire.TradeRow) -> str:
    return execution_of(row.execution_id)[0]


def _piece(row: wire.TradeRow, today: date) -> Piece | None:
    """An execution of that day that names no order; None for all others."""
    conid, side, at = conid_of(row.conid), side_of(row.side), moment(row.trade_time_r)
    if row.order_id or row.order_ref or conid is None or side is None or at is None:
        return None
    if at.astimezone(_NEW_YORK).date() != today:
        return None
    qty, px = needed(row.size, what="a quantity"), needed(row.price, what="a price")
    return Piece(_stem(row), (conid, side), abs(qty), px)


def _owner(row: wire.OrderRow) -> Owner | None:
    """An order without a client id; None for all others."""
    order_id, conid, side = venue_id(row.orderId), conid_of(row.conid), side_of(row.side)
    if row.order_ref or order_id is None or conid is None or side is None:
        return None
    filled = number(row.filledQuantity, what="a quantity") or ZERO
    return Owner(order_id, (conid, side), filled, number(row.avgPrice, what="a price"))
