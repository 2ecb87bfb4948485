"""What a proof covers, it covers without exception: no frame lost, swapped or altered goes unseen.

`FLOORBROKER_MUTATIONS=10000` makes that many mutations of each capture.  What no proof covers is told by tests too, so that
nobody believes more of a book than it can prove: see `docs/concepts/books.md`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from floorbroker.marketdata.book import Verdict
from floorbroker.marketdata.frames import Unread
from floorbroker.marketdata.readings import BookState
from floorbroker.marketdata.shelf import Shelf
from floorbroker.tape.captures import FrameKind, merged_frames
from tests.support import book_streams
from tests.support.book_streams import RULES

COUNT = int(os.environ.get("FLOORBROKER_MUTATIONS", "200"))
DATA = Path(os.environ.get("FLOORBROKER_DATA", "/nowhere")) / "crypto"
SEEN = frozenset({Verdict.FAILED, Unread.UNREADABLE})
DIGITS = b"0123456789"
recorded = pytest.mark.skipif(not DATA.is_dir(), reason="FLOORBROKER_DATA names no folder with crypto captures")
long = pytest.mark.timeout(60 + COUNT // 10)


class Line(NamedTuple):
    """One line of a capture: a frame, or the whole book of the symbol it names."""

    data: bytes
    whole_of: str = ""


def replay(venue: str, lines: Sequence[Line]) -> Iterator[tuple[Shelf, Verdict | Unread]]:
    shelf = Shelf(RULES[venue], depth=10 if RULES[venue].cut else None)
    for line in lines:
        yield shelf, shelf.whole(line.whole_of, line.data) if line.whole_of else shelf.apply(line.data)


def is_seen(venue: str, lines: Sequence[Line]) -> bool:
    return any(verdict in SEEN for _, verdict in replay(venue, lines))


def capture(*names: str) -> list[Line]:
    found: list[Line] = []
    for frame in merged_frames([DATA / name for name in names]):
        if frame.kind is FrameKind.REPLY and (asked := re.search(r"/depth\?symbol=(\w+)", frame.url or "")):
            found.append(Line(frame.data.encode(), asked[1]))
        elif frame.kind is FrameKind.MESSAGE:
            found.append(Line(frame.data.encode()))
    return found


def binance() -> list[Line]:
    lines = capture("binance/BINANCE.http.0.0", "binance/BINANCE.ws.1.0")
    return [line for line in lines if line.whole_of or b'"depthUpdate"' in line.data]


def bybit() -> list[Line]:
    return capture("bybit/xrpusdt-ob500.data.zip")


def kraken(seed: int = 5, count: int = 60) -> list[Line]:
    return [Line(frame) for frame in book_streams.kraken(Random(seed), count)]


def by_symbol(lines: Sequence[Line]) -> list[list[int]]:
    """The places of each symbol's frames, in order."""
    found: dict[bytes, list[int]] = {}
    for place, line in enumerate(lines):
        if not line.whole_of:
            symbol = re.search(rb'"s(?:ymbol)?":"([^"]+)"', line.data)
            assert symbol is not None
            found.setdefault(symbol[1], []).append(place)
    return [*found.values()]


def inner(lines: Sequence[Line]) -> list[list[int]]:
    """The same, of symbols with a frame before and one behind the place that is mutated."""
    return [places for places in by_symbol(lines) if len(places) >= 4]


def dropped(lines: Sequence[Line], random: Random) -> list[Line]:
    """Without one frame that has another of its symbol on both sides: a first or last one is missed by nobody."""
    gone = random.choice(random.choice(inner(lines))[1:-1])
    return [line for place, line in enumerate(lines) if place != gone]


def swapped(lines: Sequence[Line], random: Random) -> list[Line]:
    """Two frames of one symbol in each other's places."""
    one, other = random.sample(random.choice(inner(lines)), 2)
    made = [*lines]
    made[one], made[other] = made[other], made[one]
    return made


def another_digit(data: bytes, places: Sequence[int], random: Random) -> bytes:
    place = random.choice(places)
    digit = random.choice([digit for digit in DIGITS if digit != data[place]])
    return data[:place] + bytes([digit]) + data[place + 1 :]


