"""Facts of the venue, typed from its documents: what is listed, by which rules, and the numbers its answers depend on.

https://bybit-exchange.github.io/docs/v5/intro
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

VENUE = "bybit"

SPOT, LINEAR = "spot", "linear"
CATEGORIES = frozenset({SPOT, LINEAR, "inverse", "option"})
LISTED = frozenset({SPOT, LINEAR})
SETTLE = "USDT"

START_BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "SOL": Decimal(100),
    "XRP": Decimal(20_000),
    "DOGE": Decimal(100_000),
}

# Fees of a level without discounts: https://www.bybit.com/en/help-center/article/Trading-Fee-Structure
SPOT_TAKER, SPOT_MAKER = Decimal("0.001"), Decimal("0.001")
LINEAR_TAKER, LINEAR_MAKER = Decimal("0.00055"), Decimal("0.0002")
START_LEVERAGE = Decimal(10)
MAINTENANCE = Decimal("0.005")  # of a position's value, first risk tier
RISK_LIMIT = Decimal(2_000_000)  # largest value of a position, quote units
FUNDING_RATE = Decimal("0.0001")
FUNDING_HOURS = 8

# Rejections and what reads may ask for (order/create-order, order/open-order, order/order-list, order/execution).
MAX_LINK_ID = 36
MAX_ACTIVE, MAX_CONDITIONAL, MAX_SPOT_OPEN = 500, 10, 500
MAX_SPOT_CONDITIONAL = 30
ORDERS_DEFAULT, ORDERS_MAX = 20, 50
EXECUTIONS_DEFAULT, EXECUTIONS_MAX = 50, 100
POSITIONS_DEFAULT, POSITIONS_MAX = 20, 200
HISTORY_WINDOW_DAYS = 7
EMPTY_KEPT_HOURS = 24  # orders that ended without a fill
CLOSED_KEPT = 500  # closed orders that `openOnly=1` still shows
BATCH_MAX = {SPOT: 10, LINEAR: 20, "inverse": 20, "option": 20}

RECV_WINDOW_MS = 5_000
AHEAD_MS = 1_000  # how far a client's clock may run ahead
IDLE_S = 600
SPOT_ARGS_MAX = 10
ARGS_CHARACTERS_MAX = 21_000
ACTIVE_TIME_S = (30, 600)
MAX_REQ_ID = 36
DEPTHS = (1, 50, 200, 1000)
LEVEL_ONE_REPEAT_S = 3

TIFS = frozenset({"GTC", "IOC", "FOK", "PostOnly"})
ORDER_FILTERS = frozenset({"Order", "tpslOrder", "StopOrder"})
TRIGGER_BY = frozenset({"LastPrice", "MarkPrice", "IndexPrice"})
SMP_TYPES = frozenset({"None", "CancelMaker", "CancelTaker", "CancelBoth"})
OPEN = frozenset({"New", "PartiallyFilled", "Untriggered", "Triggered"})
INTERVALS: Mapping[str, int] = {
    "1": 60, "3": 180, "5": 300, "15": 900, "30": 1800, "60": 3600, "120": 7200, "240": 14_400, "360": 21_600,
    "720": 43_200, "D": 86_400, "W": 604_800,
}  # fmt: skip
MONTH = "M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One listed pair or contract.  Prices and amounts in `quote`, quantities in `base`.

    `band` is how far through the market a limit price may go (`priceLimitRatioX`, `Y`: the wider is `Y`).
    """

    category: str
    base: str
    number: int
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    max_qty: Decimal
    max_market_qty: Decimal
    max_price: Decimal
    band_x: Decimal
    band_y: Decimal
    max_leverage: Decimal = Decimal(1)
    min_amount: Decimal = Decimal(5)
    max_amount: Decimal = Decimal(8_000_000)
    quote: str = SETTLE

    @property
    def symbol(self) -> str:
        """The venue's spelling."""
        return self.base + self.quote

    @property
    def canonical(self) -> str:
        """Ours: `BTC/USDT`, and `BTC/USDT:USDT` for the contract."""
        pair = f"{self.base}/{self.quote}"
        return pair if self.category == SPOT else f"{pair}:{self.quote}"

    @property
    def pair(self) -> str:
        """The spot pair whose price it follows."""
        return f"{self.base}/{self.quote}"


def _spot(base: str, number: int, *, tick: str, step: str, least: str, most: str) -> Product:
    return Product(
        category=SPOT, base=base, number=number, tick=Decimal(tick), step=Decimal(step), min_qty=Decimal(least),
        max_qty=Decimal(most), max_market_qty=Decimal(most) / 2, max_price=Decimal(2_000_000), band_x=Decimal("0.005"),
        band_y=Decimal("0.01"),
    )  # fmt: skip


def _linear(base: str, number: int, *, tick: str, step: str, most: str, market: str, leverage: str) -> Product:
    return Product(
        category=LINEAR, base=base, number=number, tick=Decimal(tick), step=Decimal(step), min_qty=Decimal(step),
        max_qty=Decimal(most), max_market_qty=Decimal(market), max_price=Decimal("1999999.8"), band_x=Decimal("0.01"),
        band_y=Decimal("0.02"), max_leverage=Decimal(leverage),
    )  # fmt: skip


PRODUCTS: tuple[Product, ...] = (
    _spot("BTC", 9, tick="0.1", step="0.000001", least="0.000011", most="83"),
    _spot("ETH", 10, tick="0.01", step="0.00001", least="0.0002", most="1660"),
    _spot("SOL", 24, tick="0.01", step="0.001", least="0.01", most="50000"),
    _spot("XRP", 11, tick="0.0001", step="0.01", least="1", most="4000000"),
    _spot("DOGE", 16, tick="0.00001", step="0.1", least="10", most="30000000"),
    _linear("BTC", 5, tick="0.1", step="0.001", most="1190", market="500", leverage="100"),
    _linear("ETH", 6, tick="0.01", step="0.01", most="7240", market="1448", leverage="100"),
    _linear("SOL", 23, tick="0.01", step="0.1", most="79770", market="16020", leverage="100"),
    _linear("XRP", 15, tick="0.0001", step="0.1", most="4000000", market="900000", leverage="75"),
)
BY_NAME: Mapping[tuple[str, str], Product] = {(p.category, p.symbol): p for p in PRODUCTS}
BY_CANONICAL: Mapping[str, Product] = {p.canonical: p for p in PRODUCTS}
COIN_NAMES: Mapping[str, str] = {
    "USDT": "Tether", "BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "XRP": "XRP", "DOGE": "Dogecoin",
}  # fmt: skip
