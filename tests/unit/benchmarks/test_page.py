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
