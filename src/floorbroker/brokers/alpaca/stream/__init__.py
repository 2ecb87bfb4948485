"""The sans-I/O sessions: trade updates, market data, activity events.  They decide and never wait."""

from __future__ import annotations

from floorbroker.brokers.alpaca.auth import Credentials
from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.domain.records import BookDelta
from floorbroker.domain.secret import Secret

__all__ = ["replay_session", "snapshot_from"]


def replay_session() -> DataSession:
    """A session for captured frames: nobody is logged in, and books of every coin are told."""
    return DataSession(Credentials(key=Secret(""), secret=Secret("")), source="alpaca")


def snapshot_from(url: str, body: bytes) -> BookDelta | None:
    """Whole books come with the stream here, never beside it."""
    del url, body
