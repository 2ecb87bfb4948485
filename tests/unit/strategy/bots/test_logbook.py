"""The decision log: a chain that shows what was changed, and a torn line that was never said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.strategy.bots import Logbook, broken_line, decisions


def written(path: Path, count: int) -> None:
    book = Logbook(path)
    book.open()
    for number in range(count):
        book.append({"wish": f"w{number}", "agent_reasoning": "ünlikely"})
    book.close()


def test_lines_follow_each_other_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    written(path, 2)
    written(path, 2)
    assert [line["wish"] for line in decisions(path)] == ["w0", "w1", "w0", "w1"]
    assert broken_line(path) is None


@pytest.mark.parametrize(
    "change", [lambda lines: lines[1:], lambda lines: [lines[0], lines[1].replace("w1", "w9"), lines[2]]]
)
def test_a_line_that_is_gone_or_changed_shows(change: Callable[[list[str]], list[str]], tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    written(path, 3)
    path.write_text("".join(change(path.read_text("utf-8").splitlines(keepends=True))), "utf-8")
    assert broken_line(path) in (1, 2)


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    written(path, 2)
    with path.open("ab") as file:
        file.write(b'{"wish":"w2","agent')
    assert len([*decisions(path)]) == 2
    written(path, 1)
    assert broken_line(path) is None
    assert len([*decisions(path)]) == 3


def test_a_file_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text("notes of my own\n", "utf-8")
    with pytest.raises(ConfigInvalid, match="no decision"):
        written(path, 1)
