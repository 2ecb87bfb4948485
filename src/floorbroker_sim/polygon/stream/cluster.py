"""One client of one market's stream: what it asked for, and what each price becomes for it.

https://massive.com/docs/websocket/quickstart.  Every frame of the service is an array; nothing is sent before the key is known.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec

from floorbroker.domain.records import Quote, Trade
from floorbroker_sim.archive import midnight, new_york_day
from floorbroker_sim.history import Candle
from floorbroker_sim.http import Outbox
from floorbroker_sim.market import Tick
from floorbroker_sim.polygon import info, wire
from floorbroker_sim.polygon.auth import Keys
from floorbroker_sim.polygon.mapping import bar, millis, on_stream, plain
from floorbroker_sim.polygon.rest.state import State

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_POLICY = 1008
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_MOST_TOPICS = 1_000
_TOO_SLOW = "slow_consumer"
_REGULAR: list[int] = []  # no condition besides


class ClusterSession:
    """A connection to `/stocks` or `/crypto`."""

    def __init__(self, state: State, keys: Keys, market: str, sessions: list[ClusterSession]) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = info.AUTH_PATIENCE_S
        self.topics: set[tuple[str, str]] = set()
        self._state = state
        self._keys = keys
        self._market = market
        self._sessions = sessions
        self._is_known = False

    def opened(self) -> None:
        self._status("connected", "Connected Successfully")

    def impatient(self) -> None:
        if not self._is_known:
            self._status("auth_timeout", "authentication timed out", close=True)

    def closed(self) -> None:
        if self in self._sessions:
            self._sessions.remove(self)

    def received(self, data: bytes | str) -> None:
        """An action; what cannot be read is told so and changes nothing."""
        try:
            wish = msgspec.json.decode(data, type=wire.Action)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._status("error", "the message is not valid")
            return
        if wish.action == "auth":
            self._auth(wish.params)
        elif not self._is_known:
            self._status("auth_failed", "not authenticated", close=True)
        elif wish.action in {"subscribe", "unsubscribe"}:
            for topic in [one.strip() for one in wish.params.split(",") if one.strip()][:_MOST_TOPICS]:
                self._change(wish.action, topic)
        else:
            self._status("error", f"unknown action: {wish.action[:64]}")

    def _auth(self, key: str) -> None:
        """A key without rights of real time has its own host; here it fails."""
        if not self._keys.is_right(key) or self._state.plan.recency != "realtime":
            self._status("auth_failed", "authentication failed", close=True)
            return
        for other in [one for one in self._sessions if one.market == self._market]:
            other.replace()
        self._is_known = True
        self._sessions.append(self)
        self._status("auth_success", "authenticated")

    @property
    def market(self) -> str:
        return self._market

    def replace(self) -> None:
        """A second connection of the key to this market ends the first."""
        self.closed()
        self._status("max_connections", "Maximum number of websocket connections exceeded.", close=True)

    def _change(self, action: str, topic: str) -> None:
        kind, _, name = topic.partition(".")
        if kind not in info.TOPICS[self._market] or not name:
            self._status("error", f"unknown topic: {topic[:64]}")
            return
        if action == "subscribe":
            self.topics.add((kind, name))
        else:
            self.topics.discard((kind, name))
        self._status("success", f"{action}d to: {topic}" if action == "subscribe" else f"unsubscribed to: {topic}")

    # --- What is pushed -----------------------------------------------------------------------------------------------

    def symbols(self, listed: list[str]) -> set[str]:
        """Whom its topics are about, canonical."""
        wanted = {name for _, name in self.topics}
        return {one for one in listed if "*" in wanted or on_stream(one) in wanted}

    def wants(self, kind: str, symbol: str) -> bool:
        return (kind, on_stream(symbol)) in self.topics or (kind, "*") in self.topics

    def on_tick(self, tick: Tick) -> None:
        events: list[dict[str, object]] = []
        is_coin = self._market == "crypto"
        if tick.trade is not None and ("/" in tick.trade.symbol) is is_coin:
            events += self._of_trade(tick.trade, is_coin=is_coin)
        if tick.quote is not None and ("/" in tick.quote.symbol) is is_coin:
            kind = "XQ" if is_coin else "Q"
            if self.wants(kind, tick.quote.symbol):
                events.append(_quote(tick.quote, kind))
        if events:
            self._say(events)

    def _of_trade(self, trade: Trade, *, is_coin: bool) -> list[dict[str, object]]:
        """The trade, and the second it stands for."""
        events: list[dict[str, object]] = []
        kind, second = ("XT", "XAS") if is_coin else ("T", "A")
        if self.wants(kind, trade.symbol):
            events.append(_trade(trade, kind))
        if self.wants(second, trade.symbol):
            start = trade.time.replace(microsecond=0)
            candle = Candle(
                start=start, open=trade.price, high=trade.price, low=trade.price, close=trade.price,
                volume=trade.size, count=1, mean=trade.price,
            )  # fmt: skip
            events.append(self._aggregate(trade.symbol, candle, second, _SECOND))
        return events

    def on_minute(self, symbol: str, candle: Candle) -> None:
        """A minute that is over."""
        kind = "XA" if self._market == "crypto" else "AM"
        if ("/" in symbol) is (self._market == "crypto") and self.wants(kind, symbol):
            self._say([self._aggregate(symbol, candle, kind, _MINUTE)])

    def _aggregate(self, symbol: str, candle: Candle, kind: str, span: timedelta) -> dict[str, object]:
        shown = bar(candle)
        common: dict[str, object] = {
            "ev": kind, "v": shown["v"], "vw": shown["vw"], "o": shown["o"], "c": shown["c"], "h": shown["h"],
            "l": shown["l"], "s": millis(candle.start), "e": millis(candle.start + span),
            "z": plain((candle.volume / candle.count).to_integral_value() if candle.count else Decimal(0)),
        }  # fmt: skip
        if self._market == "crypto":
            return common | {"pair": on_stream(symbol)}
        start = midnight(new_york_day(candle.start))
        today = next(iter(self._state.archive.days(symbol, start, self._state.now(), adjusted=True)), candle)
        return common | {
            "sym": symbol, "av": plain(today.volume), "op": plain(today.open), "a": plain(today.mean)
        }  # fmt: skip

    def _status(self, status: str, message: str, *, close: bool = False) -> None:
        self.outbox.put(_ENCODE([wire.Status(status=status, message=message)]).decode())
        if close:
            self.outbox.close(_POLICY)

    def _say(self, events: list[dict[str, object]]) -> None:
        if not self.outbox.put(_ENCODE(events).decode()):
            self.closed()
            self._status(_TOO_SLOW, "too slow", close=True)


def _trade(trade: Trade, kind: str) -> dict[str, object]:
    at = millis(trade.time)
    common: dict[str, object] = {"ev": kind, "p": plain(trade.price), "s": plain(trade.size), "t": at}
    name = trade.trade_id or str(at)
    if kind == "XT":
        return common | {"pair": on_stream(trade.symbol), "c": [2], "i": name, "x": 2, "r": at}
    return common | {"sym": trade.symbol, "i": name, "x": 12, "c": _REGULAR, "z": 3, "q": at // 1000}


def _quote(quote: Quote, kind: str) -> dict[str, object]:
    """A side without a price is zero."""
    zero, at = Decimal(0), millis(quote.time)
    common: dict[str, object] = {
        "ev": kind, "bp": plain(quote.bid or zero), "bs": plain(quote.bid_size), "ap": plain(quote.ask or zero),
        "as": plain(quote.ask_size), "t": at,
    }  # fmt: skip
    if kind == "XQ":
        return common | {"pair": on_stream(quote.symbol), "x": 2, "r": at}
    return common | {"sym": quote.symbol, "bx": 12, "ax": 12, "c": 0, "i": _REGULAR, "q": at // 1000, "z": 3}
