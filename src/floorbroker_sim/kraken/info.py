"""Facts of the venue, typed from its documents: pairs, assets, tiers, and the numbers its answers depend on.

https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs, …/guides/general/ratelimits, …/guides/rest/ratelimits
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.values import AssetClass
from floorbroker.tape import Listing

VENUE = "kraken"
ENGINE_VERSION = "2.0.10"

TAKER_BPS = Decimal(26)
MAKER_BPS = Decimal(16)

TOKEN_S = 900
DEADLINE_MAX_S = 60
LOCKOUT_S = 900
LOCKOUT_AFTER = 10  # refused keys, signatures or nonces within a minute
PAGE = 50
SNAPSHOT_TRADES = 50
QUERY_ORDERS_MAX = 50
QUERY_TRADES_MAX = 20
BATCH_ADD = (2, 15)
BATCH_CANCEL_MIN, BATCH_CANCEL_MAX = 2, 50  # the smallest is the socket's alone
DEAD_MAN_MAX_S = 86_400
OHLC_ROWS = 720
DEPTH_DEFAULT, DEPTH_MAX = 100, 500
TRADES_MAX = 1000
MAX_NONCE = (1 << 64) - 1
USERREF_BITS = 31
CLIENT_ID_MAX = 18
DISPLAY_SHARE = 15  # an iceberg shows at least one fifteenth

INTERVALS_MIN = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
BOOK_DEPTHS = (10, 25, 100, 500, 1000)
CHECKSUM_LEVELS = 10
WALKED_LEVELS = 25  # how deep an order may walk where sizes count


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One asset: `id` as REST names it, `altname` as pairs do, `name` as WebSocket v2 and we do."""

    id: str
    altname: str
    name: str
    decimals: int
    display: int
    start: Decimal = Decimal(0)
    collateral: str | None = None


