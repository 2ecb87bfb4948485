"""Raw frames straight into books, by either kind of book."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.ports import RawBookSink
from floorbroker.marketdata import RawBooks, Verdict
from floorbroker.marketdata.frames import told_at
from floorbroker.marketdata.native import core

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RULES = BookRules(proof=BookProof.STEP, frames="bybit")


def frame(kind: str, number: int, symbol: str = "BTCUSDT") -> bytes:
    data = f'"data":{{"s":"{symbol}","b":[["99.5","1"]],"a":[["100","2"]],"u":{number},"seq":1}}'
    return f'{{"topic":"orderbook.50.{symbol}","type":"{kind}",{data}}}'.encode()


@pytest.fixture(params=[True, False], ids=["native", "python"])
def native(request: pytest.FixtureRequest) -> bool:
    if request.param and core() is None:
        pytest.skip("floorbroker_book is not installed: `make native` needs cargo")
    return request.param


def test_frames_change_the_books_that_are_open_and_no_others(native: bool) -> None:
    heard: list[tuple[str, Verdict]] = []
    books = RawBooks(RULES, native=native, told=lambda symbol, verdict: heard.append((symbol, verdict)))
    sink: RawBookSink = books
    book = books.open("BTC/USDT", "BTCUSDT")
    assert books.open("BTC/USDT", "BTCUSDT") is book
    assert [
        sink.on_frame(frame(kind, number), NOW) for kind, number in (("snapshot", 7), ("delta", 8), ("delta", 10))
    ] == [True] * 3
    assert heard == [("BTC/USDT", verdict) for verdict in (Verdict.WHOLE, Verdict.PROVEN, Verdict.FAILED)]
    assert (book.symbol, book.time, book.spread) == ("BTC/USDT", NOW, Decimal("0.5"))
    assert not sink.on_frame(frame("delta", 8, "ETHUSDT"), NOW)
    assert not sink.on_frame(b'{"op":"pong"}', NOW)


def test_a_book_frame_that_cannot_be_read_is_taken_and_changes_nothing(native: bool) -> None:
    books = RawBooks(RULES, native=native)
    books.open("BTC/USDT", "BTCUSDT")
    assert books.on_frame(frame("delta", 8)[:-1], NOW)
    assert books.open("BTC/USDT", "BTCUSDT").tally.waiting == 0


def test_a_closed_book_is_not_fed_any_more(native: bool) -> None:
    books = RawBooks(RULES, native=native)
    books.heed("BTC/USDT", "BTCUSDT", [print])
    books.on_frame(frame("snapshot", 7), NOW)
    books.heed("BTC/USDT", "BTCUSDT", [])
    books.close("BTC/USDT")
    assert not books.on_frame(frame("delta", 8), NOW)


def test_frames_that_nobody_reads_are_refused_at_once(native: bool) -> None:
    with pytest.raises(NotSupported):
        RawBooks(BookRules(proof=BookProof.NONE), native=native)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (b'{"e":"depthUpdate","E":1772409600123,"s":"BTCUSDT"}', "2026-03-02T00:00:00.123000+00:00"),
        (
            b'{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1772409600123}}',
            "2026-03-02T00:00:00.123000+00:00",
        ),
        (
            b'{"topic":"orderbook.50.X","ts":1772409600999,"data":{},"cts":1772409600123}',
            "2026-03-02T00:00:00.123000+00:00",
        ),
        (b'{"topic":"orderbook.50.X","ts":1772409600999,"data":{}}', "2026-03-02T00:00:00.999000+00:00"),
        (
            b'{"channel":"book","data":[{"timestamp":"2026-03-02T00:00:00.123456Z"}]}',
            "2026-03-02T00:00:00.123456+00:00",
        ),
        (b'{"channel":"book","data":[]}', None),
        (b'{"channel":"book","data":[{"timestamp":7}]}', None),
        (b'{"E":99999999999999999}', None),
        (b'{"E":', None),
        (b"\xff", None),
    ],
)
def test_when_a_venue_says_that_a_frame_was_made(told: bytes, moment: str | None) -> None:
    assert told_at(told) == (None if moment is None else datetime.fromisoformat(moment))
