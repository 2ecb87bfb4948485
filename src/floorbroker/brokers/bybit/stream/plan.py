"""Which connection carries what: one public socket a category, and more of them where many topics are wanted."""

from __future__ import annotations

from floorbroker.brokers.bybit.info import Options, Origins
from floorbroker.brokers.bybit.mapping.symbols import Symbols, to_wire
from floorbroker.brokers.bybit.stream.public import PublicSession
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

# The names of all topics of one connection may have 21,000 characters together; the longest have about 40.
PAIRS_MAX = 500


class PublicPlan:
    """The `FeedPlan` of this venue; a line is a category."""

    def __init__(self, origins: Origins, options: Options, symbols: Symbols) -> None:
        self._origin = origins.public
        self._depth = int(options.book_depth)
        self._symbols = symbols

    aside = b'"orderbook.1.'
    """The topic of quotes: a book of one level, with the symbol and the shape of the others."""

    def spelled(self, symbol: str) -> str | None:
        """None where books and quotes are one topic."""
        return None if self._depth == 1 else to_wire(symbol).symbol

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        try:
            return to_wire(symbol).category
        except SymbolNotFound as error:
            raise NotSupported(f"Bybit streams no {kind.value} of {symbol[:40]}") from error

    def most(self, line: str) -> int | None:
        del line
        return PAIRS_MAX

    def session(self, line: str) -> FeedSession:
        return PublicSession(line, self._symbols, depth=self._depth)

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}/v5/public/{line}")

        return target
