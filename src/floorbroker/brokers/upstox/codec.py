"""The protobuf messages of the market data feed, read by hand: the few members that are used, and bounds for all others.

    FeedResponse   1 type (0 initial_feed, 1 live_feed, 2 market_info)   2 feeds: map of key to Feed
                   3 currentTs (epoch ms)                                4 marketInfo
    Feed           1 ltpc   2 fullFeed (1 marketFF, 2 indexFF)   3 firstLevelWithGreeks   4 requestMode
    marketFF       1 ltpc   2 marketLevel: 1 bidAskQuote, the best first        indexFF   1 ltpc
    LTPC           1 ltp   2 ltt (epoch ms)   3 ltq   4 cp       Quote   1 bidQ   2 bidP   3 askQ   4 askP

A frame is hostile input: lengths beyond their message, endless numbers, groups and more fields than any frame of sense has are
`Malformed`.  Members that are zero are not sent.  Doubles become the shortest decimal that stands for them.
Schema: MarketDataFeedV3.proto of the venue's own client.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

FIELDS_MAX = 400_000
FEEDS_MAX = 6_000
_VARINT_MAX = 10
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_DOUBLE = struct.Struct("<d")
_SIGN = 1 << 63
_WRAP = 1 << 64
_ZERO = Decimal(0)
_NUMBER_MAX = 1 << 29  # the largest number that a field may have

INITIAL_FEED, LIVE_FEED, MARKET_INFO = 0, 1, 2


class Malformed(ValueError):
    """A frame that is no message of this schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """LTPC: the last trade, and the close of the day before.  `time_ms` is zero where nothing traded."""

    price: Decimal = _ZERO
    time_ms: int = 0
    size: int = 0
    close: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best level of both sides; zero where a side is empty."""

    bid_size: int = 0
    bid: Decimal = _ZERO
    ask_size: int = 0
    ask: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Feed:
    """What a message says of one instrument."""

    last: Last | None
    best: Best | None


@dataclass(frozen=True, slots=True)
class Message:
    """One FeedResponse.  `statuses` are the market's, by segment."""

    kind: int
    at_ms: int
    feeds: dict[str, Feed]
    statuses: dict[str, int]


def read(frame: bytes) -> Message:
    """A whole frame.  Raises `Malformed`."""
    reader = _Reader()
    kind = at_ms = 0
    feeds: dict[str, Feed] = {}
    statuses: dict[str, int] = {}
    for number, value in reader.fields(frame):
        match number, value:
            case 1, int():
                kind = value
            case 2, bytes():
                key, feed = _entry(reader, value)
                feeds[key] = feed
                if len(feeds) > FEEDS_MAX:
                    raise Malformed("more instruments than a connection carries")
            case 3, int():
                at_ms = value
            case 4, bytes():
                statuses.update(_statuses(reader, value))
            case _:
                pass
    return Message(kind, at_ms, feeds, statuses)


