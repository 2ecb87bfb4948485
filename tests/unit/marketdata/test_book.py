"""One book: what it makes of updates, and what can be read off it.  Every test runs on both kinds of book."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.records import BookDelta, BookLevel
from floorbroker.domain.values import Price
from floorbroker.marketdata.book import KEPT_MAX, Book, Verdict
from floorbroker.marketdata.native import AnyBook, NativeBook, book_of, core
from floorbroker.marketdata.proofs import Update
from floorbroker.marketdata.readings import BookState

CONTRACTS = Path(os.environ.get("FLOORBROKER_CONTRACTS", "/nowhere"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)
Make = Callable[..., AnyBook]


@pytest.fixture(params=["python", "native"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "native" and core() is None:
        pytest.skip("floorbroker_book is not installed: `make native` needs cargo")

    def made(proof: BookProof = BookProof.NONE, **members: Any) -> AnyBook:
        depth = members.pop("depth", None)
        rules = BookRules(proof=proof, cut=depth is not None, **members)
        return book_of("BTC/USDT", rules, depth=depth, native=request.param == "native")

    return made


def whole(number: int | None = None, checksum: int | None = None) -> Update:
    return Update(
        [("99.00", "1.0"), ("98.50", "2.5")], [("100.00", "3.0"), ("101.00", "0.5")], True, number, None, checksum
    )


def change(number: int | None = None, previous: int | None = None, *bids: tuple[str, str]) -> Update:
    return Update(bids, (), False, number, previous)


def level(price: str, size: str) -> BookLevel:
    return BookLevel(price=Price(Decimal(price)), size=Decimal(size))


def fed(book: AnyBook, *updates: Update) -> list[Verdict]:
    return [book.update(update).verdict for update in updates]


# --- Which book it is ------------------------------------------------------------------------------------------------


def test_python_keeps_the_book_where_the_core_is_not_wanted() -> None:
    assert isinstance(book_of("X", BookRules(proof=BookProof.NONE), native=False), Book)


@pytest.mark.skipif(core() is None, reason="floorbroker_book is not installed: `make native` needs cargo")
def test_the_core_keeps_the_book_where_it_is_installed() -> None:
    assert isinstance(book_of("X", BookRules(proof=BookProof.NONE)), NativeBook)


# --- Readings --------------------------------------------------------------------------------------------------------


def test_what_a_book_answers(make: Make) -> None:
    book = make()
    assert fed(book, whole(7)) == [Verdict.WHOLE]
    assert book.best() == (level("99", "1"), level("100", "3"))
    assert (book.spread, book.mid) == (Decimal(1), Decimal("99.5"))
    assert book.microprice == Decimal("99.25")
    assert book.imbalance() == Decimal("-0.5")
    assert book.imbalance(2) == Decimal(0)
    bids, asks = book.cumulative(2)
    assert bids == (level("99", "1"), level("98.5", "3.5"))
    assert asks == (level("100", "3"), level("101", "3.5"))
    view = book.depth(1)
    assert (view.bids, view.asks, view.sequence) == ((level("99", "1"),), (level("100", "3"),), 7)


def test_an_empty_book_answers_with_nothing(make: Make) -> None:
    book = make()
    assert book.state is BookState.WAITING
    assert book.best() == (None, None)
    assert (book.spread, book.mid, book.microprice, book.imbalance()) == (None, None, None, None)
    assert book.cumulative(5) == ((), ())


def test_a_one_sided_book_has_no_spread(make: Make) -> None:
    book = make()
    fed(book, Update([("5", "1")], [], True))
    assert book.best() == (level("5", "1"), None)
    assert (book.spread, book.imbalance()) == (None, Decimal(1))


def test_a_view_stays_as_it_was_when_the_book_goes_on(make: Make) -> None:
    book = make()
    fed(book, whole())
    before = book.depth(1)
    fed(book, change(None, None, ("99.50", "9")))
    assert before.best_bid == level("99", "1")
    assert book.depth(1).best_bid == level("99.5", "9")


def test_a_venue_delta_is_taken_with_its_time(make: Make) -> None:
    book = make()
    delta = BookDelta(
        symbol="BTC/USDT", bids=(level("0.00000001", "1E+3"),), asks=(), time=NOW, reset=True, sequence=None
    )
    assert book.apply(delta).verdict is Verdict.WHOLE
    assert (book.best()[0], book.time) == (level("0.00000001", "1000"), NOW)


# --- Changes ---------------------------------------------------------------------------------------------------------


def test_sizes_are_absolute_and_zero_takes_a_level_away(make: Make) -> None:
    book = make()
    fed(book, whole(), change(None, None, ("99.00", "0"), ("98.50", "7"), ("97.00", "0.000")))
    assert book.depth(9).bids == (level("98.5", "7"),)


def test_a_price_told_twice_has_the_last_size(make: Make) -> None:
    book = make()
    fed(book, whole(), change(None, None, ("98.00", "1"), ("98.00", "0"), ("98.00", "2")))
    assert book.depth(9).bids[-1] == level("98", "2")


def test_finer_numbers_widen_the_book_exactly(make: Make) -> None:
    book = make()
    fed(book, whole(), change(None, None, ("99.00000001", "0.000000000001")))
    assert book.best()[0] == level("99.00000001", "0.000000000001")
    assert book.depth(9).bids[1] == level("99", "1")


def test_a_book_is_cut_at_the_depth_that_is_subscribed(make: Make) -> None:
    book = make(depth=2)
    fed(book, whole(), change(None, None, ("99.50", "1")))
    assert [bid.price for bid in book.depth(9).bids] == [Decimal("99.5"), Decimal(99)]


@pytest.mark.parametrize(
    "bad",
    [
        ("98", "-1"), ("-98", "1"), ("0", "1"), ("0.00", "1"), ("98", "NaN"), ("98", ""), ("", "1"), ("98", "1,5"), ("9_8", "1"),
        ("98", "1e99"), ("98.000000000000000000001", "1"), ("9223372036854775808", "1"), ("98", str(2**127)), ("٩٨", "1"),
    ],
)  # fmt: skip
def test_an_update_with_a_number_no_book_takes_is_refused_whole(make: Make, bad: tuple[str, str]) -> None:
    book = make()
    before = whole()
    assert fed(book, before, change(None, None, ("99.50", "1"), bad)) == [Verdict.WHOLE, Verdict.FAILED]
    assert book.state is BookState.STALE
    assert book.reason
    assert book.best()[0] == level("99", "1")
    assert fed(book, change(None, None, ("98", "1")), before) == [Verdict.WAITING, Verdict.WHOLE]


def test_a_book_that_would_bid_no_less_than_it_asks_is_not_believed(make: Make) -> None:
    for bid in ("100.00", "100.5"):
        book = make()
        assert fed(book, whole(), change(None, None, (bid, "1"))) == [Verdict.WHOLE, Verdict.FAILED]
    crossed = Update([("5", "1")], [("4", "1")], True)
    assert make().update(crossed).verdict is Verdict.FAILED


def test_nothing_is_believed_before_the_whole_book(make: Make) -> None:
    book = make()
    assert fed(book, change(None, None, ("99", "1"))) == [Verdict.WAITING]
    assert book.best() == (None, None)


def test_a_venue_that_proves_nothing_has_unproven_updates(make: Make) -> None:
    assert fed(make(), whole(), change(None, None, ("99", "2"))) == [Verdict.WHOLE, Verdict.UNPROVEN]


# --- A chain ---------------------------------------------------------------------------------------------------------


def test_updates_before_the_whole_book_are_kept_and_the_old_ones_dropped(make: Make) -> None:
    book = make(BookProof.CHAIN)
    updates = [change(2, 0, ("99", "9")), change(5, 2, ("99", "8")), change(8, 5, ("98", "7"))]
    assert fed(book, *updates) == [Verdict.WAITING] * 3
    assert book.update(whole(4)).verdict is Verdict.PROVEN
    assert book.depth(9).bids == (level("99", "8"), level("98.5", "2.5"), level("98", "7"))
    assert (book.tally.old, book.tally.proven, book.sequence) == (1, 2, 8)


def test_a_whole_book_that_is_ahead_of_the_stream_waits_for_it(make: Make) -> None:
    book = make(BookProof.CHAIN)
    assert fed(book, change(2, 0), whole(6), change(5, 2), change(8, 5, ("99", "8"))) == [
        Verdict.WAITING,
        Verdict.WHOLE,
        Verdict.OLD,
        Verdict.PROVEN,
    ]


def test_a_whole_book_from_before_the_stream_is_not_enough_and_a_newer_one_is(make: Make) -> None:
    book = make(BookProof.CHAIN)
    assert fed(book, change(12, 10), whole(7)) == [Verdict.WAITING, Verdict.FAILED]
    assert book.state is BookState.STALE
    assert fed(book, change(13, 12, ("99", "5")), whole(11)) == [Verdict.WAITING, Verdict.PROVEN]
    assert book.sequence == 13


@pytest.mark.parametrize(
    ("sequence", "previous"), [(9, 6), (9, 4), (5, 5), (4, 5), (None, 5), (9, None), (6, 3), (5, 4)]
)
def test_a_broken_chain_makes_the_book_stale(make: Make, sequence: int | None, previous: int | None) -> None:
    book = make(BookProof.CHAIN)
    assert fed(book, whole(4), change(5, 4), change(sequence, previous)) == [
        Verdict.WHOLE,
        Verdict.PROVEN,
        Verdict.FAILED,
    ]
    assert book.state is BookState.STALE


def test_the_update_that_broke_the_chain_begins_the_next_one(make: Make) -> None:
    book = make(BookProof.CHAIN)
    assert fed(book, whole(4), change(9, 7, ("99", "5")), change(10, 9, ("98", "6")), whole(8)) == [
        Verdict.WHOLE,
        Verdict.FAILED,
        Verdict.WAITING,
        Verdict.PROVEN,
    ]
    assert book.depth(9).bids == (level("99", "5"), level("98.5", "2.5"), level("98", "6"))


def test_updates_are_kept_only_so_long(make: Make) -> None:
    book = make(BookProof.CHAIN)
    verdicts = fed(book, *(change(number + 1, number) for number in range(KEPT_MAX + 1)))
    assert verdicts == [Verdict.WAITING] * KEPT_MAX + [Verdict.FAILED]


def test_a_whole_book_without_a_number_is_no_base_of_a_chain(make: Make) -> None:
    for proof in (BookProof.CHAIN, BookProof.STEP):
        assert make(proof).update(whole()).verdict is Verdict.FAILED


# --- Steps -----------------------------------------------------------------------------------------------------------


def test_each_step_is_one_higher(make: Make) -> None:
    for number, verdict in [(8, Verdict.PROVEN), (9, Verdict.FAILED), (7, Verdict.FAILED), (6, Verdict.FAILED)]:
        assert fed(make(BookProof.STEP), whole(7), change(number))[-1] is verdict
    assert fed(make(BookProof.STEP), whole(7), change(None))[-1] is Verdict.FAILED


def test_another_whole_book_begins_anew(make: Make) -> None:
    book = make(BookProof.STEP)
    assert fed(book, whole(7), change(9), whole(1), change(2)) == [
        Verdict.WHOLE,
        Verdict.FAILED,
        Verdict.WHOLE,
        Verdict.PROVEN,
    ]


def test_a_whole_book_replaces_all_of_the_old_one(make: Make) -> None:
    book = make(BookProof.STEP)
    fed(book, whole(7), change(8, None, ("97.123456", "1")), whole(9))
    assert len(book.depth(9).bids) == 2
    assert book.scales.price == 2


# --- Checksums -------------------------------------------------------------------------------------------------------


def vectors() -> list[dict[str, Any]]:
    path = CONTRACTS / "kraken" / "vectors.json"
    if not path.is_file():
        return []
    return [vector for vector in json.loads(path.read_text())["vectors"] if vector["kind"] == "kraken-book-crc32"]


@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="FLOORBROKER_CONTRACTS names no folder with published vectors")
def test_the_published_checksums_are_ours(make: Make) -> None:
    assert len(vectors()) == 2
    for vector in vectors():
        book = make(BookProof.CRC32, depth=10)
        update = Update(
            [tuple(pair) for pair in vector["bids"]],
            [tuple(pair) for pair in vector["asks"]],
            True,
            checksum=int(vector["expected"]),
        )
        assert book.update(update).verdict is Verdict.PROVEN, vector["name"]
        assert book.checksum() == int(vector["expected"])


def test_a_checksum_that_is_missing_or_wrong_makes_the_book_stale(make: Make) -> None:
    for told in (None, 12345):
        book = make(BookProof.CRC32, depth=10)
        assert book.update(whole(checksum=told)).verdict is Verdict.FAILED
        assert book.state is BookState.WAITING
    good = Book("X", BookRules(proof=BookProof.NONE))
    good.update(whole())
    book = make(BookProof.CRC32, depth=10)
    assert book.update(whole(checksum=good.checksum())).verdict is Verdict.PROVEN
    changed = Update([("98.00", "1.0")], [], checksum=good.checksum())
    assert book.update(changed).verdict is Verdict.FAILED
    assert book.state is BookState.STALE


def test_whoever_feeds_a_book_can_say_that_something_is_missing(make: Make) -> None:
    book = make()
    fed(book, whole())
    assert book.fail("the connection was lost").verdict is Verdict.FAILED
    assert (book.state, book.reason) == (BookState.STALE, "the connection was lost")
