"""Order books that prove themselves, fed with raw venue frames.

A verdict is a number: 0 proven, 1 unproven, 2 a whole book, 3 waiting for the whole book, 4 old, 5 failed, 6 not about a book
(or about one that is not open), 7 unreadable.  A state is one as well: 0 waiting, 1 fresh, 2 stale.  Prices and sizes are
whole numbers; `scales` says how many of their digits are decimals.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

__version__: str

Level: TypeAlias = tuple[int, int]
Pairs: TypeAlias = Sequence[tuple[str, str]]

@final
class Change:
    """One level of a book, as whole numbers of its scales; a size of zero takes it away."""

    def __new__(cls, is_bid: bool, price: int, size: int) -> Change: ...

@final
class Book:
    """The book of one symbol.  `proof` is one of `none crc32 chain step`; with a `depth` it is cut there."""

    def __new__(
        cls, proof: str, *, depth: int | None = None, price_decimals: int = 0, size_decimals: int = 0
    ) -> Book: ...
    @property
    def state(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def sequence(self) -> int | None: ...
    @property
    def scales(self) -> tuple[int, int]: ...
    @property
    def tally(self) -> tuple[int, int, int, int, int, int]:
        """Wholes, updates, proven, failed, waiting, old."""

    @property
    def levels(self) -> tuple[int, int]: ...
    @property
    def nbytes(self) -> int:
        """Bytes held for levels."""

    def update(
        self,
        bids: Pairs,
        asks: Pairs,
        reset: bool = False,
        sequence: int | None = None,
        previous: int | None = None,
        checksum: int | None = None,
    ) -> int: ...
    def put(self, change: Change) -> None:
        """Set one level of a fresh book, for a source that has decoded already.  Raises `ValueError` of another book."""

    def fail(self, reason: str) -> int: ...
    def checksum(self) -> int: ...
    def best(self) -> tuple[Level | None, Level | None]: ...
    def raw(self, depth: int) -> tuple[list[Level], list[Level]]: ...

@final
class Listener:
    """What `Books.listen` makes."""

    def on_frame(self, transport: Any, frame: Any) -> None:
        """A frame of `picows`: the books take it, or `otherwise` does."""

@final
class Books:
    """The books of one connection.  `frames` is one of `binance bybit kraken`; with `opens`, books open by themselves."""

    def __new__(
        cls,
        frames: str,
        proof: str,
        *,
        depth: int | None = None,
        price_decimals: int = 0,
        size_decimals: int = 0,
        books_max: int = 10_000,
        opens: bool = True,
    ) -> Books: ...
    def apply(self, frame: bytes | bytearray | memoryview) -> int:
        """The worst that became of what a frame tells."""

    def take(self, frame: bytes) -> bool:
        """The same; whether the frame was about a book that is kept here, even if it could not be read."""

    def listen(self, otherwise: Callable[[Any, Any], object], amid: Callable[[], bool]) -> Listener:
        """For `picows`: `otherwise` gets the frames that are not taken; `amid` says whether a message came in part so far."""

    def top(self, frame: bytes) -> tuple[int, Level | None, Level | None]:
        """The same, with the best levels of the last book that the frame told of."""

    def apply_many(self, frames: Sequence[bytes]) -> list[int]:
        """How often each verdict was the answer; Python goes on meanwhile."""

    def whole(self, symbol: str, body: bytes) -> int:
        """The whole book of a symbol, as Binance answers when it is asked."""

    def book(self, symbol: str) -> Book:
        """Opened when it is not there.  Raises `ValueError` when there are too many."""

    def close(self, symbol: str) -> None: ...
    @property
    def symbols(self) -> list[str]: ...
    def changed(self) -> list[str]:
        """The symbols whose books were touched since this was last asked."""
