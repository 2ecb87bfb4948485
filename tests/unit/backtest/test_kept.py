"""Results that are kept: named by their moment, the oldest thrown away when they are too many or too large."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from floorbroker.backtest.kept import ID, Room, keep, new_id, prune, summaries

DOCUMENT = {
    "strategy": "crossover", "parameters": {}, "start": "", "end": "", "fees": "1", "income": "0", "pnl": "12.5",
    "equity": {"start": "100", "end": "112.5"}, "statistics": {}, "fills": ["x" * 1000],
}  # fmt: skip
IDS = [f"2026030{day}t120000-crossover-00000{day}" for day in range(1, 6)]


def kept(folder: Path) -> list[str]:
    return [one["id"] for one in summaries(folder)]


@pytest.mark.parametrize("strategy", ["crossover", "my/file.py:Mine", "ä", "x" * 100, "Two Words"])
def test_an_id_is_made_of_any_name(strategy: str) -> None:
    assert ID.fullmatch(new_id(datetime(2026, 3, 1, tzinfo=UTC), strategy))


def test_ids_of_one_second_sort_by_their_moment_behind_those_that_have_seconds_alone() -> None:
    moments = [datetime(2026, 3, 1, 12, 0, 0, micros, tzinfo=UTC) for micros in (0, 1, 20, 999_999)]
    ids = [new_id(moment, "crossover") for moment in moments]
    whole_second = "20260301t120000-zebra-ffffff"
    assert ID.fullmatch(whole_second)
    assert sorted([*reversed(ids), whole_second]) == [whole_second, *ids]


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    for id in IDS:
        keep(tmp_path, id, DOCUMENT, {}, room=Room(most=3))
    assert kept(tmp_path) == [IDS[4], IDS[3], IDS[2]]
    assert len(list(tmp_path.iterdir())) == 6


def test_the_oldest_go_when_they_are_too_large_and_the_newest_stays(tmp_path: Path) -> None:
    for id in IDS:
        keep(tmp_path, id, DOCUMENT, {})
    assert len(kept(tmp_path)) == 5
    assert prune(tmp_path, Room(most_bytes=3500)) == IDS[:3]
    assert kept(tmp_path) == [IDS[4], IDS[3]]
    prune(tmp_path, Room(most=1, most_bytes=1))
    assert kept(tmp_path) == [IDS[4]]


def test_what_is_no_result_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}", "utf-8")
    (tmp_path / f"{IDS[0]}.json").write_text("{}", "utf-8")  # one that was never finished makes room too
    keep(tmp_path, IDS[1], DOCUMENT, {}, room=Room(most=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{IDS[1]}.json",
        f"{IDS[1]}.summary.json",
        "notes.json",
    ]
