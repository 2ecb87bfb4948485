"""A market data stream: one connection a feed, shared by every subscription (a second one is refused with 406).

    <- [{"T":"success","msg":"connected"}]
    -> {"action":"auth",...}
    <- [{"T":"success","msg":"authenticated"}]
    -> {"action":"subscribe","trades":["AAPL"],...}
    <- [{"T":"subscription",...}]         the full state
    <- [{"T":"q",...},{"T":"t",...}]      every frame is an array

JSON is spoken by default.  A feed is quiet outside its hours, so silence is answered by subscribing to the same once more.
Document: docs.alpaca.markets/docs/streaming-market-data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.auth import Credentials, data_login
from floorbroker.brokers.alpaca.mapping.market import event_from
from floorbroker.brokers.alpaca.mapping.values import to_wire_symbol
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp

CHANNELS: Mapping[DataKind, str] = MappingProxyType(
    {DataKind.QUOTES: "quotes", DataKind.TRADES: "trades", DataKind.BARS: "bars", DataKind.BOOK: "orderbooks"}
)
Wanted = frozenset[tuple[DataKind, str]]

_ANSWER_S = 10.0
_SILENCE_S = 30.0

# What an error frame means.  Others, and new ones, are answered with another connection.
_FATAL = frozenset({402, 408, 409})  # auth failed, plan without this feed: coming back does not help
_KEPT = frozenset({400, 403, 405})  # one request was wrong; the stream goes on


class DataSession:
    """`Session` of one feed.  `want` and `unwant` may be called at any time."""

    def __init__(self, credentials: Credentials, *, source: str) -> None:
        self._credentials = credentials
        self._source = source
        self._wanted: set[tuple[DataKind, str]] = set()
        self._is_up = False
        self._heard_s: float | None = None
        self._asked_s: float | None = None

    @property
    def wanted(self) -> Wanted:
        """Kinds and symbols asked for."""
        return frozenset(self._wanted)

    def want(self, more: Iterable[tuple[DataKind, str]]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        fresh = set(more) - self._wanted
        self._wanted |= fresh
        return [Send(_request("subscribe", fresh))] if fresh and self._is_up else []

    def unwant(self, less: Iterable[tuple[DataKind, str]]) -> Actions:
        """Let go of what is subscribed."""
        gone = self._wanted & set(less)
        self._wanted -= gone
        return [Send(_request("unsubscribe", gone))] if gone and self._is_up else []

    def again(self, pairs: Iterable[tuple[DataKind, str]]) -> Actions:
        """Ask anew for what is subscribed: a book comes whole then."""
        known = self._wanted & set(pairs)
        words = ("unsubscribe", "subscribe") if known and self._is_up else ()
        return [Send(_request(word, known)) for word in words]

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._heard_s = self._asked_s = now_s
        return []

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del at
        self._heard_s = now_s
        if not frame:
            return []
        try:
            messages = wire.decode(frame, list[wire.DataMessage], what="a market data frame")
            return [action for message in messages for action in self._on_message(message, now_s)]
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        if self._asked_s is not None:
            if now_s - self._asked_s > _ANSWER_S:
                return [Reconnect("the feed does not answer")]
            return []
        if self._wanted and self._heard_s is not None and now_s - self._heard_s > _SILENCE_S:
            self._asked_s = now_s
            return [Send(_request("subscribe", self._wanted))]
        return []

    def _on_message(self, message: wire.DataMessage, now_s: float) -> Actions:
        match message.kind:
            case "success":
                return self._on_success(message.msg, now_s)
            case "subscription":
                self._asked_s = None
                return []
            case "error":
                return self._on_error(message)
            case _:
                self._asked_s = None if self._is_up else self._asked_s
                event = event_from(message, source=self._source)
                return [] if event is None else [Emit(event)]

    def _on_success(self, text: str | None, now_s: float) -> Actions:
        if text == "connected":
            self._asked_s = now_s
            return [Send(data_login(self._credentials))]
        if text != "authenticated":
            return []
        self._is_up = True
        self._asked_s = now_s if self._wanted else None
        subscribe = [Send(_request("subscribe", self._wanted))] if self._wanted else []
        return [Emit(FeedUp()), *subscribe]

    def _on_error(self, message: wire.DataMessage) -> Actions:
        code, text = message.code or 0, (message.msg or "")[:200]
        told = Emit(FeedError(code, text, fatal=code in _FATAL, denied=code == 402))
        if code in _FATAL or code in _KEPT:
            self._asked_s = None
            return [told]
        return [told, Reconnect(f"the feed says {code} {text}")]


def _request(action: str, wanted: Iterable[tuple[DataKind, str]]) -> str:
    channels: dict[str, list[str]] = {}
    for kind, symbol in sorted(wanted, key=lambda item: (item[0].value, item[1])):
        channels.setdefault(CHANNELS[kind], []).append(to_wire_symbol(symbol))
    return msgspec.json.encode({"action": action, **channels}).decode()
