"""The portfolio stream: updates of orders, GTT orders among them, whoever made them.  Nothing is sent.

    <- {"update_type":"order","order_id":"260105…","status":"open","filled_quantity":1,...}

An update tells where the order stands, and no execution: those are read when a total grows (`fills.py`).  Updates may come twice
and in any order, and there is no replay: who hears `Up` compares with orders and trades.  The stream is quiet while nothing
happens.  That a change or a cancel was turned down is a status here, which is told once for each request of the order.
Document: upstox.com/developer/api-documentation/get-portfolio-stream-feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.mapping.gtt import gtt_reports
from floorbroker.brokers.upstox.mapping.reports import Heard, order_report, refusal_report
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.stream.fills import Held
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
_ORDER = "order"
_KINDS = frozenset({_ORDER, "gtt_order"})
_KEPT_MAX = 10_000


class OrderSession:
    """`Session` of the portfolio stream."""

    def __init__(self, symbols: Symbols, held: Held) -> None:
        self._symbols = symbols
        self._held = held
        self._refused: dict[tuple[str, str, str], None] = {}

    def on_open(self, now_s: float) -> Actions:
        del now_s
        return [Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        if not frame.strip():
            return []
        try:
            update = wire.decode(frame, wire.Update, what="an update")
            if _KINDS.isdisjoint((update.update_type, update.type)):
                return []
            is_wrapped = not update.update_type and not wire.is_none(update.data)
            told, heard = update.data if is_wrapped else frame, Heard(source=Source.STREAM, at=at)
            if _ORDER in (update.update_type, update.type):
                return self._told(wire.decode(told, wire.Order, what="an update of an order"), heard, now_s)
            gtt = wire.decode(told, wire.Gtt, what="an update of a GTT order")
            return [Emit(report) for report in gtt_reports(gtt, heard, self._symbols)]
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        """A quiet account is quiet, and nothing can be asked: the socket's own pings tell a dead connection."""
        return self._held.overdue(now_s)

    def _told(self, order: wire.Order, heard: Heard, now_s: float) -> Actions:
        report = order_report(order, heard, self._symbols)
        told = [] if self._held.takes(order, report, heard.at, now_s) else [Emit(report)]
        refusal = refusal_report(order, heard, self._symbols)
        if refusal is not None and self._is_news(order):
            told.append(Emit(refusal))
        return told

    def _is_news(self, order: wire.Order) -> bool:
        """A refusal that comes twice must not answer the next request as well."""
        name = (order.order_id, order.status, str(order.order_request_id))
        if name in self._refused:
            return False
        self._refused[name] = None
        while len(self._refused) > _KEPT_MAX:
            del self._refused[next(iter(self._refused))]
        return True
