"""The market data feed v3: JSON out in binary frames, protobuf in.

    -> {"guid":"fb-1","method":"sub","data":{"mode":"full","instrumentKeys":["NSE_EQ|INE002A01018"]}}
    <- market_info          how the segments stand
    <- initial_feed         what was before
    <- live_feed            what changes

`full` tells the last trade and five levels.  There is no answer to a subscription, no sequence, and no trade of its own: a last
trade that is another than before is one, and of several in a moment only the last is told.  A closed market is silent; the
venue's pings tell a dead connection.
Document: upstox.com/developer/api-documentation/v3/get-market-data-feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker.brokers.upstox import codec
from floorbroker.brokers.upstox.mapping.values import from_ms, price
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.values import Price
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedUp, Pair

MODE = "full"
KINDS = frozenset({DataKind.QUOTES, DataKind.TRADES})
_KEYS_A_REQUEST = 100


class MarketSession:
    """`FeedSession` of the feed.  `key_of` is the venue's key for a symbol, None where it is not known."""

    def __init__(self, *, key_of: Callable[[str], str | None]) -> None:
        self._key_of = key_of
        self._wanted: set[Pair] = set()
        self._symbols: dict[str, str] = {}  # what each key is, of those that are wanted
        self._last: dict[str, codec.Last] = {}
        self._is_open = False
        self._requests = 0

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        before = set(self._symbols)
        self._wanted |= set(more)
        self._name()
        return self._ask("sub", set(self._symbols) - before)

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what nothing else needs."""
        before = set(self._symbols)
        self._wanted -= set(less)
        self._name()
        gone = before - set(self._symbols)
        for key in gone:
            self._last.pop(key, None)
        return self._ask("unsub", gone)

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """There are no books here."""
        del pairs
        return []

    def on_open(self, now_s: float) -> Actions:
        del now_s
        self._is_open = True
        self._last.clear()
        return [Emit(FeedUp()), *self._ask("sub", self._symbols)]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del now_s
        if not frame:
            return []
        try:
            message = codec.read(frame)
            return [event for key, feed in message.feeds.items() for event in self._told(key, feed, message, at)]
        except codec.Malformed as error:
            return [Reconnect(f"a frame of the feed cannot be read: {error}")]
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        del now_s
        return []

    def _name(self) -> None:
        keyed = ((self._key_of(symbol), symbol) for _, symbol in self._wanted)
        self._symbols = {key: symbol for key, symbol in keyed if key is not None}

    def _ask(self, method: str, keys: Iterable[str]) -> list[Send]:
        """Nothing while the connection is down, since `on_open` asks for all."""
        names = sorted(keys) if self._is_open else []
        return [
            self._request(method, names[start : start + _KEYS_A_REQUEST])
            for start in range(0, len(names), _KEYS_A_REQUEST)
        ]

    def _request(self, method: str, keys: list[str]) -> Send:
        self._requests += 1
        data: dict[str, object] = (
            {"mode": MODE, "instrumentKeys": keys} if method == "sub" else {"instrumentKeys": keys}
        )
        return Send(msgspec.json.encode({"guid": f"fb-{self._requests}", "method": method, "data": data}))

    def _told(self, key: str, feed: codec.Feed, message: codec.Message, at: datetime) -> Iterator[Emit[Quote | Trade]]:
        symbol = self._symbols.get(key)
        if symbol is None:
            return
        told_at = from_ms(message.at_ms) if message.at_ms else at
        if feed.best is not None and (DataKind.QUOTES, symbol) in self._wanted:
            yield Emit(_quote(symbol, feed, feed.best, told_at))
        if feed.last is not None:
            before = self._last.get(key)
            self._last[key] = feed.last
            is_news = message.kind == codec.LIVE_FEED and feed.last != before and feed.last.size > 0
            if is_news and (DataKind.TRADES, symbol) in self._wanted and (trade := _trade(symbol, feed.last, told_at)):
                yield Emit(trade)


def _quote(symbol: str, feed: codec.Feed, best: codec.Best, at: datetime) -> Quote:
    return Quote(
        symbol=symbol,
        bid=_above(best.bid),
        ask=_above(best.ask),
        bid_size=Decimal(max(best.bid_size, 0)),
        ask_size=Decimal(max(best.ask_size, 0)),
        last=None if feed.last is None else _above(feed.last.price),
        time=at,
        source="upstox stream",
    )


def _trade(symbol: str, last: codec.Last, at: datetime) -> Trade | None:
    traded = _above(last.price)
    if traded is None:
        return None
    return Trade(
        symbol=symbol, price=traded, size=Decimal(last.size), time=from_ms(last.time_ms) if last.time_ms else at
    )


def _above(value: Decimal) -> Price | None:
    """A price above zero, of sensible size.  Raises `ApiError`."""
    checked = price(value)
    return checked if checked is not None and checked > 0 else None
