"""The native core and the Python reference are one book: same verdicts, same levels, whatever they are fed with."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.marketdata.frames import Unread
from floorbroker.marketdata.native import CODES, CoreBooks, core
from floorbroker.marketdata.shelf import Shelf
from floorbroker.tape.captures import FrameKind, merged_frames
from tests.fuzz.mutate import mutated
from tests.support import book_streams
from tests.support.book_streams import RULES, SYMBOLS

CORE = core()
pytestmark = pytest.mark.skipif(CORE is None, reason="floorbroker_book is not installed: `make native` needs cargo")
DATA = Path(os.environ.get("FLOORBROKER_DATA", "/nowhere")) / "crypto"
STREAMS = {"bybit": book_streams.bybit, "kraken": book_streams.kraken}
NESTED = b"[" * 100
venues = pytest.mark.parametrize("venue", sorted(RULES))

seeds = st.integers(0, 2**32)


class Pair:
    """The same books twice."""

    def __init__(self, venue: str) -> None:
        rules = RULES[venue]
        assert CORE is not None
        depth = 10 if rules.cut else None
        self.python = Shelf(rules, depth=depth)
        self.native: CoreBooks = CORE.Books(rules.frames, rules.proof.value, depth=depth)

    def apply(self, frame: bytes) -> None:
        """Both answer alike and hold alike; how deep nonsense may be nested is each one's own affair."""
        if NESTED in frame:
            return
        told = self.python.apply(frame)
        assert CODES[self.native.apply(frame)] is told, frame
        if told is not Unread.UNREADABLE:
            self.compare(depth=5)

    def whole(self, symbol: str, body: bytes) -> None:
        assert CODES[self.native.whole(symbol, body)] is self.python.whole(symbol, body)

    def compare(self, depth: int = 10**6) -> None:
        assert sorted(self.native.symbols) == sorted(self.python.books)
        for symbol, book in self.python.books.items():
            other = self.native.book(symbol)
            assert other.tally == astuple(book.tally), symbol
            assert CODES[other.state] is not None
            assert other.state == list(type(book.state)).index(book.state)
            assert bool(other.reason) == bool(book.reason)  # of two faults in one frame, either may be named
            if book.state is type(book.state).FRESH:
                assert other.scales == (book.scales.price, book.scales.size)
                assert other.best() == book.best_raw()
                assert other.raw(depth) == book.raw(depth)
                assert other.sequence == book.sequence


def made(venue: str, random: Random, count: int) -> tuple[list[bytes], bytes, int]:
    """Frames, and the whole book that is asked for beside them with its place, where there is one."""
    if venue == "binance":
        return book_streams.binance(random, count)
    return STREAMS[venue](random, count), b"", -1


def feed(pair: Pair, venue: str, stream: tuple[Sequence[bytes], bytes, int]) -> None:
    frames, whole, behind = stream
    for place, frame in enumerate(frames):
        pair.apply(frame)
        if place == behind:
            pair.whole(SYMBOLS[venue], whole)
    pair.compare()


@venues
@settings(deadline=None, max_examples=25)
@given(seed=seeds, count=st.integers(1, 80))
def test_made_streams_are_proven_alike(venue: str, seed: int, count: int) -> None:
    pair = Pair(venue)
    feed(pair, venue, made(venue, Random(seed), count))
    (book,) = pair.python.books.values()
    assert book.tally.failed == 0
    assert book.tally.proven + book.tally.old + book.tally.wholes >= count


@venues
@settings(deadline=None, max_examples=60)
@given(seed=seeds, count=st.integers(1, 30), share=st.floats(0.02, 0.5))
def test_damaged_streams_fail_alike(venue: str, seed: int, count: int, share: float) -> None:
    random = Random(seed)
    frames, whole, behind = made(venue, random, count)
    damaged = [
        mutated(frame, donors=frames, random=random, max_len=8_192) if random.random() < share else frame
        for frame in frames
    ]
    feed(Pair(venue), venue, (damaged, whole, behind))


NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{0,45}(\.[0-9]{0,22})?([eE][+-]?[0-9]{0,3})?", fullmatch=True),
    st.sampled_from(
        ["-1", "0", "0.0", "NaN", "1_0", " 1", "1,2", "9223372036854775807", "9223372036854775808", "1e19"]
    ),
    st.text(max_size=4),
)


@settings(deadline=None, max_examples=200)
@given(levels=st.lists(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4), max_size=6), resets=st.integers(0, 63))
def test_any_digits_are_read_alike(levels: list[list[tuple[str, str]]], resets: int) -> None:
    import json

    pair = Pair("bybit")
    for place, side in enumerate(levels):
        kind = "snapshot" if place == 0 or resets >> place & 1 else "delta"
        data = {"s": "X", "b": side, "a": [], "u": place + 2, "seq": 1}
        pair.apply(json.dumps({"topic": "orderbook.1.X", "type": kind, "data": data}).encode())
    pair.compare()


@pytest.mark.skipif(not DATA.exists(), reason="FLOORBROKER_DATA names no folder with crypto captures")
@pytest.mark.parametrize(
    ("venue", "files"),
    [
        ("binance", ["binance/BINANCE.http.0.0", "binance/BINANCE.ws.1.0"]),
        ("bybit", ["bybit/xrpusdt-ob500.data.zip"]),
    ],
)
def test_recorded_streams_are_proven_alike(venue: str, files: list[str]) -> None:
    pair = Pair(venue)
    for frame in merged_frames([DATA / name for name in files]):
        if frame.kind is FrameKind.REPLY and (asked := re.search(r"/depth\?symbol=(\w+)", frame.url or "")):
            pair.whole(asked[1], frame.data.encode())
        elif frame.kind is FrameKind.MESSAGE:
            pair.apply(frame.data.encode())
    pair.compare()
    assert all(book.tally.failed == 0 for book in pair.python.books.values())
    assert sum(book.tally.proven for book in pair.python.books.values()) > 40
