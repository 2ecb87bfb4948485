"""The venue's books on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.paper.wire import LogFile, MemoryState, Row
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import ClOrdId, OrderId
from floorbroker.matching import MatchOrder
from tests.unit.matching.venue import buy, units

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def row(number: int, cum: int = 0) -> Row:
    order = MatchOrder(
        order_id=OrderId(f"P{number}"),
        account="",
        order=buy(10, price=90),
        seq=number,
        submitted_at=AT,
        updated_at=AT,
        cum_qty=units(cum),
    )
    return Row(order=order, cl_ord_id=ClOrdId(f"c{number}"))


def test_what_was_appended_is_loaded_and_the_newest_row_wins(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "deep" / "book.log")
    assert log.load() == {}
    log.append([row(1), row(2)])
    log.append([row(1, cum=4)])
    log.close()
    assert LogFile(log.path).load() == {"P1": row(1, cum=4), "P2": row(2)}
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_loaded_file_is_rewritten_small(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "book.log")
    log.load()
    for cum in range(9):
        log.append([row(1, cum=cum)])
    log.close()
    log.load()
    assert log.path.read_bytes().count(b"\n") == 1


@given(cut=st.integers(0, 2000))
def test_a_file_cut_at_any_byte_holds_a_prefix_of_its_history(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "book.log"
    log = LogFile(path)
    log.load()
    histories: list[dict[OrderId, Row]] = [{}]
    for number in (1, 2, 3):
        log.append([row(number)])
        histories.append({**histories[-1], OrderId(f"P{number}"): row(number)})
    log.close()
    path.write_bytes(path.read_bytes()[:cut])
    assert LogFile(path).load() in histories


def test_damage_before_the_end_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "book.log"
    path.write_bytes(b'{"version":1,"rows":[]}\nrubbish\n{"version":1,"rows":[]}\n')
    with pytest.raises(ConfigInvalid, match="line 2"):
        LogFile(path).load()
    path.write_bytes(b'{"version":99,"rows":[]}\n')
    with pytest.raises(ConfigInvalid, match="version 99"):
        LogFile(path).load()


def test_closed_books_take_nothing(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "book.log")
    with pytest.raises(OSError, match="closed"):
        log.append([row(1)])


def test_books_in_memory_hold_copies() -> None:
    state = MemoryState()
    first = row(1)
    state.append([first])
    first.order.cum_qty = units(5)
    assert state.load()[OrderId("P1")].order.cum_qty == 0