class _Reader:
    """Takes messages apart into fields, and counts them over a whole frame."""

    def __init__(self) -> None:
        self._left = FIELDS_MAX

    def fields(self, data: bytes) -> Iterator[tuple[int, int | bytes]]:
        """Number and value of each field: a whole number, or the bytes of anything else."""
        at, end = 0, len(data)
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise Malformed("more fields than a frame of sense has")
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            if not 0 < number < _NUMBER_MAX:
                raise Malformed("a field without a number")
            if kind == _VARINT:
                raw, at = _varint(data, at)
                yield number, raw - _WRAP if raw & _SIGN else raw
                continue
            if kind == _BYTES:
                length, at = _varint(data, at)
            elif kind in _WIDTHS:
                length = _WIDTHS[kind]
            else:
                raise Malformed("a field of an unknown kind")
            if length > end - at:
                raise Malformed("a field that ends behind its message")
            yield number, data[at : at + length]
            at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the least first, and where it ends."""
    value = 0
    for place in range(_VARINT_MAX):
        if at >= len(data):
            raise Malformed("a number that does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & (_WRAP - 1), at
    raise Malformed("a number of more than 64 bits")


def _decimal(raw: int | bytes) -> Decimal:
    """A double.  Raises `Malformed` for what has no eight bytes, NaN and infinities."""
    if not isinstance(raw, bytes) or len(raw) != _DOUBLE.size:
        raise Malformed("a price that is no double")
    found = Decimal(repr(_DOUBLE.unpack(raw)[0]))
    if not found.is_finite():
        raise Malformed("a price that is no number")
    return found


def _whole(raw: int | bytes) -> int:
    if not isinstance(raw, int):
        raise Malformed("a count that is no whole number")
    return raw


def _message(raw: int | bytes) -> bytes:
    if not isinstance(raw, bytes):
        raise Malformed("a message that is a number")
    return raw


def _text(raw: int | bytes) -> str:
    try:
        return _message(raw).decode()
    except UnicodeDecodeError as error:
        raise Malformed("a key that is no text") from error


def _entry(reader: _Reader, data: bytes) -> tuple[str, Feed]:
    key, feed = "", b""
    for number, value in reader.fields(data):
        if number == 1:
            key = _text(value)
        elif number == 2:
            feed = _message(value)
    return key, _feed(reader, feed)


def _feed(reader: _Reader, data: bytes) -> Feed:
    found = Feed(None, None)
    for number, value in reader.fields(data):
        if number == 1:
            found = Feed(_last(reader, _message(value)), None)
        elif number == 2:
            found = _full(reader, _message(value))
        elif number == 3:
            found = _part(reader, _message(value), nested=False)
    return found


def _full(reader: _Reader, data: bytes) -> Feed:
    """Of a share or contract (1), or of an index, which has no levels (2)."""
    found = Feed(None, None)
    for number, value in reader.fields(data):
        if number == 1:
            found = _part(reader, _message(value), nested=True)
        elif number == 2:
            found = Feed(_part(reader, _message(value), nested=True).last, None)
    return found


def _part(reader: _Reader, data: bytes, *, nested: bool) -> Feed:
    """LTPC as 1, and as 2 the best level: by itself, or as the first of several in a message."""
    last: Last | None = None
    best: Best | None = None
    for number, value in reader.fields(data):
        if number == 1:
            last = _last(reader, _message(value))
        elif number == 2:
            level = _first(reader, _message(value)) if nested else _message(value)
            best = None if level is None else _best(reader, level)
    return Feed(last, best)


def _first(reader: _Reader, data: bytes) -> bytes | None:
    """The first of the levels; all others are walked over."""
    found: bytes | None = None
    for number, value in reader.fields(data):
        if number == 1 and found is None:
            found = _message(value)
    return found


def _last(reader: _Reader, data: bytes) -> Last:
    price, time_ms, size, close = _ZERO, 0, 0, _ZERO
    for number, value in reader.fields(data):
        if number == 1:
            price = _decimal(value)
        elif number == 2:
            time_ms = _whole(value)
        elif number == 3:
            size = _whole(value)
        elif number == 4:
            close = _decimal(value)
    return Last(price=price, time_ms=time_ms, size=size, close=close)


def _best(reader: _Reader, data: bytes) -> Best:
    bid_size, bid, ask_size, ask = 0, _ZERO, 0, _ZERO
    for number, value in reader.fields(data):
        if number == 1:
            bid_size = _whole(value)
        elif number == 2:
            bid = _decimal(value)
        elif number == 3:
            ask_size = _whole(value)
        elif number == 4:
            ask = _decimal(value)
    return Best(bid_size=bid_size, bid=bid, ask_size=ask_size, ask=ask)


def _statuses(reader: _Reader, data: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, value in reader.fields(data):
        if number == 1:
            segment, status = "", 0
            for part, told in reader.fields(_message(value)):
                if part == 1:
                    segment = _text(told)
                elif part == 2:
                    status = _whole(told)
            found[segment] = status
    return found
