"""Market data: quotes, trades, summaries, over a WebSocket or as lines of an HTTP reply.  One session at a time.

https://documentation.tradier.com/brokerage-api/streaming/wss-market-websocket and get-markets-events
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Literal, get_args

import msgspec

from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import text_of
from floorbroker_sim.http import Outbox, Reply, Request
from floorbroker_sim.market import Tick
from floorbroker_sim.tradier import wire
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import inside, millis, outside
from floorbroker_sim.tradier.rest.hours import phase
from floorbroker_sim.tradier.rest.markets import day_of
from floorbroker_sim.tradier.rest.reading import flag, names, needed, params_of
from floorbroker_sim.tradier.rest.sessions import fits
from floorbroker_sim.tradier.rest.state import State

Kind = Literal["trade", "quote", "summary", "timesale", "tradex"]
KINDS: tuple[str, ...] = get_args(Kind)
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_POLICY = 1008
PATIENCE_S = 30.0


class MarketSession:
    """One client of the market stream.  `taken` is shared: the one that streams now; a newcomer ends it."""

    def __init__(self, state: State, taken: list[MarketSession]) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = PATIENCE_S
        self._state = state
        self._taken = taken
        self._wish: wire.MarketWish | None = None
        self._count = 0
        self.symbols: set[str] = set()  # canonical

    def opened(self) -> None:
        """The client speaks first."""

    def impatient(self) -> None:
        if self._wish is None:
            self._fail("no session id was sent", close=True)

    def received(self, data: bytes | str) -> None:
        """The whole subscription; it replaces the one before."""
        try:
            wish = msgspec.json.decode(data, type=wire.MarketWish)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail("the message is not valid")
            return
        self.subscribe(wish)

    def subscribe(self, wish: wire.MarketWish) -> None:
        """Take a subscription as it was sent."""
        first = self._wish is None
        if (first or wish.sessionid != self._wish.sessionid) and not fits(self._state, wish.sessionid, "market"):  # type: ignore[union-attr]
            self._fail("session not found", close=True)
            return
        unknown = [kind for kind in wish.filter if kind not in KINDS]
        if unknown:
            self._fail(f"{unknown[0]} is not a valid filter")
            return
        self._wish = wish
        self.symbols = {inside(name) for name in wish.symbols if self._is_listed(name)}
        if first:
            for other in self._taken:
                other.outbox.close(_POLICY)
            self._taken[:] = [self]
            self._state.listeners.prices.append(self._on_price)
        for symbol in sorted(self.symbols):
            self._summary(symbol)

    def _is_listed(self, name: str) -> bool:
        try:
            self._state.market.instrument(inside(name))
        except KeyError:
            self._fail(f"{name} is not a valid symbol")
            return False
        return True

    def closed(self) -> None:
        listeners = self._state.listeners
        listeners.prices[:] = [one for one in listeners.prices if one != self._on_price]
        if self in self._taken:
            self._taken.remove(self)

    # --- What is pushed -----------------------------------------------------------------------------------------------

    def _wants(self, kind: Kind) -> bool:
        return self._wish is not None and (not self._wish.filter or kind in self._wish.filter)

    def _on_price(self, tick: Tick) -> None:
        if tick.quote is not None and tick.quote.symbol in self.symbols and self._wants("quote"):
            self._say(_quote(tick.quote))
        if tick.trade is not None and tick.trade.symbol in self.symbols:
            self._trade(tick.trade)

    def _trade(self, trade: Trade) -> None:
        regular = phase(self._state) == "open"
        if regular and self._wants("trade"):
            self._say(_trade(trade, "trade"))
        if self._wants("tradex"):
            self._say(_trade(trade, "tradex"))
        if self._wants("timesale"):
            self._count += 1
            quote = self._state.market.quote(trade.symbol)
            self._say(_timesale(trade, quote, self._count, "normal" if regular else "extended"))

    def _summary(self, symbol: str) -> None:
        if not self._wants("summary"):
            return
        found = day_of(self._state, symbol)
        if found is not None:
            prices = {"open": found.open, "high": found.high, "low": found.low, "close": found.close}
            texts = {name: text_of(price) for name, price in prices.items()}
            self._say({"type": "summary", "symbol": outside(symbol), **texts, "prevClose": texts["open"]})

    def _fail(self, text: str, *, close: bool = False) -> None:
        self.outbox.put(_ENCODE({"error": text}).decode())
        if close:
            self.outbox.close(_POLICY)

    def _say(self, message: dict[str, object]) -> None:
        line = _ENCODE(message).decode() + ("\n" if self._wish is not None and self._wish.linebreak else "")
        if not self.outbox.put(line):
            self.outbox.close(_POLICY)


def _quote(quote: Quote) -> dict[str, object]:
    at, size = str(millis(quote.time)), 1 if " " in quote.symbol else 100
    zero = Decimal(0)
    return {
        "type": "quote", "symbol": outside(quote.symbol), "bid": quote.bid or zero, "bidsz": int(quote.bid_size / size),
        "bidexch": "Q", "biddate": at, "ask": quote.ask or zero, "asksz": int(quote.ask_size / size), "askexch": "Q",
        "askdate": at,
    }  # fmt: skip


def _trade(trade: Trade, kind: Kind) -> dict[str, object]:
    price, size = text_of(trade.price), text_of(trade.size)
    return {
        "type": kind, "symbol": outside(trade.symbol), "exch": "Q", "price": price, "size": size, "cvol": size,
        "date": str(millis(trade.time)), "last": price,
    }  # fmt: skip


def _timesale(trade: Trade, quote: Quote | None, number: int, session: str) -> dict[str, object]:
    bid, ask = (quote.bid, quote.ask) if quote is not None else (None, None)
    return {
        "type": "timesale", "symbol": outside(trade.symbol), "exch": "Q", "bid": text_of(bid or Decimal(0)),
        "ask": text_of(ask or Decimal(0)), "last": text_of(trade.price), "size": text_of(trade.size),
        "date": str(millis(trade.time)), "seq": number, "flag": "", "cancel": False, "correction": False, "session": session,
    }  # fmt: skip


# --- Over HTTP --------------------------------------------------------------------------------------------------------


def http_stream(state: State, request: Request, taken: list[MarketSession]) -> Reply:
    """The same as lines of a reply without an end; the session id stands in for the token."""
    params = params_of(request)
    wish = wire.MarketWish(
        symbols=names(params, "symbols"), sessionid=needed(params, "sessionid"), filter=names(params, "filter"),
        linebreak=True, valid_only=flag(params, "validOnly", default=True), advanced=flag(params, "advancedDetails"),
    )  # fmt: skip
    if not fits(state, wish.sessionid, "market"):
        raise Refused(401, "session not found")
    session = MarketSession(state, taken)
    session.subscribe(wish)
    return Reply(status=200, content_type="application/json", stream=_lines(session))


async def _lines(session: MarketSession) -> AsyncIterator[bytes]:
    try:
        while (frame := await session.outbox.get()) is not None:
            line = frame.encode() if isinstance(frame, str) else frame
            yield line if line.endswith(b"\n") else line + b"\n"
    finally:
        session.closed()
