"""Quotes on the stream: a request for each symbol, ticks until it is called off.

A connection has a bounded number of market data lines; the venue says itself when they are used up (code 101).
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (market data).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import BadFrame, decode, requests
from floorbroker.brokers.ibkr.errors import Nature, row_of
from floorbroker.brokers.ibkr.mapping.market import Ticks
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import Actions, FeedError, FeedUp, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget


class QuoteSession:
    """`FeedSession` of quotes.  `contract` is that of a symbol that was looked up before; `number` makes request numbers."""

    def __init__(
        self,
        *,
        version: Callable[[], int],
        contract: Callable[[str], wire.Contract | None],
        number: Callable[[], int],
        kind: int,
    ) -> None:
        self._version = version
        self._contract = contract
        self._number = number
        self._kind = kind
        self._wanted: set[str] = set()
        self._lines: dict[int, Ticks] = {}
        self._is_open = False

    def want(self, more: Iterable[Pair]) -> Actions:
        """Subscribe to what is not subscribed yet."""
        fresh = sorted({symbol for _, symbol in more} - self._wanted)
        self._wanted.update(fresh)
        return [Send(frame) for symbol in fresh for frame in self._asked(symbol)] if self._is_open else []

    def unwant(self, less: Iterable[Pair]) -> Actions:
        """Let go of what is subscribed."""
        gone = {symbol for _, symbol in less} & self._wanted
        self._wanted -= gone
        over = [number for number, ticks in self._lines.items() if ticks.symbol in gone]
        for number in over:
            del self._lines[number]
        return [Send(requests.cancel_market_data(number)) for number in over] if self._is_open else []

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """There are no books here that could come whole."""
        del pairs
        return []

    def on_open(self, now_s: float) -> Actions:
        """What an earlier line asked for may still come on the connection: its numbers are called off first."""
        del now_s
        stale, self._lines, self._is_open = tuple(self._lines), {}, True
        asked = [frame for symbol in sorted(self._wanted) for frame in self._asked(symbol)]
        ended = [requests.cancel_market_data(number) for number in stale]
        return [
            Emit(FeedUp()),
            Send(requests.market_data_type(self._kind)),
            *(Send(frame) for frame in (*ended, *asked)),
        ]

    def _asked(self, symbol: str) -> Iterable[bytes]:
        contract = self._contract(symbol)
        if contract is None:
            return
        number = self._number()
        self._lines[number] = Ticks(symbol)
        yield requests.market_data(number, contract)

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del now_s
        try:
            message = decode(frame, version=self._version())
        except BadFrame as error:
            return [Reconnect(f"a tick cannot be read ({error})")]
        if isinstance(message, wire.Error):
            return self._on_code(message)
        ticks = self._lines.get(getattr(message, "req_id", -1))
        if ticks is None or not ticks.take(message) or not (ticks.bid or ticks.ask):
            return []
        return [Emit(ticks.quote(at))]

    def on_tick(self, now_s: float) -> Actions:
        """The connection has a keeper of its own."""
        del now_s
        return []

    def _on_code(self, told: wire.Error) -> Actions:
        ticks = self._lines.get(told.id)
        if ticks is None:
            return []
        row = row_of(told.code)
        if row is None or row.nature is Nature.REFUSAL:
            del self._lines[told.id]
        return [Emit(FeedError(told.code, f"{ticks.symbol}: {told.text}"[:200]))]


class QuotePlan:
    """The `FeedPlan` of this venue: one line, the connection of the program."""

    aside = b""

    def __init__(self, session: Callable[[], QuoteSession]) -> None:
        self._session = session

    def spelled(self, symbol: str) -> str | None:
        """No sink reads this venue's frames."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        """Quotes alone are streamed."""
        kind, symbol = pair
        if kind is not DataKind.QUOTES:
            raise NotSupported(f"IBKR streams no {kind.value} of {symbol} here")
        return "quotes"

    def most(self, line: str) -> int | None:
        """The account's market data lines bound the symbols, and the venue says so itself."""
        del line

    def session(self, line: str) -> QuoteSession:
        """One for each line."""
        del line
        return self._session()

    def target(self, line: str) -> Target:
        """The line is a part of the program's connection, which has a target of its own."""
        del line
        return nowhere


async def nowhere() -> SocketTarget:
    """A line has no address."""
    return SocketTarget(url="")
