"""One side of a book: the size at each price, as whole numbers.

Prices are ranked by keys, of which the least is the best: the price of an ask, the negative price of a bid.  Keeping them sorted
costs more than everything else that is done with an update, and most of the time only the best is asked for.  So a heap keeps
the best at hand, with keys in it of levels that went and were not missed yet; the keys are sorted when more is asked for, and
kept so as long as somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

Level = tuple[int, int]
UNASKED_MAX = 100  # updates without a question until sorting is given up
GONE_MAX = 1_000  # keys of levels that went, beyond as many as there are levels


class Levels:
    """`sign` is 1 for asks and -1 for bids."""

    __slots__ = ("_best", "_heap", "_held", "_most", "_ranked", "_sign", "_unasked")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._heap: list[int] = []
        self._ranked: list[int] | None = None
        self._unasked = 0
        self._most = GONE_MAX
        self._held: dict[int, int] = {}
        self._best: Level | None = None  # None as well when it must be looked for

    # -- changes --------------------------------------------------------------------------------------------------------

    def put(self, prices: Sequence[int], sizes: Sequence[int]) -> None:
        """Set sizes at prices, in order; zero takes a level away, and one that is not there is no trouble."""
        self._best = None
        if self._ranked is not None:
            self._put_ranked(self._ranked, prices, sizes)
            return
        held, heap, sign = self._held, self._heap, self._sign
        for price, size in zip(prices, sizes):  # noqa: B905 - they come in pairs, and to look costs a tenth of all
            if size:
                if price not in held:
                    heappush(heap, price * sign)
                held[price] = size
            else:
                held.pop(price, 0)
        if len(heap) > self._most:
            self._begin_heap()

    def _put_ranked(self, ranked: list[int], prices: Sequence[int], sizes: Sequence[int]) -> None:
        held, sign = self._held, self._sign
        for price, size in zip(prices, sizes, strict=True):
            if size:
                if price not in held:
                    insort(ranked, price * sign)
                held[price] = size
            elif held.pop(price, 0):
                del ranked[bisect_left(ranked, price * sign)]
        self._unasked += 1
        if self._unasked > UNASKED_MAX:
            self._begin_heap()

    def replace(self, prices: Sequence[int], sizes: Sequence[int]) -> None:
        """The whole side; a price that comes twice has the last size told."""
        latest = dict(zip(prices, sizes, strict=True))
        self._held = {price: size for price, size in latest.items() if size}
        self._best = None
        self._begin_heap()

    def scale(self, *, price: int = 1, size: int = 1) -> None:
        """Multiply all prices, or all sizes."""
        self._held = {was * price: held * size for was, held in self._held.items()}
        self._best = None
        self._begin_heap()

    def cut(self, depth: int) -> None:
        """Let go of what is beyond the best `depth` levels."""
        ranked = self._sorted()
        if len(ranked) > depth:
            for key in ranked[depth:]:
                del self._held[key * self._sign]
            del ranked[depth:]

    def _begin_heap(self) -> None:
        self._most = 2 * len(self._held) + GONE_MAX
        self._heap, self._ranked = [price * self._sign for price in self._held], None
        heapify(self._heap)

    def _sorted(self) -> list[int]:
        """The keys, best first; kept so from now on."""
        self._unasked = 0
        if self._ranked is None:
            self._heap, self._ranked = [], sorted(price * self._sign for price in self._held)
        return self._ranked

    # -- questions ------------------------------------------------------------------------------------------------------

    def best(self) -> Level | None:
        """The best price and its size."""
        if self._best is not None:
            return self._best
        keys, sign = self._heap if self._ranked is None else self._ranked, self._sign
        while keys:
            price = keys[0] * sign
            if size := self._held.get(price):
                self._best = price, size
                return self._best
            heappop(keys)  # it went, and was left until now
        return None

    def top(self, depth: int) -> list[Level]:
        """The best levels, best first."""
        sign, held = self._sign, self._held
        return [(key * sign, held[key * sign]) for key in self._sorted()[:depth]]

    def largest_price(self) -> int:
        """Of all levels; zero when there are none."""
        return max(self._held, default=0)

    def largest_size(self) -> int:
        """The same of sizes."""
        return max(self._held.values(), default=0)
