"""The frames that every book is timed with: a seeded stream on a book of 1,000 levels a side, twenty levels a message.

Only the standard library: this file runs in every peer's own environment, so that all are fed with the same bytes.
Of the changes 60 % alter a size, 20 % add a level, 20 % take one away; how far from the best price is exponential, 25 levels
on average.
"""

from __future__ import annotations

import bisect
import json
import random
from collections.abc import Iterator

MIDDLE, SPAN, LEVELS_A_FRAME = 6_000_000, 2_000, 20  # prices in hundredths, sizes in hundred-thousandths
FIRST = 1_000
Change = tuple[int, int, int, int]  # side (0 bid, 1 ask), price, size, and 0 alters, 1 adds, 2 takes away


class Stream:
    """A book that moves; `span` is how many prices a side there are, half of which have a level."""

    def __init__(self, seed: int = 7, span: int = SPAN) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed repeats the stream
        self._live = [list(range(0, span, 2)), list(range(0, span, 2))]
        self._dead = [list(range(1, span, 2)), list(range(1, span, 2))]
        self.snapshot: list[Change] = [
            (side, _price(side, place), self._size(), 1) for place in self._live[0] for side in (0, 1)
        ]

    def _size(self) -> int:
        return self._random.randint(1, 500_000)

    def change(self) -> Change:
        """The next one."""
        side, chance = self._random.getrandbits(1), self._random.random()
        away = int(self._random.expovariate(1 / 25))
        live, dead = self._live[side], self._dead[side]
        if chance < 0.6 or (chance < 0.8 and not dead) or len(live) < 50:
            return side, _price(side, live[min(away, len(live) - 1)]), self._size(), 0
        if chance < 0.8:
            place = dead.pop(min(away, len(dead) - 1))
            bisect.insort(live, place)
            return side, _price(side, place), self._size(), 1
        place = live.pop(min(away, len(live) - 1))
        bisect.insort(dead, place)
        return side, _price(side, place), 0, 2

    def frames(self, count: int) -> Iterator[bytes]:
        """So many messages of Binance's depth stream."""
        number = FIRST
        for at in range(count):
            changes = [self.change() for _ in range(LEVELS_A_FRAME)]
            bids, asks = (levels(change for change in changes if change[0] == side) for side in (0, 1))
            first, number = number + 1, number + LEVELS_A_FRAME
            yield (
                f'{{"e":"depthUpdate","E":{1_700_000_000_000 + at},"s":"BTCUSDT","U":{first},"u":{number},"b":{bids},"a":{asks}}}'
            ).encode()

    def whole(self) -> bytes:
        """The answer of its depth endpoint, before any change."""
        bids, asks = (levels(change for change in self.snapshot if change[0] == side) for side in (0, 1))
        return f'{{"lastUpdateId":{FIRST},"bids":{bids},"asks":{asks}}}'.encode()


def _price(side: int, place: int) -> int:
    return MIDDLE - 1 - place if side == 0 else MIDDLE + place


def levels(changes: Iterator[Change]) -> str:
    """Levels as the venue writes them."""
    return json.dumps([[price_text(price), size_text(size)] for _, price, size, _ in changes], separators=(",", ":"))


def price_text(price: int) -> str:
    """Eight decimals, of which two are used."""
    return f"{price // 100}.{price % 100:02d}000000"


def size_text(size: int) -> str:
    """Eight decimals, of which five are used."""
    return f"{size // 100_000}.{size % 100_000:05d}000"
