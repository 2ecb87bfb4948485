"""The private stream: what the program says about orders and executions, without being asked.

There are no sequence numbers and no replay: who hears `Up` compares with lists.  An execution is told at once, and once more
with what it cost, which comes in a message of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import BadFrame, decode
from floorbroker.brokers.ibkr.errors import Nature, row_of
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.mapping.reports import (
    Heard,
    fee_of,
    refused,
    refused_report,
    row_report,
    status_report,
    trade_reports,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import Money
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
REJECTED = 201
_KEPT_MAX = 5_000
_LIVE = -1


class OrdersSession:
    """`Session` of the order messages.  `version` is that of the connection that stands, `account` the one that is traded."""

    def __init__(self, families: Families, *, version: Callable[[], int], account: Callable[[], str]) -> None:
        self._families = families
        self._version = version
        self._account = account
        self._executions: dict[str, wire.Execution] = {}
        self._fees: dict[str, Money] = {}

    def on_open(self, now_s: float) -> Actions:
        del now_s
        return [Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del now_s
        try:
            message = decode(frame, version=self._version())
        except BadFrame as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(f"a message about orders cannot be read ({error})")]
        return [Emit(report) for report in self._told(message, Heard(source=Source.STREAM, at=at))]

    def on_tick(self, now_s: float) -> Actions:
        del now_s
        return []

    def _told(self, message: wire.Wire, heard: Heard) -> Sequence[ExecutionReport]:
        match message:
            case wire.OpenOrder():
                is_ours = not message.order.what_if and message.order.account in ("", self._account())
                return [row_report(message, heard, self._families)] if is_ours else []
            case wire.OrderStatus() if message.perm_id:
                return self._how_far(message, heard)
            case wire.Execution(req_id=request) if request == _LIVE:
                return self._traded(message, heard)
            case wire.Commission():
                return self._cost(message, heard)
            case wire.Error(code=code) if code == REJECTED:
                return self._rejected(message, heard)
            case _:
                return []

    def _how_far(self, told: wire.OrderStatus, heard: Heard) -> Sequence[ExecutionReport]:
        """The status of an order whose terms were never shown may be another account's: a list tells."""
        if self._families.of(told.perm_id).row is None:
            return []
        report = status_report(told, heard, self._families)
        return [] if report is None else [report]

    def _traded(self, told: wire.Execution, heard: Heard) -> Sequence[ExecutionReport]:
        if told.account not in ("", self._account()):
            return []
        self._executions[told.exec_id] = told
        while len(self._executions) > _KEPT_MAX:
            del self._executions[next(iter(self._executions))]
        return trade_reports(told, self._fees.get(told.exec_id), heard, self._families)

    def _cost(self, told: wire.Commission, heard: Heard) -> Sequence[ExecutionReport]:
        fee = fee_of(told)
        if fee is None:
            return []
        self._fees[told.exec_id] = fee
        while len(self._fees) > _KEPT_MAX:
            del self._fees[next(iter(self._fees))]
        execution = self._executions.get(told.exec_id)
        return () if execution is None else trade_reports(execution, fee, heard, self._families)

    def _rejected(self, told: wire.Error, heard: Heard) -> Sequence[ExecutionReport]:
        row = row_of(told.code)
        known = refused(told, self._families) if row is not None and row.nature is Nature.REFUSAL else None
        report = None if known is None else refused_report(known, heard, self._families)
        return [] if report is None else [report]
