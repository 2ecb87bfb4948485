"""Which connection carries what: one for every price, since its address may name any number of instruments."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from floorbroker.brokers.oanda.stream.prices import PATH, PriceSession
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import DataKind
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

LINE = "prices"


class PricePlan:
    """The `FeedPlan` of this venue.  There is one session, since the target has to know what it wants."""

    aside = b""

    def __init__(self, *, origin: str, account: Callable[[], str]) -> None:
        self._origin = origin
        self._account = account
        self._session = PriceSession()

    def spelled(self, symbol: str) -> str | None:
        """No sink reads prices."""
        del symbol

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if kind is not DataKind.QUOTES:
            raise NotSupported(f"OANDA streams prices alone, no {kind.value} of {symbol}")
        return LINE

    def most(self, line: str) -> int | None:
        """No number is documented."""
        del line

    def session(self, line: str) -> FeedSession:
        del line
        return self._session

    def target(self, line: str) -> Target:
        del line

        async def target() -> SocketTarget:
            query = urlencode({"instruments": self._session.instruments(), "snapshot": "true"})
            return SocketTarget(url=f"{self._origin}{PATH.format(account=self._account())}?{query}")

        return target
