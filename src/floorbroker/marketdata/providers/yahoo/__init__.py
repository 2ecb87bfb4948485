"""Yahoo: daily and intraday history through the library yfinance (extra `yahoo`)."""

from floorbroker.marketdata.providers.yahoo.adapter import Yahoo, build
from floorbroker.marketdata.providers.yahoo.info import INFO

__all__ = ["INFO", "Yahoo", "build"]
