"""Facts of the venue, typed from its documents: words, numbers and limits that its answers depend on.

https://upstox.com/developer/api-documentation and the exchanges' pages on hours, price steps and charges
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from decimal import Decimal

VENUE = "upstox"
START_CASH = Decimal(100_000)
IST = timezone(timedelta(hours=5, minutes=30), "IST")
TICK = Decimal("0.05")
PAISE = Decimal(100)  # instrument files tell price steps in hundredths of a rupee

# How much may be asked: requests in seconds, for each user.
ORDER_LIMITS = ((10, 1), (500, 60), (2000, 1800))
ALGO_LIMITS = ((50, 1), (500, 60), (2000, 1800))  # of orders that carry the name of a registered algorithm
OTHER_LIMITS = ((50, 1), (500, 60), (2000, 1800))

PRODUCTS = ("I", "D", "MTF")
OLD_PRODUCTS = ("I", "D", "CO", "OCO", "MTF")
VALIDITIES = ("DAY", "IOC")
ORDER_TYPES = ("MARKET", "LIMIT", "SL", "SL-M")
SIDES = ("BUY", "SELL")
SEGMENTS = ("NSE_EQ", "BSE_EQ", "NSE_FO", "BSE_FO", "NCD_FO", "BCD_FO", "MCX_FO", "NSE_COM")
EXCHANGES = ("NSE", "NFO", "CDS", "BSE", "BCD", "BFO", "MCX")
MAX_TAG, MAX_CORRELATION = 40, 20
MAX_MULTI, MAX_BULK, MAX_SLICES = 10, 50, 25
MAX_KEYS, MAX_GREEK_KEYS, MAX_MARGIN_KEYS = 500, 50, 20
MAX_RULES = 3
PROTECTION_MAX, PROTECTION_AUTO = 25, Decimal(3)
DISCLOSED_SHARE = 10  # a disclosed quantity is a tenth of the quantity or more
COOLING = timedelta(hours=12)
ADDRESS_REST = timedelta(days=7)
CIRCUIT = Decimal("0.20")

# Margins by product and side, as parts of the worth.
INTRADAY_MARGIN, MTF_MARGIN = Decimal("0.20"), Decimal("0.30")
SPAN, EXPOSURE = Decimal("0.10"), Decimal("0.035")

FINAL = frozenset({"complete", "rejected", "cancelled", "cancelled after market order"})
WAITING = "after market order req received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One line of an exchange: where its price wanders about (rupees), and the rules of its orders."""

    symbol: str
    name: str
    isin: str
    anchor: str
    number: str
    freeze: int = 100_000
    size: int = 500
    exchanges: tuple[str, ...] = ("NSE", "BSE")


SHARES = (
    Share(symbol="RELIANCE", name="RELIANCE INDUSTRIES LTD", isin="INE002A01018", anchor="1400", number="2885"),
    Share(symbol="TCS", name="TATA CONSULTANCY SERV LT", isin="INE467B01029", anchor="3100", number="11536"),
    Share(symbol="INFY", name="INFOSYS LIMITED", isin="INE009A01021", anchor="1550", number="1594"),
    Share(symbol="HDFCBANK", name="HDFC BANK LTD", isin="INE040A01034", anchor="980", number="1333"),
    Share(symbol="ICICIBANK", name="ICICI BANK LTD.", isin="INE090A01021", anchor="1380", number="4963"),
    Share(symbol="SBIN", name="STATE BANK OF INDIA", isin="INE062A01020", anchor="880", number="3045"),
    Share(symbol="ITC", name="ITC LTD", isin="INE154A01025", anchor="410", number="1660"),
    Share(symbol="WIPRO", name="WIPRO LTD", isin="INE075A01022", anchor="250", number="3787"),
    Share(symbol="TATASTEEL", name="TATA STEEL LIMITED", isin="INE081A01020", anchor="170", number="3499", size=2000),
    Share(symbol="NHPC", name="NHPC LTD", isin="INE848E01016", anchor="80", number="17400", size=3000),
    Share(symbol="YESBANK", name="YES BANK LIMITED", isin="INE528G01035", anchor="22", number="11915", size=9000),
    Share(
        symbol="NIFTYBEES", name="NIP IND ETF NIFTY BEES", isin="INF204KB14I2", anchor="285", number="10576", exchanges=("NSE",)
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A number nobody trades; contracts on it are traded."""

    symbol: str
    key: str
    name: str
    anchor: str


INDICES = (Index(symbol="NIFTY", key="NSE_INDEX|Nifty 50", name="Nifty 50", anchor="25500"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Options on an index or a share: `step` between strikes, `lot` and `freeze` in units."""

    root: str
    underlying: str
    step: int
    lot: int
    freeze: int
    weekly: bool = False


CHAINS = (
    Chain(root="NIFTY", underlying="NIFTY", step=50, lot=75, freeze=1800, weekly=True),
    Chain(root="SBIN", underlying="SBIN", step=10, lot=750, freeze=75_000),
    Chain(root="INFY", underlying="INFY", step=20, lot=400, freeze=40_000),
    Chain(root="TCS", underlying="TCS", step=40, lot=175, freeze=17_500),
)
STRIKES_EACH_SIDE = 8
WEEKS, MONTHS = 4, 3
EXPIRY_WEEKDAY = 1  # Tuesday
