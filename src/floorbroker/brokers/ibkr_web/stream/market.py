"""Quotes on the stream: topic `smd`, by contract number.

    -> smd+265598+{"fields":["31","84",...]}
    <- {"topic":"smd+265598","conid":265598,"_updated":...,"84":"168.41"}       changed fields alone
    -> umd+265598+{}

A subscription lapses after ten to fifteen minutes, so each is asked for again every nine.
Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, websocket market data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import Standing
from floorbroker.brokers.ibkr_web.mapping.contracts import Known
from floorbroker.brokers.ibkr_web.mapping.market import has_prices, quote_from, staleness
from floorbroker.brokers.ibkr_web.rest.calls import QUOTE_FIELDS
from floorbroker.brokers.ibkr_web.stream.frames import Pulse, is_given, read, standing_in
from floorbroker.brokers.ibkr_web.stream.orders import GONE
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp, Pair
from floorbroker.transport.private import Target

_AGAIN_S = 540.0
_FIELDS = msgspec.json.encode({"fields": list(QUOTE_FIELDS)}).decode()
Members = Mapping[str, msgspec.Raw]
_NOTHING: Members = MappingProxyType({})


class QuoteSession:
    """`FeedSession` of quotes.  Every symbol wanted was looked up before."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._pulse = Pulse()
        self._wanted: dict[int, str] = {}
        self._told: dict[int, Members] = {}
        self._stale: dict[int, str] = {}
        self._asked_s = 0.0

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        fresh: list[int] = []
        for _, symbol in more:
            contract = self._known.contract(symbol)
            if contract is not None and contract.conid not in self._wanted:
                self._wanted[contract.conid] = symbol
                fresh.append(contract.conid)
        return [Send(_subscribe(conid)) for conid in fresh] if self._pulse.is_up else []

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what is subscribed."""
        symbols = {symbol for _, symbol in less}
        gone = [conid for conid, symbol in self._wanted.items() if symbol in symbols]
        for conid in gone:
            del self._wanted[conid]
            self._told.pop(conid, None)
            self._stale.pop(conid, None)
        return [Send(f"umd+{conid}+{{}}") for conid in gone] if self._pulse.is_up else []

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """There are no books here that could come whole."""
        del pairs
        return []

    def on_open(self, now_s: float) -> Actions:
        self._pulse.opened(now_s)
        self._told.clear()
        self._stale.clear()
        return []

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._pulse.heard(now_s)
        if not frame.strip():
            return []
        try:
            message = read(frame)
            if is_given(message.error):
                return [Emit(FeedError("error", "the venue reports an error"))]
            if message.topic == "sts":
                return self._on_standing(standing_in(message), now_s)
            if (message.topic or "").startswith("smd+"):
                return self._on_quote(wire.decode(frame, dict[str, msgspec.Raw], what="a quote"), message, at)
        except ApiError as error:
            return [Reconnect(error.detail)]
        return []

    def on_tick(self, now_s: float) -> Actions:
        if self._pulse.is_up and now_s - self._asked_s > _AGAIN_S:
            self._asked_s = now_s
            return [*self._pulse.on_tick(now_s), *(Send(_subscribe(conid)) for conid in self._wanted)]
        return self._pulse.on_tick(now_s)

    def _on_standing(self, standing: Standing | None, now_s: float) -> Actions:
        if standing is None or (standing is Standing.OPEN and self._pulse.is_up):
            return []
        if standing is not Standing.OPEN:
            return [Reconnect(GONE)]
        self._pulse.is_up, self._asked_s = True, now_s
        return [Emit(FeedUp()), *(Send(_subscribe(conid)) for conid in self._wanted)]

    def _on_quote(self, members: dict[str, msgspec.Raw], message: wire.Message, at: datetime) -> Actions:
        number = (message.topic or "").removeprefix("smd+")
        conid = int(number) if number.isascii() and number.isdigit() and len(number) <= 19 else -1
        symbol = self._wanted.get(conid)
        if symbol is None:
            return []
        known = {name: raw for name, raw in members.items() if name in QUOTE_FIELDS or name == "_updated"}
        whole = {**self._told.get(conid, _NOTHING), **known}
        self._told[conid] = whole
        if not has_prices(whole):
            return []
        if why := staleness(whole):
            news = self._stale.get(conid) != why
            self._stale[conid] = why
            return [Emit(FeedError("stale", f"{symbol}: {why}"))] if news else []
        self._stale.pop(conid, None)
        return [Emit(quote_from(symbol, whole, now=at))]


def _subscribe(conid: int) -> str:
    return f"smd+{conid}+{_FIELDS}"


class QuotePlan:
    """The `FeedPlan` of this venue: one line, the gateway's WebSocket."""

    def __init__(self, known: Known, target: Target) -> None:
        self._known = known
        self._target = target

    aside = b""

    def spelled(self, symbol: str) -> str | None:
        """No sink reads this venue's frames."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        """Quotes alone are streamed."""
        kind, symbol = pair
        if kind is not DataKind.QUOTES:
            raise NotSupported(f"IBKR_WEB streams no {kind.value} of {symbol}")
        return "quotes"

    def most(self, line: str) -> int | None:
        """The account's market data lines bound the symbols, and the venue says so itself."""
        del line

    def session(self, line: str) -> QuoteSession:
        """One for each connection."""
        del line
        return QuoteSession(self._known)

    def target(self, line: str) -> Target:
        """The same for every line."""
        del line
        return self._target
