"""Facts of the venue, typed from its documents: numbers, words and limits that its answers depend on.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/ and the OpenAPI document "IB REST API" 2.20.0.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

VENUE = "ibkr-web"
BASE = "/v1/api"
SOCKET = f"{BASE}/ws"

START_CASH = Decimal(100_000)
CURRENCY = "USD"

# Sessions.
IDLE_S = 360.0  # without a request for so long the brokerage session ends
LOGIN_LIVES = timedelta(hours=24)
REPLY_WITHIN_S = 60.0  # how long a question waits for its answer
HEARTBEAT_S = 10.0
LEDGER_EVERY_S = 10.0
STREAM_LIVES_S = 900.0  # a subscription to market data ends by itself
FRAMES_APART_S = 0.5  # market data of one contract is told twice a second at most

# Pacing: requests in a window of seconds; whoever exceeds one waits in the penalty box.
PER_SECOND = 10
PENALTY_S = 600.0
WINDOWS: dict[str, tuple[int, float]] = {
    "/iserver/account/orders": (1, 5.0),
    "/iserver/account/trades": (1, 5.0),
    "/iserver/account/pnl/partitioned": (1, 5.0),
    "/portfolio/accounts": (1, 5.0),
    "/portfolio/subaccounts": (1, 5.0),
    "/iserver/marketdata/snapshot": (10, 1.0),
    "/sso/validate": (1, 60.0),
    "/tickle": (1, 1.0),
}

# Orders.
CLIENT_IDS_LIVE = timedelta(hours=24)
MAX_CLIENT_ID = 64
MAX_SUPPRESSED = 51
MAX_LIVE_ORDERS = 1000
TRADE_DAYS_MAX = 7
PAGE_SIZE = 100

# Presets that a question asks about.
PRICE_PERCENT = Decimal(3)
SIZE_LIMIT = Decimal(500)
VALUE_LIMIT = Decimal(100_000)

# Money: half of a share's value is margin, a quarter keeps it; written options are secured in full.
INITIAL_MARGIN = Decimal("0.5")
MAINTENANCE_MARGIN = Decimal("0.25")
SHARE_FEE = Decimal("0.005")
FEE_MINIMUM = Decimal("1.00")
SHARE_FEE_MAX_PERCENT = Decimal(1)
CONTRACT_FEE = Decimal("0.65")

CONIDS = {"AAPL": 265598, "IBM": 8314}  # those the documents name; the others are drawn from the symbol
SPREAD_CONIDS = {
    "USD": 28812380, "AUD": 61227077, "CAD": 61227082, "CHF": 61227087, "CNH": 136000441, "GBP": 58666491, "HKD": 61227072,
    "INR": 136000444, "JPY": 61227069, "KRW": 136000424, "MXN": 136000449, "SEK": 136000429, "SGD": 426116555,
}  # fmt: skip
SHARE_CLASSES = {"BRK.B": ("480.00", "Berkshire Hathaway Inc. Class B")}
EXCHANGES = {"SPY": "ARCA", "IWM": "ARCA", "DIA": "ARCA", "GLD": "ARCA", "VTI": "ARCA"}
NYSE = frozenset({"BRK.B", "IBM", "BAC", "AIG", "JPM", "F", "GE", "T", "KO", "DIS", "XOM"})
VALID_EXCHANGES = "SMART,AMEX,NYSE,CBOE,ISLAND,ARCA,IEX"

# Order types as tickets spell them -> (the word of lists, the text people read).
TYPES = {
    "MKT": ("MARKET", "Market"),
    "LMT": ("LIMIT", "Limit"),
    "STP": ("STOP", "Stop"),
    "STOP_LIMIT": ("STOP_LIMIT", "Stop Limit"),
    "TRAIL": ("TRAILING_STOP", "Trailing Stop"),
    "MIT": ("MIT", "Market if Touched"),
    "LIT": ("LIT", "Limit if Touched"),
    "MOC": ("MARKETONCLOSE", "Market On Close"),
    "LOC": ("LIMITONCLOSE", "Limit On Close"),
}
TIFS = ("DAY", "GTC", "IOC", "OPG")
STATUSES = (
    "Inactive", "PendingSubmit", "PreSubmitted", "Submitted", "Filled", "PendingCancel", "Cancelled", "WarnState",
)  # fmt: skip

QUESTIONS = {
    "o163": "The following order exceeds the price percentage limit: the price exceeds the Percentage constraint of 3%.",
    "o354": "You are submitting an order without market data. We strongly recommend against this as it may result in "
    "erroneous and unexpected trades.\nAre you sure you want to submit this order?",
    "o382": "The following value exceeds the Tick Size Limit of 100.\nAre you sure you want to submit this order?",
    "o383": "The following order size exceeds the Size Limit of 500.\nAre you sure you want to submit this order?",
    "o403": "This order will most likely trigger and fill immediately.\nAre you sure you want to submit this order?",
    "o451": "The following order value exceeds the Total Value Limit of 100,000 USD.\n"
    "Are you sure you want to submit this order?",
    "o2137": "There is an open order on the other side of this contract.\nAre you sure you want to submit this order?",
    "o2165": "This contract does not trade in fractions outside of regular trading hours.\n"
    "Are you sure you want to submit this order?",
    "o10138": "The size modification exceeds the size modification limit.\nAre you sure you want to submit this order?",
    "o10151": "A Market Order is an instruction to trade your order at any available price in the market.",
    "o10152": "A Stop Order - i.e. a Stop (Market) Order - is an instruction to buy or sell at the market price once your "
    'trigger ("stop") price is reached.',
    "o10153": "To avoid trading at a price that is not consistent with a fair and orderly market a cap may be set.",
    "o10164": "Traders are responsible for understanding cash quantity details, which are provided on a best efforts basis "
    "only.",
    "o10223": "Orders that express size using a monetary value (cash quantity) are provided on a non-guaranteed basis.",
    "o10331": "You are about to submit a stop order. Please be aware of the various stop order types available and the "
    "risks associated with each one.\nAre you sure you want to submit this order?",
}
PROMPT = "p12"
PROMPT_TEXT = (
    "If your order is not immediately executable, our systems may, depending on market conditions, reject your order.\n"
    "Use the Price Management Algo?"
)
PROMPT_OPTIONS = ("Use on this order", "Always use", "Do not use")

# Market data fields as numbers; these are the ones with a value here.
MARKERS = {"6119": "q0", "6509": "RpB"}

PERIODS = {"min": 30, "h": 8, "d": 1000, "w": 792, "m": 182, "y": 15}
BARS_MAX = 1000
BARS = {
    "1min": 60, "2min": 120, "3min": 180, "5min": 300, "10min": 600, "15min": 900, "30min": 1800, "1h": 3600, "2h": 7200,
    "3h": 10_800, "4h": 14_400, "8h": 28_800, "1d": 86_400, "1w": 604_800, "1m": 2_592_000,
}  # fmt: skip
