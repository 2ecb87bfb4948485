"""How books are proven: what each kind of proof makes of an update, beside the book and without it.

A chain (`previous`, `sequence`) is followed from the first update heard, before the whole book is there too: what comes before
it is kept, and what the whole book already holds is old.  A step is one higher each time.  A checksum is made of the best ten
levels as they stand after the update.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from zlib import crc32

from floorbroker.domain.capability import BookProof
from floorbroker.marketdata.levels import Level

Pairs = Sequence[tuple[str, str]]  # price and size, as the venue wrote them
CHECKED_LEVELS = 10


class Fixed(NamedTuple):
    """Levels of a venue that always writes so many decimals, as whole numbers of that scale, none above eighteen digits."""

    decimals: int
    prices: Sequence[int]
    sizes: Sequence[int]

    def pairs(self) -> Pairs:
        """The same as it was written."""
        one = 10**self.decimals
        return [
            (f"{price // one}.{price % one:0{self.decimals}d}", f"{size // one}.{size % one:0{self.decimals}d}")
            for price, size in zip(self.prices, self.sizes, strict=True)
        ]


Side = Pairs | Fixed


class Update(NamedTuple):
    """A change of a book in the venue's own digits; the members are those of `BookDelta`."""

    bids: Side
    asks: Side
    reset: bool = False
    sequence: int | None = None
    previous: int | None = None
    checksum: int | None = None


class Wrong(Exception):
    """An update that contradicts the one before it; the text says how.  `begins`: another chain may begin with it."""

    def __init__(self, text: str, *, begins: bool = False) -> None:
        super().__init__(text)
        self.begins = begins


class Proof(Protocol):
    """One book's numbers.  `keeps`: updates before the whole book are to be kept; `judges`: an update that passes is proven."""

    keeps: bool
    judges: bool

    def follow(self, update: Update) -> None:
        """Hear of an update, whether a book is there or not.  Raises `Wrong`."""
        ...

    def begin(self, whole: Update) -> None:
        """The whole book is there.  Raises `Wrong`."""
        ...

    def is_old(self, update: Update) -> bool:
        """Whether the book holds it already.  Raises `Wrong` when something is missing before it."""
        ...


class Unprovable:
    """Nothing is told, so nothing can be checked."""

    keeps = False
    judges = False

    def follow(self, update: Update) -> None:
        del update

    def begin(self, whole: Update) -> None:
        del whole

    def is_old(self, update: Update) -> bool:
        del update
        return False


class Checked(Unprovable):
    """A checksum with every update, which the book compares."""

    judges = True


class Chain:
    """Each update names the number before it."""

    keeps = True
    judges = True

    def __init__(self) -> None:
        self._link: int | None = None  # the last number heard
        self._held: int | None = None  # the last number in the book

    def follow(self, update: Update) -> None:
        before, self._link = self._link, update.sequence
        if update.sequence is None or update.previous is None:
            self._link = None
            raise Wrong("it carries no number")
        if update.previous >= update.sequence:
            self._link = None
            raise Wrong(f"its numbers run backwards, {update.previous} to {update.sequence}")
        if before is not None and update.previous != before:
            raise Wrong(f"it follows {update.previous}, and {before} was the last", begins=True)

    def begin(self, whole: Update) -> None:
        if whole.sequence is None:
            raise Wrong("the whole book carries no number")
        self._held = whole.sequence

    def is_old(self, update: Update) -> bool:
        assert update.sequence is not None
        assert update.previous is not None
        assert self._held is not None
        if update.sequence <= self._held:
            return True
        if update.previous > self._held:
            raise Wrong(f"it follows {update.previous}, and the book ends at {self._held}", begins=True)
        self._held = update.sequence
        return False


class Step:
    """Each update is numbered one higher."""

    keeps = False
    judges = True

    def __init__(self) -> None:
        self._last: int | None = None

    def follow(self, update: Update) -> None:
        last, self._last = self._last, update.sequence
        if update.sequence is None:
            raise Wrong("it carries no number")
        if last is not None and update.sequence != last + 1:
            raise Wrong(f"it is number {update.sequence} after {last}")

    def begin(self, whole: Update) -> None:
        if whole.sequence is None:
            raise Wrong("the whole book carries no number")
        self._last = whole.sequence

    def is_old(self, update: Update) -> bool:
        del update
        return False


def proof_of(kind: BookProof) -> Proof:
    """A fresh proof of a kind."""
    return {
        BookProof.NONE: Unprovable,
        BookProof.CRC32: Checked,
        BookProof.CHAIN: Chain,
        BookProof.STEP: Step,
    }[kind]()


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """CRC-32 of the digits of the best ten asks, then of the best ten bids, best first; scaled at the instrument's precision.

    Rule: https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
    """
    levels = (*asks[:CHECKED_LEVELS], *bids[:CHECKED_LEVELS])
    return crc32("".join([f"{price}{size}" for price, size in levels]).encode())
