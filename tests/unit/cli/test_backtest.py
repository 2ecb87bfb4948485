"""`backtest`: what it prints, and what it says to a wrong word."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.api.views.backtests import backtest_view
from floorbroker.backtest.kept import summaries
from tests.unit.cli.running import document, run

CROSSOVER = ["backtest", "run", "crossover", "--symbols", "AAPL", "--set", "fast=20", "--set", "slow=50"]


def test_a_run_prints_its_whole_result(tmp_path: Path, recorded_data: Path) -> None:
    words = [*CROSSOVER, "--data", str(recorded_data), "--since", "2014-01-02", "--until", "2014-12-31", "--json"]
    found = document(run(tmp_path, *words, "--fee-per-unit", "0.01"))
    assert found["strategy"] == "crossover"
    assert found["parameters"]["fast"] == 20
    assert len(found["fills"]) > 2
    assert found["fees"] != "0"


def test_a_run_is_kept_where_the_door_lists_it_unless_that_is_not_wished(tmp_path: Path, recorded_data: Path) -> None:
    words = [*CROSSOVER, "--data", str(recorded_data), "--since", "2014-01-02", "--until", "2014-12-31", "--json"]
    document(run(tmp_path, *words, "--no-keep"))
    assert summaries(tmp_path / "data" / "backtests") == []
    for _ in range(2):
        document(run(tmp_path, *words, "--slippage-bps", "1"))
    (tmp_path / "floorbroker.toml").write_text("[backtests]\nkeep = 1\n", "utf-8")
    found = document(run(tmp_path, *words))
    (listed,) = summaries(tmp_path / "data" / "backtests")
    assert (backtest_view(listed).pnl, listed["asked"]["since"]) == (found["pnl"], "2014-01-02")  # the last one stays


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "fast"], "write a parameter as name=value"),
        (["--set", "quick=3"], "quick: no such parameter"),
        (["--cash", "many"], "--cash many"),
        (["--fee-per-unit", "1", "--fee-bps", "1"], "choose one of them"),
        (["--data", "/nowhere"], "--data /nowhere"),
        (["--quotes"], "add --span minute"),
        (["--rate", "EUR"], "--rate EUR: write a parameter as name=value"),
        (["--rate", "EUR=dear"], "--rate dear"),
    ],
)
def test_a_wrong_word_is_told(words: list[str], said: str, tmp_path: Path) -> None:
    result = run(tmp_path, *CROSSOVER, *words, "--json")
    assert result.exit_code in (2, 3)
    assert said in result.stderr


def test_figures_are_in_the_currency_that_is_asked_for_and_need_a_rate(tmp_path: Path, recorded_data: Path) -> None:
    words = [
        *CROSSOVER,
        "--data",
        str(recorded_data),
        "--since",
        "2014-01-02",
        "--until",
        "2014-12-31",
        "--no-keep",
        "--json",
    ]
    dollars = document(run(tmp_path, *words))
    euros = document(run(tmp_path, *words, "--currency", "EUR", "--rate", "USD=0.5"))
    assert (dollars["currency"], dollars["rates"]) == ("USD", {})
    assert (euros["currency"], euros["rates"]) == ("EUR", {"USD": "0.5"})
    assert Decimal(euros["pnl"]) == Decimal(dollars["pnl"]) / 2 != 0
    refused = run(tmp_path, *words, "--currency", "EUR")
    assert (refused.exit_code, "amounts in USD have no rate into EUR" in refused.stderr) == (2, True)


def test_what_is_not_recorded_is_named(tmp_path: Path, recorded_data: Path) -> None:
    result = run(tmp_path, "backtest", "run", "crossover", "--symbols", "XYZ", "--data", str(recorded_data))
    assert result.exit_code == 2
    assert "XYZ: equities/daily/xyz.zip is not recorded" in result.stderr


def test_a_sweep_lists_the_best_first(tmp_path: Path, recorded_data: Path) -> None:
    words = [
        "backtest",
        "sweep",
        "crossover",
        "--symbols",
        "SPY",
        "--data",
        str(recorded_data),
        "--since",
        "2016-01-04",
    ]
    found = document(run(tmp_path, *words, "--grid", "fast=5:15:5", "--grid", "slow=30", "--jobs", "1", "--json"))
    values = [float(row["value"]) for row in found["items"]]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    walked = document(run(tmp_path, *words, "--grid", "fast=5,10", "--walk", "2", "--jobs", "1", "--json"))
    assert len(walked["items"]) == 2


def test_a_report_is_written(tmp_path: Path, recorded_data: Path) -> None:
    out = tmp_path / "r.html"
    words = [
        "backtest",
        "report",
        "crossover",
        "--symbols",
        "SPY",
        "--data",
        str(recorded_data),
        "--since",
        "2019-01-02",
    ]
    assert document(run(tmp_path, *words, "--out", str(out), "--json"))["file"] == str(out)
    assert "SPY: trades" in out.read_text("utf-8")


def test_recorded_quotes_are_played(tmp_path: Path, recorded_data: Path) -> None:
    words = ["backtest", "run", "patient", "--symbols", "SPY", "--data", str(recorded_data), "--span", "minute"]
    found = document(run(tmp_path, *words, "--since", "2013-10-07", "--until", "2013-10-07", "--quotes", "--json"))
    assert len(found["fills"]) > 2
    assert {fill["side"] for fill in found["fills"]} == {"buy", "sell"}
