"""The order book around the top: levels that come and go by seed and second, the best of each side exactly as quoted.

A level lives at its own price whatever the top does, so the book moves like one: what lies behind the top stays where it is
and changes its size now and then.  All of it is integer arithmetic: prices in ticks, quantities in lots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from floorbroker.domain.records import Quote
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.info import Pair

_MASK = (1 << 64) - 1
_EVERY = 3  # one price step in three has a level
_GAPS = 11  # and of these one in eleven is empty at a time
_REACH = 12  # price steps looked at for each level wanted, before the book counts as thin


class Level(NamedTuple):
    """Ticks and lots."""

    price: int
    qty: int


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def cut(self, depth: int) -> Book:
        return Book(self.bids[:depth], self.asks[:depth])


EMPTY = Book((), ())


def checksum(book: Book) -> int:
    """CRC-32 over the top ten of each side, asks first.

    A price at full precision without its point and leading zeros is its number of ticks, a quantity its number of lots.
    https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
    """
    levels = (*book.asks[: info.CHECKSUM_LEVELS], *book.bids[: info.CHECKSUM_LEVELS])
    return crc32("".join(f"{level.price}{level.qty}" for level in levels).encode())


class Ladder:
    """Books of one seeded market.  The same seed, moment and top give the same book."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._salts: dict[str, int] = {}
        self._last: dict[str, tuple[tuple[object, ...], int, Book]] = {}

    def book(self, pair: Pair, quote: Quote | None, at: datetime, depth: int) -> Book:
        """Up to `depth` levels a side; fewer where prices end."""
        if quote is None:
            return EMPTY
        second = int(at.timestamp())
        key = (second, quote.bid, quote.ask, quote.bid_size, quote.ask_size)
        known = self._last.get(pair.symbol)
        if known is None or known[0] != key or known[1] < depth:
            known = (key, depth, self._build(pair, quote, second, depth))
            self._last[pair.symbol] = known
        return known[2].cut(depth)

    def _build(self, pair: Pair, quote: Quote, second: int, depth: int) -> Book:
        usual = int(pair.size / pair.lot)
        bids: list[Level] = []
        asks: list[Level] = []
        if quote.bid is not None:
            top = max(1, int(quote.bid / pair.tick))
            bids.append(Level(top, _lots(quote.bid_size, pair, usual)))
            bids += self._behind(f"{pair.symbol} bid", top, -1, second=second, count=depth - 1, usual=usual)
        if quote.ask is not None:
            top = max(2, int(quote.ask / pair.tick))
            asks.append(Level(top, _lots(quote.ask_size, pair, usual)))
            asks += self._behind(f"{pair.symbol} ask", top, 1, second=second, count=depth - 1, usual=usual)
        return Book(tuple(bids), tuple(asks))

    def _behind(self, name: str, top: int, step: int, *, second: int, count: int, usual: int) -> Iterator[Level]:
        salt = self._salt(name)
        found = 0
        for price in range(top + step, top + step * count * _REACH, step):
            if found == count or price < 1:
                return
            qty = _qty(salt, price, second, usual)
            if qty:
                found += 1
                yield Level(price, qty)

    def _salt(self, name: str) -> int:
        salt = self._salts.get(name)
        if salt is None:
            digest = blake2b(f"{self._seed} {name}".encode(), digest_size=8).digest()
            salt = self._salts[name] = int.from_bytes(digest, "big")
        return salt


def _lots(size: Decimal, pair: Pair, usual: int) -> int:
    return int(size / pair.lot) or usual


def _mix(value: int) -> int:
    """A 64-bit finaliser (splitmix64): every bit of the result depends on every bit of `value`."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


def _qty(salt: int, price: int, second: int, usual: int) -> int:
    """Lots that stand at a price in a second; zero for none."""
    nature = _mix(salt + price * 0x9E3779B97F4A7C15 & _MASK)
    if nature % _EVERY:
        return 0
    period = 2 + (nature >> 32) % 29
    now = _mix(nature + (second + (nature >> 40) % period) // period & _MASK)
    return 0 if now % _GAPS == 0 else usual * (100 + (now >> 8) % 1900) // 1000
