"""One side of a book: sorted prices and the size at each, as whole numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Sequence

Level = tuple[int, int]


class Levels(ABC):
    """Prices are ascending on both sides; which end is the best, the two kinds say."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.prices: list[int] = []
        self.sizes: dict[int, int] = {}

    def put(self, prices: Sequence[int], sizes: Sequence[int]) -> None:
        """Set sizes at prices, in order; zero takes a level away, and one that is not there is no trouble."""
        held, ranked = self.sizes, self.prices
        fresh = set(prices).difference(held)
        held.update(zip(prices, sizes, strict=True))
        for price in fresh:
            if held[price]:
                insort(ranked, price)
            else:
                del held[price]
        if 0 in sizes:
            for price in prices:
                if held.get(price, 1) == 0:
                    del held[price]
                    del ranked[bisect_left(ranked, price)]

    def replace(self, prices: Sequence[int], sizes: Sequence[int]) -> None:
        """The whole side; a price that comes twice has the last size told."""
        latest = dict(zip(prices, sizes, strict=True))
        self.sizes = {price: size for price, size in latest.items() if size}
        self.prices = sorted(self.sizes)

    def scale(self, *, price: int = 1, size: int = 1) -> None:
        """Multiply all prices, or all sizes."""
        self.sizes = {key * price: held * size for key, held in self.sizes.items()}
        self.prices = [key * price for key in self.prices]

    def cut(self, depth: int) -> None:
        """Let go of what is beyond the best `depth` levels."""
        if len(self.prices) > depth:
            for price in self._cut(depth):
                del self.sizes[price]

    @abstractmethod
    def _cut(self, depth: int) -> Sequence[int]:
        """Take the prices beyond `depth` out, and answer with them."""

    @abstractmethod
    def best(self) -> Level | None:
        """The best price and its size."""

    @abstractmethod
    def top(self, depth: int) -> list[Level]:
        """The best levels, best first."""


class Bids(Levels):
    """The highest price is the best."""

    __slots__ = ()

    def best(self) -> Level | None:
        if not self.prices:
            return None
        price = self.prices[-1]
        return price, self.sizes[price]

    def top(self, depth: int) -> list[Level]:
        sizes = self.sizes
        return [(price, sizes[price]) for price in self.prices[: -depth - 1 : -1]]

    def _cut(self, depth: int) -> Sequence[int]:
        beyond = self.prices[:-depth]
        del self.prices[:-depth]
        return beyond


class Asks(Levels):
    """The lowest price is the best."""

    __slots__ = ()

    def best(self) -> Level | None:
        if not self.prices:
            return None
        price = self.prices[0]
        return price, self.sizes[price]

    def top(self, depth: int) -> list[Level]:
        sizes = self.sizes
        return [(price, sizes[price]) for price in self.prices[:depth]]

    def _cut(self, depth: int) -> Sequence[int]:
        beyond = self.prices[depth:]
        del self.prices[depth:]
        return beyond
