"""Which connection carries what: one for all market data, since the venue allows one for each application and user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.stream.market import KINDS, MarketSession
from floorbroker.domain.errors import NotSupported
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

LINE = "market data"
PAIRS_MAX = 2_000  # instruments in full mode


class DataPlan:
    """The `FeedPlan` of this venue.  `opened` asks where the feed is to be opened this time."""

    aside = b""

    def __init__(self, symbols: Symbols, *, opened: Callable[[], Awaitable[SocketTarget]]) -> None:
        self._symbols = symbols
        self._opened = opened

    def spelled(self, symbol: str) -> str | None:
        """No sink reads this venue's frames."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if kind not in KINDS:
            raise NotSupported(f"Upstox streams no {kind.value} of {symbol}")
        self._symbols.of(symbol)
        return LINE

    def most(self, line: str) -> int | None:
        del line
        return PAIRS_MAX

    def session(self, line: str) -> FeedSession:
        del line
        return MarketSession(key_of=self._symbols.key_of)

    def target(self, line: str) -> Target:
        del line
        return self._opened
