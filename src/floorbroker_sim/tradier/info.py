"""Facts of the venue, typed from its documents: numbers, words and limits that its answers depend on.

https://documentation.tradier.com/brokerage-api and https://docs.tradier.com/docs
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

VENUE = "tradier"
START_CASH = Decimal(100_000)
OPTION_LEVEL = 6
MULTIPLIER = Decimal(100)  # shares under one option contract

STANDARD_PER_MINUTE, MARKET_PER_MINUTE, TRADING_PER_MINUTE = 120, 120, 60
ORDERS_PAGE, HISTORY_PAGE, GAINLOSS_PAGE = 25, 25, 100
SESSION_S = 300  # a stream session must be used within five minutes
HEARTBEAT_S = 60
IDLE_S = 900  # an HTTP stream that nothing is sent on is closed after a quarter of an hour
MAX_TAG = 255

AccountType = Literal["margin", "cash", "pdt"]
LEVERAGE: dict[str, Decimal] = {"margin": Decimal(2), "cash": Decimal(1), "pdt": Decimal(4)}

CLASSES = ("equity", "option", "multileg", "combo", "oto", "oco", "otoco")
FAMILIES = frozenset({"oto", "oco", "otoco"})
STRATEGIES = frozenset({"multileg", "combo"})
EQUITY_SIDES = ("buy", "buy_to_cover", "sell", "sell_short")
OPTION_SIDES = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")
SINGLE_TYPES = ("market", "limit", "stop", "stop_limit")
NET_TYPES = ("market", "debit", "credit", "even")
DURATIONS = ("day", "gtc", "pre", "post")
CLOSING = frozenset({"buy_to_cover", "sell", "buy_to_close", "sell_to_close"})
PRICED = frozenset({"limit", "stop_limit", "debit", "credit"})
STOPPED = frozenset({"stop", "stop_limit"})
FINAL = frozenset({"filled", "expired", "canceled", "rejected", "error"})

OPTION_ROOTS = ("AAPL", "SPY", "QQQ", "TSLA", "NVDA", "MSFT", "IBM")
FUNDS = frozenset({"SPY", "QQQ", "IWM", "DIA", "GLD", "TLT", "VTI"})
ARCA = frozenset({"SPY", "IWM", "DIA", "GLD", "VTI"})
NYSE = frozenset({"IBM", "BAC", "AIG", "JPM", "F", "GE", "T", "KO", "DIS", "XOM"})

# The windows of the calendar, New York time: the early session ends before the opening, the late one before eight.
PREMARKET = ("07:00", "09:24")
POSTMARKET_ENDS = "19:55"
