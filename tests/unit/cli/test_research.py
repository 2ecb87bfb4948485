"""`research`: what it prints and keeps, and what it says to a wrong word."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.unit.cli.running import run

MINE = 'name = "mine"\nbenchmark = "SPY"\n[sectors]\nTech = ["AAPL", "IBM"]\nBanks = ["BAC", "NOBODY"]\n'


def test_a_report_is_printed_kept_and_says_what_is_missing(tmp_path: Path, recorded_data: Path) -> None:
    universe = tmp_path / "mine.toml"
    universe.write_text(MINE)
    words = ["--universe", str(universe), "--data", str(recorded_data), "--as-of", "2021-03-31"]
    plot = tmp_path / "sectors.html"
    result = run(tmp_path, "research", "sectors", *words, "--plot", str(plot), "--json")
    assert result.exit_code == 10
    found = json.loads(result.stdout)
    assert [one["symbol"] for one in found["quality"]] == ["NOBODY"]
    assert next(one for one in found["sectors"] if one["name"] == "Banks")["missing"] == ["NOBODY"]
    assert "Banks" in plot.read_text()
    (kept,) = tmp_path.rglob("sector_report.json")
    assert kept.read_text().rstrip("\n") == result.stdout.rstrip("\n")
    assert len(list(tmp_path.rglob("2021-03-31-mine-*.json"))) == 1
    scan = run(tmp_path, "research", "outliers", *words)
    assert scan.exit_code == 10
    assert "NOBODY: a day of the week is missing" in scan.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--universe", "nowhere", "--data", "."], 2, "--universe nowhere"),
        (["--universe", "/nowhere.toml", "--data", "."], 2, "--universe /nowhere.toml"),
        (["--source", "nowhere"], 5, "no source 'nowhere'"),
        (["--data", "/nowhere"], 2, "--data /nowhere"),
        (["--as-of", "soon"], 2, "as-of"),
        ([], 2, "--data: name a folder"),
    ],
)
def test_a_wrong_word_is_told(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOORBROKER_DATA", raising=False)
    result = run(tmp_path, "research", "sectors", *words, "--json")
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


# --- Allocations ------------------------------------------------------------------------------------------------------

THREE = 'name = "three"\nbenchmark = "SPY"\n[sectors]\nTech = ["AAPL", "IBM"]\nBanks = ["BAC"]\n'


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_proposal_is_seen_first_and_then_sent_once(tmp_path: Path, recorded_data: Path) -> None:
    pytest.importorskip("skfolio", reason="the extra research is not installed")
    universe = tmp_path / "three.toml"
    universe.write_text(THREE)
    words = ["--universe", str(universe), "--data", str(recorded_data), "--as-of", "2021-03-31"]
    result = run(tmp_path, "research", "allocate", *words, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    proposal = found["proposal"]
    assert {one["symbol"] for one in proposal["orders"]} == {"AAPL", "IBM", "BAC"}
    assert all(one["ok"] for one in found["previews"])
    assert json.loads(run(tmp_path, "order", "list", "--json").stdout)["items"] == []
    digest = proposal["digest"][:16]
    for _ in range(2):
        sent = run(tmp_path, "research", "allocate", "--submit", digest, "--json")
        assert sent.exit_code == 0, sent.stderr
    assert len(json.loads(run(tmp_path, "order", "list", "--json").stdout)["items"]) == 3
    (kept,) = tmp_path.rglob(f"{digest}.json")
    kept.write_text(kept.read_text().replace('"quantity": "', '"quantity": "1', 1))
    assert run(tmp_path, "research", "allocate", "--submit", digest, "--json").exit_code == 13
    assert run(tmp_path, "research", "allocate", "--submit", "f" * 16, "--json").exit_code == 5


def test_a_wrong_number_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, "research", "allocate", "--most", "-1", "--data", str(tmp_path), "--json")
    assert (result.exit_code, "--most -1" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "case",
    [
        ("polars", ["prepare", "--sessions", "400", "--folds", "1"], "extra data"),
        ("skfolio.optimization", ["allocate"], "extra research"),
        ("plotly.graph_objects", ["sectors", "--plot", "x.html"], "extra research"),
        ("yfinance", ["sectors", "--source", "yahoo"], "extra yahoo"),
    ],
)
def test_one_line_says_which_extra_is_missing(
    case: tuple[str, list[str], str], tmp_path: Path, recorded_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, words, extra = case
    monkeypatch.setitem(sys.modules, module, None)
    universe = tmp_path / "three.toml"
    universe.write_text(THREE)
    where = ["--universe", str(universe), "--data", str(recorded_data), "--as-of", "2021-03-31", "--json"]
    result = run(tmp_path, "research", *words, *where)
    assert (result.exit_code, extra in result.stderr) == (3, True), result.stderr
