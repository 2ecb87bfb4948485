"""Binance spot: REST API v3, WebSocket API v3 and market streams, simulated from the venue's documents."""

from floorbroker_sim.binance.venue import BinanceVenue, create_venue

__all__ = ["BinanceVenue", "create_venue"]
