"""The reader of the market data feed, held against the venue's own schema by the official runtime, and against hostile frames."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.upstox import codec
from floorbroker.brokers.upstox.codec import Best, Feed, Last, Malformed


def field(number: int, body: bytes) -> bytes:
    """A message or a text inside another."""
    return codec_varint(number << 3 | 2) + codec_varint(len(body)) + body


def codec_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


TIME_MS = 1767586501000
TIME = b"\x10" + codec_varint(TIME_MS)
LAST = b"\x09" + bytes.fromhex("3333333333b34a40") + TIME + b"\x18\x4b"  # 75 at 53.4
LAST_READ = Last(price=Decimal("53.4"), time_ms=TIME_MS, size=75)


def frame(feed: bytes, *, kind: int = 1, key: bytes = b"K") -> bytes:
    return codec_varint(1 << 3) + codec_varint(kind) + field(2, field(1, key) + field(2, feed)) + b"\x18\x05"


def test_the_official_runtime_and_this_reader_agree_on_every_shape() -> None:
    pb = pytest.importorskip(
        "upstox_client.feeder.proto.MarketDataFeedV3_pb2", reason="the venue's client is not installed"
    )
    sent = pb.FeedResponse()
    sent.type, sent.currentTs = 1, 1767586501234
    full = sent.feeds["NSE_EQ|A"].fullFeed.marketFF
    full.ltpc.ltp, full.ltpc.ltt, full.ltpc.ltq, full.ltpc.cp = 53.4, 1767586501000, 75, 53.7
    for bid in (4.6, 4.55):
        full.marketLevel.bidAskQuote.add(bidQ=75, bidP=bid, askQ=150, askP=4.65)
    full.optionGreeks.delta = -0.4
    full.marketOHLC.ohlc.add(interval="1d", open=4.5, vol=12345)
    sent.feeds["NSE_EQ|A"].requestMode = 1
    sent.feeds["NSE_INDEX|B"].fullFeed.indexFF.ltpc.ltp = 25000.5
    greeks = sent.feeds["NSE_FO|1"].firstLevelWithGreeks
    greeks.firstDepth.askP, greeks.ltpc.ltp = 1.5, 1.45
    sent.feeds["BSE_EQ|C"].ltpc.ltp = -0.05
    sent.feeds["BSE_EQ|D"].SetInParent()
    sent.marketInfo.segmentStatus["NSE_EQ"] = 2
    sent.marketInfo.segmentStatus["MCX_FO"] = 0
    found = codec.read(sent.SerializeToString())
    assert (found.kind, found.at_ms) == (codec.LIVE_FEED, 1767586501234)
    assert found.statuses == {"NSE_EQ": 2, "MCX_FO": 0}
    assert found.feeds == {
        "NSE_EQ|A": Feed(
            Last(price=Decimal("53.4"), time_ms=1767586501000, size=75, close=Decimal("53.7")),
            Best(bid_size=75, bid=Decimal("4.6"), ask_size=150, ask=Decimal("4.65")),
        ),
        "NSE_INDEX|B": Feed(Last(price=Decimal("25000.5")), None),
        "NSE_FO|1": Feed(Last(price=Decimal("1.45")), Best(ask=Decimal("1.5"))),
        "BSE_EQ|C": Feed(Last(price=Decimal("-0.05")), None),
        "BSE_EQ|D": Feed(None, None),
    }


def test_a_feed_of_last_trades_is_read_and_what_is_new_is_walked_over() -> None:
    unknown = codec_varint(99 << 3 | 5) + b"abcd" + codec_varint(98 << 3 | 1) + b"12345678" + field(97, b"x")
    found = codec.read(frame(field(1, LAST)) + unknown)
    assert (found.kind, found.at_ms, found.feeds) == (codec.LIVE_FEED, 5, {"K": Feed(LAST_READ, None)})
    assert codec.read(b"") == codec.Message(codec.INITIAL_FEED, 0, {}, {})


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xff" * 11,  # a number without an end
        b"\x08",  # a field without a value
        b"\x12\x05ab",  # a length beyond the frame
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # an endless length
        b"\x0b\x0c",  # a group
        b"\x00\x01",  # a field without a number
        b"\x09abc",  # half a double
        frame(field(1, b"\x09" + b"\x00" * 6 + b"\xf0\x7f")),  # infinity
        frame(field(1, b"\x09" + b"\x00" * 6 + b"\xf8\x7f")),  # no number
        frame(field(1, b"\x08\x01")),  # a price that is a count
        frame(field(1, b"\x11" + b"\x00" * 8)),  # a time that is a double
        frame(b"\x08\x01"),  # a message that is a number
        frame(field(1, LAST), key=b"\xff"),  # a key that is no text
    ],
)
def test_a_hostile_frame_is_malformed_and_nothing_else(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        codec.read(hostile)


def test_a_frame_of_endless_small_fields_is_bounded() -> None:
    with pytest.raises(Malformed):
        codec.read(b"\x08\x01" * (codec.FIELDS_MAX + 1))
    with pytest.raises(Malformed):
        codec.read(b"".join(frame(b"", key=b"%d" % n) for n in range(codec.FEEDS_MAX + 1)))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(data: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(codec.read(data), codec.Message)


@given(st.decimals(min_value=0, max_value=10**7, places=2), st.integers(0, 2**40), st.integers(0, 2**31))
def test_prices_come_back_with_the_digits_they_had(price: Decimal, time_ms: int, size: int) -> None:
    pb = pytest.importorskip(
        "upstox_client.feeder.proto.MarketDataFeedV3_pb2", reason="the venue's client is not installed"
    )
    sent = pb.FeedResponse()
    last = sent.feeds["K"].ltpc
    last.ltp, last.ltt, last.ltq = float(price), time_ms, size
    found = codec.read(sent.SerializeToString()).feeds["K"].last or Last()
    assert (found.price, found.time_ms, found.size) == (price, time_ms, size)
