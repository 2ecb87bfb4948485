"""Which connection carries what: any number of combined streams of 1,024 symbols and kinds each."""

from __future__ import annotations

from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.stream.data import CHANNELS, DataSession, OnChain
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

_LINE = "/stream"
_STREAMS_MAX = 1024


class DataPlan:
    """The `FeedPlan` of this venue; its one line is the path of combined streams."""

    def __init__(self, *, origin: str, symbols: Symbols, on_chain: OnChain) -> None:
        self._origin = origin
        self._symbols = symbols
        self._on_chain = on_chain

    aside = b""

    def spelled(self, symbol: str) -> str | None:
        return self._symbols.to_wire(symbol)

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        if asset_class_of(symbol) is not AssetClass.CRYPTO or kind not in CHANNELS:
            raise NotSupported(f"Binance streams no {kind.value} of {symbol}")
        return _LINE

    def most(self, line: str) -> int | None:
        return _STREAMS_MAX

    def session(self, line: str) -> FeedSession:
        return DataSession(self._symbols, on_chain=self._on_chain)

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}{line}")

        return target
