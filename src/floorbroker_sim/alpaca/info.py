"""Facts of the venue, typed from its documents: numbers, words and limits that its answers depend on."""

from __future__ import annotations

from decimal import Decimal

VENUE = "alpaca"

START_CASH = Decimal(100_000)
MULTIPLIER = Decimal(2)
OPTIONS_LEVEL = 3
TRADING_PER_MINUTE = 200
STREAM_AUTH_S = 10.0

MAX_CLIENT_ID = 128
MAX_DECIMALS = 9
MIN_NOTIONAL = Decimal(1)
MIN_CRYPTO_COST = Decimal(10)
MIN_TRAIL_PERCENT = Decimal("0.1")
MAX_LEGS = 4
ORDERS_DEFAULT, ORDERS_MAX = 50, 500
DATA_DEFAULT, DATA_MAX = 1000, 10_000
ACTIVITIES_MAX = 100
GTC_DAYS = 90

# A short sale reserves the larger of its limit and 1.03 times the ask; a market buy is collared by 2.5 %, below $50 by 4 %.
SHORT_FACTOR = Decimal("1.03")
COLLAR = Decimal("1.025")
COLLAR_LOW = Decimal("1.04")
COLLAR_LOW_BELOW = Decimal(50)

CRYPTO_FEE_BPS = Decimal(25)

EQUITY_TYPES = frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop"})
TYPES = {
    "us_equity": EQUITY_TYPES,
    "us_option": frozenset({"market", "limit", "stop", "stop_limit"}),
    "crypto": frozenset({"market", "limit", "stop_limit"}),
}
TIFS = {
    "us_equity": frozenset({"day", "gtc", "opg", "cls", "ioc", "fok"}),
    "us_option": frozenset({"day"}),
    "crypto": frozenset({"gtc", "ioc"}),
}
FRACTIONAL_TYPES = frozenset({"market", "limit", "stop", "stop_limit"})

OPEN = frozenset(
    {
        "new", "partially_filled", "accepted", "pending_new", "held", "done_for_day", "pending_cancel",
        "pending_replace", "accepted_for_bidding", "stopped", "suspended", "calculated",
    }
)  # fmt: skip
REPLACEABLE = frozenset({"new", "partially_filled"})

EXCHANGES = {"SPY": "ARCA", "IWM": "ARCA", "DIA": "ARCA", "GLD": "ARCA", "VTI": "ARCA"}
NYSE = frozenset({"IBM", "BAC", "AIG", "JPM", "F", "GE", "T", "KO", "DIS", "XOM"})
OPTION_ROOTS = ("AAPL", "SPY", "QQQ", "TSLA", "NVDA", "MSFT", "IBM")

# Documented beside each other for the meta endpoints; a selection.
STOCK_EXCHANGES = {
    "A": "NYSE American (AMEX)", "B": "NASDAQ OMX BX", "C": "National Stock Exchange", "D": "FINRA ADF",
    "N": "New York Stock Exchange", "P": "NYSE Arca", "Q": "NASDAQ OMX", "T": "NASDAQ Int", "V": "IEX", "Z": "Cboe BZX",
}  # fmt: skip
TRADE_CONDITIONS = {"@": "Regular Sale", "F": "Intermarket Sweep", "I": "Odd Lot Trade", "T": "Form T"}
QUOTE_CONDITIONS = {"R": "Regular, Two-Sided Open Quote", "O": "Opening Quote", "C": "Closing Quote"}
