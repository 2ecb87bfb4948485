"""Interactive Brokers over the socket of TWS and IB Gateway."""

from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.mapping import IbkrIdentity
from floorbroker.brokers.ibkr.stream import OrderIds

__all__ = ["BROKER", "IbkrIdentity", "OrderIds"]
