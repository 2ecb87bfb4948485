"""Made streams of book frames, as three venues would send them: a market that moves, and the frames that tell of it.

The market here is a plain dict of prices in ticks, and checksums are made of text as the document says, so that the streams
owe nothing to the books that are tried with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

from floorbroker.domain.capability import BookProof, BookRules

RULES = {
    "binance": BookRules(proof=BookProof.CHAIN, asked=True, frames="binance"),
    "bybit": BookRules(proof=BookProof.STEP, frames="bybit"),
    "kraken": BookRules(proof=BookProof.CRC32, cut=True, frames="kraken"),
}
SYMBOLS = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "kraken": "BTC/USD"}


@dataclass
class Market:
    """Bids and asks in ticks; they never meet.  `lead` keeps the price from running away."""

    random: Random
    levels: int = 60
    middle: int = 60_000
    bids: dict[int, int] = field(default_factory=dict[int, int])
    asks: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        for distance in range(1, self.levels + 1):
            self.bids[self.middle - distance] = self._size()
            self.asks[self.middle + distance] = self._size()

    def _size(self) -> int:
        return self.random.randint(1, 10 ** self.random.randint(1, 7))

    def move(self, changes: int) -> None:
        """Some levels change, come and go; sometimes the price moves."""
        for _ in range(changes):
            if self.random.random() < 0.1:
                self._shift(self.random.choice((-1, 1)))
            side = self.random.choice((self.bids, self.asks))
            away = 1 + int(self.random.expovariate(0.2))
            price = self.middle - away if side is self.bids else self.middle + away
            if self.random.random() < 0.3 and len(side) > 3:
                side.pop(price, None)
            else:
                side[price] = self._size()

    def _shift(self, step: int) -> None:
        self.middle += step
        for price in [price for price in self.bids if price >= self.middle]:
            del self.bids[price]
        for price in [price for price in self.asks if price <= self.middle]:
            del self.asks[price]

    def top(self, depth: int) -> tuple[dict[int, int], dict[int, int]]:
        """The best levels of both sides."""
        return (
            {price: self.bids[price] for price in sorted(self.bids, reverse=True)[:depth]},
            {price: self.asks[price] for price in sorted(self.asks)[:depth]},
        )


def price_text(ticks: int) -> str:
    """Two decimals."""
    return f"{ticks // 100}.{ticks % 100:02d}"


def size_text(lots: int) -> str:
    """Eight decimals, of which lots fill five."""
    return f"{lots // 100_000}.{lots % 100_000:05d}000"


def changes(before: dict[int, int], after: dict[int, int], full: dict[int, int]) -> list[tuple[int, int]]:
    """What a venue tells: sizes that are new, and zero for what is gone, but not for what fell out of sight."""
    new = [(price, size) for price, size in after.items() if before.get(price) != size]
    return new + [(price, 0) for price in before if price not in full]


Sides = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def moves(market: Market, count: int, depth: int) -> Iterator[Sides]:
    """So many updates of a book seen to a depth."""
    for _ in range(count):
        bids, asks = market.top(depth)
        market.move(market.random.randint(1, 6))
        new_bids, new_asks = market.top(depth)
        yield changes(bids, new_bids, market.bids), changes(asks, new_asks, market.asks)


def pairs(levels: list[tuple[int, int]]) -> list[list[str]]:
    """Levels as two of the venues write them."""
    return [[price_text(price), size_text(size)] for price, size in levels]


def binance(random: Random, count: int) -> tuple[list[bytes], bytes, int]:
    """Frames, the whole book as it is asked for, and behind which frame it was taken."""
    market = Market(random)
    number, behind, whole, frames = random.randint(1, 10**9), random.randint(0, min(5, count - 1)), b"", list[bytes]()
    for place, (bids, asks) in enumerate(moves(market, count, 10**6)):
        first, number = number + 1, number + random.randint(1, 9)
        depth = {
            "e": "depthUpdate",
            "E": 1,
            "s": "BTCUSDT",
            "U": first,
            "u": number,
            "b": pairs(bids),
            "a": pairs(asks),
        }
        message = {"stream": "btcusdt@depth@100ms", "data": depth} if random.random() < 0.5 else depth
        frames.append(json.dumps(message, separators=(",", ":")).encode())
        if place == behind:
            full_bids, full_asks = market.top(10**6)
            body = {"lastUpdateId": number, "bids": pairs([*full_bids.items()]), "asks": pairs([*full_asks.items()])}
            whole = json.dumps(body, separators=(",", ":")).encode()
    return frames, whole, behind


def bybit(random: Random, count: int) -> list[bytes]:
    """A snapshot and deltas, sometimes a snapshot between; sizes carry no zeros behind."""
    market, depth, number, frames = Market(random), 50, random.randint(2, 10**9), list[bytes]()

    def frame(kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> bytes:
        data = {
            "s": "BTCUSDT",
            "b": [[price, size.rstrip("0").rstrip(".") or "0"] for price, size in pairs(bids)],
            "a": [[price, size.rstrip("0").rstrip(".") or "0"] for price, size in pairs(asks)],
            "u": number,
            "seq": number * 7,
        }
        return json.dumps({"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1, "data": data, "cts": 1}).encode()

    bids, asks = market.top(depth)
    frames.append(frame("snapshot", [*bids.items()], [*asks.items()]))
    for new_bids, new_asks in moves(market, count, depth):
        number += 1
        if random.random() < 0.02:
            number = 1 if random.random() < 0.5 else number
            bids, asks = market.top(depth)
            frames.append(frame("snapshot" if number > 1 else "delta", [*bids.items()], [*asks.items()]))
        else:
            frames.append(frame("delta", new_bids, new_asks))
    return frames


def kraken(random: Random, count: int, depth: int = 10) -> list[bytes]:
    """A snapshot and updates with checksums; numbers are JSON numbers with every decimal."""
    market, frames = Market(random), list[bytes]()

    def levels(side: list[tuple[int, int]]) -> str:
        return ",".join(f'{{"price":{price_text(price)},"qty":{size_text(size)}}}' for price, size in side)

    def frame(kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> bytes:
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{levels(bids)}],'
            f'"asks":[{levels(asks)}],"checksum":{checksum(market)},"timestamp":"2026-01-01T00:00:00.000000Z"}}]}}'
        ).encode()

    bids, asks = market.top(depth)
    frames.append(frame("snapshot", [*bids.items()], [*asks.items()]))
    frames += [frame("update", new_bids, new_asks) for new_bids, new_asks in moves(market, count, depth)]
    return frames


def checksum(market: Market) -> int:
    """By the document, from text."""
    bids, asks = market.top(10)
    told = [
        text.replace(".", "").lstrip("0")
        for side in (asks, bids)
        for price, size in side.items()
        for text in (price_text(price), size_text(size))
    ]
    return crc32("".join(told).encode())


def best(market: Market) -> tuple[int, int]:
    """The best prices, in ticks."""
    return max(market.bids), min(market.asks)
