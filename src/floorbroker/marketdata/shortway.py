"""The short way of a keeper's books: frames of their connections go straight into the native core, past sessions and deltas.

    socket ──▶ Line ──▶ native books ──▶ the keeper hears the verdict        nine frames of ten
                 └────▶ session ──▶ BookDelta ──▶ the same book              all that the line leaves to it

A book is on the short way while its keeper alone listens to it.  Where the whole book is asked for beside the stream, the session
has to see updates until it came: so a line leaves them alone while that book is not fresh.  Proof and resync are the keeper's,
whichever way an update came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from floorbroker.domain.capability import BookProof
from floorbroker.domain.ports import MarketEvent
from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.frames import READERS, Unread
from floorbroker.marketdata.native import AnyBook, NativeBook
from floorbroker.marketdata.raw import RawBooks
from floorbroker.marketdata.readings import BookState

Handler = Callable[[MarketEvent], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    book: NativeBook
    handler: Handler
    told: Callable[[Verdict], None]


class ShortWay:
    """Of one account: its keeper says which books there are, its feeds which connection carries them."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lines: list[Line] = []

    def keep(self, symbol: str, book: AnyBook, handler: Handler, told: Callable[[Verdict], None]) -> None:
        """Before a book is subscribed.  `handler` is what its deltas go to; `told` hears what became of each frame."""
        if isinstance(book, NativeBook) and book.rules.frames in READERS:
            self._kept[symbol] = _Kept(book, handler, told)

    def drop(self, symbol: str, handler: Handler) -> None:
        """The keeper let go of the book that this handler belongs to."""
        kept = self._kept.get(symbol)
        if kept is not None and kept.handler is handler:
            del self._kept[symbol]

    def kept(self, symbol: str) -> _Kept | None:
        """The book of a symbol, where there is one."""
        return self._kept.get(symbol)

    def doubt(self, symbol: str) -> None:
        """The whole book is about to be asked for: where it comes beside the stream, sessions see every update until then."""
        for line in self._lines:
            line.doubt(symbol)

    def line(self) -> Line:
        """The sink of one connection."""
        self._lines.append(Line(self))
        return self._lines[-1]


class Line:
    """Implements `ports.RawBookSink` for one connection."""

    def __init__(self, way: ShortWay) -> None:
        self._way = way
        self._books: RawBooks | None = None
        self._open: dict[str, _Kept] = {}
        self._unsure: dict[str, bytes] = {}  # whose whole book is asked for, and how a frame of theirs is known
        self._marks: dict[str, bytes] = {}
        self._shares_frames = False

    def heed(self, symbol: str, spelled: str, handlers: Sequence[Handler]) -> None:
        """Who listens to a book on this connection now.  One that is under way already is not moved."""
        kept = self._way.kept(symbol)
        if kept is not None and list(handlers) == [kept.handler]:
            if symbol not in self._open and kept.book.state is BookState.WAITING:
                self._begin(symbol, spelled, kept)
        elif symbol in self._open:
            self._end(symbol)

    def _begin(self, symbol: str, spelled: str, kept: _Kept) -> None:
        rules = kept.book.rules
        if self._books is None:
            self._books = RawBooks(rules, depth=rules.depths[0] if rules.depths else None, told=self._told)
            self._shares_frames = rules.proof is BookProof.CRC32
        self._books.open(symbol, spelled, book=kept.book)
        self._open[symbol] = kept
        if rules.asked:
            self._marks[symbol] = self._unsure[symbol] = f'"{spelled}"'.encode()

    def _end(self, symbol: str) -> None:
        assert self._books is not None
        self._books.close(symbol)
        for known in (self._open, self._unsure, self._marks):
            known.pop(symbol, None)

    def on_frame(self, frame: bytes, at: datetime) -> bool:
        """Whether it was taken; what cannot be read is for the session to judge."""
        if not self._open or (self._unsure and self._is_for_the_session(frame)):
            return False
        if self._shares_frames and frame.count(b'"checksum"') > 1:  # a book that is not here may be in it
            return False
        assert self._books is not None
        return not isinstance(self._books.take(frame, at), Unread)

    def doubt(self, symbol: str) -> None:
        """Leave the updates of a book to the session until it is fresh, where that matters."""
        if symbol in self._marks:
            self._unsure[symbol] = self._marks[symbol]

    def _is_for_the_session(self, frame: bytes) -> bool:
        for symbol, mark in self._unsure.items():
            if mark in frame:
                if self._open[symbol].book.state is not BookState.FRESH:
                    return True
                del self._unsure[symbol]
                return False
        return False

    def _told(self, symbol: str, verdict: Verdict) -> None:
        self._open[symbol].told(verdict)
