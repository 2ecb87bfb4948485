"""What polls of the orders say: reports of the orders that are not as they were when last heard of.

A frame is one answer of the venue, stamped with when it was asked for (`transport/polling.py`).  The first answer of a connection
means that the stream is up; whatever happened before it is compared by the desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.reports import Heard, order_reports
from floorbroker.brokers.tradier.rest.answers import orders_in
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.polling import read_polled
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
_KEPT_MAX = 50_000


class PollSession:
    """`Session` of polled orders."""

    def __init__(self) -> None:
        self._known: dict[int | str, wire.Order] = {}
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
            told = [Emit(report) for order in self._changed(body) for report in order_reports(order, heard)]
        except ApiError as error:
            return [Reconnect(error.detail)]
        except ValueError:
            return [Reconnect("a poll came without its time")]
        was_up, self._is_up = self._is_up, True
        return told if was_up else [Emit(Up()), *told]

    def on_tick(self, now_s: float) -> Actions:
        del now_s
        return []

    def _changed(self, body: bytes) -> list[wire.Order]:
        changed = [order for order in orders_in(body, what="the orders") if self._known.get(order.id) != order]
        self._known.update((order.id, order) for order in changed)
        while len(self._known) > _KEPT_MAX:
            del self._known[next(iter(self._known))]
        return changed
