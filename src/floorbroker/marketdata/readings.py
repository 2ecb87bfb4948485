"""What can be read off a book, made of scaled whole numbers when it is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from functools import cached_property

from floorbroker.domain.records import BookLevel
from floorbroker.domain.values import WIDE, Price, Word
from floorbroker.marketdata.levels import Level
from floorbroker.marketdata.proofs import CHECKED_LEVELS, checksum
from floorbroker.marketdata.scaled import exact

ROUNDED = Context(prec=28)  # quotients are no prices: they are rounded


class BookState(Word):
    """Whether a book may be believed."""

    WAITING = "waiting"  # the whole book has not come yet
    FRESH = "fresh"
    STALE = "stale"  # a proof failed; what it shows is the last that was believed, until the whole book comes again


@dataclass(slots=True)
class Tally:
    """What became of the updates of a book.  `updates` are those applied; `proven` and `failed` are proofs."""

    wholes: int = 0
    updates: int = 0
    proven: int = 0
    failed: int = 0
    waiting: int = 0
    old: int = 0


@dataclass(frozen=True, slots=True)
class Scales:
    """How many decimals scaled prices and sizes have."""

    price: int
    size: int


class BookView:
    """A book at one moment, best level first.  Decimals are made when they are looked at.

    `conflated` is how many updates the receiver of this view was not shown one by one since the view before.
    """

    def __init__(
        self,
        symbol: str,
        *,
        bids: Sequence[Level],
        asks: Sequence[Level],
        scales: Scales,
        state: BookState,
        reason: str = "",
        sequence: int | None = None,
        time: datetime | None = None,
        conflated: int = 0,
    ) -> None:
        self.symbol = symbol
        self.scales = scales
        self.state = state
        self.reason = reason
        self.sequence = sequence
        self.time = time
        self.conflated = conflated
        self.raw_bids = bids
        self.raw_asks = asks

    @cached_property
    def bids(self) -> tuple[BookLevel, ...]:
        """Highest price first."""
        return self._levels(self.raw_bids)

    @cached_property
    def asks(self) -> tuple[BookLevel, ...]:
        """Lowest price first."""
        return self._levels(self.raw_asks)

    @property
    def best_bid(self) -> BookLevel | None:
        return self._level(self.raw_bids[0]) if self.raw_bids else None

    @property
    def best_ask(self) -> BookLevel | None:
        return self._level(self.raw_asks[0]) if self.raw_asks else None

    @property
    def spread(self) -> Decimal | None:
        """Ask less bid; None while a side is empty."""
        if not (self.raw_bids and self.raw_asks):
            return None
        return exact(self.raw_asks[0][0] - self.raw_bids[0][0], self.scales.price)

    @property
    def mid(self) -> Decimal | None:
        """Half way between the best prices."""
        if not (self.raw_bids and self.raw_asks):
            return None
        return exact((self.raw_asks[0][0] + self.raw_bids[0][0]) * 5, self.scales.price + 1)

    @property
    def microprice(self) -> Decimal | None:
        """The best prices weighted by the size on the other side: it leans to where less is offered."""
        if not (self.raw_bids and self.raw_asks):
            return None
        (bid, bid_size), (ask, ask_size) = self.raw_bids[0], self.raw_asks[0]
        weighted = Decimal(bid * ask_size + ask * bid_size)
        return ROUNDED.divide(weighted, Decimal(bid_size + ask_size)).scaleb(-self.scales.price, WIDE)

    def imbalance(self, depth: int = 1) -> Decimal | None:
        """Of the best `depth` levels: bids less asks over both, from -1 (all asked) to 1 (all bid)."""
        bids = sum(size for _, size in self.raw_bids[:depth])
        asks = sum(size for _, size in self.raw_asks[:depth])
        return ROUNDED.divide(Decimal(bids - asks), Decimal(bids + asks)) if bids + asks else None

    def cumulative(self, depth: int) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]:
        """The best levels of both sides; each size is what is there up to that price."""
        return self._levels(_summed(self.raw_bids[:depth])), self._levels(_summed(self.raw_asks[:depth]))

    def checksum(self) -> int:
        """CRC-32 of the best ten levels a side."""
        return checksum(self.raw_bids, self.raw_asks)

    def _level(self, level: Level) -> BookLevel:
        price, size = level
        return BookLevel(price=Price(exact(price, self.scales.price)), size=exact(size, self.scales.size))

    def _levels(self, levels: Sequence[Level]) -> tuple[BookLevel, ...]:
        return tuple(self._level(level) for level in levels)

    def __repr__(self) -> str:
        return f"BookView({self.symbol!r}, {self.state.value}, bid={self.best_bid}, ask={self.best_ask})"


def _summed(levels: Sequence[Level]) -> list[Level]:
    total, found = 0, list[Level]()
    for price, size in levels:
        total += size
        found.append((price, total))
    return found


class Readings(ABC):
    """What every book answers, whichever way it is kept."""

    symbol: str

    @property
    @abstractmethod
    def time(self) -> datetime | None: ...

    @property
    @abstractmethod
    def state(self) -> BookState: ...

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why the book is stale, or is waiting once more."""

    @property
    @abstractmethod
    def sequence(self) -> int | None:
        """The number of the last update in it, where the venue numbers them."""

    @property
    @abstractmethod
    def scales(self) -> Scales: ...

    @abstractmethod
    def raw(self, depth: int) -> tuple[Sequence[Level], Sequence[Level]]: ...

    def depth(self, depth: int, *, conflated: int = 0) -> BookView:
        """The best `depth` levels of both sides, as they stand now."""
        bids, asks = self.raw(depth)
        return BookView(
            self.symbol,
            bids=bids,
            asks=asks,
            scales=self.scales,
            state=self.state,
            reason=self.reason,
            sequence=self.sequence,
            time=self.time,
            conflated=conflated,
        )

    def best(self) -> tuple[BookLevel | None, BookLevel | None]:
        """The best bid and the best ask."""
        view = self.depth(1)
        return view.best_bid, view.best_ask

    @property
    def spread(self) -> Decimal | None:
        return self.depth(1).spread

    @property
    def mid(self) -> Decimal | None:
        return self.depth(1).mid

    @property
    def microprice(self) -> Decimal | None:
        return self.depth(1).microprice

    def imbalance(self, depth: int = 1) -> Decimal | None:
        """`BookView.imbalance` of the book as it stands."""
        return self.depth(depth).imbalance(depth)

    def cumulative(self, depth: int) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]:
        """`BookView.cumulative` of the book as it stands."""
        return self.depth(depth).cumulative(depth)

    def checksum(self) -> int:
        """CRC-32 of the best ten levels a side, as Kraken makes it."""
        return self.depth(CHECKED_LEVELS).checksum()
