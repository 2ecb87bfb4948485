"""Market data streams: `/v2/{feed}`, `/v1beta3/crypto/us`, `/v1beta1/{indicative|opra}`, in JSON or msgpack.

Every frame is an array.  https://docs.alpaca.markets/docs/streaming-market-data
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from floorbroker.domain.records import Quote
from floorbroker_sim.alpaca import info
from floorbroker_sim.alpaca.auth import Keys
from floorbroker_sim.alpaca.mapping import inside, outside
from floorbroker_sim.alpaca.rest import quoting
from floorbroker_sim.alpaca.rest.quoting import Kind
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.alpaca.stream.updates import mapping_of
from floorbroker_sim.history import Candle
from floorbroker_sim.http import Outbox
from floorbroker_sim.market import Tick

CHANNELS = {
    Kind.STOCK: ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"),
    Kind.COIN: ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks"),
    Kind.OPTION: ("trades", "quotes"),
}
ERRORS = {
    400: "invalid syntax", 401: "not authenticated", 402: "auth failed", 403: "already authenticated",
    404: "auth timeout", 406: "connection limit exceeded",
}  # fmt: skip
PATHS: dict[str, Kind] = {
    **{f"/v2/{feed}": Kind.STOCK for feed in ("iex", "sip", "delayed_sip", "test")},
    **{f"/v1beta1/{feed}": Kind.STOCK for feed in ("boats", "overnight")},
    **{f"/v1beta3/crypto/{loc}": Kind.COIN for loc in ("us", "us-1", "us-2", "eu-1", "bs-1")},
    "/v1beta1/indicative": Kind.OPTION,
    "/v1beta1/opra": Kind.OPTION,
}
_POLICY = 1008


class DataSession:
    """One client of one data stream.  `taken` is shared: the paths that have their one connection."""

    def __init__(
        self, state: State, keys: Keys, *, path: str, msgpack: bool, authorized: bool, taken: dict[str, DataSession]
    ) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = info.STREAM_AUTH_S
        self.kind = PATHS[path]
        self._state = state
        self._keys = keys
        self._path = path
        self._encode = _encoder(msgpack=msgpack)
        self._decode = (msgspec.msgpack if msgpack else msgspec.json).decode
        self._by_headers = authorized
        self._authorized = False
        self._taken = taken
        self._wanted: dict[str, list[str]] = {channel: [] for channel in CHANNELS[self.kind]}

    # --- The session --------------------------------------------------------------------------------------------------

    def opened(self) -> None:
        self._say({"T": "success", "msg": "connected"})
        if self._by_headers:
            self._enter()

    def closed(self) -> None:
        if self._taken.get(self._path) is self:
            del self._taken[self._path]
            self._state.listeners.prices.remove(self._on_price)
            self._state.listeners.bars.remove(self._on_bar)

    def impatient(self) -> None:
        if not self._authorized:
            self._fail(404, close=True)

    def received(self, data: bytes | str) -> None:
        try:
            message = self._decode(data.encode() if isinstance(data, str) else data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._fail(400)
            return
        fields = mapping_of(message)
        match fields.get("action"):
            case "auth":
                self._authenticate(str(fields.get("key", "")), str(fields.get("secret", "")))
            case "subscribe" | "unsubscribe" if not self._authorized:
                self._fail(401)
            case "subscribe":
                self._subscribe(fields)
            case "unsubscribe":
                self._unsubscribe(fields)
            case _:
                self._fail(400)

    def _authenticate(self, key: str, secret: str) -> None:
        if self._authorized:
            self._fail(403)
        elif self._keys.fit(key, secret):
            self._enter()
        else:
            self._fail(402)

    def _enter(self) -> None:
        if self._path in self._taken:
            self._fail(406, close=True)
            return
        self._authorized = True
        self._taken[self._path] = self
        self._state.listeners.prices.append(self._on_price)
        self._state.listeners.bars.append(self._on_bar)
        self._say({"T": "success", "msg": "authenticated"})

    # --- Subscriptions ------------------------------------------------------------------------------------------------

    @property
    def symbols(self) -> set[str]:
        """Canonical symbols somebody waits for here; `*` stands for all of the kind."""
        names = {name for wanted in self._wanted.values() for name in wanted}
        if "*" in names:
            listed = self._state.market.instruments.items()
            names |= {symbol for symbol, item in listed if quoting.kind_of(item) is self.kind}
        return {inside(name) for name in names - {"*"}}

    def _subscribe(self, fields: Mapping[str, object]) -> None:
        fresh: list[str] = []
        for channel, names in self._named(fields):
            fresh += [name for name in names if channel == "orderbooks" and name not in self._wanted[channel]]
            self._wanted[channel] += [name for name in names if name not in self._wanted[channel]]
        self._tell_state()
        for name in fresh:
            best = self._state.market.quote(inside(name)) if name != "*" else None
            if best is not None:
                self._say(_book(best, reset=True))

    def _unsubscribe(self, fields: Mapping[str, object]) -> None:
        for channel, names in self._named(fields):
            self._wanted[channel] = [name for name in self._wanted[channel] if name not in names]
        self._tell_state()

    def _named(self, fields: Mapping[str, object]) -> list[tuple[str, list[str]]]:
        found: list[tuple[str, list[str]]] = []
        for channel in self._wanted:
            names = fields.get(channel)
            if isinstance(names, list):
                found.append((channel, [str(name) for name in cast("list[object]", names)]))
        return found

    def _tell_state(self) -> None:
        answer: dict[str, object] = {"T": "subscription", **self._wanted}
        if self.kind is Kind.STOCK:
            answer |= {"corrections": self._wanted["trades"], "cancelErrors": self._wanted["trades"]}
        self._say(answer)

    def _wants(self, channel: str, symbol: str) -> bool:
        names = self._wanted.get(channel, ())
        return "*" in names or outside(symbol) in names

    # --- What is pushed -----------------------------------------------------------------------------------------------

    def _on_price(self, tick: Tick) -> None:
        quote, trade = tick.quote, tick.trade
        messages: list[dict[str, Any]] = []
        if trade is not None and self._mine(trade.symbol) and self._wants("trades", trade.symbol):
            messages.append(_message("t", trade.symbol, quoting.trade(trade, self.kind)))
        if quote is not None and self._mine(quote.symbol):
            if self._wants("quotes", quote.symbol):
                messages.append(_message("q", quote.symbol, quoting.quote(quote, self.kind)))
            if self._wants("orderbooks", quote.symbol):
                messages.append(_book(quote, reset=True))
        if messages:
            self._say(*messages)

    def _on_bar(self, symbol: str, minute: Candle, daily: Candle | None) -> None:
        if not self._mine(symbol):
            return
        messages: list[dict[str, Any]] = []
        if self._wants("bars", symbol):
            messages.append(_message("b", symbol, quoting.bar(minute)))
        if daily is not None and self._wants("dailyBars", symbol):
            messages.append(_message("d", symbol, quoting.bar(daily)))
        if messages:
            self._say(*messages)

    def _mine(self, symbol: str) -> bool:
        return quoting.kind_of(self._state.market.instrument(symbol)) is self.kind

    def _fail(self, code: int, *, close: bool = False) -> None:
        self._say({"T": "error", "code": code, "msg": ERRORS[code]})
        if close:
            self.outbox.close(_POLICY)

    def _say(self, *messages: dict[str, Any]) -> None:
        if not self.outbox.put(self._encode(list(messages))):
            self.outbox.close(_POLICY)


def _message(kind: str, symbol: str, body: object) -> dict[str, Any]:
    """A wire struct with its type and symbol in front; times stay times, so that each codec writes its own."""
    fields = msgspec.to_builtins(body, builtin_types=(datetime, Decimal))
    return {"T": kind, "S": outside(symbol), **fields}


def _book(quote: Quote, *, reset: bool) -> dict[str, Any]:
    return {**_message("o", quote.symbol, quoting.book(quote)), "r": reset}


def _encoder(*, msgpack: bool) -> Callable[[object], bytes | str]:
    if msgpack:
        return msgspec.msgpack.Encoder(decimal_format="number").encode
    encode = msgspec.json.Encoder(decimal_format="number").encode

    def text(value: object) -> str:
        return encode(value).decode()

    return text
