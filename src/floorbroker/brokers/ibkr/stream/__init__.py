"""What a connection to TWS or IB Gateway remembers and decides, without a socket."""

from floorbroker.brokers.ibkr.stream.ids import OrderIds, ids_file

__all__ = ["OrderIds", "ids_file"]
