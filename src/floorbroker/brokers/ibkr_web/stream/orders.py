"""The private stream: topics `sor` (orders) and `str` (executions).

A row of `sor` holds all members once and then the changed ones alone, so rows are kept by order and laid over each
other.  There are no sequence numbers and no replay: who hears `Up` compares with lists.  When the venue says that the
brokerage session is gone, the connection is given up, and the next one begins with the session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import Standing
from floorbroker.brokers.ibkr_web.mapping.reports import Heard, Shelves, row_report, trade_report
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, venue_id
from floorbroker.brokers.ibkr_web.stream.frames import Pulse, is_given, read, standing_in
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import OrderEvent, Up

_WAIT_S = 3.0
Actions = Sequence[Action[OrderEvent]]
ORDERS = "sor+{}"
TRADES = 'str+{"realtimeUpdatesOnly":false,"days":1}'
GONE = "the brokerage session is gone"
TAKEN = "the brokerage session was taken over by a log-in elsewhere"
_ROWS_MAX = 5_000
Members = dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """An execution that waits for the row of its order, since `since_s` of the monotonic clock."""

    row: wire.TradeRow
    heard: Heard
    since_s: float


class OrdersSession:
    """`Session` of the order topics; `on_lost` hears why a brokerage session ended."""

    def __init__(self, shelves: Shelves, on_lost: Callable[[str], None]) -> None:
        self._shelves = shelves
        self._on_lost = on_lost
        self._pulse = Pulse()
        self._rows: dict[str, Members] = {}
        self._waiting: deque[_Unnamed] = deque()

    def on_open(self, now_s: float) -> Actions:
        self._pulse.opened(now_s)
        self._rows.clear()
        return []

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._pulse.heard(now_s)
        if not frame.strip():
            return []
        actions: list[Action[OrderEvent]] = []
        with _keeping(actions):
            actions += self._on_message(read(frame), Heard(source=Source.STREAM, at=at), now_s)
        return self._in_order([*actions, *self._release(now_s)])

    def on_tick(self, now_s: float) -> Actions:
        return self._in_order([*self._release(now_s), *self._pulse.on_tick(now_s)])

    def _in_order(self, actions: Actions) -> Actions:
        """What is told first, then the end of the connection: it is given up once, for the first reason."""
        ends = [one for one in actions if isinstance(one, Reconnect)][:1]
        return [*(one for one in actions if not isinstance(one, Reconnect)), *ends]

    def _release(self, now_s: float) -> Actions:
        """Executions whose order is known by now, or that waited long enough: one may be told before the reply to its order."""
        waiting, self._waiting = self._waiting, deque()
        actions: list[Action[OrderEvent]] = []
        for each in waiting:
            if now_s - each.since_s < _WAIT_S and self._is_early(each.row):
                self._waiting.append(each)
                continue
            with _keeping(actions):
                report = trade_report(each.row, each.heard, self._shelves)
                if self._can_be_told(report) and report.order_id is not None:  # who it is of, a list may tell
                    actions.append(Emit(report))
        return actions

    def _is_early(self, row: wire.TradeRow) -> bool:
        name = row.order_ref
        return not row.order_id and bool(name) and self._shelves.families.order_of(name or "", None) is None

    def _on_message(self, message: wire.Message, heard: Heard, now_s: float) -> Actions:
        if is_given(message.error):
            return [Reconnect("the venue reports an error on the stream")]
        match message.topic:
            case "sts":
                return self._on_standing(standing_in(message))
            case "sor":
                return self._on_rows(message, heard)
            case "str":
                return self._on_trades(message, heard, now_s)
            case _:
                return []

    def _on_standing(self, standing: Standing | None) -> Actions:
        if standing is None:
            return []
        if standing is not Standing.OPEN:
            reason = TAKEN if standing is Standing.TAKEN else GONE
            self._on_lost(reason)
            return [Reconnect(reason)]
        if self._pulse.is_up:
            return []
        self._pulse.is_up = True
        return [Send(ORDERS), Send(TRADES), Emit(Up())]

    def _on_rows(self, message: wire.Message, heard: Heard) -> Actions:
        """A report for each row that can be read; one that cannot costs the connection, and nothing of the others."""
        actions: list[Action[OrderEvent]] = []
        for members in self._list(message, Members):
            with _keeping(actions):
                row = self._merged(members)
                if row.status is None or not self._shelves.is_ours(row.acct, row.account):
                    continue
                report = row_report(row, heard, self._shelves)
                if self._can_be_told(report):
                    actions.append(Emit(report))
        return actions

    def _can_be_told(self, report: ExecutionReport) -> bool:
        """Whether it is known whose this is, and of what; all else is told by a list, which asks what its contracts are."""
        is_orphan = report.order_id is not None and self._shelves.families.is_orphan(report.order_id)
        return not is_orphan and bool(report.symbol)

    def _on_trades(self, message: wire.Message, heard: Heard, now_s: float) -> Actions:
        actions: list[Action[OrderEvent]] = []
        for raw in self._list(message, msgspec.Raw):
            with _keeping(actions):
                row = wire.decode(raw, wire.TradeRow, what="an execution on the stream")
                if self._shelves.is_ours(row.account, row.accountCode):
                    self._waiting.append(_Unnamed(row, heard, now_s))
        return actions

    def _merged(self, members: Members) -> wire.OrderRow:
        """A row over what is known of its order."""
        part = wire.decode(msgspec.json.encode(members), wire.OrderRow, what="an order on the stream")
        order_id = venue_id(part.orderId)
        if order_id is None:
            raise ApiError("an order on the stream has no id", broker=BROKER)
        whole = {**self._rows.pop(order_id, {}), **members}
        self._rows[order_id] = whole
        while len(self._rows) > _ROWS_MAX:
            del self._rows[next(iter(self._rows))]
        return wire.decode(msgspec.json.encode(whole), wire.OrderRow, what="an order on the stream")

    def _list(self, message: wire.Message, kind: type[wire.T]) -> list[wire.T]:
        if not is_given(message.args):
            return []
        return wire.one_or_many(message.args, kind, what="a stream message")


@contextmanager
def _keeping(actions: list[Action[OrderEvent]]) -> Generator[None]:
    """What cannot be read may have been about an order: the comparison after the reconnect finds out.  What was read is kept."""
    try:
        yield
    except ApiError as error:
        actions.append(Reconnect(error.detail))
