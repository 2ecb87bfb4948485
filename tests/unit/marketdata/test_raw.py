"""Raw frames straight into books, by either kind of book."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.ports import RawBookSink
from floorbroker.marketdata import RawBooks, Verdict
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
    books.open("BTC/USDT", "BTCUSDT")
    books.on_frame(frame("snapshot", 7), NOW)
    books.close("BTC/USDT")
    books.close("BTC/USDT")
    assert not books.on_frame(frame("delta", 8), NOW)


def test_frames_that_nobody_reads_are_refused_at_once(native: bool) -> None:
    with pytest.raises(NotSupported):
        RawBooks(BookRules(proof=BookProof.NONE), native=native)
