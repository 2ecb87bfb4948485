"""Polygon (Massive): market data over REST and WebSocket, simulated from the service's documents."""

from floorbroker_sim.polygon.venue import PolygonVenue, create_venue

__all__ = ["PolygonVenue", "create_venue"]
