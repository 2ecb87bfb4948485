"""Facts of the venue, typed from its documents: numbers, words and limits that its answers depend on.

https://developers.binance.com/docs/binance-spot-api-docs
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

VENUE = "binance"

START_MONEY = Decimal(100_000)
START_BALANCES = {
    "USDT": START_MONEY, "BTC": Decimal(2), "ETH": Decimal(30), "SOL": Decimal(500), "BNB": Decimal(100),
    "XRP": Decimal(50_000), "DOGE": Decimal(200_000),
}  # fmt: skip
COMMISSION = Decimal("0.001")  # of what is received, maker and taker alike
UNIT = Decimal("0.00000001")  # the smallest amount of any asset

WEIGHT_PER_MINUTE = 6000
RAW_REQUESTS = 300_000
RAW_MINUTES = 5
ORDERS_PER_10_S = 100
ORDERS_PER_DAY = 200_000
REFUSALS_TO_BAN = 10  # requests sent on after a 429, within its window
BAN_S = 120
BAN_MAX_S = 3 * 86_400

DEFAULT_WINDOW_MS = Decimal(5000)
MAX_WINDOW_MS = Decimal(60_000)
AHEAD_MS = 1000

MESSAGES_PER_S = 5
MAX_STREAMS = 1024
PING_EVERY_S = 20.0
LIFETIME = timedelta(hours=24)
MAX_SUBSCRIPTIONS = 65_535

MIN_STRATEGY_TYPE = 1_000_000
MAX_AMENDS = 10
MAX_LISTS = 20
MAX_ORDERS = 200
MAX_ALGO_ORDERS = 5
MAX_ICEBERGS = 100
MAX_ICEBERG_PARTS = 100
MIN_DELTA, MAX_DELTA = 10, 2000
PERCENT_UP, PERCENT_DOWN = Decimal(5), Decimal("0.2")
AVERAGE_MINUTES = 5
MAX_NOTIONAL = Decimal(9_000_000)

SIDES = ("BUY", "SELL")
TIFS = ("GTC", "IOC", "FOK")
STOP_LOSSES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
TAKE_PROFITS = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
CONTINGENT = STOP_LOSSES | TAKE_PROFITS
PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
ORDER_TYPES = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
RESPONSES = ("ACK", "RESULT", "FULL")
PREVENTIONS = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
DEFAULT_PREVENTION = "EXPIRE_MAKER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One length of klines: fixed, or by the calendar (`1w` from Monday, `1M` from the first)."""

    name: str
    span: timedelta
    samples: int


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
INTERVALS = {
    name: Interval(name=name, span=span, samples=samples)
    for name, span, samples in (
        ("1s", timedelta(seconds=1), 2), ("1m", _MINUTE, 4), ("3m", 3 * _MINUTE, 12), ("5m", 5 * _MINUTE, 20),
        ("15m", 15 * _MINUTE, 30), ("30m", 30 * _MINUTE, 30), ("1h", _HOUR, 30), ("2h", 2 * _HOUR, 24),
        ("4h", 4 * _HOUR, 24), ("6h", 6 * _HOUR, 24), ("8h", 8 * _HOUR, 24), ("12h", 12 * _HOUR, 24),
        ("1d", _DAY, 24), ("3d", 3 * _DAY, 24), ("1w", 7 * _DAY, 24), ("1M", 30 * _DAY, 24),
    )
}  # fmt: skip
