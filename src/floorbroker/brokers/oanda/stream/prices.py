"""The stream of prices: its address names the instruments, so others are listened to over another connection.

    -> GET /v3/accounts/{a}/pricing/stream?instruments=EUR_USD,USD_JPY
    <- {"type":"PRICE","instrument":"EUR_USD","bids":[...],"asks":[...],...}
    <- {"type":"HEARTBEAT","time":"..."}

At most four prices a second of an instrument; the last of a quarter of a second is told.  What is wanted may change many times
in a second, and a connection costs: the change is made with the next tick.
Document: developer.oanda.com/rest-live-v20/pricing-ep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.market import quote_from
from floorbroker.brokers.oanda.mapping.values import from_wire_symbol, to_wire_symbol
from floorbroker.domain.errors import ApiError
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.feeds import FeedEvent, FeedUp, Pair

PATH = "/v3/accounts/{account}/pricing/stream"
SILENCE_S = 10.0
_HEARTBEAT = "HEARTBEAT"

Actions = Sequence[Action[FeedEvent]]


class PriceSession:
    """`FeedSession` of the stream."""

    def __init__(self) -> None:
        self._wanted: set[Pair] = set()
        self._asked: frozenset[str] = frozenset()
        self._heard_s: float | None = None

    # -- subscriptions --------------------------------------------------------------------------------------------------

    def want(self, more: Iterable[Pair]) -> Actions:
        self._wanted |= set(more)
        return []

    def unwant(self, less: Iterable[Pair]) -> Actions:
        self._wanted -= set(less)
        return []

    def again(self, pairs: Iterable[Pair]) -> Actions:
        """There are no books to come whole again."""
        del pairs
        return []

    @property
    def symbols(self) -> frozenset[str]:
        """What is wanted now."""
        return frozenset(symbol for _, symbol in self._wanted)

    def instruments(self) -> str:
        """What the next connection is opened for, as its address names it."""
        self._asked = self.symbols
        return ",".join(sorted(to_wire_symbol(symbol) for symbol in self._asked))

    # -- the connection -------------------------------------------------------------------------------------------------

    def on_open(self, now_s: float) -> Actions:
        self._heard_s = now_s
        return [Emit(FeedUp())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
        try:
            told = wire.decode(frame, wire.ClientPrice, what="a line of the price stream")
            if told.type == _HEARTBEAT or from_wire_symbol(told.instrument) not in self.symbols:
                return []
            return [Emit(quote_from(told, at=at))]
        except ApiError as error:
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        if self.symbols - self._asked:
            return [Reconnect("other instruments are wanted")]
        if self._heard_s is not None and now_s - self._heard_s > SILENCE_S:
            return [Reconnect("the stream of prices is silent")]
        return []
