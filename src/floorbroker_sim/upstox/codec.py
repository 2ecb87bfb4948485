"""The market-data feed's frames: protobuf, written by hand from the published schema; what is zero is left out, as proto3 does.

https://upstox.com/developer/api-documentation/v3/get-market-data-feed (MarketDataFeedV3.proto)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from decimal import Decimal

INITIAL, LIVE, MARKET_INFO = 0, 1, 2
MODES = {"ltpc": 0, "full": 1, "option_greeks": 2, "full_d30": 3}
PHASES = {
    "PRE_OPEN_START": 0, "PRE_OPEN_END": 1, "NORMAL_OPEN": 2, "NORMAL_CLOSE": 3, "CLOSING_START": 4, "CLOSING_END": 5,
}  # fmt: skip
_VARINT, _FIXED64, _BYTES = 0, 1, 2
_INT64 = 1 << 64


def _varint(value: int) -> bytes:
    value %= _INT64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def whole(field: int, value: int) -> bytes:
    """An int64 or an enum."""
    return _tag(field, _VARINT) + _varint(value) if value else b""


def real(field: int, value: Decimal) -> bytes:
    """A double: the wire knows no other kind of price."""
    return _tag(field, _FIXED64) + struct.pack("<d", value) if value else b""


def text(field: int, value: str) -> bytes:
    return part(field, value.encode()) if value else b""


def part(field: int, body: bytes) -> bytes:
    """A message inside a message; an empty one is written too."""
    return _tag(field, _BYTES) + _varint(len(body)) + body


# --- The messages of the schema ------------------------------------------------------------------------------------------


def ltpc(*, price: Decimal, at_ms: int, quantity: int, close: Decimal) -> bytes:
    """The last trade, and the close before."""
    return real(1, price) + whole(2, at_ms) + whole(3, quantity) + real(4, close)


def level(*, bid_quantity: int, bid: Decimal, ask_quantity: int, ask: Decimal) -> bytes:
    """One level of both sides."""
    return whole(1, bid_quantity) + real(2, bid) + whole(3, ask_quantity) + real(4, ask)


def greeks(delta: Decimal, theta: Decimal, gamma: Decimal, vega: Decimal) -> bytes:
    return real(1, delta) + real(2, theta) + real(3, gamma) + real(4, vega)


def bar(interval: str, prices: tuple[Decimal, Decimal, Decimal, Decimal], *, volume: int, start_ms: int) -> bytes:
    """Open, high, low, close."""
    body = text(1, interval)
    for number, price in enumerate(prices, 2):
        body += real(number, price)
    return body + whole(6, volume) + whole(7, start_ms)


def full_market(
    last: bytes, *, levels: Iterable[bytes], greek: bytes | None, bars: Iterable[bytes], mean: Decimal, volume: int,
    iv: Decimal, bids: int, asks: int,
) -> bytes:  # fmt: skip
    """Everything about something that is traded, as a full feed."""
    body = part(1, last) + part(2, b"".join(part(1, one) for one in levels))
    if greek is not None:
        body += part(3, greek)
    body += part(4, b"".join(part(1, one) for one in bars)) + real(5, mean) + whole(6, volume) + real(8, iv)
    return part(1, body + real(9, Decimal(bids)) + real(10, Decimal(asks)))


def full_index(last: bytes, *, bars: Iterable[bytes]) -> bytes:
    """Everything about an index, as a full feed."""
    return part(2, part(1, last) + part(2, b"".join(part(1, one) for one in bars)))


def first_level(last: bytes, *, best: bytes, greek: bytes, volume: int, iv: Decimal) -> bytes:
    return part(1, last) + part(2, best) + part(3, greek) + whole(4, volume) + real(6, iv)


def feed(kind: int, body: bytes, mode: str) -> bytes:
    """`kind` is 1 for the last trade, 2 for a full feed, 3 for the first level."""
    return part(kind, body) + whole(4, MODES[mode])


def response(
    kind: int, *, at_ms: int, feeds: Mapping[str, bytes] | None = None, phases: Mapping[str, str] | None = None
) -> bytes:
    """One frame."""
    body = whole(1, kind)
    for key, one in (feeds or {}).items():
        body += part(2, text(1, key) + part(2, one))
    body += whole(3, at_ms)
    if phases is not None:
        entries = (text(1, segment) + whole(2, PHASES[word]) for segment, word in phases.items())
        body += part(4, b"".join(part(1, one) for one in entries))
    return body
