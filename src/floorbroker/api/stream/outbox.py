"""What waits for one client: facts in order, prices newest first of their key.  Bounded; never awaits.

A fact that finds no room ends the connection: `overflowed` says so, and `seq` where the client may come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from floorbroker.api.stream.protocol import Price, conflated

FACTS_MAX = 5_000
FACT_BYTES_MAX = 4 * 1024 * 1024
PRICES_MAX = 1_000
FRAME_BYTES = 256 * 1024


@dataclass(slots=True, eq=False)
class Outbox:
    """`seq` is that of the last fact which was taken from here to be sent."""

    seq: int = 0
    overflowed: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _facts: deque[tuple[int, bytes]] = field(default_factory=deque[tuple[int, bytes]])
    _size: int = 0
    _prices: dict[tuple[Price, int], bytes] = field(default_factory=dict[tuple[Price, int], bytes])
    _unshown: dict[Price, int] = field(default_factory=dict[Price, int])
    _count: int = 0

    @property
    def has_room(self) -> bool:
        """Whether a replay may go on: half of the room is for what happens meanwhile."""
        return len(self._facts) < FACTS_MAX // 2 and self._size < FACT_BYTES_MAX // 2

    def put(self, told: bytes, seq: int | None = None) -> None:
        """A fact, an answer or a snapshot."""
        if len(self._facts) >= FACTS_MAX or self._size + len(told) > FACT_BYTES_MAX:
            self.overflow()
            return
        self._facts.append((self._last if seq is None else seq, told))
        self._size += len(told)
        self.ready.set()

    def overflow(self) -> None:
        """There was a fact for which there is no room: this connection is over."""
        self.overflowed = True
        self.ready.set()

    @property
    def _last(self) -> int:
        return self._facts[-1][0] if self._facts else self.seq

    def put_price(self, price: Price, told: bytes, *, skipped: int = 0, replaces: bool = True) -> None:
        """What a channel of prices tells; it takes the place of one that was not sent yet, where it `replaces` it.

        When all is full the oldest of any goes.  How many were not shown is told with the next that is.
        """
        self._count += 1
        key = (price, 0 if replaces else self._count)
        gone = key if key in self._prices else next(iter(self._prices)) if len(self._prices) >= PRICES_MAX else None
        if gone is not None:
            del self._prices[gone]
            self._unshown[gone[0]] = self._unshown.get(gone[0], 0) + 1
        if skipped:
            self._unshown[price] = self._unshown.get(price, 0) + skipped
        self._prices[key] = told
        self.ready.set()

    def forget(self, price: Price) -> None:
        """Prices that are wanted no more."""
        self._prices = {key: told for key, told in self._prices.items() if key[0] != price}
        self._unshown.pop(price, None)

    def take(self) -> list[bytes]:
        """What goes into the next frame: facts first, as much as a frame holds."""
        found: list[bytes] = []
        size = 0
        while self._facts and size < FRAME_BYTES:
            self.seq, told = self._facts.popleft()
            self._size -= len(told)
            size += len(told)
            found.append(told)
        while self._prices and size < FRAME_BYTES:
            key = next(iter(self._prices))
            told = conflated(self._prices.pop(key), self._unshown.pop(key[0], 0))
            size += len(told)
            found.append(told)
        if not self._facts and not self._prices and not self.overflowed:
            self.ready.clear()
        return found
