"""Captured frames through a venue's own stream session into its books: what `floorbroker replay` does.

A venue can be replayed when its `stream` room offers `replay_session()`, which needs no credentials and no instrument list, and
`snapshot_from(url, body)` for whole books that came by REST beside the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import cast

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import BookRules
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import BookDelta
from floorbroker.domain.values import Price, text_of
from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.native import AnyBook, book_of
from floorbroker.marketdata.readings import BookState
from floorbroker.tape.captures import FrameKind, RawFrame
from floorbroker.transport.actions import Emit, Reconnect, Session

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
SnapshotFrom = Callable[[str, bytes], BookDelta | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A venue as far as its captures are concerned."""

    session: Session[object]
    snapshot_from: SnapshotFrom
    rules: BookRules


def player_of(venue: str) -> Player:
    """The player of a venue by its folder's name.  Raises `NotSupported`, which names those that can be replayed."""
    folders = {info.folder: info for info in BROKERS.values() if info.book is not None}
    info = folders.get(venue.lower())
    if info is not None:
        stream = import_module(f"floorbroker.brokers.{info.folder}.stream")
        session, snapshot = (getattr(stream, name, None) for name in ("replay_session", "snapshot_from"))
        if callable(session) and callable(snapshot) and info.book is not None:
            return Player(
                session=cast("Session[object]", session()),
                snapshot_from=cast("SnapshotFrom", snapshot),
                rules=info.book,
            )
    raise NotSupported(
        f"no captures of {venue!r} can be replayed; there are: {', '.join(sorted(_replayable(folders)))}"
    )


def _replayable(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        if hasattr(import_module(f"floorbroker.brokers.{folder}.stream"), "replay_session"):
            yield folder


@dataclass(slots=True)
class Replayed:
    """What a replay found.  `refused` are frames that the session could not read; `resyncs` counts books that went stale."""

    messages: int = 0
    refused: int = 0
    resyncs: int = 0
    seconds: float = 0.0
    books: dict[str, AnyBook] = field(default_factory=dict[str, AnyBook])
    troubles: list[str] = field(default_factory=list[str])

    @property
    def is_proven(self) -> bool:
        """Whether nothing failed and nothing was refused."""
        return not self.refused and all(book.tally.failed == 0 for book in self.books.values())

    def document(self) -> dict[str, object]:
        """The result for programs."""
        tallies = [book.tally for book in self.books.values()]
        return {
            "messages": self.messages,
            "books": len(self.books),
            "updates": sum(tally.updates for tally in tallies),
            "proofs_passed": sum(tally.proven for tally in tallies),
            "proofs_failed": sum(tally.failed for tally in tallies),
            "resyncs": self.resyncs,
            "refused": self.refused,
            "best": {symbol: _best(book) for symbol, book in sorted(self.books.items())},
            "seconds": round(self.seconds, 6),
        }


TROUBLES_MAX = 20


def replay(player: Player, frames: Iterable[RawFrame], *, clock: Clock, depth: int | None = None) -> Replayed:
    """Feed the frames in their order.  `depth` is what was subscribed; the venue's usual depth when it is left out."""
    found, began_s = Replayed(), clock.monotonic()
    usual = player.rules.depths[0] if player.rules.depths else None
    for delta in _deltas(player, frames, found):
        book = found.books.get(delta.symbol)
        if book is None:
            book = found.books[delta.symbol] = book_of(delta.symbol, player.rules, depth=depth or usual)
        was_fresh = book.state is BookState.FRESH
        applied = book.apply(delta)
        if applied.verdict is Verdict.FAILED:
            found.resyncs += was_fresh
            if len(found.troubles) < TROUBLES_MAX:
                found.troubles.append(f"{delta.symbol}: {applied.reason}")
    found.seconds = clock.monotonic() - began_s
    return found


def _deltas(player: Player, frames: Iterable[RawFrame], found: Replayed) -> Iterator[BookDelta]:
    first: datetime | None = None
    for frame in frames:
        at = frame.at or first or _LONG_AGO
        first = first or frame.at
        if frame.kind is FrameKind.REPLY:
            whole = player.snapshot_from(frame.url or "", frame.data.encode())
            if whole is not None:
                yield whole
        elif frame.kind is FrameKind.MESSAGE:
            found.messages += 1
            now_s = (at - first).total_seconds() if first else 0.0
            for action in player.session.on_frame(frame.data.encode(), at, now_s):
                if isinstance(action, Emit) and isinstance(action.event, BookDelta):
                    yield action.event
                elif isinstance(action, Reconnect):
                    found.refused += 1
                    if len(found.troubles) < TROUBLES_MAX:
                        found.troubles.append(f"message {found.messages}: {action.reason}")


def _best(book: AnyBook) -> Mapping[str, str | None]:
    def price(value: Price | None) -> str | None:
        return None if value is None else text_of(value)

    bid, ask = book.best()
    return {"bid": price(bid.price if bid else None), "ask": price(ask.price if ask else None)}
