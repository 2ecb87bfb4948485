"""Facts of the venue, typed from its documents: numbers, words and limits that its answers depend on."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

VENUE = "ibkr"
MIN_VERSION, MAX_VERSION = 157, 178
ZONE_NAME = "US/Eastern"
ZONE = ZoneInfo("America/New_York")

START_CASH = Decimal(100_000)
CURRENCY = "USD"
MAX_CLIENTS = 32
MESSAGES_A_SECOND = 50  # market data lines / 2; a hundred lines come with an account
PACE_STRIKES = 3  # warnings (code 100) before the connection is closed
MAX_LINES = 100
WORKING_A_SIDE = 20  # working orders of one contract, side and account

# Reg T: half of a share's value at entry, a quarter to keep; a naked option a fifth of its underlying.
INITIAL, MAINTENANCE = Decimal("0.5"), Decimal("0.25")
NAKED, NAKED_LEAST = Decimal("0.2"), Decimal("0.1")
PRICE_CAP = Decimal(3)  # a limit further from the market than this is refused (109)

PER_SHARE, PER_CONTRACT, FX_RATE = Decimal("0.005"), Decimal("0.65"), Decimal("0.00002")
IDEALPRO_MIN = Decimal(20_000)
HARD_TO_BORROW = frozenset({"SIRI"})

ETFS = frozenset({"SPY", "QQQ", "IWM", "DIA", "GLD", "TLT", "VTI"})
NYSE = frozenset({"IBM", "BAC", "AIG", "JPM", "F", "GE", "T", "KO", "DIS", "XOM"})
OPTION_ROOTS = ("AAPL", "SPY", "QQQ", "TSLA", "NVDA", "MSFT", "IBM")
CURRENCIES: dict[str, tuple[str, str]] = {
    "EUR/USD": ("1.08", "European Monetary Union Euro"),
    "GBP/USD": ("1.27", "British pound"),
    "AUD/USD": ("0.66", "Australian dollar"),
}
CON_IDS = {"AAPL": 265598, "MSFT": 272093, "IBM": 8314, "SPY": 756733, "EUR/USD": 12087792, "GBP/USD": 12087797}

ORDER_TYPES = "ACTIVETIM,AD,ADJUST,ALERT,ALLOC,BASKET,COND,CONDORDER,DAY,GTC,GTD,IOC,LIT,LMT,LOC,MIDPX,MIT,MKT,MOC,OCA,OPG,SCALE,STP,STPLMT,TRAIL,TRAILLMT,WHATIF"  # noqa: E501 - one word of the wire
EXCHANGES = {"STK": "SMART,NYSE,NASDAQ,ARCA,IEX", "OPT": "SMART,CBOE,ISE,PHLX", "CASH": "IDEALPRO"}
MARKET_RULES = {
    26: ((Decimal(0), Decimal("0.01")),),
    239: ((Decimal(0), Decimal("0.00005")),),
    109: ((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
}
RULE_OF = {"STK": 109, "OPT": 26, "CASH": 239}

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)

# Nightly, New York time: the program restarts itself, and later the link to the broker's servers is reset.
RESTART_AT, RESTART_S = (23, 45), 60.0
SERVER_RESET_AT, SERVER_RESET_S = (0, 15), 90.0
DEAF_S = 1.0  # what comes in this long before a restart is read and lost
