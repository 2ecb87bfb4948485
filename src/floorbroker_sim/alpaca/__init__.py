"""Alpaca: Trading API v2 and Market Data, simulated from the venue's documents."""

from floorbroker_sim.alpaca.venue import AlpacaVenue, create_venue

__all__ = ["AlpacaVenue", "create_venue"]
