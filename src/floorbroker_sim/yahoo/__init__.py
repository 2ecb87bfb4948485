"""Yahoo Finance: the endpoints that the library yfinance asks for prices, simulated from what that library does."""

from floorbroker_sim.yahoo.venue import YahooVenue, create_venue

__all__ = ["YahooVenue", "create_venue"]
