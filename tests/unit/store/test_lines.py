"""Files of lines, whole again after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import JournalFault
from floorbroker.store.lines import append, repair

LINES = st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b" ").replace(b"\r", b" ")), max_size=6)


@given(lines=LINES, torn=st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b" ")))
def test_a_torn_line_is_cut_off_and_the_last_whole_one_found(
    lines: list[bytes], torn: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "file"
    append(path, lines)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert repair(path) == (lines[-1] if lines else None)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("size", [65_535, 65_536, 200_000])
def test_lines_longer_than_one_reading_are_found_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    append(path, [b"first", b"x" * size])
    with path.open("ab") as file:
        file.write(b"y" * size)
    assert repair(path) == b"x" * size
    assert path.stat().st_size == 6 + size + 1


def test_a_file_that_is_not_there_has_no_last_line(tmp_path: Path) -> None:
    assert repair(tmp_path / "none") is None


def test_a_folder_in_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match="cannot be read"):
        repair(tmp_path)
    with pytest.raises(JournalFault, match="cannot be written"):
        append(tmp_path, [b"line"])
