"""The file of sealed orders: written whole or not at all, read in the order that lists have, and thrown away when it is odd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.domain.errors import JournalFault
from floorbroker.store.seals import CLIENT, VENUE, Seal, SealedFill, Sealing, Seals, SealsDamaged, Where


def sealing(
    number: int, *, symbol: str = "AAPL", side: str = "buy", status: str = "filled", at: int | None = None
) -> Sealing:
    seal = Seal(
        number=number,
        intent_id=f"intent-{number}",
        created=number // 2,
        status=status,
        symbol=symbol,
        side=side,
        strategy="",
        facts=3,
        last_seq=number + 3,
        digest=b"d" * 16,
    )
    fill = SealedFill(
        number=number, exec_id=f"e-{number}", at=number if at is None else at, symbol=symbol, order_id=f"v-{number}",
        side=side, qty="2.50", px="100", counts=1,
    )  # fmt: skip
    return Sealing(
        seal, ((CLIENT, f"c-{number}"), (VENUE, f"v-{number}")), (fill, replace(fill, exec_id=f"f-{number}"))
    )


@pytest.fixture
def seals(tmp_path: Path) -> Seals:
    made = Seals.open(tmp_path / "seals" / "a.db")
    made.write(head=b"one", sealings=[sealing(n, symbol="AAPL" if n % 3 else "SPY") for n in range(10, 20)])
    return made


def test_the_file_is_its_owners_alone(seals: Seals) -> None:
    assert seals.path.stat().st_mode & 0o777 == 0o600


def test_a_transaction_that_fails_leaves_everything_as_it_was(seals: Seals) -> None:
    with pytest.raises(SealsDamaged, match="UNIQUE"):
        seals.write(head=b"two", undo=["intent-10"], sealings=[sealing(30), sealing(11)])
    assert (seals.head(), seals.count(), seals.find("intent-30")) == (b"one", 10, None)
    assert seals.named(VENUE, "v-10") == "intent-10"


def test_an_order_that_is_taken_off_is_gone_with_its_names_and_fills(seals: Seals) -> None:
    seals.write(head=b"two", undo=["intent-10", "nobody's"])
    assert (seals.head(), seals.count(), seals.find("intent-10")) == (b"two", 9, None)
    assert (seals.named(VENUE, "v-10"), seals.named(CLIENT, "c-10")) == (None, None)
    assert all(intent_id != "intent-10" for _, intent_id, _ in every_fill(seals))


def every_fill(seals: Seals, *, limit: int = 100) -> list[tuple[int, str, str]]:
    return seals.fills_page(Where(), after=None, newest_first=True, limit=limit)


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_put_together_are_the_whole_list(seals: Seals, *, newest_first: bool) -> None:
    whole = seals.page(Where(), after=None, newest_first=newest_first, limit=100)
    assert whole == sorted(whole, reverse=newest_first)
    found, after = list[tuple[int, str]](), None
    while page := seals.page(Where(), after=after, newest_first=newest_first, limit=3):
        found, after = found + page, page[-1]
    assert (found, len(whole)) == (whole, 10)


def test_pages_of_fills_put_together_are_the_whole_list(seals: Seals) -> None:
    whole, found = every_fill(seals), list[tuple[int, str, str]]()
    after: tuple[int, str] | None = None
    while page := seals.fills_page(Where(), after=after, newest_first=True, limit=3):
        found += page
        after = (page[-1][0], f"{page[-1][1]}/{page[-1][2]}")
    assert (found, len(whole)) == (whole, 20)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (Where(symbol="SPY"), 3),
        (Where(side="sell"), 0),
        (Where(statuses=frozenset({"filled", "canceled"})), 10),
        (Where(statuses=frozenset()), 0),
        (Where(since=6, until=8), 4),
        (Where(strategy="x"), 0),
    ],
)
def test_filters_choose(seals: Seals, where: Where, count: int) -> None:
    assert len(seals.page(where, after=None, newest_first=True, limit=100)) == count
    assert len(seals.fills_page(where, after=None, newest_first=True, limit=100)) == 2 * count


def test_fills_of_a_symbol_come_in_whole_moments(seals: Seals) -> None:
    seals.write(head=b"two", sealings=[sealing(n, at=50) for n in range(40, 45)])
    at, sizes = None, list[int]()
    while page := seals.fills_of("AAPL", after=at, limit=4):
        at = page[-1][1].at
        sizes.append(len(page))
    assert (sum(sizes), sizes[-1]) == (14 + 10, 12)  # nobody is torn from those of the same moment


def test_text_that_cannot_be_written_is_nobodys(seals: Seals) -> None:
    assert (seals.find("\ud800"), seals.named(VENUE, "\ud800")) == (None, None)
    assert seals.page(Where(symbol="\ud800"), after=None, newest_first=True, limit=9) == []


def test_what_was_closed_is_not_read_any_more(seals: Seals) -> None:
    seals.close()
    with pytest.raises(JournalFault, match="stopped"):
        seals.count()


def test_a_file_of_another_kind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database, not at all" * 400)
    assert Seals.open(path).count() == 0


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "seals").write_text("a file")
    with pytest.raises(OSError, match="seals"):
        Seals.open(tmp_path / "seals" / "a.db")
