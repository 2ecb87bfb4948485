"""The books of one connection, fed with its raw frames: the Python reference of the native core's `Books`."""

from __future__ import annotations

from floorbroker.domain.capability import BookRules
from floorbroker.domain.errors import Conflict
from floorbroker.marketdata.book import Book, Verdict
from floorbroker.marketdata.frames import READERS, Unread, Unreadable, binance_whole

BOOKS_MAX = 10_000
_WORST = {verdict: place for place, verdict in enumerate(Verdict)}


class Shelf:
    """Books by the venue's own symbols.  `opens`: a book nobody asked for is opened when a frame tells of it."""

    def __init__(
        self, rules: BookRules, *, depth: int | None = None, opens: bool = True, books_max: int = BOOKS_MAX
    ) -> None:
        self._rules = rules
        self._depth = depth
        self._opens = opens
        self._books_max = books_max
        self._read = READERS[rules.frames]
        self._changed: dict[str, None] = {}
        self.books: dict[str, Book] = {}

    def apply(self, frame: bytes) -> Verdict | Unread:
        """Take one frame; the worst that became of what it tells."""
        try:
            told = self._read(frame)
        except Unreadable:
            return Unread.UNREADABLE
        worst: Verdict | None = None
        for symbol, update in told:
            book = self._book_told_of(symbol)
            if book is not None:
                self._changed[symbol] = None
                verdict = book.update(update).verdict
                worst = verdict if worst is None or _WORST[verdict] > _WORST[worst] else worst
        return Unread.NOT_A_BOOK if worst is None else worst

    def take(self, frame: bytes) -> bool:
        """The same; whether the frame was about a book that is kept here, even if it could not be read."""
        return self.apply(frame) is not Unread.NOT_A_BOOK

    def _book_told_of(self, symbol: str) -> Book | None:
        if symbol not in self.books and self._opens and len(self.books) < self._books_max:
            self.book(symbol)
        return self.books.get(symbol)

    def whole(self, symbol: str, body: bytes) -> Verdict | Unread:
        """Take the whole book of a symbol, as it is asked for beside the stream."""
        try:
            update = binance_whole(body)
        except Unreadable:
            return Unread.UNREADABLE
        if symbol not in self.books and len(self.books) >= self._books_max:
            return Unread.NOT_A_BOOK
        self._changed[symbol] = None
        return self.book(symbol).update(update).verdict

    def book(self, spelled: str, *, named: str = "") -> Book:
        """The book of a symbol, opened when it is not there.  Raises `Conflict` when there are too many."""
        if spelled not in self.books:
            if len(self.books) >= self._books_max:
                raise Conflict(f"{self._books_max} books are kept already")
            self.books[spelled] = Book(named or spelled, self._rules, depth=self._depth)
        return self.books[spelled]

    def close(self, spelled: str) -> None:
        """Let go of a book."""
        self.books.pop(spelled, None)
        self._changed.pop(spelled, None)

    def changed(self) -> list[str]:
        """The symbols whose books were touched since this was last asked."""
        changed, self._changed = [*self._changed], {}
        return changed
