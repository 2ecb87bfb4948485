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
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import Denied, OrderEvent, Up

# Never beside the topics over all categories, which the venue refuses.
TOPICS = tuple(f"{kind}.{category}" for kind in ("order", "execution") for category in CATEGORIES)
PING_S = 20.0
SILENCE_S = 40.0
ANSWER_S = 10.0
_SUBSCRIBE = msgspec.json.encode({"req_id": "subscribe", "op": "subscribe", "args": TOPICS}).decode()

Actions = Sequence[Action[OrderEvent]]
T = TypeVar("T", wire.Order, wire.Execution)


def ping(number: int) -> str:
    """A sign of life, which every socket of the venue answers."""
    return f'{{"req_id":"{number}","op":"ping"}}'


class PrivateSession:
    """`Session` of /v5/private.  `login` writes the log-in of a new connection."""

    def __init__(self, reader: Reader, *, login: Callable[[], str]) -> None:
        self._reader = reader
        self._login = login
        self._is_up = False
        self._heard_s = 0.0
        self._pinged_s = 0.0
        self._asked_s: float | None = None  # a question is out: log-in or subscription
        self._pings = 0

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._heard_s = self._pinged_s = self._asked_s = now_s
        return [Send(self._login())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
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
        if self._asked_s is not None and now_s - self._asked_s > ANSWER_S:
            return [Reconnect("the private stream does not answer")]
        if now_s - self._heard_s > SILENCE_S:
            return [Reconnect("the private stream is silent")]
        if now_s - self._pinged_s < PING_S:
            return []
        self._pinged_s = now_s
        self._pings += 1
        return [Send(ping(self._pings))]

    def _on_answer(self, message: wire.Message, now_s: float) -> Actions:
        match message.op, message.success:
            case "auth", True:
                self._asked_s = now_s
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
        self._asked_s = None
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
