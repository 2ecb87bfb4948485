"""Facts of the service, typed from its documents: numbers, words and limits that its answers depend on.

https://massive.com/docs/rest and https://massive.com/docs/websocket
"""

from __future__ import annotations

VENUE = "polygon"
HOST = "https://api.massive.com"

AGGS_LIMIT, AGGS_MOST = 5_000, 50_000  # base aggregates, not results
TICKS_LIMIT, TICKS_MOST = 1_000, 50_000
SNAPSHOT_LIMIT, SNAPSHOT_MOST = 10, 250
TICKERS_LIMIT, TICKERS_MOST = 100, 1_000
ACTIONS_LIMIT, ACTIONS_MOST = 10, 1_000

TIMESPANS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
FUNDS = frozenset({"SPY", "QQQ", "IWM", "DIA", "GLD", "TLT", "VTI", "EEM", "USO", "BNO"})
NYSE = frozenset({"IBM", "BAC", "AIG", "JPM", "F", "GE", "T", "KO", "DIS", "XOM", "WM"})
ARCA = FUNDS - {"QQQ", "TLT"}

EXCHANGES: tuple[tuple[int, str, str, str], ...] = (
    (4, "XADF", "FINRA Alternative Display Facility", "TRF"),
    (10, "XNYS", "New York Stock Exchange", "exchange"),
    (11, "ARCX", "NYSE Arca, Inc.", "exchange"),
    (12, "XNAS", "Nasdaq", "exchange"),
)
TICKER_TYPES = (("CS", "Common Stock"), ("ETF", "Exchange Traded Fund"))

# Topics of each market of the stream, and what a client without rights of real time is told.
TOPICS = {"stocks": frozenset({"T", "Q", "A", "AM"}), "crypto": frozenset({"XT", "XQ", "XA", "XAS"})}
AUTH_PATIENCE_S = 30.0
