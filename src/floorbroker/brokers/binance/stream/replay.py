"""Recorded frames of this venue as market events: no credentials, no list of symbols, which are spelled by rule."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.market import book_from
from floorbroker.brokers.binance.mapping.symbols import Symbols, split_by_rule
from floorbroker.brokers.binance.stream.data import DataSession
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import BookDelta
from floorbroker.transport.feeds import FeedSession

_DEPTH = "/api/v3/depth"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def replay_session() -> FeedSession:
    """A session that reads frames of combined streams; whole books are asked for by nobody."""
    return DataSession(Symbols(), on_chain=_nobody)


def _nobody(symbol: str, first: int) -> None:
    del symbol, first


def snapshot_from(url: str, body: bytes, *, at: datetime = _NO_TIME) -> BookDelta | None:
    """The whole book in a recorded reply; None for replies of other endpoints and for what is no book.

    The venue writes no time into it, so `at` is when it was recorded, where the caller knows.
    """
    parts = urlsplit(url)
    named = parse_qs(parts.query).get("symbol")
    if parts.path != _DEPTH or not named:
        return None
    try:
        return book_from(split_by_rule(named[0]), wire.decode(body, wire.Book, what="a book"), at=at)
    except ApiError:
        return None
