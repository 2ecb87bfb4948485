"""Upstox: API v2 and v3, simulated from the venue's documents."""

from floorbroker_sim.upstox.venue import UpstoxVenue, create_venue

__all__ = ["UpstoxVenue", "create_venue"]
