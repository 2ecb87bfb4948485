"""The private stream: orders and executions of the categories traded here.

    -> {"op":"auth","args":[key,expires,signature]}
    <- {"success":true,"op":"auth",...}
    -> {"op":"subscribe","args":["order.spot","order.linear","execution.spot","execution.linear"]}
    <- {"success":true,"op":"subscribe",...}      now the stream is up
    <- {"topic":"order.linear","data":[...],...}

Nothing is told of what stands when the stream comes up, and there are no sequence numbers: who hears `Up` compares with orders
and executions.  The topics over all categories would tell of inverse contracts and options too, which no list here has: they are
not asked for, and what is told of such categories is left out.  A ping every 20 s is answered; a silence of 40 s ends the
connection.
Document: bybit-exchange.github.io/docs/v5/ws/connect, /websocket/private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping.reports import Heard, Reader
from floorbroker.brokers.bybit.mapping.symbols import CATEGORIES
from floorbroker.brokers.bybit.stream.pulse import Pulse
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import Denied, OrderEvent, Up

# Never beside the topics over all categories, which the venue refuses.
TOPICS = tuple(f"{kind}.{category}" for kind in ("order", "execution") for category in CATEGORIES)
_SUBSCRIBE = msgspec.json.encode({"req_id": "subscribe", "op": "subscribe", "args": TOPICS}).decode()

Actions = Sequence[Action[OrderEvent]]
T = TypeVar("T", wire.Order, wire.Execution)


class PrivateSession:
    """`Session` of /v5/private.  `login` writes the log-in of a new connection."""

    def __init__(self, reader: Reader, *, login: Callable[[], str]) -> None:
        self._reader = reader
        self._login = login
        self._is_up = False
        self._pulse = Pulse("private stream")  # it asks to be logged in, and to subscribe

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._pulse.begin(now_s)
        self._pulse.asked_s = now_s
        return [Send(self._login())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._pulse.heard_s = now_s
        if not frame:
            return []
        try:
            message = wire.decode(frame, wire.Message, what="a message of the private stream")
            if message.topic:
                return self._on_data(message, at)
            return self._on_answer(message, now_s)
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        return self._pulse.beat(now_s)

    def _on_answer(self, message: wire.Message, now_s: float) -> Actions:
        match message.op, message.success:
            case "auth", True:
                self._pulse.asked_s = now_s
                return [Send(_SUBSCRIBE)]
            case "auth", _:
                return self._on_denial(message.ret_msg or "")
            case "subscribe", True:
                return self._on_subscribed()
            case "subscribe", _:
                return [Reconnect("the venue does not take the subscription to the private topics")]
            case _:
                return []

    def _on_denial(self, text: str) -> Actions:
        """A log-in that came too late is no denial: the next one is written anew."""
        if "expire" in text.lower():
            return [Reconnect("the log-in on the private stream came too late")]
        return [Emit(Denied("the venue does not accept the credentials on the private stream"))]

    def _on_subscribed(self) -> Actions:
        self._pulse.asked_s = None
        was_up, self._is_up = self._is_up, True
        return [] if was_up else [Emit(Up())]

    def _on_data(self, message: wire.Message, at: datetime) -> Actions:
        """Topics of one category (`order.linear`), or of all; each thing told says its category itself as well."""
        kind, _, listed = message.topic.partition(".")
        heard = Heard(source=Source.STREAM, at=at)
        if kind == "order":
            orders = _traded(wire.decode(message.data, list[wire.Order], what="an order message"), listed)
            return [Emit(self._reader.order(order, heard, category=category)) for category, order in orders]
        if kind == "execution":
            told = wire.decode(message.data, list[wire.Execution], what="an execution message")
            made = [self._reader.execution(one, heard, category=category) for category, one in _traded(told, listed)]
            return [Emit(report) for report in made if report is not None]
        return []


def _traded(told: Sequence[T], listed: str) -> list[tuple[str, T]]:
    """What belongs to a category that is traded here, with it.  Raises `ApiError` for what tells none."""
    found = [(one.category or listed, one) for one in told]
    if not all(category for category, _ in found):
        raise ApiError("a message of the private stream lacks a category", broker=BROKER)
    return [(category, one) for category, one in found if category in CATEGORIES]
