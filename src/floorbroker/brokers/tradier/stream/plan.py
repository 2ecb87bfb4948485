"""Which connection carries what: one for everything, since the venue allows one session at a time; none in the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from floorbroker.brokers.tradier.info import INFO
from floorbroker.brokers.tradier.stream.data import FILTERS, DataSession
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

MARKET_PATH = "/v1/markets/events"
ACCOUNT_PATH = "/v1/accounts/events"


class SessionIds:
    """Ids of streaming sessions: made before a connection, sent as its first words."""

    def __init__(self, make: Callable[[str], Awaitable[str]]) -> None:
        self._make = make
        self._ids: dict[str, str] = {}

    async def fresh(self, kind: str) -> None:
        """A new id for `markets` or `accounts`."""
        self._ids[kind] = await self._make(kind)

    def of(self, kind: str) -> str:
        return self._ids.get(kind, "")


class DataPlan:
    """The `FeedPlan` of this venue.  `origin` is None where there is no market stream."""

    aside = b""

    def __init__(self, *, origin: str | None, ids: SessionIds) -> None:
        self._origin = origin
        self._ids = ids

    def spelled(self, symbol: str) -> str | None:
        """No sink reads this venue's frames."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if self._origin is None:
            raise NotSupported("Tradier streams no market data in the sandbox")
        if kind not in FILTERS or asset_class_of(symbol) not in INFO.asset_classes:
            raise NotSupported(f"Tradier streams no {kind.value} of {symbol}")
        return MARKET_PATH

    def most(self, line: str) -> int | None:
        """No bound is documented."""
        del line
        return None

    def session(self, line: str) -> FeedSession:
        del line
        return DataSession(sessionid=lambda: self._ids.of("markets"))

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            await self._ids.fresh("markets")
            return SocketTarget(url=f"{self._origin}{line}")

        return target
