"""Market streams: `/ws`, `/ws/<stream>`, `/stream?streams=…`, and the frames that change what is heard.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from floorbroker_sim.binance import info, wire
from floorbroker_sim.binance.rest import candles
from floorbroker_sim.binance.rest.book import Change, Levels
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.tape import Print
from floorbroker_sim.binance.stream import events, messages
from floorbroker_sim.binance.stream.names import Stream, stream_of
from floorbroker_sim.http import Outbox

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TOO_MUCH = 1008
_AWAY = 1001
_SHUTDOWN = "!serverShutdown"


class MarketSession:
    """One client of market streams.  `combined` wraps every payload with the name of its stream."""

    def __init__(self, desk: Desk, *, names: Iterable[str], combined: bool, encode: wire.Encode) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self.since = desk.state.clock.now()
        self._desk = desk
        self._encode = encode
        self._combined = combined
        self._names: list[str] = []
        self._streams: dict[str, Stream] = {}
        self._due: dict[str, datetime] = {}
        self._pending: dict[str, Change] = {}
        self._best: dict[str, messages.Payload] = {}
        self._second, self._messages = 0, 0
        self._add(names)

    @property
    def symbols(self) -> set[str]:
        """Canonical symbols somebody waits for here."""
        if any(stream.symbol is None for stream in self._streams.values()):
            return set(self._desk.state.symbols.values())
        return {stream.symbol for stream in self._streams.values() if stream.symbol is not None}

    def opened(self) -> None:
        listeners = self._desk.state.listeners
        listeners.prints.append(self._on_print)
        listeners.books.append(self._on_change)

    def closed(self) -> None:
        listeners = self._desk.state.listeners
        listeners.prints.remove(self._on_print)
        listeners.books.remove(self._on_change)

    def impatient(self) -> None:
        """Streams wait for ever."""

    # --- What the client says -------------------------------------------------------------------------------------------

    def received(self, data: bytes | str) -> None:
        if not self._may_speak():
            self.outbox.close(_TOO_MUCH)
            return
        try:
            message = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data not in {b"", ""}:  # an empty frame is a pong of some clients
                self._say({"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"})
            return
        self._command(cast("dict[str, object]", message) if isinstance(message, dict) else {})

    def _may_speak(self) -> bool:
        second = int(self._desk.state.clock.base.monotonic())
        self._messages = self._messages + 1 if second == self._second else 1
        self._second = second
        return self._messages <= info.MESSAGES_PER_S

    def _command(self, fields: dict[str, object]) -> None:
        number = fields.get("id")
        if "id" in fields and not _is_id(number):
            self._say({"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"})
            return
        raw = fields.get("params")
        params = cast("list[object]", raw) if isinstance(raw, list) else []
        match fields.get("method"):
            case "SUBSCRIBE" | "UNSUBSCRIBE" if not all(isinstance(name, str) for name in params):
                self._refuse(2, "Invalid request: stream name must be a string", number)
            case "SUBSCRIBE":
                self._subscribe([str(name) for name in params], number)
            case "UNSUBSCRIBE":
                self._remove([str(name) for name in params])
                self._say({"result": None, "id": number})
            case "LIST_SUBSCRIPTIONS":
                self._say({"result": list(self._names), "id": number})
            case "SET_PROPERTY" | "GET_PROPERTY":
                self._property(params, number, is_question=fields["method"] == "GET_PROPERTY")
            case None:
                self._refuse(2, "Invalid request: missing field `method`", number)
            case method:
                expected = ", ".join(f"`{word}`" for word in _METHODS)
                self._refuse(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}", number)

    def _subscribe(self, names: list[str], number: object) -> None:
        if len(self._names) + len(names) > info.MAX_STREAMS:
            self._refuse(2, "Invalid request: too many subscriptions", number)
            return
        self._say({"result": None, "id": number})
        self._add(names)

    def _property(self, params: list[object], number: object, *, is_question: bool) -> None:
        if not params or not isinstance(params[0], str):
            self._refuse(2, "Invalid request: property name must be a string", number)
        elif params[0] != "combined":
            self._refuse(0, "Unknown property", number)
        elif is_question:
            self._say({"result": self._combined, "id": number})
        elif len(params) != 2 or not isinstance(params[1], bool):
            self._refuse(1, "Invalid value type: expected Boolean", number)
        else:
            self._combined = params[1]
            self._say({"result": None, "id": number})

    def _refuse(self, code: int, text: str, number: object) -> None:
        self._say({"code": code, "msg": text, "id": number})

    def _add(self, names: Iterable[str]) -> None:
        now = self._desk.state.clock.now()
        for name in names:
            if name in self._names:
                continue
            self._names.append(name)
            stream = stream_of(name, self._desk.state.symbols)
            if stream is None:
                continue  # the venue takes any name, and says nothing on those that do not exist
            if stream.symbol is not None:
                self._desk.look(stream.symbol)
            self._streams[name] = stream
            self._due[name] = now + stream.every

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._names:
                self._names.remove(name)
            for known in (self._streams, self._due, self._pending, self._best):
                known.pop(name, None)

    # --- What the market says -------------------------------------------------------------------------------------------

    def _on_print(self, symbol: str, made: Print) -> None:
        at = self._desk.state.clock.now()
        for stream in tuple(self._streams.values()):
            if stream.symbol != symbol:
                continue
            if stream.kind == "trade":
                self._push(stream, messages.trade(symbol, made, at))
            elif stream.kind == "aggTrade":
                self._push(stream, messages.agg_trade(symbol, made, at))

    def _on_change(self, change: Change) -> None:
        for stream in tuple(self._streams.values()):
            if stream.symbol != change.symbol:
                continue
            if stream.kind == "depth":
                self._pending[stream.name] = _joined(self._pending.get(stream.name), change)
                if stream.every < _SECOND:
                    self._flush_depth(stream)
            elif stream.kind == "bookTicker":
                self._tell_best(stream, change.symbol)

    def _flush_depth(self, stream: Stream) -> None:
        change = self._pending.pop(stream.name, None)
        if change is not None:
            self._push(stream, messages.depth(change))

    def _tell_best(self, stream: Stream, symbol: str) -> None:
        found = messages.best(self._desk, symbol)
        before = self._best.get(stream.name)
        if before is None or any(found[name] != before[name] for name in "bBaA"):
            self._best[stream.name] = found
            self._push(stream, found)

    def tick(self, at: datetime) -> None:
        """Time has passed: streams that speak at intervals, and the end of the connection's day."""
        if at - self.since >= info.LIFETIME:
            self.outbox.close(_AWAY)
            return
        for stream in tuple(self._streams.values()):
            if stream.every and at >= self._due[stream.name]:
                opened_before = self._due[stream.name] - stream.every
                self._due[stream.name] = at + stream.every
                self._timed(stream, at, opened_before)

    def _timed(self, stream: Stream, at: datetime, before: datetime) -> None:
        match stream.kind:
            case "depth":
                self._flush_depth(stream)
            case "levels":
                self._push(stream, messages.best_levels(self._desk, stream))
            case "kline":
                self._klines(stream, at, before)
            case "avgPrice" if stream.symbol is not None:
                self._push(stream, messages.average(self._desk, stream.symbol, at))
            case "ticker" | "miniTicker" | "window":
                self._tickers(stream, at)
            case _:
                pass

    def _klines(self, stream: Stream, at: datetime, before: datetime) -> None:
        """The kline that runs; first the one that ended since the last time."""
        interval = info.INTERVALS[stream.interval]
        now, then = (candles.opening(moment, interval, stream.zone) for moment in (at, before))
        for opened in (then, now) if then != now else (now,):
            found = messages.kline(self._desk, stream, opened, at)
            if found is not None:
                self._push(stream, found)

    def _tickers(self, stream: Stream, at: datetime) -> None:
        make = messages.mini_ticker if stream.kind == "miniTicker" else messages.ticker
        if stream.symbol is not None:
            self._push(stream, make(self._desk, stream.symbol, stream, at))
            return
        symbols = self._desk.state.symbols.values()
        self._push(stream, [make(self._desk, symbol, stream, at) for symbol in symbols])

    def shut_down(self) -> None:
        """Say that the server goes down; who is wise connects elsewhere."""
        found = events.shutdown(self._desk.state.clock.now())
        self._say({"stream": _SHUTDOWN, "data": found} if self._combined else found)

    def end(self, code: int = _AWAY) -> None:
        self.outbox.close(code)

    # --- Out ------------------------------------------------------------------------------------------------------------

    def _push(self, stream: Stream, payload: object) -> None:
        self._say({"stream": stream.name, "data": payload} if self._combined else payload)

    def _say(self, payload: Any) -> None:
        if not self.outbox.put(self._encode(payload).decode()):
            self.outbox.close(_TOO_MUCH)


_SECOND = info.INTERVALS["1s"].span


def _is_id(number: object) -> bool:
    if isinstance(number, bool):
        return False
    if isinstance(number, int):
        return -(2**63) <= number < 2**63
    return number is None or (isinstance(number, str) and len(number) <= 36)


def _joined(before: Change | None, change: Change) -> Change:
    """Two changes of one book as one: the later size of a level counts."""
    if before is None:
        return change
    return Change(
        symbol=change.symbol, at=change.at, first=before.first, last=change.last,
        bids=_latest(before.bids, change.bids), asks=_latest(before.asks, change.asks),
    )  # fmt: skip


def _latest(before: Levels, after: Levels) -> Levels:
    sizes: dict[Decimal, Decimal] = dict(before)
    sizes.update(after)
    return list(sizes.items())
