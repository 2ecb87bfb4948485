"""Raw book frames of the venues, read into updates: the reference that the native core is compared with.

Venues' words stop at their broker's door, where an adapter makes `BookDelta`s of them.  This is the way around it for whoever
has frames and no adapter, and wants speed: one reader a form (`BookRules.frames`), each from bytes to the venue's own digits.
A frame that is not about a book is none of a reader's business and answers with nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

import msgspec

from floorbroker.domain.values import Word
from floorbroker.marketdata.proofs import Fixed, Pairs, Side, Update

Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Checksum = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Level = tuple[str, str]
M = TypeVar("M")
Told = Sequence[tuple[str, Update]]  # the venue's symbol, and what is told of its book


class Unreadable(ValueError):
    """A frame that speaks of a book and is not as documented."""


class Unread(Word):
    """What became of a frame that changed no book."""

    NOT_A_BOOK = "not a book"
    UNREADABLE = "unreadable"


class _Depth(msgspec.Struct, gc=False):
    """https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams"""

    e: str = ""
    s: str = ""
    U: Number = 0
    u: Number = 0
    b: msgspec.Raw = msgspec.Raw()  # a list of levels here, a price in messages of other kinds
    a: msgspec.Raw = msgspec.Raw()


class _Streamed(_Depth, gc=False):
    """A depth message by itself, or inside a combined stream."""

    data: _Depth | None = None


class _Snapshot(msgspec.Struct):
    """https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints"""

    bids: list[Level]
    asks: list[Level]
    last_update_id: Number = msgspec.field(name="lastUpdateId")


class _Sides(msgspec.Struct):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook"""

    s: str
    b: list[Level]
    a: list[Level]
    u: Number


class _Topic(msgspec.Struct):
    topic: str
    type: Literal["snapshot", "delta"]
    data: _Sides


class _Price(msgspec.Struct):
    """https://docs.kraken.com/api/docs/websocket-v2/book"""

    price: msgspec.Raw
    qty: msgspec.Raw


class _Pair(msgspec.Struct):
    symbol: str
    checksum: Checksum
    bids: list[_Price] = []
    asks: list[_Price] = []


class _Channel(msgspec.Struct):
    channel: str
    type: Literal["snapshot", "update"]
    data: list[_Pair]


_streamed = msgspec.json.Decoder(_Streamed).decode
_snapshot = msgspec.json.Decoder(_Snapshot).decode
_levels = msgspec.json.Decoder(list[Level]).decode
_topic = msgspec.json.Decoder(_Topic).decode
_channel = msgspec.json.Decoder(_Channel).decode


def binance(frame: bytes) -> Told:
    """`depthUpdate`, alone or in a combined stream.  Raises `Unreadable`."""
    if b'"depthUpdate"' not in frame:
        return ()
    message = _read(_streamed, frame)
    depth = message if message.data is None else message.data
    if depth.e != "depthUpdate":
        return ()
    if not depth.s or not depth.U:
        raise Unreadable("a depth update lacks a member")
    bids, asks = _sides(depth.b, depth.a)
    return ((depth.s, Update(bids, asks, False, depth.u, depth.U - 1)),)


# Binance writes eight decimals always, so that the levels of a message can be looked over and taken apart all at once.
# The commas between levels are as they should be: the decoder has walked over the message already.
_EIGHT = rb'\["[0-9]{1,10}+\.[0-9]{8}","[0-9]{1,10}+\.[0-9]{8}"\]'
_ALL_EIGHT = rb"\[(?:%b,?+)*+\]" % _EIGHT
_is_eight = re.compile(rb"%b,%b" % (_ALL_EIGHT, _ALL_EIGHT)).fullmatch


def _sides(bids: msgspec.Raw, asks: msgspec.Raw) -> tuple[Side, Side]:
    """The levels of both sides.  Raises `Unreadable`."""
    first, second = bytes(bids), bytes(asks)
    written = b"%b,%b" % (first, second)
    if not _is_eight(written):
        return _read(_levels, first), _read(_levels, second)
    digits = written.translate(None, b'[]".').decode().strip(",").split(",")
    found = list(map(int, digits)) if digits[0] else []
    end = first.count(b'"') // 2
    return Fixed(8, found[:end:2], found[1:end:2]), Fixed(8, found[end::2], found[end + 1 :: 2])


def bybit(frame: bytes) -> Told:
    """`orderbook.{depth}.{symbol}`.  Raises `Unreadable`."""
    if b'"orderbook.' not in frame:
        return ()
    message = _read(_topic, frame)
    if not message.topic.startswith("orderbook."):
        return ()
    sides = message.data
    reset = message.type == "snapshot" or sides.u == 1
    return ((sides.s, Update(sides.b, sides.a, reset, sides.u)),)


def kraken(frame: bytes) -> Told:
    """The `book` channel of version 2.  Raises `Unreadable`."""
    if b'"book"' not in frame:
        return ()
    message = _read(_channel, frame)
    if message.channel != "book":
        return ()
    reset = message.type == "snapshot"
    return [
        (pair.symbol, Update(_written(pair.bids), _written(pair.asks), reset, checksum=pair.checksum))
        for pair in message.data
    ]


def _read(decode: Callable[[bytes], M], frame: bytes) -> M:
    """A frame as it is documented.  The decoder looks at no text that it walks over, so that is done here."""
    try:
        if not frame.isascii():
            frame.decode()
        return decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _written(levels: Sequence[_Price]) -> Pairs:
    """JSON numbers as they stand in the frame; whatever else stands there is no number to a book."""
    return [
        (str(bytes(level.price), "ascii", "replace"), str(bytes(level.qty), "ascii", "replace")) for level in levels
    ]


def binance_whole(body: bytes) -> Update:
    """The answer of `GET /api/v3/depth`.  Raises `Unreadable`."""
    found = _read(_snapshot, body)
    return Update(found.bids, found.asks, True, found.last_update_id)


class _Timed(msgspec.Struct):
    """When a venue says that a message was made: `E` (Binance), `cts`, else `ts` (Bybit), `timestamp` (Kraken)."""

    E: int = 0
    ts: int = 0
    cts: int = 0
    timestamp: datetime | None = None
    data: msgspec.Raw = msgspec.Raw()

    def moment(self) -> datetime | None:
        ms = self.E or self.cts or self.ts
        return _EPOCH + timedelta(milliseconds=ms) if ms else self.timestamp


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_timed = msgspec.json.Decoder(_Timed).decode
_each_timed = msgspec.json.Decoder(list[_Timed]).decode


def told_at(frame: bytes) -> datetime | None:
    """When the venue says that a book frame was made, in UTC; None where it does not say so in a form that is known here."""
    try:
        outer = _timed(frame)
        if (found := outer.moment()) is not None:
            return found
        inner = bytes(outer.data)
        told = _each_timed(inner)[0] if inner.startswith(b"[") else _timed(inner)
        return told.moment()
    except (msgspec.MsgspecError, UnicodeDecodeError, IndexError, OverflowError):
        return None


Reader = Callable[[bytes], Told]

READERS: Mapping[str, Reader] = MappingProxyType({"binance": binance, "bybit": bybit, "kraken": kraken})
