"""Frames as the venues document them, read by the Python readers (the native ones are compared with these)."""

from __future__ import annotations

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.frames import READERS, Unread, Unreadable, binance_whole
from floorbroker.marketdata.proofs import Fixed, Side, Update
from floorbroker.marketdata.shelf import Shelf

DEPTH = b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":157,"u":160,"b":[["64000.10","0.00"]],"a":[["64001","2"]]}'
READ = [
    ("binance", DEPTH, [("BTCUSDT", Update([("64000.10", "0.00")], [("64001", "2")], False, 160, 156))]),
    (
        "binance",
        b'{"stream":"btcusdt@depth@100ms","data":' + DEPTH + b"}",
        [("BTCUSDT", Update([("64000.10", "0.00")], [("64001", "2")], False, 160, 156))],
    ),
    (
        "bybit",
        (
            b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[["64000.1","0"]],'
            b'"a":[["64000.2","1.5"]],"u":177400507,"seq":66544703342},"cts":1}'
        ),
        [("BTCUSDT", Update([("64000.1", "0")], [("64000.2", "1.5")], False, 177400507))],
    ),
    (
        "bybit",
        b'{"topic":"orderbook.1.X","type":"delta","data":{"s":"X","b":[],"a":[],"u":1}}',
        [("X", Update([], [], True, 1))],
    ),
    (
        "kraken",
        (
            b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":45283.5,"qty":0.10000000}],'
            b'"asks":[],"checksum":3310070434,"timestamp":"2026-01-01T00:00:00.123456Z"}]}'
        ),
        [("BTC/USD", Update([("45283.5", "0.10000000")], [], True, checksum=3310070434))],
    ),
]
OTHERS = [
    ("binance", b'{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}'),
    ("binance", b'{"stream":"x@aggTrade","data":{"e":"aggTrade","q":"depthUpdate"}}'),
    ("bybit", b'{"success":true,"op":"subscribe"}'),
    ("kraken", b'{"channel":"heartbeat"}'),
    ("kraken", b""),
]
WRONG = [
    ("binance", DEPTH.replace(b'"U":157,', b"")),
    ("binance", DEPTH.replace(b'"U":157', b'"U":"157"')),
    ("binance", DEPTH.replace(b'"u":160', b'"u":9223372036854775808')),
    ("binance", DEPTH.replace(b'["64001","2"]', b'["64001"]')),
    ("binance", DEPTH[:-1]),
    ("binance", DEPTH.replace(b'"E":1', b'"\xff":1')),
    ("bybit", READ[2][1].replace(b"delta", b"patch")),
    ("bybit", READ[2][1].replace(b'"u":177400507,', b"")),
    ("kraken", READ[4][1].replace(b"3310070434", b"4294967296")),
    ("kraken", READ[4][1].replace(b'"checksum":3310070434,', b"")),
    ("kraken", b'{"channel":"book","type":"update","data":' + b"[" * 100_000),
]


@pytest.mark.parametrize(("form", "frame", "expected"), READ)
def test_book_frames_are_read(form: str, frame: bytes, expected: list[tuple[str, Update]]) -> None:
    assert [(symbol, _plain(update)) for symbol, update in READERS[form](frame)] == expected


def _pairs(side: Side) -> list[tuple[str, str]]:
    return [(*pair,) for pair in (side.pairs() if isinstance(side, Fixed) else side)]


def _plain(update: Update) -> Update:
    return update._replace(bids=_pairs(update.bids), asks=_pairs(update.asks))


@pytest.mark.parametrize(("form", "frame"), OTHERS)
def test_a_frame_about_something_else_answers_with_nothing(form: str, frame: bytes) -> None:
    assert [*READERS[form](frame)] == []


@pytest.mark.parametrize(("form", "frame"), WRONG)
def test_a_book_frame_that_is_not_as_documented_is_unreadable(form: str, frame: bytes) -> None:
    with pytest.raises(Unreadable):
        READERS[form](frame)


def test_the_whole_book_of_a_venue_that_is_asked_is_read() -> None:
    body = b'{"lastUpdateId":9001,"bids":[["64000.10","0.50000"]],"asks":[["64000.20","1.20000"]]}'
    assert _plain(binance_whole(body)) == Update([("64000.10", "0.50000")], [("64000.20", "1.20000")], True, 9001)
    for wrong in (b"{}", b"[]", b'{"code":-1121,"msg":"Invalid symbol."}'):
        with pytest.raises(Unreadable):
            binance_whole(wrong)


def test_a_shelf_keeps_the_books_of_a_connection() -> None:
    rules = BookRules(proof=BookProof.CHAIN, frames="binance")
    shelf = Shelf(rules, books_max=1)
    assert shelf.apply(DEPTH) is Verdict.WAITING
    assert shelf.whole("BTCUSDT", b'{"lastUpdateId":156,"bids":[["64000.10","1"]],"asks":[]}') is Verdict.PROVEN
    assert shelf.whole("BTCUSDT", b"?") is Unread.UNREADABLE
    assert shelf.apply(DEPTH.replace(b"BTC", b"ETH")) is Unread.NOT_A_BOOK
    assert shelf.apply(DEPTH[:-1]) is Unread.UNREADABLE
    assert Shelf(rules, opens=False).apply(DEPTH) is Unread.NOT_A_BOOK
