"""The private stream: trade updates.

    -> {"action":"authenticate",...}      the server is silent until then
    <- {"stream":"authorization",...}
    -> {"action":"listen",...}            the full wanted set each time
    <- {"stream":"listening",...}         now the stream is up
    <- {"stream":"trade_updates",...}     JSON, in text frames or in binary ones (paper)

There are no sequence numbers and no replay: who hears `Up` compares with orders and fills.  The stream is quiet while
nothing happens, so silence is answered with a second `listen`, whose answer is the sign of life.
Document: docs.alpaca.markets/docs/websocket-streaming.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.auth import Credentials, trading_login
from floorbroker.brokers.alpaca.mapping.families import Families
from floorbroker.brokers.alpaca.mapping.identity import AlpacaIdentity
from floorbroker.brokers.alpaca.mapping.reports import Heard, update_reports
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import Denied, OrderEvent, Up

LISTEN = '{"action":"listen","data":{"streams":["trade_updates"]}}'
_ANSWER_S = 10.0
_SILENCE_S = 20.0
_FAMILY_S = 2.0
_WAITING_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Foundling:
    """An update that waits for its family, and when it was heard: by the wall clock for its report, and for its wait."""

    update: wire.TradeUpdate
    heard_at: datetime
    since_s: float


Actions = Sequence[Action[OrderEvent]]


class TradingSession:
    """`Session` of /stream."""

    def __init__(self, credentials: Credentials, families: Families) -> None:
        self._credentials = credentials
        self._families = families
        self._identity = AlpacaIdentity()
        self._heard_s: float | None = None
        self._asked_s: float | None = None  # a question is out: log-in, listen or probe
        self._is_up = False
        self._waiting: deque[_Foundling] = deque()

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._heard_s = self._asked_s = now_s
        return [Send(trading_login(self._credentials))]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
        try:
            message = wire.decode(frame, wire.StreamMessage, what="a stream message")
            return self._on_message(message, at, now_s)
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        try:
            return [*self._release(now_s), *self._watch(now_s)]
        except ApiError as error:  # an update that waited cannot be read: as if it came now
            return [Reconnect(error.detail)]

    def _watch(self, now_s: float) -> Actions:
        if self._asked_s is not None:
            if now_s - self._asked_s > _ANSWER_S:
                return [Reconnect("the venue does not answer on the stream")]
            return []
        if self._heard_s is not None and now_s - self._heard_s > _SILENCE_S:
            self._asked_s = now_s
            return [Send(LISTEN)]
        return []

    def _on_message(self, message: wire.StreamMessage, at: datetime, now_s: float) -> Actions:
        match message.stream:
            case "authorization":
                return self._on_authorization(message, now_s)
            case "listening":
                return self._on_listening(message)
            case "trade_updates":
                self._asked_s = None if self._is_up else self._asked_s
                update = wire.decode(message.data, wire.TradeUpdate, what="a trade update")
                return self._on_update(update, at, now_s)
            case _:
                return []

    def _on_update(self, update: wire.TradeUpdate, at: datetime, now_s: float) -> Actions:
        """A child heard of before its family waits a moment: without its parent it would pass for a stranger's order."""
        self._families.learn([update.order])
        if self._is_foundling(update.order) and len(self._waiting) < _WAITING_MAX:
            self._waiting.append(_Foundling(update, at, now_s))
            return []
        return [*self._release(now_s), *self._told(update, at)]

    def _is_foundling(self, order: wire.Order) -> bool:
        return self._families.is_stray(order) and self._identity.decode(order.client_order_id) is None

    def _release(self, now_s: float) -> Actions:
        """Updates whose family is known by now, or that waited long enough, in the order they came.

        Whoever waited in vain stays a stray: the next listing asks for its family, even if the parent is closed by then.
        """
        waiting, self._waiting = self._waiting, deque()
        due: list[_Foundling] = []
        for one in waiting:
            waits = now_s - one.since_s < _FAMILY_S and self._is_foundling(one.update.order)
            (self._waiting if waits else due).append(one)
        # None of them waits any more, so one that cannot be read does not come back with every tick.
        return [action for one in due for action in self._told(one.update, one.heard_at)]

    def _told(self, update: wire.TradeUpdate, at: datetime) -> Actions:
        parent = self._families.parent_of(update.order.id)
        reports = update_reports(update, Heard(source=Source.STREAM, at=at), parent=parent)
        return [Emit(report) for report in reports]

    def _on_authorization(self, message: wire.StreamMessage, now_s: float) -> Actions:
        answer = wire.decode(message.data, wire.Authorization, what="an authorization")
        if answer.status == "authorized":
            self._asked_s = now_s
            return [Send(LISTEN)]
        if answer.action == "listen":
            return [Reconnect("the venue forgot the log-in")]
        return [Emit(Denied("the venue does not accept the credentials on the stream"))]

    def _on_listening(self, message: wire.StreamMessage) -> Actions:
        answer = wire.decode(message.data, wire.Listening, what="a listening message")
        if "trade_updates" not in (answer.streams or ()):
            return [Reconnect("the venue does not offer trade updates now")]
        self._asked_s = None
        was_up, self._is_up = self._is_up, True
        return [] if was_up else [Emit(Up())]
