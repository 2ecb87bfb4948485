"""The market data stream: one session at a time, with the whole wanted list in each request.

    -> {"symbols":["AAPL"],"sessionid":"...","filter":["quote","trade"],"linebreak":true,"validOnly":true}
    <- {"type":"quote","symbol":"AAPL","bid":150.49,...}

Several messages may stand in one frame, a line each.  Numbers come as text or as numbers.
Document: documentation.tradier.com/brokerage-api/streaming/wss-market-websocket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.market import stream_event
from floorbroker.brokers.tradier.mapping.values import to_wire_symbol
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp

FILTERS: Mapping[DataKind, str] = MappingProxyType({DataKind.QUOTES: "quote", DataKind.TRADES: "trade"})
_NOT_VALID = "is not a valid symbol"


class DataSession:
    """`Session` of /v1/markets/events.  `sessionid` is asked for with each request."""

    def __init__(self, *, sessionid: Callable[[], str]) -> None:
        self._sessionid = sessionid
        self._wanted: set[tuple[DataKind, str]] = set()
        self._is_open = False

    def want(self, more: Iterable[tuple[DataKind, str]]) -> Actions:
        """Subscribe to what is not subscribed yet: the whole list is sent anew."""
        fresh = set(more) - self._wanted
        self._wanted |= fresh
        return self._request() if fresh and self._is_open else []

    def unwant(self, less: Iterable[tuple[DataKind, str]]) -> Actions:
        """Let go of what is subscribed."""
        gone = self._wanted & set(less)
        self._wanted -= gone
        return self._request() if gone and self._wanted and self._is_open else []

    def again(self, pairs: Iterable[tuple[DataKind, str]]) -> Actions:
        """Ask anew for what is subscribed."""
        return self._request() if self._wanted & set(pairs) and self._is_open else []

    def on_open(self, now_s: float) -> Actions:
        del now_s
        self._is_open = True
        return [*(self._request() if self._wanted else []), Emit(FeedUp())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del now_s
        try:
            return [action for line in frame.splitlines() if line.strip() for action in self._on_line(line, at)]
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        """A quiet market is quiet, and nothing can be asked: the socket's own pings tell a dead connection."""
        del now_s
        return []

    def _on_line(self, line: bytes, at: datetime) -> Actions:
        message = wire.decode(line, wire.MarketMessage, what="a market data message")
        if message.error is not None:
            told = Emit(FeedError("error", message.error[:200]))
            return [told] if _NOT_VALID in message.error else [told, Reconnect("the feed turned the request down")]
        event = stream_event(message, at)
        if event is None:
            return []
        kind = DataKind.QUOTES if message.type == "quote" else DataKind.TRADES
        return [Emit(event)] if (kind, event.symbol) in self._wanted else []

    def _request(self) -> Actions:
        """The filter holds for all symbols, so what was not asked for is dropped here."""
        body = {
            "symbols": sorted({to_wire_symbol(symbol) for _, symbol in self._wanted}),
            "sessionid": self._sessionid(),
            "filter": sorted({FILTERS[kind] for kind, _ in self._wanted}),
            "linebreak": True,
            "validOnly": True,
        }
        return [Send(msgspec.json.encode(body).decode())]
