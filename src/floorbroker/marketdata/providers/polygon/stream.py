"""A stream of one market: one connection for each key and market, shared by every subscription.

    <- [{"ev":"status","status":"connected",...}]
    -> {"action":"auth","params":KEY}
    <- [{"ev":"status","status":"auth_success",...}]
    -> {"action":"subscribe","params":"T.AAPL,Q.AAPL"}
    <- [{"ev":"status","status":"success",...}]   one for each topic
    <- [{"ev":"T",...},{"ev":"Q",...}]

A market is quiet outside its hours and has no heartbeat of its own; what is silent while it should not be is asked for once more.
Nothing resumes: what happened while a connection was down is in the history.  Document: massive.com/docs/websocket/quickstart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.secret import Secret
from floorbroker.marketdata.providers.polygon import wire
from floorbroker.marketdata.providers.polygon.auth import login
from floorbroker.marketdata.providers.polygon.mapping import MARKETS, event_of, topic_of
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedSession, FeedUp, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

_ANSWER_S = 10.0
_SILENCE_S = 60.0
_DENIED = "auth_failed"
_GONE = frozenset({"max_connections", "slow_consumer", "force_disconnect", "auth_timeout"})


class MarketSession:
    """`Session` of one market."""

    def __init__(self, key: Secret) -> None:
        self._key = key
        self._wanted: set[Pair] = set()
        self._is_up = False
        self._heard_s: float | None = None
        self._asked_s: float | None = None

    def want(self, more: Iterable[Pair]) -> Actions:
        fresh = set(more) - self._wanted
        self._wanted |= fresh
        return [Send(_request("subscribe", fresh))] if fresh and self._is_up else []

    def unwant(self, less: Iterable[Pair]) -> Actions:
        gone = self._wanted & set(less)
        self._wanted -= gone
        return [Send(_request("unsubscribe", gone))] if gone and self._is_up else []

    def again(self, pairs: Iterable[Pair]) -> Actions:
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
        try:
            events = wire.decode(frame, list[wire.Event], what="a frame of the stream")
            return [action for event in events for action in self._on_event(event, now_s)]
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        if self._asked_s is not None:
            return [Reconnect("the stream does not answer")] if now_s - self._asked_s > _ANSWER_S else []
        if self._wanted and self._heard_s is not None and now_s - self._heard_s > _SILENCE_S:
            self._asked_s = now_s
            return [Send(_request("subscribe", self._wanted))]
        return []

    def _on_event(self, event: wire.Event, now_s: float) -> Actions:
        if event.ev == "status":
            return self._on_status(event, now_s)
        self._asked_s = None if self._is_up else self._asked_s
        found = event_of(event)
        return [] if found is None else [Emit(found)]

    def _on_status(self, event: wire.Event, now_s: float) -> Actions:
        text = f"{event.status} {event.message}"[:200]
        match event.status:
            case "connected":
                self._asked_s = now_s
                return [Send(login(self._key))]
            case "auth_success":
                self._is_up = True
                self._asked_s = now_s if self._wanted else None
                subscribe = [Send(_request("subscribe", self._wanted))] if self._wanted else []
                return [Emit(FeedUp()), *subscribe]
            case "success":
                self._asked_s = None
                return []
            case status if status == _DENIED:
                return [Emit(FeedError(status, text, fatal=True, denied=True))]
            case status if status in _GONE:
                return [Emit(FeedError(status, text)), Reconnect(f"the stream says {text}")]
            case status:
                self._asked_s = None
                return [Emit(FeedError(status, text))]


def _request(action: str, pairs: Iterable[Pair]) -> str:
    topics = sorted(topic_of(kind, symbol) for kind, symbol in pairs)
    return msgspec.json.encode({"action": action, "params": ",".join(topics)}).decode()


class StreamPlan:
    """The `FeedPlan`: a line for shares and one for coins."""

    aside = b""

    def __init__(self, *, origin: str, key: Secret) -> None:
        self._origin = origin
        self._key = key

    def spelled(self, symbol: str) -> str | None:
        """There are no books."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        topic_of(kind, symbol)
        market = MARKETS.get(asset_class_of(symbol))
        if market is None:
            raise NotSupported(f"Polygon streams nothing of {symbol}")
        return market

    def most(self, line: str) -> int | None:
        """No bound is documented."""
        del line
        return None

    def session(self, line: str) -> FeedSession:
        del line
        return MarketSession(self._key)

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}/{line}")

        return target
