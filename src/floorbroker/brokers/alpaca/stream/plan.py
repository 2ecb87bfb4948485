"""Which connection carries what: one for each feed of the profile, since the venue allows one (a second is refused, 406)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.brokers.alpaca.auth import Credentials
from floorbroker.brokers.alpaca.info import Options
from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import AssetClass
from floorbroker.transport.feeds import FeedSession, Pair
from floorbroker.transport.private import Target
from floorbroker.transport.types import SocketTarget

_CARRIED: Mapping[AssetClass, frozenset[DataKind]] = MappingProxyType(
    {AssetClass.CRYPTO: frozenset(DataKind), AssetClass.OPTION: frozenset({DataKind.QUOTES, DataKind.TRADES})}
)
_CARRIED_ELSE = frozenset(DataKind) - {DataKind.BOOK}


class DataPlan:
    """The `FeedPlan` of this venue; a line is the path of a feed."""

    def __init__(self, *, origin: str, options: Options, credentials: Credentials) -> None:
        self._origin = origin
        self._options = options
        self._credentials = credentials

    aside = b""

    def spelled(self, symbol: str) -> str | None:
        """No sink reads this venue's frames."""
        del symbol
        return None

    def line_of(self, pair: Pair) -> str:
        kind, symbol = pair
        asset_class = asset_class_of(symbol)
        if kind not in _CARRIED.get(asset_class, _CARRIED_ELSE):
            raise NotSupported(f"Alpaca streams no {kind.value} of {symbol}")
        match asset_class:
            case AssetClass.CRYPTO:
                return f"/v1beta3/crypto/{self._options.crypto_loc}"
            case AssetClass.OPTION:
                return f"/v1beta1/{self._options.option_feed}"
            case _:
                return f"/v2/{self._options.stock_feed}"

    def most(self, line: str) -> int | None:
        """Plans bound the symbols, and the venue says so itself (405)."""
        return None

    def session(self, line: str) -> FeedSession:
        return DataSession(self._credentials, source=f"alpaca {line.rpartition('/')[2]}")

    def target(self, line: str) -> Target:
        async def target() -> SocketTarget:
            return SocketTarget(url=f"{self._origin}{line}")

        return target
