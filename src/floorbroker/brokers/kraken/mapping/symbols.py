"""Kraken's four spellings of a pair, and its names of assets.

Inside it is `BTC/USD`, as on WebSocket v2.  REST has an id (`XXBTZUSD`), a short name (`XBTUSD`) and a `wsname` (`XBT/USD`), and
says XBT where everybody says BTC.  `Symbols` is the table made of AssetPairs; what it lacks is spelled by rule, which is right
for every pair of known currencies.  Assets carry `X` and `Z` prefixes of old (`XXBT`, `ZUSD`), and endings for what they are
doing: `.F` earns and can be spent at once, `.B`, `.S`, `.M` and `.P` are bound.
Documents: docs.kraken.com/api-reference/market-data/get-tradable-asset-pairs; docs.kraken.com/api-reference/account-data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from floorbroker.brokers.kraken import wire

_OURS = {"XBT": "BTC", "XDG": "DOGE"}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}
_OLD = {
    "XXBT": "XBT", "XXDG": "XDG", "XETH": "ETH", "XETC": "ETC", "XLTC": "LTC", "XXRP": "XRP", "XXLM": "XLM", "XXMR": "XMR",
    "XZEC": "ZEC", "XREP": "REP", "XMLN": "MLN", "ZUSD": "USD", "ZEUR": "EUR", "ZGBP": "GBP", "ZCAD": "CAD", "ZJPY": "JPY",
    "ZAUD": "AUD", "ZCHF": "CHF",
}  # fmt: skip
FIAT = frozenset({"USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "AED"})
_QUOTES = ("USDT", "USDC", "DAI", "USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "XBT", "ETH")
_FREE = "F"


@dataclass(frozen=True, slots=True)
class Asset:
    """A currency by our name, and the letter of what it is doing (empty: nothing)."""

    currency: str
    use: str = ""

    @property
    def is_free(self) -> bool:
        """Whether it can be spent at once."""
        return self.use in ("", _FREE)

    @property
    def name(self) -> str:
        """`BTC`, `ETH.B`."""
        return f"{self.currency}.{self.use}" if self.use else self.currency


def asset_of(name: str) -> Asset:
    """`XXBT`, `ZUSD`, `XBT.F`, `ETH2.S` in our spelling."""
    base, dot, use = name.partition(".")
    plain = _OLD.get(base, base)
    return Asset(_OURS.get(plain, plain), use if dot else "")


def their_asset(currency: str) -> str:
    """`BTC` is `XBT` in REST."""
    return _THEIRS.get(currency, currency)


class Symbols:
    """Pairs by every name that REST gives them; empty until AssetPairs was asked."""

    def __init__(self, pairs: Mapping[str, wire.Pair] | None = None) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self.pairs: dict[str, wire.Pair] = {}
        for name, pair in (pairs or {}).items():
            self._learn(name, pair)

    def _learn(self, name: str, pair: wire.Pair) -> None:
        symbol = _from_wsname(pair.wsname) or _from_assets(pair) or by_rule(pair.altname)
        self.pairs[symbol] = pair
        self._theirs[symbol] = pair.altname
        for spelling in (name, pair.altname, pair.wsname):
            if spelling:
                self._ours[spelling] = symbol

    def to_rest(self, symbol: str) -> str:
        """The short name that REST takes as `pair`."""
        return self._theirs.get(symbol) or _short(symbol)

    def from_rest(self, name: str) -> str:
        """Our spelling of whatever REST calls a pair."""
        return self._ours.get(name) or by_rule(name)


def _short(symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return f"{their_asset(base)}{their_asset(quote)}"


def _from_wsname(name: str | None) -> str:
    base, slash, quote = (name or "").partition("/")
    return f"{asset_of(base).currency}/{asset_of(quote).currency}" if slash and base and quote else ""


def _from_assets(pair: wire.Pair) -> str:
    if not pair.base or not pair.quote:
        return ""
    return f"{asset_of(pair.base).currency}/{asset_of(pair.quote).currency}"


def by_rule(name: str) -> str:
    """`XXBTZUSD`, `XBTUSD` and `XBT/USD` without a table: by the quote currency it ends in; as it is when it ends in none."""
    if "/" in name:
        return _from_wsname(name) or name
    for quote in _QUOTES:
        for ending in (f"Z{quote}" if quote in FIAT else f"X{quote}", quote):
            base = name.removesuffix(ending)
            if base and base != name and (ending == quote or base in _OLD or base in _QUOTES):
                return f"{asset_of(base).currency}/{asset_of(quote).currency}"
    return name