ASSETS: Mapping[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(id="ZUSD", altname="USD", name="USD", decimals=4, display=2, start=Decimal(100_000), collateral="1"),
        Asset(id="ZEUR", altname="EUR", name="EUR", decimals=4, display=2, start=Decimal(10_000), collateral="0.99"),
        Asset(id="XXBT", altname="XBT", name="BTC", decimals=10, display=5, start=Decimal(2), collateral="1"),
        Asset(id="XETH", altname="ETH", name="ETH", decimals=10, display=5, start=Decimal(20), collateral="1"),
        Asset(id="SOL", altname="SOL", name="SOL", decimals=10, display=5, start=Decimal(200), collateral="0.9"),
        Asset(id="XXRP", altname="XRP", name="XRP", decimals=8, display=5, start=Decimal(20_000), collateral="0.9"),
        Asset(id="XXDG", altname="XDG", name="DOGE", decimals=8, display=2, start=Decimal(100_000), collateral="0.9"),
        Asset(id="XLTC", altname="LTC", name="LTC", decimals=10, display=5, start=Decimal(200), collateral="0.9"),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One market and its names: `id` keys REST results, `altname` stands in order descriptions, `symbol` on WebSocket v2.

    Steps of price and quantity are given as decimals; `anchor`, `size` and `half_spread` (ticks) shape the seeded prices.
    """

    id: str
    altname: str
    wsname: str
    base: str
    quote: str
    price_decimals: int
    lot_decimals: int = 8
    cost_decimals: int = 5
    order_min: Decimal
    cost_min: Decimal
    anchor: Decimal
    size: Decimal
    half_spread: int
    has_index: bool = True
    long_limit: int = 250
    short_limit: int = 200

    @property
    def symbol(self) -> str:
        """The canonical symbol, which is the WebSocket's as well."""
        return f"{self.base}/{self.quote}"

    @property
    def tick(self) -> Decimal:
        return Decimal(1).scaleb(-self.price_decimals)

    @property
    def lot(self) -> Decimal:
        return Decimal(1).scaleb(-self.lot_decimals)


# Id, altname, wsname, symbol; price decimals, smallest order, least cost; anchor, usual size and half spread of the seed.
_PAIRS = (
    ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD", 1, "0.00005", "0.5", "61000", "0.5", 3),
    ("XETHZUSD", "ETHUSD", "ETH/USD", "ETH/USD", 2, "0.001", "0.5", "3400", "3", 8),
    ("SOLUSD", "SOLUSD", "SOL/USD", "SOL/USD", 2, "0.02", "0.5", "140", "40", 1),
    ("XXRPZUSD", "XRPUSD", "XRP/USD", "XRP/USD", 5, "2", "0.5", "0.6", "5000", 3),
    ("XDGUSD", "XDGUSD", "XDG/USD", "DOGE/USD", 7, "13", "0.5", "0.12", "20000", 60),
    ("XLTCZUSD", "LTCUSD", "LTC/USD", "LTC/USD", 2, "0.04", "0.5", "74", "40", 1),
    ("XXBTZEUR", "XBTEUR", "XBT/EUR", "BTC/EUR", 1, "0.00005", "0.45", "56000", "0.5", 3),
    ("XETHXXBT", "ETHXBT", "ETH/XBT", "ETH/BTC", 5, "0.001", "0.00002", "0.0557", "3", 1),
)


def _listed() -> Iterator[Pair]:
    for id, altname, wsname, symbol, decimals, order_min, cost_min, anchor, size, half_spread in _PAIRS:
        base, _, quote = symbol.partition("/")
        yield Pair(
            id=id, altname=altname, wsname=wsname, base=base, quote=quote, price_decimals=decimals,
            cost_decimals=10 if quote == "BTC" else 5, order_min=Decimal(order_min), cost_min=Decimal(cost_min),
            anchor=Decimal(anchor), size=Decimal(size), half_spread=half_spread, has_index=quote != "BTC",
        )  # fmt: skip


PAIRS: Mapping[str, Pair] = {pair.symbol: pair for pair in _listed()}


def pair_names() -> dict[str, Pair]:
    """Every spelling a pair argument may have, upper case: id, altname, wsname and the WebSocket v2 symbol."""
    names: dict[str, Pair] = {}
    for pair in PAIRS.values():
        spellings = (pair.id, pair.altname, pair.wsname, pair.symbol, pair.symbol.replace("/", ""))
        names.update(dict.fromkeys(spellings, pair))
    return names


def asset_names() -> dict[str, Asset]:
    """Every spelling of an asset argument, upper case."""
    return {name: asset for asset in ASSETS.values() for name in (asset.id, asset.altname, asset.name)}


def instrument(pair: Pair) -> Instrument:
    """The pair as the matching engine knows it."""
    return Instrument(
        symbol=pair.symbol, asset_class=AssetClass.CRYPTO, currency=pair.quote, venue_id=pair.id, name=pair.wsname,
        ticks=(TickRule(from_price=Decimal(0), tick=pair.tick),), lot=pair.lot, fraction=pair.lot,
        min_qty=pair.order_min, min_notional=pair.cost_min, calendar="24x7",
    )  # fmt: skip


def listing(pair: Pair) -> Listing:
    """How the seeded market prices the pair."""
    return Listing(anchor=pair.anchor, tick=pair.tick, half_spread=pair.half_spread, size=pair.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What an account may do: the REST counter, the engine's counter for each pair, and open orders for each pair."""

    calls_max: Decimal
    calls_decay_s: Decimal  # points a second
    engine_max: Decimal
    engine_decay_s: Decimal  # points a second
    open_orders: int


TIERS: Mapping[str, Tier] = {
    "starter": Tier(
        calls_max=Decimal(15), calls_decay_s=Decimal("0.33"), engine_max=Decimal(60), engine_decay_s=Decimal(1),
        open_orders=60,
    ),
    "intermediate": Tier(
        calls_max=Decimal(20), calls_decay_s=Decimal("0.5"), engine_max=Decimal(125), engine_decay_s=Decimal("2.34"),
        open_orders=80,
    ),
    "pro": Tier(
        calls_max=Decimal(20), calls_decay_s=Decimal(1), engine_max=Decimal(180), engine_decay_s=Decimal("3.75"),
        open_orders=225,
    ),
}  # fmt: skip

# Seconds since the order was created or amended -> extra points; ages beyond the last row cost nothing more.
AGE_PENALTIES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "amend": ((5, 3), (10, 2), (15, 1)),
    "edit": ((5, 6), (10, 5), (15, 4), (45, 2), (90, 1)),
    "cancel": ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1)),
}
