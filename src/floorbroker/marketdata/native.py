"""Books kept by the native core (`floorbroker-book`), where it is installed: the same answers, many times faster.

The core is asked for by name when it is needed and never imported otherwise; `CORE` is None where it is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from floorbroker.domain.capability import BookRules
from floorbroker.domain.records import BookDelta
from floorbroker.marketdata.book import SAID, Applied, Book, Verdict, written
from floorbroker.marketdata.frames import Unread, told_at
from floorbroker.marketdata.levels import Level
from floorbroker.marketdata.proofs import Fixed, Pairs, Update
from floorbroker.marketdata.readings import BookState, Readings, Scales, Tally

NAME = "floorbroker_book"
VERDICTS = tuple(Verdict)  # in the order of the core's codes
STATES = tuple(BookState)


class CoreBook(Protocol):
    """One book of the core."""

    @property
    def state(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def sequence(self) -> int | None: ...
    @property
    def scales(self) -> tuple[int, int]: ...
    @property
    def tally(self) -> tuple[int, int, int, int, int, int]: ...
    @property
    def nbytes(self) -> int: ...
    def update(  # noqa: PLR0917 - as the core has it
        self,
        bids: Pairs,
        asks: Pairs,
        reset: bool = False,  # noqa: FBT001, FBT002 - as the core has it
        sequence: int | None = None,
        previous: int | None = None,
        checksum: int | None = None,
    ) -> int: ...
    def put(self, change: object) -> None: ...
    def fail(self, reason: str) -> int: ...
    def best(self) -> tuple[Level | None, Level | None]: ...
    def raw(self, depth: int) -> tuple[list[Level], list[Level]]: ...


class CoreBooks(Protocol):
    """The books of one connection, fed with raw frames."""

    def apply(self, frame: bytes | bytearray | memoryview) -> int: ...
    def take(self, frame: bytes) -> bool: ...
    def top(self, frame: bytes) -> tuple[int, Level | None, Level | None]: ...
    def apply_many(self, frames: Sequence[bytes]) -> list[int]: ...
    def whole(self, symbol: str, body: bytes) -> int: ...
    def book(self, symbol: str) -> CoreBook: ...
    def close(self, symbol: str) -> None: ...
    @property
    def symbols(self) -> list[str]: ...
    def changed(self) -> list[str]: ...


class Core(Protocol):
    """The module."""

    def Change(self, is_bid: bool, price: int, size: int) -> object: ...  # noqa: FBT001, N802 - a class of the core
    def Book(  # noqa: N802 - a class of the core
        self, proof: str, *, depth: int | None = None, price_decimals: int = 0, size_decimals: int = 0
    ) -> CoreBook: ...
    def Books(  # noqa: N802 - a class of the core
        self,
        frames: str,
        proof: str,
        *,
        depth: int | None = None,
        price_decimals: int = 0,
        size_decimals: int = 0,
        books_max: int = 10_000,
        opens: bool = True,
    ) -> CoreBooks: ...


def core() -> Core | None:
    """The core, where it is installed."""
    return cast("Core", import_module(NAME)) if find_spec(NAME) is not None else None


CODES: tuple[Verdict | Unread, ...] = (*VERDICTS, *Unread)


class NativeBook(Readings):
    """`Book`, kept by the core."""

    def __init__(self, symbol: str, rules: BookRules, inner: CoreBook) -> None:
        self.symbol = symbol
        self.rules = rules
        self._time: datetime | None = None
        self._frame: bytes | None = None
        self._core = inner

    @property
    def time(self) -> datetime | None:
        """The venue's time of the newest update, as the Python book has it; read off its frame when somebody asks."""
        if self._frame is not None:
            self._time, self._frame = told_at(self._frame) or self._time, None
        return self._time

    def hear(self, frame: bytes, at: datetime) -> None:
        """A raw frame changed it, heard at `at`."""
        self._frame, self._time = frame, at

    def move(self, inner: CoreBook) -> None:
        """Go on as another book of the core, which begins anew."""
        self._core = inner

    def apply(self, delta: BookDelta) -> Applied:
        """Take a venue's update."""
        said = self.update(
            Update(
                written(delta.bids), written(delta.asks), delta.reset, delta.sequence, delta.previous, delta.checksum
            )
        )
        self._time, self._frame = delta.time, None
        return said

    def update(self, update: Update) -> Applied:
        """Take an update in the venue's own digits."""
        bids, asks = (side.pairs() if isinstance(side, Fixed) else side for side in update[:2])
        try:
            code = self._core.update(bids, asks, *update[2:])
        except OverflowError:  # a number no venue counts to
            return self.fail("a number is too large")
        return self._said(code)

    def fail(self, reason: str) -> Applied:
        """Whoever feeds the book knows that something is missing."""
        return self._said(self._core.fail(reason))

    def _said(self, code: int) -> Applied:
        verdict = VERDICTS[code]
        return Applied(verdict=verdict, reason=self.reason) if verdict is Verdict.FAILED else SAID[verdict]

    @property
    def state(self) -> BookState:
        return STATES[self._core.state]

    @property
    def reason(self) -> str:
        return self._core.reason

    @property
    def sequence(self) -> int | None:
        return self._core.sequence

    @property
    def tally(self) -> Tally:
        return Tally(*self._core.tally)

    @property
    def scales(self) -> Scales:
        return Scales(*self._core.scales)

    def raw(self, depth: int) -> tuple[Sequence[Level], Sequence[Level]]:
        """The best levels of both sides, best first, as whole numbers of `scales`."""
        return self._core.raw(depth)

    def best_raw(self) -> tuple[Level | None, Level | None]:
        """The best level of each side as whole numbers."""
        return self._core.best()


AnyBook = Book | NativeBook


def book_of(symbol: str, rules: BookRules, *, depth: int | None = None, native: bool = True) -> AnyBook:
    """A book of the core where it is installed (and `native`), otherwise one of Python's."""
    found = core() if native else None
    if found is None:
        return Book(symbol, rules, depth=depth)
    return NativeBook(symbol, rules, found.Book(rules.proof.value, depth=depth if rules.cut else None))
