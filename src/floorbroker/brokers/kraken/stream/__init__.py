"""The sans-I/O sessions: orders, market data, order entry.  They decide and never wait."""

from __future__ import annotations

from floorbroker.brokers.kraken.stream.market import MarketSession
from floorbroker.domain.records import BookDelta

__all__ = ["replay_session", "snapshot_from"]


def replay_session() -> MarketSession:
    """For frames that were recorded: nothing is known of the instruments but what the frames say."""
    return MarketSession()


def snapshot_from(url: str, body: bytes) -> BookDelta | None:
    """Whole books come with the stream here, never beside it."""
    del url, body
