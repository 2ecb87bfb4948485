"""Order ids: never one twice, whatever the venue says, whenever the process ends, and none without a disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.ibkr.stream.ids import BLOCK, ID_MAX, OrderIds, ids_file
from floorbroker.domain.errors import ConfigInvalid, NotReady, Outcome


def started(path: Path, next_valid: int) -> OrderIds:
    ids = OrderIds(path)
    ids.heard(next_valid)
    return ids


@given(
    starts=st.lists(st.tuples(st.integers(-5, 2000), st.lists(st.integers(1, 150), max_size=6)), min_size=1, max_size=6)
)
def test_no_id_is_ever_given_twice(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[int, list[int]]]
) -> None:
    path, given_ids = tmp_path_factory.mktemp("ids") / "ids", list[int]()
    for next_valid, counts in starts:
        ids = started(path, next_valid)
        for count in counts:
            first = ids.take(count)
            given_ids += range(first, first + count)
    assert given_ids == sorted(set(given_ids))
    assert all(one >= 1 for one in given_ids)


def test_an_id_is_on_disk_before_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "home" / "ids"
    assert started(path, 7).take() == 7
    assert int(path.read_text()) >= 7
    assert path.stat().st_mode & 0o077 == 0


def test_a_start_goes_on_above_the_last_block_and_above_what_the_venue_says(tmp_path: Path) -> None:
    started(tmp_path / "ids", 7).take()
    assert started(tmp_path / "ids", 1).take() == 7 + BLOCK + 1
    assert started(tmp_path / "ids", 5000).take() == 5000


def test_a_new_connection_never_moves_ids_down(tmp_path: Path) -> None:
    ids = started(tmp_path / "ids", 100)
    ids.take()
    ids.heard(1)
    assert ids.take() == 101
    ids.heard(500)
    assert ids.take() == 500


def test_no_id_is_given_before_the_venue_has_told_where_to_begin(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        OrderIds(tmp_path / "ids").take()
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("text", ["", "x", "00000001", "-000000001", "9" * 11])
def test_a_damaged_file_gives_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids").write_text(text)
    with pytest.raises(NotReady):
        started(tmp_path / "ids", 7).take()


def test_where_the_disk_fails_no_id_is_given(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady):
        started(tmp_path / "file" / "ids", 7).take()


def test_a_crash_between_writing_and_putting_in_place_leaves_the_old_number(tmp_path: Path) -> None:
    started(tmp_path / "ids", 7).take()
    (tmp_path / "ids.new").write_text("000")
    assert started(tmp_path / "ids", 1).take() == 7 + BLOCK + 1


def test_numbers_that_are_used_up_are_told(tmp_path: Path) -> None:
    ids = started(tmp_path / "ids", ID_MAX)
    assert ids.take() == ID_MAX
    with pytest.raises(NotReady):
        ids.take()


def test_each_client_id_at_each_program_has_a_file_of_its_own(tmp_path: Path) -> None:
    files = {
        ids_file(tmp_path, host=h, port=p, client_id=c) for h in ("::1", "127.0.0.1") for p in (1, 2) for c in (1, 2)
    }
    assert len(files) == 8
    assert all(os.sep not in file.name and ":" not in file.name for file in files)
    with pytest.raises(ConfigInvalid):
        ids_file(Path("here"), host="127.0.0.1", port=1, client_id=1)
