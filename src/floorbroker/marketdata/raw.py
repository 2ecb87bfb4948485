"""Books fed with the raw frames of one connection: the `RawBookSink` of whoever has frames and wants no deltas made of them.

The native core reads the frames where it is installed, and Python otherwise.  Frames that are not about a book that is kept
here are nobody's business here: `on_frame` says so, and their reader goes on with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from floorbroker.domain.capability import BookRules
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.ports import MarketEvent
from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.frames import READERS, Unread
from floorbroker.marketdata.native import CODES, AnyBook, NativeBook, core
from floorbroker.marketdata.shelf import Shelf
from floorbroker.transport.types import Tap

Told = Callable[[str, Verdict], None]


def _nobody(symbol: str, verdict: Verdict) -> None:
    del symbol, verdict


class RawBooks:
    """Books by our symbols, fed with frames that spell them the venue's way.

    `told` hears of every symbol that a frame changed, with the worst of what became of the frame; it must return at once.
    """

    def __init__(
        self, rules: BookRules, *, depth: int | None = None, native: bool = True, told: Told = _nobody
    ) -> None:
        """Raises `NotSupported` for frames of a form that nobody reads here."""
        if rules.frames not in READERS:
            raise NotSupported(f"no frames of the form {rules.frames!r} are read here")
        self._rules = rules
        self._told = told
        self._symbols: dict[str, str] = {}  # the venue's spelling to ours
        self._books: dict[str, AnyBook] = {}
        found = core() if native else None
        cut = depth if rules.cut else None
        self._core = None if found is None else found.Books(rules.frames, rules.proof.value, depth=cut, opens=False)
        self._shelf = Shelf(rules, depth=depth, opens=False)

    def open(self, symbol: str, spelled: str, *, book: NativeBook | None = None) -> AnyBook:
        """Keep the book of a symbol, which the venue spells otherwise.  A native `book` that there is goes on as this one."""
        found = self._books.get(symbol)
        if found is None:
            self._symbols[spelled] = symbol
            found = self._books[symbol] = self._made(symbol, spelled, book)
        return found

    def _made(self, symbol: str, spelled: str, book: NativeBook | None) -> AnyBook:
        if self._core is not None:
            if book is not None:
                book.move(self._core.book(spelled))
                return book
            return NativeBook(symbol, self._rules, self._core.book(spelled))
        return self._shelf.book(spelled, named=symbol)

    def heed(self, symbol: str, spelled: str, handlers: Sequence[Callable[[MarketEvent], None]]) -> None:
        """Keep the book as long as somebody listens to it."""
        if handlers:
            self.open(symbol, spelled)
        else:
            self.close(symbol)

    def on_frame(self, frame: bytes, at: datetime) -> bool:
        """Take one frame; whether it was about a book that is kept here, even if it could not be read."""
        return self.take(frame, at) is not Unread.NOT_A_BOOK

    def take(self, frame: bytes, at: datetime) -> Verdict | Unread:
        """Take one frame; the worst that became of it."""
        if self._core is not None:
            verdict, changed = CODES[self._core.apply(frame)], self._core.changed()
        else:
            verdict, changed = self._shelf.apply(frame), self._shelf.changed()
        if isinstance(verdict, Unread):
            return verdict
        for spelled in changed:
            symbol = self._symbols[spelled]
            self._books[symbol].hear(frame, at)
            self._told(symbol, verdict)
        return verdict

    @property
    def tap(self) -> Tap:
        """What takes frames off a socket before anybody else sees them (`SocketTarget.tap`), and tells nobody of it."""
        return self._shelf if self._core is None else self._core

    def close(self, symbol: str) -> None:
        """Let go of a book."""
        for spelled in [spelled for spelled, ours in self._symbols.items() if ours == symbol]:
            del self._symbols[spelled], self._books[symbol]
            self._shelf.close(spelled)
            if self._core is not None:
                self._core.close(spelled)
