"""Lists: orders that are open or done, executions of today, positions, figures of the account.

Each is a question with an end mark; without the mark nothing of it counts.  Lists without a number are asked for one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.mapping.families import Families, head_ref
from floorbroker.brokers.ibkr.mapping.reports import (
    Heard,
    completed_report,
    fee_of,
    mind_busts,
    row_report,
    status_report,
    trade_reports,
)
from floorbroker.brokers.ibkr.rest.collect import Listed
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.domain.clock import Clock
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.types import Lane

Reports = tuple[ExecutionReport, ...]
_ORDERS = (wire.OpenOrder, wire.OrderStatus)
_TRADES = (wire.Execution, wire.Commission)


class Lists:
    """What can be listed of one account.  Rows of other accounts are other profiles', and left out."""

    def __init__(self, program: Program, families: Families, *, clock: Clock) -> None:
        self._program = program
        self._families = families
        self._clock = clock

    # -- orders -------------------------------------------------------------------------------------------------------------

    async def open_orders(self, source: Source, *, lane: Lane = Lane.RECONCILE) -> tuple[Reports, datetime]:
        """Open orders of every client and of people.  A member of a group whose head is not open has its head looked up."""
        asked_at = self._clock.now()
        rows = await self._open_rows(lane)
        if any(self._is_headless(row) for row in rows if isinstance(row, wire.OpenOrder)):
            for done in await self._completed_rows(lane):
                self._families.saw_completed(done)
        heard = Heard(source=source, at=self._clock.now(), asked_at=asked_at)
        return self._standing(rows, heard), asked_at

    async def _open_rows(self, lane: Lane) -> Sequence[wire.OpenOrder | wire.OrderStatus]:
        async with self._program.alone("orders"):
            listed = await self._program.ask(
                Listed(_ORDERS, wire.OpenOrderEnd, what="the open orders"),
                lambda _: requests.all_open_orders(),
                endpoint="orders.list",
                lane=lane,
            )
        return listed.rows

    def _is_headless(self, row: wire.OpenOrder) -> bool:
        ref = head_ref(row.order.order_ref)
        return ref is not None and self._families.perm_of_ref(ref) is None

    def _standing(self, rows: Iterable[wire.OpenOrder | wire.OrderStatus], heard: Heard) -> Reports:
        """The newest word about each order: one that was changed may be listed as it was before as well."""
        newest: dict[str, ExecutionReport] = {}
        mine: set[int] = set()
        account = self._program.account
        for row in rows:
            if isinstance(row, wire.OpenOrder):
                if row.order.what_if or row.order.account not in ("", account):
                    continue
                mine.add(row.perm_id)
                report = row_report(row, heard, self._families)
            elif row.perm_id in mine:
                report = status_report(row, heard, self._families)
            else:
                continue
            if report is not None:
                newest[report.order_id or f"on its way: {report.cl_ord_id}"] = report
        return tuple(newest.values())

    async def history(self) -> tuple[Reports, datetime]:
        """All orders that are open, and those of today that are done: the venue lists no earlier ones.

        What is done is asked for last, so that an order which ends in between is in that list.
        """
        live, asked_at = await self.open_orders(Source.SNAPSHOT)
        done = await self._completed_rows(Lane.RECONCILE)
        ended = self._ended(done, Heard(source=Source.SNAPSHOT, at=self._clock.now(), asked_at=asked_at))
        over = {report.order_id for report in ended}
        return (*(report for report in live if report.order_id not in over), *ended), asked_at

    def _ended(self, done: Sequence[wire.CompletedOrder], heard: Heard) -> Reports:
        """Heads before their members, which name them by our reference alone."""
        account = self._program.account
        mine = [row for row in done if row.order.account in ("", account)]
        for row in mine:
            self._families.saw_completed(row)
        reports = (completed_report(row, heard, self._families) for row in mine)
        return tuple(report for report in reports if report is not None)

    async def _completed_rows(self, lane: Lane) -> Sequence[wire.CompletedOrder]:
        async with self._program.alone("completed"):
            listed = await self._program.ask(
                Listed((wire.CompletedOrder,), wire.CompletedOrdersEnd, what="the completed orders"),
                lambda _: requests.completed_orders(api_only=False),
                endpoint="orders.history",
                lane=lane,
            )
        return listed.rows

    async def order(self, ref: OrderRef) -> Reports:
        """One order among those that are open or done today; nothing where neither list has it, which proves nothing."""
        reports, _ = await self.open_orders(Source.QUERY, lane=Lane.RESOLVE)
        if not (found := _about(ref, reports)):
            asked_at = self._clock.now()
            done = await self._completed_rows(Lane.RESOLVE)
            found = _about(ref, self._ended(done, Heard(source=Source.QUERY, at=self._clock.now(), asked_at=asked_at)))
        return found

    # -- executions ---------------------------------------------------------------------------------------------------------

    async def fills(self, since: datetime) -> tuple[Reports, datetime]:
        """Executions since then, each with what it cost: of today, since the venue's list begins at midnight.

        Corrections and busts come whenever the execution was that they are about: theirs is the time of that one.
        """
        await self._program.asked()
        asked_at, number = self._clock.now(), self._program.next_request()
        wanted = wire.ExecutionFilter(account=self._program.account)
        listed = await self._program.ask(
            Listed(_TRADES, wire.ExecutionsEnd, what="the executions", request=number, beside=(wire.Commission,)),
            lambda _: requests.executions(number, wanted),
            endpoint="trades.list",
            lane=Lane.RECONCILE,
        )
        trades = [row for row in listed.rows if isinstance(row, wire.Execution)]
        fees = {row.exec_id: fee_of(row) for row in listed.rows if isinstance(row, wire.Commission)}
        for row in trades:
            if row.contract.sec_type == "BAG":
                self._families.saw_combo(row.perm_id)
        mind_busts(trades, self._families)
        heard = Heard(source=Source.HISTORY, at=self._clock.now(), asked_at=asked_at)
        account = self._program.account
        reports = (
            report
            for row in trades
            if row.account in ("", account)
            for report in trade_reports(row, fees.get(row.exec_id), heard, self._families)
        )
        return tuple(one for one in reports if _is_since(one, since)), asked_at

    # -- the account --------------------------------------------------------------------------------------------------------

    async def positions(self) -> tuple[Sequence[wire.Position], datetime]:
        """Every account's, as the venue tells them."""
        asked_at = self._clock.now()
        async with self._program.alone("positions"):
            listed = await self._program.ask(
                Listed((wire.Position,), wire.PositionEnd, what="the positions"),
                lambda _: requests.positions(),
                endpoint="account.positions",
                lane=Lane.RECONCILE,
                stop=lambda _: requests.cancel_positions(),
            )
        return listed.rows, asked_at

    async def values(self) -> tuple[Sequence[wire.AccountValue], datetime]:
        """The figures of the account."""
        await self._program.asked()
        asked_at, account = self._clock.now(), self._program.account
        number = self._program.next_request()
        listed = await self._program.ask(
            Listed((wire.AccountValue,), wire.AccountEnd, request=number, what="the account"),
            lambda _: requests.account_updates_multi(number, account),
            endpoint="account.values",
            lane=Lane.RECONCILE,
            stop=lambda _: requests.cancel_account_updates_multi(number),
        )
        return listed.rows, asked_at


def _is_since(report: ExecutionReport, since: datetime) -> bool:
    return report.exec_version > 1 or report.transact_time is None or report.transact_time >= since


def _about(ref: OrderRef, reports: Reports) -> Reports:
    return tuple(
        one for one in reports if one.cl_ord_id == ref.cl_ord_id or (ref.order_id and one.order_id == ref.order_id)
    )
