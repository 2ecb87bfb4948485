"""The demo: both venues agree, the sums hold, and the same market gives the same digest."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.cli.demo.command import run_demo
from floorbroker.cli.demo.market import SYMBOLS, open_market
from floorbroker.tape import NotRecorded


def _played(capsys: pytest.CaptureFixture[str], data: Path | None) -> dict[str, Any]:
    assert run_demo(data=data, seed=3, days=1, as_json=True) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_seeded_day_agrees_at_both_venues_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    first = _played(capsys, None)
    paper, alpaca = first["runs"]
    assert (paper["profile"], alpaca["profile"]) == ("paper", "alpaca-sim")
    assert paper["fills"] == alpaca["fills"]
    assert len(paper["fills"]) > 10
    assert _played(capsys, None)["digest"] == first["digest"]


def test_cash_is_what_the_fills_say(capsys: pytest.CaptureFixture[str]) -> None:
    for run in _played(capsys, None)["runs"]:
        flow = Decimal(0)
        for fill in run["fills"]:
            sign = -1 if fill["side"] == "buy" else 1
            flow += sign * Decimal(fill["quantity"]) * Decimal(fill["price"]) - Decimal(fill["fee"])
        assert Decimal(run["cash"]["start"]) + flow == Decimal(run["cash"]["end"])
        assert run["positions"] == []


def test_the_account_at_the_end_stands_on_one_line_however_narrow_the_table_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_demo(data=None, seed=3, days=1, as_json=False) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  cash 100,000.00 -> ")]
    assert [line.rsplit(", ", 1)[-1].strip() for line in lines] == ["positions: flat"] * 2


def test_the_recorded_week_is_played_where_the_data_is(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("FLOORBROKER_DATA")
    if folder is None:
        pytest.skip("FLOORBROKER_DATA is not set: no recorded market data here")
    paper, alpaca = _played(capsys, Path(folder))["runs"]
    assert paper["fills"] == alpaca["fills"]
    assert {fill["symbol"] for fill in paper["fills"]} <= set(SYMBOLS)
    assert all(fill["time"].startswith("2013-10-07") for fill in paper["fills"])


def test_an_empty_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded):
        run_demo(data=tmp_path / "nowhere", seed=1, days=1, as_json=True)


def test_seeded_minutes_are_those_of_the_core_session() -> None:
    market = open_market(None, seed=1, days=1)
    assert len(market.minutes) == 390
    assert [replace(minute, quotes=(), trades=()).closing for minute in market.minutes].count(True) == 6
