"""Which connection carries what: one for everything, since one may carry any number of pairs."""

from __future__ import annotations

from floorbroker.brokers.kraken.stream.market import MarketSession
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

LINE = "public"
PATH = "/v2"


class MarketPlan:
    """The `FeedPlan` of this venue."""

    def __init__(self, *, origin: str, depth: int) -> None:
        self._origin = origin
        self._depth = depth

    aside = b""

    def spelled(self, symbol: str) -> str | None:
        return symbol

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if asset_class_of(symbol) is not AssetClass.CRYPTO:
            raise NotSupported(f"Kraken streams no {kind.value} of {symbol}")
        return LINE

    def most(self, line: str) -> int | None:
        """No number is documented."""
        return None

    def session(self, line: str) -> FeedSession:
        return MarketSession(depth=self._depth)

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}{PATH}", max_frame=1 << 24)  # the instruments come in one frame

        return target