def altered(number: bytes, *, first: bool, last: bool) -> Callable[[Sequence[Line], Random], list[Line]]:
    """One digit of a number that the proof is made of, in any frame; the first and last of a symbol where it covers them."""

    def alter(lines: Sequence[Line], random: Random) -> list[Line]:
        places = random.choice(inner(lines))
        chosen = random.choice(places[0 if first else 1 : None if last else -1])
        data = lines[chosen].data
        found = re.search(rb'"' + number + rb'":([0-9]+)', data)
        assert found is not None
        mutant = another_digit(data, range(*found.span(1)), random)
        return [*lines[:chosen], Line(mutant), *lines[chosen + 1 :]]

    return alter


MUTATIONS = {
    "binance drop": (binance, dropped),
    "binance swap": (binance, swapped),
    "binance U": (binance, altered(b"U", first=False, last=True)),
    "binance u": (binance, altered(b"u", first=True, last=False)),
    "bybit drop": (bybit, dropped),
    "bybit swap": (bybit, swapped),
    "bybit u": (bybit, altered(b"u", first=True, last=True)),
}


@recorded
@long
@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_of_a_recorded_capture_is_seen(name: str) -> None:
    source, mutate = MUTATIONS[name]
    venue, lines, random = name.split(maxsplit=1)[0], source(), Random(name)
    assert not is_seen(venue, lines)
    for number in range(COUNT):
        assert is_seen(venue, mutate(lines, random)), f"mutation {number} of {name} went unseen"


def any_digit(lines: Sequence[Line], random: Random) -> list[Line]:
    """One digit of a price, a size or a checksum of any frame."""
    chosen = random.randrange(len(lines))
    data = lines[chosen].data
    spans = [match.span(1) for match in re.finditer(rb'"(?:price|qty|checksum)":([0-9.]+)', data)]
    places = [place for span in spans for place in range(*span) if data[place] in DIGITS]
    if not places:
        return [*lines]
    return [*lines[:chosen], Line(another_digit(data, places, random)), *lines[chosen + 1 :]]


def tops(lines: Sequence[Line]) -> Iterator[tuple[Verdict | Unread, object]]:
    for shelf, verdict in replay("kraken", lines):
        book = shelf.books.get("BTC/USD")
        yield verdict, None if book is None or book.state is not BookState.FRESH else book.raw(10)


@long
@pytest.mark.parametrize("mutate", [dropped, swapped, any_digit])
def test_no_book_with_a_checksum_is_ever_called_proven_and_wrong(
    mutate: Callable[[Sequence[Line], Random], list[Line]],
) -> None:
    """A mutation that leaves every book as it was is no mutation of the book; each of the others is seen at once."""
    random, seen, number = Random(mutate.__name__), 0, 0
    while seen < COUNT:
        number += 1
        assert number < COUNT * 20
        lines = kraken(seed=number % 50, count=30)
        truth = [line.data for line in lines]
        books = dict(zip(truth, (top for _, top in tops(lines)), strict=True))
        mutant = mutate(lines, random)
        if [line.data for line in mutant] == truth:
            continue
        seen += _is_seen_at_once(mutant, truth, books)


def _is_seen_at_once(mutant: Sequence[Line], truth: Sequence[bytes], books: dict[bytes, object]) -> bool:
    """Whether something is seen; a proven book is always the true one of the frame that it was proven by."""
    for line, (verdict, top) in zip(mutant, tops(mutant), strict=True):
        if verdict in SEEN:
            return True
        assert verdict is not Verdict.PROVEN or line.data not in books or top == books[line.data]
    return False


@recorded
def test_a_changed_size_is_not_seen_where_only_numbers_are_told() -> None:
    """The honest gap: a sequence number says that nothing is missing, not that nothing was altered."""
    lines = bybit()
    altered_one = lines[5].data.replace(b'"],["', b'1"],["', 1)
    assert altered_one != lines[5].data
    assert not is_seen("bybit", [*lines[:5], Line(altered_one), *lines[6:]])
