"""The private stream: events of the account over the WebSocket API, subscribed to with a signature of any kind of key.

    -> {"id":"subscribe","method":"userDataStream.subscribe.signature","params":{...}}
    <- {"id":"subscribe","status":200,"result":{"subscriptionId":0}}      now the stream is up
    <- {"subscriptionId":0,"event":{"e":"executionReport",...}}

There are no sequence numbers and no replay: who hears `Up` compares with orders and fills.  The stream is quiet while nothing
happens, so silence is answered with a question for the venue's time, which is a sign of life and a measure of its clock.
Events about balances are not told on: what they change is asked for where it is needed.
Document: developers.binance.com/docs/binance-spot-api-docs/user-data-stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.auth import Credentials, sign_params
from floorbroker.brokers.binance.errors import UNSYNCHRONISED
from floorbroker.brokers.binance.mapping.families import Seen, replaced_by_cancel
from floorbroker.brokers.binance.mapping.reports import Heard, Reader, own_client_id, seen_in
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.mapping.values import moment_needed, order_id_of
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import Denied, OrderEvent, Up

PATH = "/ws-api/v3"
SUBSCRIBE, TIME = "subscribe", "time"
_PROBE = msgspec.json.encode({"id": TIME, "method": "time"}).decode()
_DENIALS = frozenset({-1002, -1022, -2014, -2015})
_ANSWER_S = 10.0
_SILENCE_S = 20.0
_FAMILY_S = 2.0
_WAITING_MAX = 1_000
_LIFE_S = 23.5 * 3600

Actions = Sequence[Action[OrderEvent]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event that waits for another: when it was heard, by the wall clock for its report, and for its wait."""

    event: wire.ExecutionEvent
    heard_at: datetime
    since_s: float


