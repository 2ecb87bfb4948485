"""OANDA: the v20 REST API and its streams, simulated from the venue's documents."""

from floorbroker_sim.oanda.venue import OandaVenue, create_venue

__all__ = ["OandaVenue", "create_venue"]
