"""The private stream: topics `sor` (orders) and `str` (executions).

A row of `sor` holds all members once and then the changed ones alone, so rows are kept by order and laid over each
other.  There are no sequence numbers and no replay: who hears `Up` compares with lists.  When the venue says that the
brokerage session is gone, the connection is given up, and the next one begins with the session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import Standing
from floorbroker.brokers.ibkr_web.mapping.reports import Heard, Shelves, row_report, trade_report
from floorbroker.brokers.ibkr_web.mapping.values import venue_id
from floorbroker.brokers.ibkr_web.stream.frames import Pulse, is_given, read, standing_in
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
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
        try:
            told = self._on_message(read(frame), Heard(source=Source.STREAM, at=at), now_s)
            return [*told, *self._release(now_s)]
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        try:
            return [*self._release(now_s), *self._pulse.on_tick(now_s)]
        except ApiError as error:  # an execution that waited cannot be read: as if it came now
            return [Reconnect(error.detail)]

    def _release(self, now_s: float) -> Actions:
        """Executions whose order is known by now, or that waited long enough: one may be told before the reply to its order."""
        waiting, self._waiting = self._waiting, deque()
        due: list[_Unnamed] = []
        for each in waiting:
            is_early = now_s - each.since_s < _WAIT_S and self._is_early(each.row)
            (self._waiting if is_early else due).append(each)
        return [Emit(trade_report(each.row, each.heard, self._shelves)) for each in due]

    def _is_early(self, row: wire.TradeRow) -> bool:
        return (
            not row.order_id
            and bool(row.order_ref)
            and self._shelves.families.order_of(row.order_ref or "", None) is None
        )

    def _on_message(self, message: wire.Message, heard: Heard, now_s: float) -> Actions:
        if is_given(message.error):
            return [Reconnect("the venue reports an error on the stream")]
        match message.topic:
            case "sts":
                return self._on_standing(standing_in(message))
            case "sor":
                return [Emit(row_report(row, heard, self._shelves)) for row in self._merged(message)]
            case "str":
                for row in self._list(message, wire.TradeRow):
                    self._waiting.append(_Unnamed(row, heard, now_s))
                return []
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

    def _merged(self, message: wire.Message) -> list[wire.OrderRow]:
        """The rows of a frame over what is known of their orders."""
        found: list[wire.OrderRow] = []
        for members in self._list(message, Members):
            part = wire.decode(msgspec.json.encode(members), wire.OrderRow, what="an order on the stream")
            order_id = venue_id(part.orderId)
            if order_id is None:
                raise ApiError("an order on the stream has no id", broker="IBKR_WEB")
            known = self._rows.pop(order_id, {})
            whole = {**known, **members}
            self._rows[order_id] = whole
            row = wire.decode(msgspec.json.encode(whole), wire.OrderRow, what="an order on the stream")
            if row.status is not None:
                found.append(row)
        while len(self._rows) > _ROWS_MAX:
            del self._rows[next(iter(self._rows))]
        return found

    def _list(self, message: wire.Message, kind: type[wire.T]) -> list[wire.T]:
        if not is_given(message.args):
            return []
        return wire.one_or_many(message.args, kind, what="a stream message")