class UserSession:
    """`Session` of the private stream.  `on_unsynchronised` is told when the venue did not like our time."""

    def __init__(
        self,
        credentials: Credentials,
        reader: Reader,
        *,
        offset: ClockOffset,
        traded: Traded,
        recv_window_ms: int,
        on_unsynchronised: Callable[[], None],
    ) -> None:
        self._credentials = credentials
        self._reader = reader
        self._offset = offset
        self._traded = traded
        self._recv_window_ms = recv_window_ms
        self._on_unsynchronised = on_unsynchronised
        self._opened_s = self._heard_s = 0.0
        self._asked_s: float | None = None  # a question is out: the subscription, or a probe
        self._is_up = False
        self._waiting: deque[_Waiting] = deque()

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._reader.terms.clear()
        self._opened_s = self._heard_s = self._asked_s = now_s
        params = sign_params({}, self._credentials, self._offset.venue_now(), recv_window_ms=self._recv_window_ms)
        words = {"id": SUBSCRIBE, "method": "userDataStream.subscribe.signature", "params": params}
        return [Send(msgspec.json.encode(words).decode())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
        if not frame:
            return []
        try:
            told = wire.decode(frame, wire.ApiMessage, what="a frame of the private stream")
            if bytes(told.event) != b"null":
                return self._on_event(told.event, at, now_s)
            return self._on_answer(told, now_s)
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        try:
            return [*self._release(now_s), *self._watch(now_s)]
        except ApiError as error:  # an event that waited cannot be read: as if it came now
            return [Reconnect(error.detail)]

    def _watch(self, now_s: float) -> Actions:
        if self._asked_s is not None:
            is_late = now_s - self._asked_s > _ANSWER_S
            return [Reconnect("the venue does not answer on the private stream")] if is_late else []
        if now_s - self._opened_s > _LIFE_S:
            return [Reconnect("the connection is nearly a day old")]
        if self._is_up and now_s - self._heard_s > _SILENCE_S:
            self._asked_s = now_s
            return [Send(_PROBE)]
        return []

    # -- answers ------------------------------------------------------------------------------------------------------

    def _on_answer(self, told: wire.ApiMessage, now_s: float) -> Actions:
        asked_s, self._asked_s = self._asked_s, None
        if told.status is None or told.status >= 300:
            return self._on_error(told)
        if told.id == SUBSCRIBE:
            was_up, self._is_up = self._is_up, True
            return [] if was_up else [Emit(Up())]
        if told.id == TIME and asked_s is not None:
            time = moment_needed(wire.decode(told.result, wire.ServerTime, what="the clock").server_time)
            self._offset.learn(time, asked_s=asked_s, heard_s=now_s)
        return []

    def _on_error(self, told: wire.ApiMessage) -> Actions:
        """Also one that nobody asked for: a key that was withdrawn."""
        error = wire.decode(told.error, wire.ErrorBody, what="an error of the private stream")
        if error.code in _DENIALS:
            return [Emit(Denied(f"the venue does not accept the credentials on the private stream ({error.code})"))]
        if error.code == UNSYNCHRONISED:
            self._on_unsynchronised()
        return [Reconnect(f"the private stream says {told.status} {error.code}")]

    # -- events -------------------------------------------------------------------------------------------------------

    def _on_event(self, raw: msgspec.Raw, at: datetime, now_s: float) -> Actions:
        match wire.decode(raw, wire.EventHead, what="an event").e:
            case "executionReport":
                return self._on_execution(wire.decode(raw, wire.ExecutionEvent, what="an execution report"), at, now_s)
            case "listStatus":
                listed = wire.decode(raw, wire.ListEvent, what="a list status").orders
                self._reader.families.learn_list(Seen(one.symbol, one.order_id, one.client_id) for one in listed)
                return self._release(now_s)
            case "eventStreamTerminated":
                return [Reconnect("the venue ended the private stream")]
            case "serverShutdown":
                return [Reconnect("the venue shuts this server down")]
            case _:
                return []

    def _on_execution(self, event: wire.ExecutionEvent, at: datetime, now_s: float) -> Actions:
        """A leg heard of before its head waits a moment: without it, it would pass for a stranger's order."""
        reader = self._reader
        reader.families.learn(seen_in(event))
        if event.status == "REJECTED":
            reader.successors.refuse(own_client_id(event))
        elif event.exec_type == "CANCELED" and event.order_id > 0:
            self._note_cancel(event, now_s)
        if self._lacks(event) and len(self._waiting) < _WAITING_MAX:
            self._waiting.append(_Waiting(event, at, now_s))
            return []
        return [*self._release(now_s), *self._told(event, at)]

    def _note_cancel(self, event: wire.ExecutionEvent, now_s: float) -> None:
        """By the id of the cancel: a cancelReplace, perhaps of an earlier life of ours, or anything else, which answers one."""
        old, successors = order_id_of(event.symbol, event.order_id), self._reader.successors
        successor = replaced_by_cancel(event.client_id)
        if successor is None:
            successors.drop(old)
        elif self._reader.families.venue_id(successor) is None and not successors.is_refused(successor):
            successors.ask(old, successor, now_s=now_s)

    def _lacks(self, event: wire.ExecutionEvent) -> bool:
        """Whether something is to be known first: the head of a leg, or the order that took the place of this one."""
        families = self._reader.families
        successor = replaced_by_cancel(event.client_id) if event.exec_type == "CANCELED" else None
        if successor is not None:
            return families.venue_id(successor) is None and not self._reader.successors.is_refused(successor)
        return families.is_stray(own_client_id(event))

    def _release(self, now_s: float) -> Actions:
        """Events whose other is known by now, or that waited long enough, in the order they came."""
        waiting, self._waiting = self._waiting, deque()
        due: list[_Waiting] = []
        for one in waiting:
            ripe = now_s - one.since_s >= _FAMILY_S or not self._lacks(one.event)
            (due if ripe else self._waiting).append(one)
        # None of them waits any more, so one that cannot be read does not come back with every tick.
        return [action for one in due for action in self._told(one.event, one.heard_at)]

    def _told(self, event: wire.ExecutionEvent, at: datetime) -> Actions:
        report = self._reader.event(event, Heard(source=Source.STREAM, at=at))
        self._traded.meet(report.symbol)
        return [Emit(report)]
