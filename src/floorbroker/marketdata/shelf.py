"""The books of one connection, fed with its raw frames: the Python reference of the native core's `Books`."""

from __future__ import annotations

from floorbroker.domain.capability import BookRules
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
        self.books: dict[str, Book] = {}

    def apply(self, frame: bytes) -> Verdict | Unread:
        """Take one frame; the worst that became of what it tells."""
        try:
            told = self._read(frame)
        except Unreadable:
            return Unread.UNREADABLE
        worst: Verdict | None = None
        for symbol, update in told:
            book = self.books.get(symbol) or (self.book(symbol) if self._opens else None)
            if book is not None:
                verdict = book.update(update).verdict
                worst = verdict if worst is None or _WORST[verdict] > _WORST[worst] else worst
        return Unread.NOT_A_BOOK if worst is None else worst

    def whole(self, symbol: str, body: bytes) -> Verdict | Unread:
        """Take the whole book of a symbol, as it is asked for beside the stream."""
        try:
            update = binance_whole(body)
        except Unreadable:
            return Unread.UNREADABLE
        book = self.book(symbol)
        return Unread.NOT_A_BOOK if book is None else book.update(update).verdict

    def book(self, symbol: str) -> Book | None:
        """The book of a symbol, opened when it is not there; None when there are too many."""
        if symbol not in self.books:
            if len(self.books) >= self._books_max:
                return None
            self.books[symbol] = Book(symbol, self._rules, depth=self._depth)
        return self.books[symbol]
