"""Interactive Brokers over the socket of TWS and IB Gateway."""

from floorbroker.brokers.ibkr.errors import BROKER

__all__ = ["BROKER"]
