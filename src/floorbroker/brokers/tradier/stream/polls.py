"""What polls of the orders say: reports of the orders that are not as they were when last heard of.

A frame is one answer of the venue, stamped with when it was asked for (`transport/polling.py`).  The first answer of a connection
means that the stream is up; whatever happened before it is compared by the desk.  An order that cannot be read hides no other: of
it alone nothing is known then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.reports import Heard, Reports, order_reports, unread_report
from floorbroker.brokers.tradier.mapping.values import order_id_of
from floorbroker.brokers.tradier.rest.answers import Told, orders_told
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import OrderId
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.polling import read_polled
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
_KEPT_MAX = 50_000


class PollSession:
    """`Session` of polled orders."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._is_up = False

    def on_open(self, now_s: float) -> Actions:
        del now_s
        self._is_up = False
        self._known.clear()
        return []

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del now_s
        try:
            asked_at, body = read_polled(frame)
            heard = Heard(source=Source.SNAPSHOT, at=at, asked_at=asked_at)
            told = [Emit(report) for report in self._news(orders_told(body, what="the orders"), heard)]
        except ApiError as error:
            return [Reconnect(error.detail)]
        except ValueError:
            return [Reconnect("a poll came without its time")]
        was_up, self._is_up = self._is_up, True
        return told if was_up else [Emit(Up()), *told]

    def on_tick(self, now_s: float) -> Actions:
        del now_s
        return []

    def _news(self, told: Told, heard: Heard) -> Iterator[ExecutionReport]:
        for order, raw in told.orders:
            if self._is_news(str(order.id), raw):
                yield from _reports(order, heard)
        for raw in told.unreadable:
            order_id = _id_of(raw)
            if order_id is not None and self._is_news(order_id, raw):
                yield unread_report(order_id, heard)

    def _is_news(self, order_id: str, raw: bytes) -> bool:
        if self._known.get(order_id) == raw:
            return False
        self._known[order_id] = raw
        while len(self._known) > _KEPT_MAX:
            del self._known[next(iter(self._known))]
        return True


def _reports(order: wire.Order, heard: Heard) -> Reports:
    try:
        return order_reports(order, heard)
    except ApiError:  # a number of it is none
        return (unread_report(order_id_of(order.id), heard),)


def _id_of(raw: bytes) -> OrderId | None:
    """The id of an order that cannot be read otherwise; None when that is what is wrong with it (`Reads.poll` names it then)."""
    try:
        return order_id_of(wire.decode(raw, wire.Named, what="an order").id)
    except ApiError:
        return None
