"""Facts of the service.  It has no documents; these are what the library yfinance 1.7 asks for and reads."""

from __future__ import annotations

VENUE = "yahoo"
ZONE = "America/New_York"

RANGES = {
    "1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1_827, "10y": 3_653, "ytd": 366,
    "max": 40_000,
}  # fmt: skip
MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60}
LONGER = ("1d", "5d", "1wk", "1mo", "3mo")
FUNDS = frozenset({"SPY", "QQQ", "IWM", "DIA", "GLD", "TLT", "VTI", "EEM", "USO", "BNO"})
A_MINUTE = 60
