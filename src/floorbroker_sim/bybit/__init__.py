"""Bybit: v5 of the unified trading account, spot and linear, simulated from the venue's documents."""

from floorbroker_sim.bybit.venue import BybitVenue, create_venue

__all__ = ["BybitVenue", "create_venue"]
