"""`bot` and `decisions`: a strategy runs at the embedded venue, in a process of its own, and leaves its reasons behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from floorbroker.strategy.bots import Keep, Kept
from tests.unit.cli.running import document, run

OWN = """
from floorbroker import Strategy

class Once(Strategy):
    size: int = 3

    def on_start(self):
        if "done" not in self.state:
            self.state["done"] = True
            self.see(mood="good")
            self.buy(self.symbols[0], self.size, reason="it was time")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a bot ran twice."""
    home = tmp_path_factory.mktemp("home")
    (home / "own.py").write_text(OWN, "utf-8")
    words = ["bot", "run", f"{home}/own.py:Once", "--symbols", "AAPL", "-p", "paper", "--for-s", "0.1", "--quiet"]
    for _ in range(2):
        result = run(home, *words)
        assert result.exit_code == 0, result.stderr
    return home


def test_the_state_is_kept_so_the_second_run_buys_nothing(home: Path) -> None:
    lines = [json.loads(line) for line in run(home, "decisions", "tail", "--json", "--verify").stdout.splitlines()]
    assert len(lines) == 1
    (line,) = lines
    assert (line["bot"], line["environment"]) == ("once", "paper")
    assert (line["agent_reasoning"], line["ord_status"]) == ("it was time", "filled")
    assert line["order_id"].startswith("P")
    assert line["market_context"]["mood"] == "good"
    orders = document(run(home, "order", "list", "-p", "paper", "--json"))["items"]
    assert [(order["strategy"], order["quantity"], order["id"]) for order in orders] == [
        ("once", "3", line["intent_id"])
    ]


def test_bots_are_listed(home: Path) -> None:
    (row,) = document(run(home, "bot", "list", "--json"))["items"]
    assert (row["name"], row["state"], row["open_orders"]) == ("once", "may run", 0)
    assert json.loads((home / "bots" / "once.json").read_text("utf-8"))["environment"] == "paper"
    assert run(home, "bot", "list").stdout.splitlines()[0].split()[0] == "NAME"


def test_a_whole_chain_is_said_to_be_whole_and_a_refusal_says_why(home: Path, tmp_path: Path) -> None:
    assert "is what was written" in run(home, "decisions", "tail", "--verify").stderr
    line = {
        **json.loads((home / "decisions.jsonl").read_text("utf-8")),
        "ord_status": "not_sent",
        "refused": "too much",
    }
    (tmp_path / "decisions.jsonl").write_text(f"{json.dumps(line)}\n", "utf-8")
    assert "[not_sent: too much]" in run(tmp_path, "decisions", "tail").stdout


def test_a_changed_line_is_found(home: Path, tmp_path: Path) -> None:
    text = (home / "decisions.jsonl").read_text("utf-8")
    (tmp_path / "decisions.jsonl").write_text(text.replace("it was time", "it was late"), "utf-8")
    result = run(tmp_path, "decisions", "tail", "--verify")
    assert result.exit_code == 11
    assert "decisions.jsonl:1" in result.stderr
    assert "it was late" in run(tmp_path, "decisions", "tail", "--strategy", "once").stdout


def test_a_bot_that_was_stopped_for_failing_waits_for_a_person(tmp_path: Path) -> None:
    Keep(tmp_path / "bots" / "crossover.json").write(Kept(strategy="crossover", parameters={}, stopped="it threw"))
    result = run(tmp_path, "bot", "run", "crossover", "--symbols", "AAPL", "-p", "paper", "--for-s", "0")
    assert result.exit_code == 13
    assert "it threw" in result.stderr


def test_ctrl_c_at_a_terminal_is_for_the_bot_and_not_for_its_strategy(tmp_path: Path) -> None:
    """A terminal sends the signal to every process of the group: the strategy's must not take it for its own end."""
    (tmp_path / "own.py").write_text(
        "from floorbroker import Strategy\n\nclass Rests(Strategy):\n    def on_quote(self, quote):\n"
        "        if not self.state:\n            self.state['sent'] = True\n"
        "            self.buy(quote.symbol, 1, limit=round(quote.bid * 95 / 100, 2))\n\n"
        "    def on_order(self, order):\n        print('it is there')\n",
        "utf-8",
    )
    words = ["bot", "run", f"{tmp_path}/own.py:Rests", "--symbols", "AAPL", "-p", "paper", "--for-s", "120"]
    command = [sys.executable, "-m", "floorbroker", "--home", str(tmp_path), *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert any("it is there" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        told = process.stderr.read()
    assert (process.returncode, "Traceback" in told) == (0, False), told
    assert "bot rests stopped" in told
    (order,) = document(run(tmp_path, "order", "list", "-p", "paper", "--json"))["items"]
    assert order["is_open"]


def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "bot", "run", "crossover", "--symbols", "AAPL", "--name", "../x")
    assert result.exit_code == 2
    assert "--name ../x" in result.stderr


def test_without_decisions_there_is_a_friendly_word(tmp_path: Path) -> None:
    result = run(tmp_path, "decisions", "tail")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no decisions yet" in result.stderr
