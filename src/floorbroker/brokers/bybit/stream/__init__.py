"""The sans-I/O sessions: private stream, public streams, trade socket.  They decide and never wait."""

from __future__ import annotations

from floorbroker.brokers.bybit.mapping.symbols import LINEAR, Symbols
from floorbroker.brokers.bybit.stream.public import PublicSession
from floorbroker.domain.records import BookDelta

__all__ = ["replay_session", "snapshot_from"]


def replay_session(category: str = LINEAR) -> PublicSession:
    """A session for captured frames: no subscription, books of every depth, symbols by rule.

    Frames do not name their category; published captures of 500 levels are of linear contracts.
    """
    return PublicSession(category, Symbols(), depth=None)


def snapshot_from(url: str, body: bytes) -> BookDelta | None:
    """Whole books come with the stream here, never beside it."""
    del url, body
