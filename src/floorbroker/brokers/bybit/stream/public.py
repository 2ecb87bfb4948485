"""A public stream of one category: order books, tickers, trades and bars of many symbols over one connection.

    -> {"op":"subscribe","args":["orderbook.50.BTCUSDT",...]}     ten topics a request at most
    <- {"success":true,"op":"subscribe",...}
    <- {"topic":"orderbook.50.BTCUSDT","type":"snapshot","data":{...}}
    <- {"topic":"orderbook.50.BTCUSDT","type":"delta","data":{...}}

A book begins with a snapshot; a later one, and any message numbered 1, replaces it.  Depth 1 has snapshots alone.  Quotes of
perpetuals are their tickers, whose deltas leave out what is unchanged; a spot ticker has no bid and no ask here, so quotes of
spot are its book of depth 1.  Of bars those are told that are finished.
Documents: bybit-exchange.github.io/docs/v5/ws/connect, /websocket/public/orderbook, /ticker, /trade, /kline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping import market
from floorbroker.brokers.bybit.mapping.symbols import SPOT, Symbols, to_wire
from floorbroker.brokers.bybit.mapping.values import moment_needed
from floorbroker.brokers.bybit.stream.pulse import Pulse
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.records import BookDelta, DataKind, Quote
from floorbroker.domain.values import ZERO, Price
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp, Pair

ARGS_MAX = 10
_BOOK = b'"topic":"orderbook.'
_LOOKED_INTO = 256
_DONE = "1"  # minutes of a bar
_FIXED: Mapping[DataKind, str] = MappingProxyType({DataKind.TRADES: "publicTrade", DataKind.BARS: f"kline.{_DONE}"})


class PublicSession:
    """`FeedSession` of /v5/public/{category}.  Without a `depth` books of every depth are told (replays)."""

    def __init__(self, category: str, symbols: Symbols, *, depth: int | None) -> None:
        self._category = category
        self._symbols = symbols
        self._depth = depth
        self._wanted: set[Pair] = set()
        self._tickers: dict[str, market.TickerState] = {}
        self._is_up = False
        self._pulse = Pulse("feed")
        self._unanswered = 0
        self._now_s = 0.0

    # -- subscriptions --------------------------------------------------------------------------------------------------

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        before = self._topics()
        self._wanted |= set(more)
        return self._ask("subscribe", self._topics() - before)

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what nothing else needs."""
        before = self._topics()
        self._wanted -= set(less)
        return self._ask("unsubscribe", before - self._topics())

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """Ask anew for what is subscribed: a book comes whole then."""
        topics = {self.topic_of(pair) for pair in self._wanted & set(pairs)}
        return [*self._ask("unsubscribe", topics), *self._ask("subscribe", topics)]

    def topic_of(self, pair: Pair) -> str:
        """The venue's name for a kind of one symbol."""
        kind, symbol = pair
        spelled = to_wire(symbol).symbol
        if kind is DataKind.BOOK:
            return f"orderbook.{self._depth or 50}.{spelled}"
        if kind is DataKind.QUOTES:
            return f"orderbook.1.{spelled}" if self._category == SPOT else f"tickers.{spelled}"
        return f"{_FIXED[kind]}.{spelled}"

    def _topics(self) -> frozenset[str]:
        return frozenset(self.topic_of(pair) for pair in self._wanted)

    def _ask(self, op: str, topics: Iterable[str]) -> list[Send]:
        """Ten topics a request; nothing while the connection is down, since `on_open` asks for all."""
        if not self._is_up:
            return []
        names = sorted(topics)
        parts = [names[start : start + ARGS_MAX] for start in range(0, len(names), ARGS_MAX)]
        if parts and self._pulse.asked_s is None:
            self._pulse.asked_s = self._now_s
        self._unanswered += len(parts)
        return [Send(msgspec.json.encode({"req_id": op, "op": op, "args": part}).decode()) for part in parts]

    # -- the connection ---------------------------------------------------------------------------------------------------

    def on_open(self, now_s: float) -> Actions:
        """Nobody logs in here."""
        self._is_up = True
        self._now_s, self._unanswered = now_s, 0
        self._pulse.begin(now_s)
        self._tickers.clear()
        return [Emit(FeedUp()), *self._ask("subscribe", self._topics())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del at
        self._now_s = self._pulse.heard_s = now_s
        if not frame:
            return []
        try:
            if _BOOK in frame[:_LOOKED_INTO]:
                return list(self._on_book(wire.decode(frame, wire.BookMessage, what="a book message")))
            message = wire.decode(frame, wire.Message, what="a message of a public stream")
            return list(self._on_data(message)) if message.topic else self._on_answer(message, now_s)
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        self._now_s = now_s
        return self._pulse.beat(now_s)

    def _on_answer(self, message: wire.Message, now_s: float) -> Actions:
        if message.op not in ("subscribe", "unsubscribe"):
            return []
        self._unanswered = max(0, self._unanswered - 1)
        self._pulse.asked_s = now_s if self._unanswered else None
        if message.success is False:
            return [Emit(FeedError(message.op, (message.ret_msg or "")[:200]))]
        return []

    # -- data -------------------------------------------------------------------------------------------------------------

    def _on_book(self, message: wire.BookMessage) -> Iterator[Emit[MarketEvent]]:
        depth = message.topic.partition(".")[2].partition(".")[0]
        symbol = self._symbols.from_wire(self._category, message.data.s)
        if message.type not in ("snapshot", "delta"):
            raise ApiError("a book message is neither a snapshot nor a delta", broker="BYBIT")
        at = moment_needed(message.cts or message.ts)
        delta = market.book_delta(symbol, message.data, is_whole=message.type == "snapshot", at=at)
        if depth == "1" and (DataKind.QUOTES, symbol) in self._wanted:
            yield Emit(_best(delta))
        if self._depth is None or depth == str(self._depth):
            yield Emit(delta)

    def _on_data(self, message: wire.Message) -> Iterator[Emit[MarketEvent]]:
        kind, _, rest = message.topic.partition(".")
        match kind:
            case "orderbook":  # with its members in an unusual order
                book = wire.decode(message.data, wire.Book, what="a book message")
                yield from self._on_book(
                    wire.BookMessage(topic=message.topic, type=message.type, data=book, ts=message.ts, cts=message.cts)
                )
            case "tickers":
                ticker = wire.decode(message.data, wire.Ticker, what="a ticker message")
                yield from self._on_ticker(ticker, rest, message)
            case "publicTrade":
                for trade in wire.decode(message.data, list[wire.PublicTrade], what="a trade message"):
                    yield Emit(market.trade_from(self._symbols.from_wire(self._category, trade.symbol), trade))
            case "kline":
                symbol = self._symbols.from_wire(self._category, rest.partition(".")[2])
                for kline in wire.decode(message.data, list[wire.Kline], what="a bar message"):
                    if kline.confirm:
                        yield Emit(market.bar_from(symbol, kline))
            case _:
                return

    def _on_ticker(self, ticker: wire.Ticker, spelled: str, message: wire.Message) -> Iterator[Emit[MarketEvent]]:
        if self._category == SPOT:
            return
        state = self._tickers.get(spelled)
        if state is None:
            state = market.TickerState(self._symbols.from_wire(self._category, spelled))
            self._tickers[spelled] = state
        at = moment_needed(message.ts)
        quote = state.whole(ticker, at) if message.type == "snapshot" else state.delta(ticker, at)
        if quote is not None:
            yield Emit(quote)


def _best(delta: BookDelta) -> Quote:
    """The quote in a book of depth 1."""
    bid = delta.bids[0] if delta.bids else None
    ask = delta.asks[0] if delta.asks else None
    return Quote(
        symbol=delta.symbol,
        bid=None if bid is None else Price(bid.price),
        ask=None if ask is None else Price(ask.price),
        bid_size=ZERO if bid is None else bid.size,
        ask_size=ZERO if ask is None else ask.size,
        time=delta.time,
        source=market.SOURCE,
    )
