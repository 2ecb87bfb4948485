"""The page of results says what the lines say."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import machine, page
from benchmarks.rounds import Figure, Goal


def test_the_page_holds_every_figure_with_its_spread_goal_and_stages(tmp_path: Path) -> None:
    figures = [
        Figure(
            bench="submit_p50",
            ours=[1.0, 1.2, 1.4],
            peer=[2.0, 2.0, 2.0],
            peer_name="alpaca-py",
            unit="ms p50",
            goal=Goal(0.5),
            beyond=Goal(0.4),
            extra={"stages_us": {"risk": 75.0, "fold": 25.0}, "versions": {"alpaca-py": "0.44.0"}},
        ),
        Figure(bench="cli_help", ours=[150.0], unit="ms", extra={"wanted": "<= 200 ms"}),
    ]
    place = tmp_path / "page.md"
    page.write(place, machine.described(), [json.loads(figure.line()) for figure in figures], command="make bench")
    text = place.read_text("utf-8")
    assert (
        "| `submit_p50` | 1.2 | 2.0 | ms p50 | 0.6 (0.5 to 0.7) | <= 0.5 (wished: <= 0.4) | **no** | alpaca-py |"
        in text
    )
    assert "| `cli_help` | 150.0 |  | ms |  | reported |  |  |" in text
    assert "| risk | 75 | 75% |" in text
    assert "alpaca-py 0.44.0" in text
    assert "wanted in `cli_help`: <= 200 ms" in text
    assert "`make bench`, 20" in text


def test_each_growth_has_its_own_table_and_picture(tmp_path: Path) -> None:
    books = [{"levels": levels, "native_ns": 900 + levels, "python_ns": 15_000 + levels} for levels in (10, 100)]
    readers = [{"readers": 10, "p50_ms": 26.2, "p99_ms": 50.9, "mb_most": 138.4}]
    bars = [
        {"bars": count, **{f"{what}_{n}": n * count for what in ("per_s", "peak_mb") for n in (1, 10, 100)}}
        for count in (1_000, 10_000)
    ]
    figures = [
        Figure(bench="stream_readers", ours=[50.9], unit="ms", extra={"readers_growth": readers}),
        Figure(bench="book_depth", ours=[1.0], unit="ns", extra={"book_growth": books}),
        Figure(bench="backtest_growth", ours=[1.0], unit="bars a second", extra={"backtest_growth": bars}),
    ]
    place = tmp_path / "reference" / "page.md"
    for folder in (place.parent, tmp_path / "assets"):
        folder.mkdir()
    page.write(place, machine.described(), [json.loads(figure.line()) for figure in figures], command="make bench")
    text = place.read_text("utf-8")
    assert "| 10 | 26.2 | 50.9 | 138.4 |" in text
    assert "| 100 | 1,000 | 15,100 |" in text
    assert "| 1,000 | 1,000 a second, 1,000 MB | 10,000 a second, 10,000 MB | 100,000 a second, 100,000 MB |" in text
    assert {picture.name for picture in (tmp_path / "assets").iterdir()} == {page.BOOK_PICTURE, page.BACKTEST_PICTURE}
