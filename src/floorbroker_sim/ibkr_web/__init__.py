"""A simulated Interactive Brokers Web API: the gateway's REST and WebSocket, its sessions, questions and pacing."""

from floorbroker_sim.ibkr_web.venue import IbkrWebVenue, create_venue

__all__ = ["IbkrWebVenue", "create_venue"]
