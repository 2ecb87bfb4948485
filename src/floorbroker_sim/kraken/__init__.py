"""Kraken spot: REST and WebSocket v2, simulated from the venue's documents."""

from floorbroker_sim.kraken.venue import KrakenVenue, create_venue

__all__ = ["KrakenVenue", "create_venue"]
