"""The decision log read from its end, a page at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.strategy.bots import newest


def log(path: Path, *lines: object, torn: str = "") -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + torn)
    return path


def test_no_file_has_no_decisions(tmp_path: Path) -> None:
    found = newest(tmp_path / "none")
    assert (found.lines, found.older) == ((), None)


def test_pages_run_backwards_and_hold_every_line_once(tmp_path: Path) -> None:
    path = log(tmp_path / "log", *({"n": number} for number in range(7)), torn='{"n": 7')
    seen: list[int] = []
    before: int | None = None
    while True:
        page = newest(path, before=before, limit=3)
        seen += [line["n"] for line in page.lines]
        if page.older is None:
            break
        before = page.older
    assert seen == [6, 5, 4, 3, 2, 1, 0]


@given(sizes=st.lists(st.integers(0, 200_000), max_size=6), limit=st.integers(1, 4))
def test_lines_of_any_length_are_read_whole(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int
) -> None:
    path = log(tmp_path_factory.mktemp("log") / "log", *({"n": n, "x": "é" * size} for n, size in enumerate(sizes)))
    found: list[int] = []
    before: int | None = None
    for _ in range(len(sizes) + 1):
        page = newest(path, before=before, limit=limit)
        found += [line["n"] for line in page.lines]
        if (before := page.older) is None:
            break
    assert found == list(reversed(range(len(sizes))))


def test_only_what_is_wanted_counts(tmp_path: Path) -> None:
    path = log(tmp_path / "log", *({"n": number, "bot": "ab"[number % 2]} for number in range(6)))
    page = newest(path, limit=2, wanted=lambda line: line["bot"] == "a")
    assert [line["n"] for line in page.lines] == [4, 2]
    assert [line["n"] for line in newest(path, before=page.older, wanted=lambda line: line["bot"] == "a").lines] == [0]


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = log(tmp_path / "log", {"n": 1})
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(ConfigInvalid, match="byte 9"):
        newest(path)
