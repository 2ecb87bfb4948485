"""Tradier: Brokerage API v1, simulated from the venue's documents."""

from floorbroker_sim.tradier.venue import TradierVenue, create_venue

__all__ = ["TradierVenue", "create_venue"]
