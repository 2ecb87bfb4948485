"""The public stream: one connection for every kind and symbol.

    <- {"channel":"status",...}                       the system's state
    -> {"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true},"req_id":1}
    <- {"method":"subscribe","result":{"channel":"book","symbol":"BTC/USD",...},"success":true,...}     one a symbol
    <- {"channel":"book","type":"snapshot","data":[...]}
    <- {"channel":"heartbeat"}                        once a second when nothing else is said

Books have no numbers: their checksum is the only proof.  It is made of digits, so precisions are learnt from the instrument
channel before a book is asked for.  A bar is told with every trade while it grows; it is handed on once, when the next one
begins or its time is over.  The rate of messages is limited and the limit not published, so many subscriptions leave in few
messages, and never more than a handful at once.
Documents: docs.kraken.com/exchange/api-reference/spot-websocket-v2 (book, ticker, trade, ohlc, instrument).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping import market
from floorbroker.brokers.kraken.mapping.market import Precision
from floorbroker.brokers.kraken.mapping.values import moment
from floorbroker.brokers.kraken.stream.pulse import ANSWER_S, Pulse, request
from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedEvent, FeedUp, Pair

CHANNELS: Mapping[DataKind, str] = MappingProxyType(
    {DataKind.QUOTES: "ticker", DataKind.TRADES: "trade", DataKind.BARS: "ohlc", DataKind.BOOK: "book"}
)
Actions = Sequence[Action[FeedEvent]]

_SYMBOLS_MAX = 100  # in one message
_BURST = 20  # messages at once, and half as many with every second
_PRECISION_MAX = 18
_BAR_MIN = 1
_INTERVAL_MAX = 21_600  # minutes
_BAR_GRACE_S = 2.0  # for trades on their way when a bar's time is over
_ALREADY = "Already subscribed"
_ONLINE = "online"


@dataclass(slots=True)
class _Growing:
    """A bar that may still change, the monotonic time at which it is over, and whether it was handed on."""

    bar: Bar
    over_s: float
    told: bool = False


class MarketSession:
    """`FeedSession` of the public stream.  `depth` is the number of levels a side of a book."""

    def __init__(self, *, depth: int = 10) -> None:
        self._depth = depth
        self._wanted: set[Pair] = set()
        self._waiting_s: dict[tuple[str, str], float | None] = {}
        self._growing: dict[str, _Growing] = {}
        self._queue: deque[str] = deque()
        self._budget = _BURST
        self._pulse = Pulse()
        self._is_open = False
        self._asked_instruments = False
        self._number = 0
        self.precisions: dict[str, Precision] = {}

    # -- subscriptions --------------------------------------------------------------------------------------------------

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        fresh = set(more) - self._wanted
        self._wanted |= fresh
        return self._say("subscribe", fresh)

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what is subscribed."""
        gone = self._wanted & set(less)
        self._wanted -= gone
        for kind, symbol in gone:
            self._waiting_s.pop((CHANNELS[kind], symbol), None)
            if kind is DataKind.BARS:
                self._growing.pop(symbol, None)
        return self._say("unsubscribe", gone)

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """Ask anew for what is subscribed: a book comes whole then."""
        known = self._wanted & set(pairs)
        return [*self._say("unsubscribe", known), *self._say("subscribe", known)]

    def _say(self, method: str, pairs: Iterable[Pair]) -> Actions:
        if not self._is_open:
            return []
        by_kind: dict[DataKind, list[str]] = {}
        for kind, symbol in sorted(pairs, key=lambda pair: (pair[0].value, pair[1])):
            by_kind.setdefault(kind, []).append(symbol)
        if DataKind.BOOK in by_kind and not self._asked_instruments:
            self._asked_instruments = True
            self._put("subscribe", {"channel": "instrument", "snapshot": True})
        for kind, symbols in by_kind.items():
            for start in range(0, len(symbols), _SYMBOLS_MAX):
                chunk = symbols[start : start + _SYMBOLS_MAX]
                self._put(method, self._params(method, kind, chunk))
                if method == "subscribe":
                    self._waiting_s.update({(CHANNELS[kind], symbol): None for symbol in chunk})
        return self._sent()

    def _params(self, method: str, kind: DataKind, symbols: list[str]) -> dict[str, object]:
        params: dict[str, object] = {"channel": CHANNELS[kind], "symbol": symbols}
        if kind is DataKind.BOOK:
            params["depth"] = self._depth
        if kind is DataKind.BARS:
            params["interval"] = _BAR_MIN
        if kind is DataKind.QUOTES:
            params["event_trigger"] = "bbo"
        if method == "subscribe":
            params["snapshot"] = kind in (DataKind.BOOK, DataKind.QUOTES)
        return params

    def _put(self, method: str, params: Mapping[str, object]) -> None:
        self._number += 1
        self._queue.append(request(method, params, self._number))

    def _sent(self) -> Actions:
        """What may leave now of what is to be said."""
        leaving: list[Action[FeedEvent]] = []
        while self._queue and self._budget:
            self._budget -= 1
            leaving.append(Send(self._queue.popleft()))
        return leaving

    # -- the connection -------------------------------------------------------------------------------------------------

    def on_open(self, now_s: float) -> Actions:
        """Everything is asked for anew."""
        self._is_open, self._asked_instruments, self._budget = True, False, _BURST
        self._queue.clear()
        self._waiting_s.clear()
        self._growing.clear()
        self._pulse.hear(now_s)
        return [Emit(FeedUp()), *self._say("subscribe", self._wanted)]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._pulse.hear(now_s)
        if not frame.strip():
            return []
        try:
            message = wire.decode(frame, wire.Frame, what="a market data frame")
            return self._on_method(message) if message.method else self._on_channel(message, at, now_s)
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        self._budget = min(_BURST, self._budget + _BURST // 2)
        if self._is_late(now_s):
            return [Reconnect("the feed does not answer a subscription")]
        return [*self._sent(), *self._finished(now_s), *self._pulse.watch(now_s)]

    def _is_late(self, now_s: float) -> bool:
        """Whether a subscription is unanswered for too long; the wait begins once its message has left."""
        if not self._queue:
            for key, asked_s in self._waiting_s.items():
                self._waiting_s[key] = now_s if asked_s is None else asked_s
        return any(asked_s is not None and now_s - asked_s > ANSWER_S for asked_s in self._waiting_s.values())

    def _on_method(self, message: wire.Frame) -> Actions:
        if message.method not in ("subscribe", "unsubscribe"):
            return []
        if message.success is not False:
            told = wire.decode(message.result or b"{}", wire.Subscribed, what="an answer")
            self._waiting_s.pop((told.channel, told.symbol or ""), None)
            return []
        for key in [key for key in self._waiting_s if key[1] == (message.symbol or "")]:
            del self._waiting_s[key]
        text = (message.error or "")[:200]
        if text.startswith(_ALREADY):
            return []
        if message.symbol is None:  # the request as a whole: too many, or not understood
            return [Emit(FeedError(message.method, text)), Reconnect(f"the feed says {text}")]
        return [Emit(FeedError(message.method, f"{text} ({message.symbol[:32]})"))]

    # -- data -------------------------------------------------------------------------------------------------------------

    def _on_channel(self, message: wire.Frame, at: datetime, now_s: float) -> Actions:
        match message.channel:
            case "book":
                return self._books(message, at)
            case "trade":
                trades = wire.decode(message.data, list[wire.TradeItem], what="a trade")
                return [Emit(market.trade_of_item(item, at)) for item in trades]
            case "ticker":
                tickers = wire.decode(message.data, list[wire.TickerItem], what="a ticker")
                return [Emit(market.quote_of_ticker(item, at)) for item in tickers]
            case "ohlc":
                candles = wire.decode(message.data, list[wire.Candle], what="a bar")
                venue_now = moment(message.timestamp) or at
                return [action for candle in candles for action in self._grow(candle, venue_now, now_s)]
            case "instrument":
                self._learn(wire.decode(message.data, wire.Instruments, what="the instruments"))
                return []
            case "status":
                return self._on_status(wire.decode(message.data, list[wire.Status], what="the status"))
            case None if message.error:
                return [
                    Emit(FeedError("error", message.error[:200])),
                    Reconnect(f"the feed says {message.error[:200]}"),
                ]
            case _:
                return []

    def _books(self, message: wire.Frame, at: datetime) -> Actions:
        books = wire.decode(message.data, list[wire.Book], what="a book")
        whole = message.type == "snapshot"
        return [
            Emit(market.book_delta(book, whole=whole, precision=self.precisions.get(book.symbol), at=at))
            for book in books
        ]

    def _learn(self, told: wire.Instruments) -> None:
        for pair in told.pairs:
            if 0 <= pair.price_precision <= _PRECISION_MAX and 0 <= pair.qty_precision <= _PRECISION_MAX:
                self.precisions[pair.symbol] = (pair.price_precision, pair.qty_precision)

    def _on_status(self, told: list[wire.Status]) -> Actions:
        return [
            Emit(FeedError("status", f"the system is {status.system[:40]}"))
            for status in told
            if status.system != _ONLINE
        ]

    def _grow(self, candle: wire.Candle, venue_now: datetime, now_s: float) -> Actions:
        """The bar before it is finished when a later one begins."""
        bar = market.bar_of_candle(candle)
        held = self._growing.get(bar.symbol)
        if held is not None and (bar.start < held.bar.start or (bar.start == held.bar.start and held.told)):
            return []
        end = bar.start + timedelta(minutes=max(1, min(candle.interval, _INTERVAL_MAX)))
        left_s = max(0.0, (end - venue_now).total_seconds())
        self._growing[bar.symbol] = _Growing(bar, now_s + left_s + _BAR_GRACE_S)
        is_next = held is not None and bar.start > held.bar.start and not held.told
        return [Emit(held.bar)] if held is not None and is_next else []

    def _finished(self, now_s: float) -> Actions:
        over = [growing for growing in self._growing.values() if now_s >= growing.over_s and not growing.told]
        for growing in over:
            growing.told = True
        return [Emit(growing.bar) for growing in over]
