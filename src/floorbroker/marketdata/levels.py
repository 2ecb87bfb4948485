"""One side of a book: sorted keys and the size at each, best last.

A key is the scaled price, of asks its negative, so that on both sides the best is the greatest; what changes most stands at
the end, where a list is cheap to change.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

Level = tuple[int, int]


class Levels:
    """`sign` is 1 for bids and -1 for asks."""

    __slots__ = ("keys", "sign", "sizes")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.sizes: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def put(self, levels: Iterable[Level]) -> None:
        """Set sizes at prices, in order; zero takes a level away, and one that is not there is no trouble."""
        sign, keys, sizes = self.sign, self.keys, self.sizes
        for price, size in levels:
            key = price * sign
            if size:
                if key not in sizes:
                    insort(keys, key)
                sizes[key] = size
            elif sizes.pop(key, 0):
                del keys[bisect_left(keys, key)]

    def replace(self, levels: Sequence[Level]) -> None:
        """The whole side; a price that comes twice has the last size told."""
        sign = self.sign
        latest = {price * sign: size for price, size in levels}
        self.sizes = {key: size for key, size in latest.items() if size}
        self.keys = sorted(self.sizes)

    def cut(self, depth: int) -> None:
        """Let go of what is beyond the best `depth` levels."""
        keys = self.keys
        beyond = len(keys) - depth
        if beyond > 0:
            for key in keys[:beyond]:
                del self.sizes[key]
            del keys[:beyond]

    def scale(self, *, price: int = 1, size: int = 1) -> None:
        """Multiply all prices, or all sizes."""
        self.sizes = {key * price: held * size for key, held in self.sizes.items()}
        self.keys = [key * price for key in self.keys]

    def best(self) -> Level | None:
        """The best price and its size, scaled."""
        if not self.keys:
            return None
        key = self.keys[-1]
        return key * self.sign, self.sizes[key]

    def top(self, depth: int) -> list[Level]:
        """The best levels, best first."""
        sign, sizes = self.sign, self.sizes
        return [(key * sign, sizes[key]) for key in self.keys[: -depth - 1 : -1]]
