"""The sans-I/O sessions: orders, market data, order entry.  They decide and never wait."""

from floorbroker.brokers.kraken.stream.market import replay_session

__all__ = ["replay_session"]
