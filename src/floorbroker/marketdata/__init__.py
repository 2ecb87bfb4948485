"""Order books that prove themselves, and the keeper that shares them."""

from floorbroker.marketdata.book import Applied, Book, Verdict
from floorbroker.marketdata.books import BookKeeper
from floorbroker.marketdata.native import NativeBook, book_of
from floorbroker.marketdata.raw import RawBooks
from floorbroker.marketdata.readings import BookState, BookView
from floorbroker.marketdata.watch import Watch

__all__ = [
    "Applied",
    "Book",
    "BookKeeper",
    "BookState",
    "BookView",
    "NativeBook",
    "RawBooks",
    "Verdict",
    "Watch",
    "book_of",
]
