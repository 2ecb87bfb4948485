"""Executions, which the portfolio stream does not tell: the day's trades are read as soon as it says that a total grew.

An update that says so waits for them, so that an order is told as filled with its executions and not before: until the next
answer that was asked for after it, and `PATIENCE_S` at most.  Trades are read once a minute besides, for what the stream may
have missed.  A frame is one answer of the venue, stamped with when it was asked for (`transport/polling.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.mapping.reports import Heard, trade_report
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.rest.answers import trades_in
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ZERO
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.polling import read_polled
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
PATIENCE_S = 2.0
_KEPT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A report that waits, when it was heard by the wall clock, and since when (monotonic)."""

    report: ExecutionReport
    heard_at: datetime
    since_s: float


class Held:
    """Reports of grown totals on their way.  `stir` has the trades read soon."""

    def __init__(self, stir: Callable[[], None]) -> None:
        self._stir = stir
        self._waiting: deque[_Waiting] = deque()
        self._totals: dict[str, object] = {}

    def takes(self, order: wire.Order, report: ExecutionReport, at: datetime, now_s: float) -> bool:
        """Whether a report waits: its total is another than was heard of this order before."""
        total = report.cum_qty or ZERO
        if total <= 0 or self._totals.get(order.order_id) == total:
            return False
        self._totals[order.order_id] = total
        while len(self._totals) > _KEPT_MAX:
            del self._totals[next(iter(self._totals))]
        self._waiting.append(_Waiting(report, at, now_s))
        self._stir()
        return True

    def answered(self, asked_at: datetime) -> Actions:
        """What was heard before the trades were asked for."""
        return self._release(lambda one: one.heard_at <= asked_at)

    def overdue(self, now_s: float) -> Actions:
        """What has waited long enough: the order is as it is, its executions are found later."""
        return self._release(lambda one: now_s - one.since_s >= PATIENCE_S)

    def _release(self, is_due: Callable[[_Waiting], bool]) -> Actions:
        waiting, self._waiting = self._waiting, deque()
        told: list[Action[OrderEvent]] = []
        for one in waiting:
            if is_due(one):
                told.append(Emit(one.report))
            else:
                self._waiting.append(one)
        return told


class FillSession:
    """`Session` of the trades that are read."""

    def __init__(self, symbols: Symbols, held: Held) -> None:
        self._symbols = symbols
        self._held = held
        self._known: dict[tuple[str, str], None] = {}
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
            heard = Heard(source=Source.HISTORY, at=at, asked_at=asked_at)
            told: list[Action[OrderEvent]] = [
                Emit(trade_report(trade, heard, self._symbols)) for trade in trades_in(body) if self._is_news(trade)
            ]
        except ApiError as error:
            return [Reconnect(error.detail)]
        except ValueError:
            return [Reconnect("an answer came without its time")]
        was_up, self._is_up = self._is_up, True
        return [*([] if was_up else [Emit(Up())]), *told, *self._held.answered(asked_at)]

    def on_tick(self, now_s: float) -> Actions:
        return self._held.overdue(now_s)

    def _is_news(self, trade: wire.Trade) -> bool:
        name = (trade.order_id, trade.trade_id)
        if name in self._known:
            return False
        self._known[name] = None
        while len(self._known) > _KEPT_MAX:
            del self._known[next(iter(self._known))]
        return True
