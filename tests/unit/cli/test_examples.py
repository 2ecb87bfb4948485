"""The programs under `examples/` run as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy import ROOT
from tests.unit.cli.running import served

pytestmark = pytest.mark.slow


def lines_of(name: str, *words: str) -> list[str]:
    """What an example prints."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("BROKER_", "FLOORBROKER_"))}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *words],
        capture_output=True, text=True, check=False, timeout=100, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_library_buys_on_paper() -> None:
    first, held = lines_of("library_order.py")
    assert first.startswith("filled 10 at ")
    assert held == "paper AAPL 10"


def test_the_rest_client_leads_an_order_through_its_life(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        lines = lines_of("rest_client.py", "--home", str(tmp_path), "--url", server.told["url"])
    assert [line.split()[:2] for line in lines[:1]] == [["placed", "new"]]
    assert lines[1:3] == ["changed 5", "cancelled canceled"]
    assert lines[3].startswith("refused ")


def test_a_lost_answer_is_found_out_and_nothing_is_sent_twice() -> None:
    lines = lines_of("lost_answer.py")
    assert lines[-2:] == ["the answer was lost, the order is known: filled 1", "orders at the venue: 1"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("own_strategy.py", "name a folder of recorded prices"), ("rest_client.py", "start a desk first")],
)
def test_what_an_example_needs_is_said_in_one_line(name: str, told: str, tmp_path: Path) -> None:
    words = () if name == "own_strategy.py" else ("--home", str(tmp_path))
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1


def test_two_brokers_are_one_object() -> None:
    lines = lines_of("broker_manager.py")
    assert lines[0].startswith("quote: ALPACA AAPL ")
    assert sorted(line.rsplit(" at ", 1)[0] for line in lines[1:3]) == [
        "filled: alpaca AAPL 2",
        "filled: binance BTC/USDT 0.01000000",
    ]
    assert lines[3].endswith(" of 2")


def test_an_own_strategy_is_tried_on_recorded_prices(recorded_data: Path) -> None:
    first, *statistics = lines_of("own_strategy.py", str(recorded_data))
    assert first == "122 round trips, end equity 101610.8500"
    assert any(line.split()[0] == "sharpe" for line in statistics)
