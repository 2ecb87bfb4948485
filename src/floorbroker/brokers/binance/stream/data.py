"""Market data: one combined stream carries up to 1,024 symbols and kinds.

    -> {"method":"SUBSCRIBE","params":["btcusdt@trade",...],"id":1}
    <- {"result":null,"id":1}
    <- {"stream":"btcusdt@trade","data":{...}}

Nobody logs in.  The venue takes five messages a second and drops who sends more, pings and pongs counted; so subscriptions are
gathered, and two messages leave between two ticks of about a second at most.  A quiet stream is asked what it carries, whose
answer is the sign of life.  A change of a book is told to `on_chain` when it is the first since a connection opened: then the
whole book has to be asked for.
Document: developers.binance.com/docs/binance-spot-api-docs/web-socket-streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping import market
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp, Pair

CHANNELS: Mapping[DataKind, str] = MappingProxyType(
    {
        DataKind.QUOTES: "bookTicker",
        DataKind.TRADES: "trade",
        DataKind.BARS: "kline_1m",
        DataKind.BOOK: "depth@100ms",
    }
)
OnChain = Callable[[str, int], None]

_MESSAGES_A_TICK = 2
_STREAMS_A_MESSAGE = 100
_ANSWER_S = 10.0
_SILENCE_S = 30.0
_LIFE_S = 23.5 * 3600  # the venue ends a connection at 24 hours; at a moment of our own choice it is over sooner


class DataSession:
    """`FeedSession` of a combined stream.  `on_chain` hears a symbol and the number of its first change, and returns at once."""

    def __init__(self, symbols: Symbols, *, on_chain: OnChain) -> None:
        self._symbols = symbols
        self._on_chain = on_chain
        self._wanted: set[Pair] = set()
        self._joining: dict[Pair, None] = {}
        self._leaving: dict[Pair, None] = {}
        self._chains: dict[str, int] = {}  # the last change of each book since the connection opened
        self._is_up = False
        self._may_send = 0
        self._number = 0
        self._opened_s = self._heard_s = 0.0
        self._asked_s: float | None = None
        self._now_s = 0.0

    # -- what is wanted -----------------------------------------------------------------------------------------------

    def want(self, more: Iterable[Pair]) -> Actions:
        for pair in more:
            if pair not in self._wanted:
                self._wanted.add(pair)
                self._leaving.pop(pair, None)
                self._joining[pair] = None
        return self._flush()

    def unwant(self, less: Iterable[Pair]) -> Actions:
        for pair in less:
            if pair in self._wanted:
                self._wanted.discard(pair)
                self._chains.pop(pair[1], None)
                if pair in self._joining:
                    del self._joining[pair]
                else:
                    self._leaving[pair] = None
        return self._flush()

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """The stream itself brings no whole book: it is asked for once more."""
        for kind, symbol in pairs:
            if kind is DataKind.BOOK and symbol in self._chains:
                self._on_chain(symbol, self._chains[symbol] + 1)
        return []

    # -- the connection -----------------------------------------------------------------------------------------------

    def on_open(self, now_s: float) -> Actions:
        self._is_up, self._may_send = True, _MESSAGES_A_TICK
        self._now_s = self._opened_s = self._heard_s = now_s
        self._asked_s = None
        self._chains.clear()
        self._leaving.clear()
        self._joining = dict.fromkeys(sorted(self._wanted, key=lambda pair: (pair[0].value, pair[1])))
        return [Emit(FeedUp()), *self._flush()]

    def on_tick(self, now_s: float) -> Actions:
        self._now_s, self._may_send = now_s, _MESSAGES_A_TICK
        if self._asked_s is not None and now_s - self._asked_s > _ANSWER_S:
            return [Reconnect("the stream does not answer")]
        if now_s - self._opened_s > _LIFE_S:
            return [Reconnect("the connection is nearly a day old")]
        if self._wanted and self._asked_s is None and now_s - self._heard_s > _SILENCE_S:
            return [self._said("LIST_SUBSCRIPTIONS", None)]
        return self._flush()

    def _flush(self) -> Actions:
        """As many messages as may be sent now; the rest follows with the next ticks."""
        if not self._is_up:
            return []
        sent: list[Send] = []
        for method, pending in (("UNSUBSCRIBE", self._leaving), ("SUBSCRIBE", self._joining)):
            while pending and self._may_send > 0:
                batch = list(pending)[:_STREAMS_A_MESSAGE]
                for pair in batch:
                    del pending[pair]
                sent.append(self._said(method, [self._stream_name(pair) for pair in batch]))
        return sent

    def _said(self, method: str, params: Sequence[str] | None) -> Send:
        self._may_send -= 1
        self._number += 1
        self._asked_s = self._now_s
        named = {} if params is None else {"params": params}
        return Send(msgspec.json.encode({"method": method, **named, "id": self._number}).decode())

    def _stream_name(self, pair: Pair) -> str:
        kind, symbol = pair
        return f"{self._symbols.to_wire(symbol).lower()}@{CHANNELS[kind]}"

    # -- frames -------------------------------------------------------------------------------------------------------

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._now_s = self._heard_s = now_s
        if not frame:
            return []
        try:
            return self._on_message(wire.decode(frame, wire.StreamMessage, what="a market data frame"), at)
        except ApiError as error:
            return [Reconnect(error.detail)]

    def _on_message(self, told: wire.StreamMessage, at: datetime) -> Actions:
        if "serverShutdown" in (told.e, (told.stream or "").lstrip("!")):
            return [Reconnect("the venue shuts this server down")]
        if told.code is not None:
            self._asked_s = None
            return [Emit(FeedError(told.code, (told.msg or "")[:200]))]
        if told.stream is None:
            self._asked_s = None if told.id is not None else self._asked_s
            return []
        event = self._event(told.stream.partition("@")[2], told.data, at)
        return [] if event is None else [Emit(event)]

    def _event(self, channel: str, data: msgspec.Raw, at: datetime) -> MarketEvent | None:
        """None for kinds that are no event of ours."""
        match channel.partition("@")[0].partition("_")[0]:
            case "bookTicker":
                quote = wire.decode(data, wire.StreamTicker, what="a quote")
                return market.stream_quote(self._symbols.from_wire(quote.symbol), quote, at=at)
            case "trade":
                trade = wire.decode(data, wire.StreamTrade, what="a trade")
                return market.stream_trade(self._symbols.from_wire(trade.symbol), trade)
            case "aggTrade":
                whole = wire.decode(data, wire.StreamAggregate, what="a trade")
                return market.stream_aggregate(self._symbols.from_wire(whole.symbol), whole)
            case "kline":
                bar = wire.decode(data, wire.StreamKline, what="a bar").k
                return market.stream_bar(self._symbols.from_wire(bar.symbol), bar)
            case "depth":
                return self._on_depth(wire.decode(data, wire.Depth, what="a change of a book"))
            case _:
                return None

    def _on_depth(self, told: wire.Depth) -> MarketEvent:
        symbol = self._symbols.from_wire(told.symbol)
        delta = market.delta_from(symbol, told)
        is_first = symbol not in self._chains
        self._chains[symbol] = told.last
        if is_first:
            self._on_chain(symbol, told.first)
        return delta
